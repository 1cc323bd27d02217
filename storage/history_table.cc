#include "storage/history_table.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace wayside {
namespace {

constexpr size_t kColumnsMax = 1'990;  // SQLite has a limit of 2000
constexpr const char* kTypes[] = {"REAL", "TEXT", "INT"};

// Whole numbers between two ends, both included.
struct Whole {
  int64_t from;
  int64_t to;

  void cut(const SqlBound& bound) {
    if (const auto* whole = std::get_if<int64_t>(&bound.value)) cut(bound.compare, *whole);
    if (const auto* number = std::get_if<double>(&bound.value)) cut(bound.compare, *number);
  }

 private:
  using Compare = SqlBound::Compare;
  static constexpr double kEnd = 9.2e18;

  // With `<` as with `<=`: SQLite looks again.
  void cut(Compare compare, int64_t value) {
    if (compare != Compare::kGreater && compare != Compare::kAtLeast) to = std::min(to, value);
    if (compare != Compare::kLess && compare != Compare::kAtMost) from = std::max(from, value);
  }
  void cut(Compare compare, double value) {
    if (std::abs(value) >= kEnd) return;
    if (compare != Compare::kGreater && compare != Compare::kAtLeast) {
      to = std::min(to, static_cast<int64_t>(std::ceil(value)));
    }
    if (compare != Compare::kLess && compare != Compare::kAtMost) {
      from = std::max(from, static_cast<int64_t>(std::floor(value)));
    }
  }
};

}  // namespace

// ---- rows

class HistoryTable::Scan : public SqlScan {
 public:
  Scan(const HistoryTable& table, std::unique_ptr<History::Scan> scan)
      : table_(table), scan_(std::move(scan)) {}

  Result<bool> next() override {
    if (!scan_) return false;
    return scan_->next();
  }

  void column(size_t column, SqlCell& cell) const override {
    const History::Reading& reading = scan_->reading();
    const ReadingBatch& batch = scan_->batch();
    const NamedSchema& source = table_.history_.sources()[reading.source];
    switch (column) {
      case kSource:
        return cell.set(source.source);
      case kKey:
        return set_text(batch, batch.keys()[reading.row], cell);
      case kTime:
        return cell.set(batch.times[reading.row]);
      case kEntry:
        return cell.set(static_cast<int64_t>(scan_->entry()));
      case kPlace:
        return cell.set(static_cast<int64_t>(reading.place));
      case kArrived:
        return cell.set(reading.arrived_ms);
      default:
        break;
    }
    const size_t field = table_.fields_[column - kCommon][reading.source];
    if (field == kNoField) return;
    const Column& values = batch.columns[field];
    if (source.schema.fields[field].type == FieldType::kText) {
      return set_text(batch, values.texts[reading.row], cell);
    }
    const double number = values.numbers[reading.row];
    if (is_null(number)) return;
    if (source.schema.fields[field].type == FieldType::kBool) return cell.set(int64_t(number != 0));
    cell.set(number);
  }

 private:
  static void set_text(const ReadingBatch& batch, uint32_t id, SqlCell& cell) {
    if (id != Interner::kNone) cell.set(batch.texts.text(id));
  }

  const HistoryTable& table_;
  std::unique_ptr<History::Scan> scan_;  // null: no row at all
};

// ---- the table

HistoryTable::HistoryTable(History& history, std::optional<size_t> source)
    : history_(history), source_(source) {
  columns_ = {{"source", "TEXT"}, {"key", "TEXT"},  {"time", "INT"},
              {"entry", "INT"},   {"place", "INT"}, {"arrived", "INT"}};
  for (size_t s = 0; s < history.sources().size(); ++s) {
    if (source && *source != s) continue;
    for (size_t f = 0; f < history.sources()[s].schema.fields.size(); ++f) add_field(s, f);
  }
}

