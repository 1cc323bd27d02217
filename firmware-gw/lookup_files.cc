#include "firmware-gw/lookup_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <set>
#include <variant>

#include "base/csv.h"
#include "base/sqlite.h"
#include "base/text.h"
#include "pipeline/lookup.h"

namespace wayside {
namespace {

constexpr size_t kPiece = 64 << 10;
// The loop waits meanwhile. A database that is written for longer is read at the next refresh.
constexpr auto kLookupPatience = std::chrono::milliseconds(100);

// Nothing for NULL; a number where a database has one.
using Cell = std::variant<std::monostate, std::string_view, double>;

// Takes rows, and makes of them what the columns are to be.
class Taken {
 public:
  explicit Taken(const LookupOptions& options) : options_(options) {
    contents_.columns = Lookup::columns_of(options);
    contents_.cells.resize(contents_.columns.size());
  }

  // `cells`: the one that is matched, as a text, with `since` its time, then the columns. `place`
  // is for errors.
  Status take(const std::vector<Cell>& cells, const std::string& place) {
    if (contents_.keys.size() == options_.max_rows) {
      return wrong(place,
                   "there are more rows than max_rows = " + std::to_string(options_.max_rows));
    }
    const auto* key = std::get_if<std::string_view>(&cells[0]);
    if (!key) return {};  // nothing is equal to NULL
    const bool has_since = !options_.since.empty();
    int64_t since_ms = kTimeMin;
    if (has_since && !read_since(cells[1], since_ms)) {
      return wrong(place, options_.since + ": '" + shown(cells[1]) +
                              "' is no time such as 2026-03-01T12:00:00Z");
    }
    if (!known_.emplace(*key, since_ms).second) {
      return wrong(place, "'" + shortened(*key) + "' stands in " + options_.column +
                              " of another row, too" + (has_since ? ", since the same time" : ""));
    }
    contents_.keys.emplace_back(*key);
    if (has_since) contents_.since.push_back(since_ms);
    for (size_t c = 0; c < contents_.columns.size(); ++c) {
      const Field& column = contents_.columns[c];
      const Cell& cell = cells[c + 1 + has_since];
      Value value;
      if (!convert(cell, column.type, value)) {
        return wrong(place, column.name + ": '" + shown(cell) + "' is no number");
      }
      contents_.cells[c].push_back(std::move(value));
    }
    return {};
  }
  LookupContents& contents() { return contents_; }

  Error wrong(const std::string& place, const std::string& what) const {
    return {ErrorCode::kBadData, options_.file + place + ": " + what};
  }

 private:
  static bool convert(const Cell& cell, FieldType type, Value& value) {
    if (const auto* number = std::get_if<double>(&cell)) {
      value = *number;
      return std::isfinite(*number);
    }
    const auto* text = std::get_if<std::string_view>(&cell);
    if (!text) return true;
    if (type == FieldType::kText) {
      value = std::string(*text);
      return true;
    }
    if (text->empty()) return true;
    double number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    value = number;
    return error == std::errc() && end == text->data() + text->size() && std::isfinite(number);
  }
  // Nothing is from ever.
  static bool read_since(const Cell& cell, int64_t& since_ms) {
    const auto* text = std::get_if<std::string_view>(&cell);
    if (!text) return std::holds_alternative<std::monostate>(cell);
    if (text->empty()) return true;
    const auto time = parse_rfc3339_ms(*text);
    since_ms = time.value_or(kTimeMin);
    return time.has_value();
  }
  static std::string shown(const Cell& cell) {
    const auto* text = std::get_if<std::string_view>(&cell);
    return text ? shortened(*text) : std::to_string(std::get<double>(cell));
  }

