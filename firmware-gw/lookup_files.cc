#include "firmware-gw/lookup_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>
#include <sstream>

#include "base/csv.h"
#include "base/sqlite.h"
#include "base/text.h"
#include "pipeline/lookup.h"

namespace wayside {
namespace {

// Takes rows as texts, and makes of them what the columns are to be.
class Taken {
 public:
  explicit Taken(const LookupOptions& options) : options_(options) {
    contents_.columns = Lookup::columns_of(options);
    contents_.cells.resize(contents_.columns.size());
  }

  // `cells`: the one that is matched, then the columns. `place` is for errors.
  Status take(const std::vector<std::optional<std::string_view>>& cells, const std::string& place) {
    if (contents_.keys.size() == options_.max_rows) {
      return wrong(place,
                   "there are more rows than max_rows = " + std::to_string(options_.max_rows));
    }
    if (!cells[0]) return {};  // nothing is equal to NULL
    if (!known_.emplace(*cells[0]).second) {
      return wrong(place, "'" + std::string(*cells[0]) + "' stands in " + options_.column +
                              " of another row, too");
    }
    contents_.keys.emplace_back(*cells[0]);
    for (size_t c = 0; c < contents_.columns.size(); ++c) {
      const Field& column = contents_.columns[c];
      Value value;
      if (cells[c + 1] && !convert(*cells[c + 1], column.type, value)) {
        return wrong(place, column.name + ": '" + std::string(*cells[c + 1]) + "' is no number");
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
  static bool convert(std::string_view cell, FieldType type, Value& value) {
    if (type == FieldType::kText) {
      value = std::string(cell);
      return true;
    }
    if (cell.empty()) return true;
    double number = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
    value = number;
    return error == std::errc() && end == cell.data() + cell.size() && std::isfinite(number);
  }

  const LookupOptions& options_;
  LookupContents contents_;
  std::set<std::string, std::less<>> known_;
};

Result<LookupContents> read_csv(const LookupOptions& options) {
  std::ifstream in(options.file, std::ios::binary);
  std::stringstream bytes;
  bytes << in.rdbuf();
  if (!in) return Error{ErrorCode::kIo, options.file + ": cannot be read"};
  const std::string text = bytes.str();
  Taken taken(options);
  CsvReader reader(text);
  std::vector<std::string> head;
  if (!reader.next(head)) return taken.wrong("", "is empty; its first line names the columns");
  std::vector<size_t> places;
  auto find = [&](const std::string& name) {
    places.push_back(size_t(std::find(head.begin(), head.end(), name) - head.begin()));
    return places.back() < head.size();
  };
  std::vector<std::string> wanted = {options.column};
  for (const Field& column : taken.contents().columns) wanted.push_back(column.name);
  for (const std::string& name : wanted) {
    if (find(name)) continue;
    const auto near = nearest(name, head);
    return taken.wrong(":1", "there is no column '" + name + "'" +
                                 (near ? "; did you mean '" + *near + "'?" : ""));
  }
  std::vector<std::string> row;
  std::vector<std::optional<std::string_view>> cells(places.size());
  while (reader.next(row)) {
    const std::string place = ":" + std::to_string(reader.line());
    if (row.size() != head.size()) {
      return taken.wrong(place, std::to_string(row.size()) + " cells where the first line has " +
                                    std::to_string(head.size()));
    }
    for (size_t i = 0; i < places.size(); ++i) cells[i] = row[places[i]];
    WS_TRY(taken.take(cells, place));
  }
  if (reader.unfinished()) {
    return taken.wrong(":" + std::to_string(reader.line()), "a quote is not closed");
  }
  return std::move(taken.contents());
}

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

Result<LookupContents> read_database(const LookupOptions& options) {
  Taken taken(options);
  // With the table before it a name is that of a column; else it might pass for a text.
  std::string sql = "SELECT t." + quoted(options.column);
  for (const Field& column : taken.contents().columns) sql += ", t." + quoted(column.name);
  sql += " FROM " + quoted(options.table) + " AS t";
  auto db = Database::open(options.file, Database::Mode::kReadOnly);
  if (!db.ok()) return taken.wrong("", db.error().message);
  auto select = (*db)->prepare(sql);
  if (!select.ok()) return taken.wrong("", select.error().message);
  std::vector<std::optional<std::string_view>> cells(taken.contents().columns.size() + 1);
  for (size_t row = 1;; ++row) {
    const std::string place = ", row " + std::to_string(row) + " of " + options.table;
    const auto there = select->step();
    if (!there.ok()) return taken.wrong(place, there.error().message);
    if (!*there) break;
    for (size_t i = 0; i < cells.size(); ++i) {
      cells[i].reset();
      if (!select->column_is_null(int(i))) cells[i] = select->column_text(int(i));
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
    for (const auto number : {int64_t(is.st_ino), int64_t(is.st_size), int64_t(is.st_mtim.tv_sec),
                              int64_t(is.st_mtim.tv_nsec)}) {
      state += std::to_string(number) + ' ';
    }
  }
  return state;
}

}  // namespace

Result<LookupContents> read_lookup(const LookupOptions& options) {
  struct stat is {};
  if (::stat(options.file.c_str(), &is) != 0) {
    return Error{ErrorCode::kIo, options.file + ": " + std::generic_category().message(errno)};
  }
  if (uint64_t(is.st_size) > options.max_bytes) {
    return Error{ErrorCode::kBadData, options.file + ": has " + std::to_string(is.st_size) +
                                          " bytes, more than max_bytes allows"};
  }
  auto contents = options.file.ends_with(".csv") ? read_csv(options) : read_database(options);
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

// What is wrong is told once, until it is something else.
std::optional<Note> LookupFiles::look(File& file, const Pipeline& pipeline) {
  const std::string& name = file.options.name;
  std::string state = state_of(file.options.file);
  if (!state.empty() && state == file.state) return {};
  file.state = std::move(state);
  const auto contents = read_lookup(file.options);
  if (!contents.ok()) {
    if (std::exchange(file.error, contents.error().message) == file.error) return {};
    return Note{Note::Kind::kLookupFailed, 0, name, file.error + "; what was read before stays"};
  }
  file.error.clear();
  std::string bytes = contents->encode();
  if (bytes == pipeline.lookup_contents(name)) return {};
  return Note{Note::Kind::kLookup, 0, name, std::move(bytes)};
}

}  // namespace wayside
