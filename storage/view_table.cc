#include "storage/view_table.h"

#include <algorithm>
#include <numeric>

#include "storage/store_rows.h"
#include "storage/view_tables.h"

namespace wayside {

class ViewTable::Scan : public SqlScan {
 public:
  Scan(Database& db, const std::vector<SqlColumn>& columns, std::vector<SqlBound> bounds,
       Statement select, std::function<bool()> expired)
      : db_(db),
        columns_(columns),
        bounds_(std::move(bounds)),
        select_(std::move(select)),
        expired_(std::move(expired)) {
    for (size_t i = 0; i < bounds_.size(); ++i) {
      const int at = static_cast<int>(i) + 1;
      const SqlValue& value = bounds_[i].value;
      if (const auto* whole = std::get_if<int64_t>(&value)) select_.bind(at, *whole);
      if (const auto* number = std::get_if<double>(&value)) select_.bind(at, *number);
      if (const auto* text = std::get_if<std::string>(&value)) {
        select_.bind(at, std::string_view(*text));
      }
    }
  }

  Result<bool> next() override {
    constexpr uint64_t kLookEvery = 256;
    if (++rows_ % kLookEvery == 0 && expired_()) {
      return Error{ErrorCode::kUnavailable, "the time for it is over"};
    }
    // It may pass over many rows before there is one to show.
    db_.end_when(&expired_);
    auto there = select_.step();
    db_.end_when(nullptr);
    return there;
  }

  void column(size_t column, SqlCell& cell) const override {
    const int i = static_cast<int>(column);
    if (select_.is_null(i)) return;
    const std::string& type = columns_[column].type;
    if (type == "TEXT") return cell.set(select_.column_text(i));
    type == "REAL" ? cell.set(select_.column_double(i)) : cell.set(select_.column_int(i));
  }

 private:
  Database& db_;
  const std::vector<SqlColumn>& columns_;
  const std::vector<SqlBound> bounds_;  // borrowed by the statement
  Statement select_;
  std::function<bool()> expired_;
  uint64_t rows_ = 0;
};

Result<std::vector<std::unique_ptr<ViewTable>>> ViewTable::open_all(Disk& disk,
                                                                    const std::string& state_dir) {
  std::vector<std::unique_ptr<ViewTable>> all;
  WS_ASSIGN(const std::vector<std::string> names, disk.list(state_dir));
  if (!std::binary_search(names.begin(), names.end(), "wayside.db")) return all;
  WS_ASSIGN(auto db,
            Database::open(db_path(state_dir), Database::Mode::kReadOnly, disk.sqlite_vfs()));
  const std::shared_ptr<Database> shared = std::move(db);
  WS_TRY(shared->begin_read());
  // One of an older release has none.
  WS_ASSIGN(const int64_t there,
            shared->number("SELECT count(*) FROM sqlite_master WHERE name = 'views'"));
  if (there == 0) return all;
  WS_ASSIGN(Statement views, shared->prepare(std::string("SELECT ") + ViewTables::Entry::kColumns +
                                             ", name FROM views ORDER BY name"));
  while (true) {
    WS_ASSIGN(const bool more, views.step());
    if (!more) break;
    auto view = std::make_unique<ViewTable>();
    view->db_ = shared;
    view->name_ = views.column_text(6);
    WS_ASSIGN(const ViewTables::Entry entry, ViewTables::read_entry(view->name_, views));
    view->keys_ = entry.keys;
    view->rows_ = entry.rows;
    view->evicted_ = entry.evicted;
    WS_TRY(view->find_columns());
    if (view->keys_ > view->columns_.size()) {
      return Error{ErrorCode::kBadData, "the rows of view " + view->name_ + " are gone"};
    }
    all.push_back(std::move(view));
  }
  return all;
}

Status ViewTable::find_columns() {
  WS_ASSIGN(Statement columns, db_->prepare("SELECT name, type FROM pragma_table_info(?)"));
  const std::string table = ViewTables::table_of(name_);
  columns.bind(1, std::string_view(table));
  while (true) {
    WS_ASSIGN(const bool more, columns.step());
    if (!more) return {};
    columns_.push_back({std::string(columns.column_text(0)), std::string(columns.column_text(1))});
  }
}

std::vector<size_t> ViewTable::key() const {
  std::vector<size_t> columns(keys_);
  std::iota(columns.begin(), columns.end(), size_t{0});
  return columns;
}

// Only what names a row is found faster by the store. With the rest SQLite looks at each row, and
// thus at the limits of the question.
double ViewTable::share_with(size_t column, SqlBound::Compare compare) const {
  if (column >= keys_) return 1;
  return compare == SqlBound::Compare::kEqual ? 0.001 : 0.5;
}

Result<std::unique_ptr<SqlScan>> ViewTable::scan(const std::vector<SqlBound>& bounds,
                                                 const std::function<bool()>& expired) {
  constexpr const char* kCompares[] = {"=", "<", "<=", ">", ">="};
  std::string sql = "SELECT * FROM " + sql_name(ViewTables::table_of(name_));
  for (const SqlBound& bound : bounds) {
    sql += &bound == &bounds.front() ? " WHERE " : " AND ";
    sql += sql_name(columns_[bound.column].name) + ' ' +
           kCompares[static_cast<size_t>(bound.compare)] + " ?";
  }
  WS_ASSIGN(Statement select, db_->prepare(sql));
  return std::unique_ptr<SqlScan>(new Scan(*db_, columns_, bounds, std::move(select), expired));
}

}  // namespace wayside