  const LookupOptions& options_;
  LookupContents contents_;
  std::set<std::pair<std::string, int64_t>> known_;  // texts, and since when
};

Error too_large(const LookupOptions& options) {
  return {ErrorCode::kBadData,
          options.file + ": has more than max_bytes = " + format_bytes(options.max_bytes)};
}

// Not more than max_bytes, however it grows meanwhile.
Result<std::string> read_bounded(const LookupOptions& options, Disk& disk) {
  WS_ASSIGN(const auto file, disk.open(options.file, Disk::Mode::kRead));
  std::string bytes;
  while (bytes.size() <= options.max_bytes) {
    const size_t begin = bytes.size();
    bytes.resize(begin + kPiece);
    WS_ASSIGN(const size_t got, file->read_at(begin, bytes.data() + begin, kPiece));
    bytes.resize(begin + got);
    if (got < kPiece && bytes.size() <= options.max_bytes) return bytes;
  }
  return too_large(options);
}

Result<LookupContents> read_csv(const LookupOptions& options, Disk& disk) {
  WS_ASSIGN(const std::string text, read_bounded(options, disk));
  Taken taken(options);
  CsvReader reader(text);
  const auto open_quote = [&] {
    return taken.wrong(":" + std::to_string(reader.line()), "a quote is not closed");
  };
  std::vector<std::string_view> head;
  const bool is_there = reader.next(head);
  if (reader.unfinished()) return open_quote();
  if (!is_there) return taken.wrong("", "is empty; its first line names the columns");
  std::vector<size_t> places;
  auto find = [&](const std::string& name) {
    places.push_back(size_t(std::find(head.begin(), head.end(), name) - head.begin()));
    return places.back() < head.size();
  };
  std::vector<std::string> wanted = {options.column};
  if (!options.since.empty()) wanted.push_back(options.since);
  for (const Field& column : taken.contents().columns) wanted.push_back(column.name);
  for (const std::string& name : wanted) {
    if (find(name)) continue;
    const auto near = nearest(name, std::vector<std::string>(head.begin(), head.end()));
    return taken.wrong(":1", "there is no column '" + name + "'" +
                                 (near ? "; did you mean '" + *near + "'?" : ""));
  }
  std::vector<std::string_view> row;
  std::vector<Cell> cells(places.size());
  while (reader.next(row)) {
    if (reader.unfinished()) break;  // whatever else is wrong with it
    const std::string place = ":" + std::to_string(reader.line());
    if (row.size() != head.size()) {
      return taken.wrong(place, std::to_string(row.size()) + " cells where the first line has " +
                                    std::to_string(head.size()));
    }
    for (size_t i = 0; i < places.size(); ++i) cells[i] = row[places[i]];
    WS_TRY(taken.take(cells, place));
  }
  if (reader.unfinished()) return open_quote();
  return std::move(taken.contents());
}

// Numbers come as they are: SQLite's texts of them have 15 digits.
Cell cell_of(const Statement& row, int index, bool wants_number) {
  if (row.is_null(index)) return {};
  if (wants_number && row.is_number(index)) return row.column_double(index);
  return row.column_text(index);
}

Result<LookupContents> read_database(const LookupOptions& options) {
  Taken taken(options);
  // With the table before it a name is that of a column; else it might pass for a text. Ordered,
  // since a database may move its rows without a change of what they say.
  const std::string matched = "t." + sql_name(options.column);
  std::string sql = "SELECT " + matched;
  const std::vector<Field>& columns = taken.contents().columns;
  const size_t first = options.since.empty() ? 1 : 2;
  const std::string since = first == 1 ? "" : ", t." + sql_name(options.since);
  sql += since;
  for (const Field& column : columns) sql += ", t." + sql_name(column.name);
  sql +=
      " FROM " + sql_name(options.table) + " AS t ORDER BY " + matched + " COLLATE BINARY" + since;
  auto db = Database::open(options.file, Database::Mode::kReadOnly);
  if (!db.ok()) return taken.wrong("", db.error().message);
  (*db)->set_patience(kLookupPatience);
  auto select = (*db)->prepare(sql);
  if (!select.ok()) return taken.wrong("", select.error().message);
  std::vector<Cell> cells(columns.size() + first);
  for (size_t row = 1;; ++row) {
    const std::string place = ", row " + std::to_string(row) + " of " + options.table;
    const auto there = select->step();
    if (!there.ok()) return taken.wrong(place, there.error().message);
    if (!*there) break;
    for (size_t i = 0; i < cells.size(); ++i) {
      const bool number = i >= first && columns[i - first].type == FieldType::kNumber;
      cells[i] = cell_of(*select, int(i), number);
    }
    WS_TRY(taken.take(cells, place));
  }
  return std::move(taken.contents());
}

// A database in WAL mode changes in its log first.
std::string state_of(const std::string& path) {
  std::string state;
  for (const std::string& each : {path, path + "-wal"}) {
    struct stat is {};
    if (::stat(each.c_str(), &is) != 0) continue;
    // The time of the last change, too: whoever writes a file may set that of its contents back.
    for (const timespec& time : {is.st_mtim, is.st_ctim}) {
      state += std::to_string(time.tv_sec) + '.' + std::to_string(time.tv_nsec) + ' ';
    }
    state += std::to_string(is.st_ino) + ' ' + std::to_string(is.st_size) + ' ';
  }
  return state;
}

}  // namespace

Result<LookupContents> read_lookup(const LookupOptions& options, Disk& disk) {
  struct stat is {};
  if (::stat(options.file.c_str(), &is) != 0) {
    return Error{ErrorCode::kIo, options.file + ": " + std::generic_category().message(errno)};
  }
  // A pipe would hold up whoever opens it, a device has no end.
  if (!S_ISREG(is.st_mode)) {
    return Error{ErrorCode::kBadData, options.file + ": is no regular file"};
  }
  if (uint64_t(is.st_size) > options.max_bytes) return too_large(options);
  auto contents = options.file.ends_with(".csv") ? read_csv(options, disk) : read_database(options);
  if (contents.ok() && contents->encode().size() > options.max_bytes) {
    return Error{ErrorCode::kBadData, options.file + ": its columns hold more than max_bytes"};
  }
  return contents;
}

LookupFiles::LookupFiles(const std::vector<LookupOptions>& lookups) {
  for (const LookupOptions& options : lookups) files_.push_back({options});
}

std::optional<Note> LookupFiles::next(const Pipeline& pipeline, int64_t timer_ms) {
  for (File& file : files_) {
    if (file.due_ms > timer_ms) continue;
    file.due_ms = timer_ms + file.options.refresh_ms;
    if (auto note = look(file, pipeline)) return note;
  }
  return {};
}

int64_t LookupFiles::next_ms() const {
  int64_t next = kTimeMax;
  for (const File& file : files_) next = std::min(next, file.due_ms);
  return next;
}

// What is wrong is told once, until it is something else; but the file is read again each time,
// since what was wrong, a lock or a lack of rights, need not have been in it.
std::optional<Note> LookupFiles::look(File& file, const Pipeline& pipeline) {
  const std::string& name = file.options.name;
  std::string state = state_of(file.options.file);
  if (!state.empty() && state == file.state) return {};
  file.state = std::move(state);
  const auto contents = read_lookup(file.options);
  if (!contents.ok()) {
    file.state.clear();
    if (std::exchange(file.error, contents.error().message) == file.error) return {};
    return Note{Note::Kind::kLookupFailed, 0, name, file.error + "; what was read before stays"};
  }
  file.error.clear();
  std::string bytes = contents->encode();
  if (bytes == pipeline.lookup_contents(name)) return {};
  return Note{Note::Kind::kLookup, 0, name, std::move(bytes)};
}

}  // namespace wayside