// A field of the same name, in whichever source, is the same column. One that is called like a
// column that each reading has gets a `_` behind its name.
void HistoryTable::add_field(size_t source, size_t field) {
  const Field& f = history_.sources()[source].schema.fields[field];
  std::string name = f.name;
  const auto taken = [&] {
    return std::any_of(columns_.begin(), columns_.begin() + kCommon,
                       [&](const SqlColumn& c) { return same_name(c.name, name); });
  };
  while (taken()) name += '_';
  for (size_t c = kCommon; c < columns_.size(); ++c) {
    if (!same_name(columns_[c].name, name)) continue;
    std::vector<size_t>& fields = fields_[c - kCommon];
    if (fields[source] != kNoField) {  // `temp` and `Temp` of one source
      name += '_';
      c = kCommon - 1;
      continue;
    }
    fields[source] = field;
    if (columns_[c].type != kTypes[size_t(f.type)]) columns_[c].type.clear();
    return;
  }
  if (columns_.size() >= kColumnsMax) return;
  columns_.push_back({name, kTypes[size_t(f.type)]});
  fields_.emplace_back(history_.sources().size(), kNoField);
  fields_.back()[source] = field;
}

bool HistoryTable::is_key(size_t column) const {
  if (column < kCommon) return column == kKey;
  const std::vector<size_t>& fields = fields_[column - kCommon];
  for (size_t s = 0; s < fields.size(); ++s) {
    if (fields[s] != kNoField && fields[s] != history_.sources()[s].schema.key) return false;
  }
  return true;
}

double HistoryTable::share_with(size_t column, SqlBound::Compare compare) const {
  const bool equal = compare == SqlBound::Compare::kEqual;
  if (column == kTime || column == kEntry) return equal ? 1e-6 : 0.05;
  if (column == kSource) return equal ? 0.5 : 1;
  return equal && is_key(column) ? 0.1 : 1;
}

Error time_is_no_text(const std::string& text) {
  return {ErrorCode::kUsage, "time is in ms since 1970, and '" + text +
                                 "' is a text; write ms('2026-03-01T12:00:00Z') or ago('1h')"};
}

Status HistoryTable::narrow(const SqlBound& bound, History::Range& range) const {
  const auto* text = std::get_if<std::string>(&bound.value);
  if (std::holds_alternative<std::monostate>(bound.value)) {
    range.last_entry = 0;  // nothing compares with NULL
  } else if (bound.column == kSource) {
    if (text) narrow_to_source(*text, range);
  } else if (bound.column == kTime && text) {
    return time_is_no_text(*text);
  } else if (bound.column == kTime) {
    Whole times{range.from_ms, range.to_ms};
    times.cut(bound);
    range.from_ms = times.from;
    range.to_ms = times.to;
  } else if (bound.column == kEntry) {
    Whole entries{static_cast<int64_t>(range.first_entry),
                  static_cast<int64_t>(std::min<uint64_t>(range.last_entry, kTimeMax))};
    entries.cut(bound);
    range.first_entry = static_cast<uint64_t>(std::max<int64_t>(entries.from, 1));
    range.last_entry = static_cast<uint64_t>(std::max<int64_t>(entries.to, 0));
  } else if (text) {
    range.key = *text;
  }
  return {};
}

void HistoryTable::narrow_to_source(const std::string& name, History::Range& range) const {
  for (size_t s = 0; s < history_.sources().size(); ++s) {
    if (history_.sources()[s].source != name || range.source.value_or(s) != s) continue;
    range.source = s;
    return;
  }
  range.last_entry = 0;
}

Result<std::unique_ptr<SqlScan>> HistoryTable::scan(const std::vector<SqlBound>& bounds,
                                                    const std::function<bool()>& expired) {
  History::Range range;
  range.source = source_;
  for (const SqlBound& bound : bounds) WS_TRY(narrow(bound, range));
  std::unique_ptr<History::Scan> scan;
  const bool empty = range.from_ms > range.to_ms || range.first_entry > range.last_entry;
  if (!empty) {
    WS_ASSIGN(scan, history_.scan(std::move(range), expired));
  }
  return std::unique_ptr<SqlScan>(new Scan(*this, std::move(scan)));
}

}  // namespace wayside
