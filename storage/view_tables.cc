#include "storage/view_tables.h"

#include <algorithm>
#include <functional>

#include "storage/store_rows.h"

namespace wayside {
namespace {

constexpr uint64_t kEvictedShare = 16;  // a sixteenth goes at once, so that few scans look for it

std::string table(const ViewShape& shape) { return sql_name(ViewTables::table_of(shape.name)); }

const char* type_text(FieldType type) {
  if (type == FieldType::kText) return "TEXT";
  return type == FieldType::kBool ? "INT" : "REAL";
}

// `what` for each number from `begin` to `end`, with `between` between.
std::string list(size_t begin, size_t end, const char* between,
                 const std::function<std::string(size_t)>& what) {
  std::string out;
  for (size_t i = begin; i < end; ++i) out += (i > begin ? between : "") + what(i);
  return out;
}

// NULL is what is not bound.
void bind(Statement& statement, int index, const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return statement.bind(index, *number);
  if (const auto* flag = std::get_if<bool>(&value)) return statement.bind(index, int64_t{*flag});
  if (const auto* text = std::get_if<std::string>(&value)) {
    statement.bind(index, std::string_view(*text));
  }
}

int64_t crc_of(std::string_view name, const ViewTables::Entry& e) {
  return row_crc({name}, {e.meaning, e.entry, e.rows, e.evicted, e.keys});
}

ViewRow read_row(const ViewShape& shape, const Statement& row) {
  ViewRow values;
  for (size_t i = 0; i < shape.columns.size(); ++i) {
    const int at = static_cast<int>(i);
    Value value;
    if (row.is_null(at)) {
      value = std::monostate();
    } else if (shape.columns[i].type == FieldType::kText) {
      value = std::string(row.column_text(at));
    } else if (shape.columns[i].type == FieldType::kBool) {
      value = row.column_int(at) != 0;
    } else {
      value = row.column_double(at);
    }
    values.emplace_back(shape.columns[i].name, std::move(value));
  }
  return values;
}

}  // namespace

const char* ViewTables::schema() {
  return R"(
  CREATE TABLE IF NOT EXISTS views(name TEXT PRIMARY KEY, meaning INTEGER NOT NULL, entry INTEGER NOT NULL,
                                   rows INTEGER NOT NULL, evicted INTEGER NOT NULL, keys INTEGER NOT NULL,
                                   crc INTEGER NOT NULL) WITHOUT ROWID;
)";
}

Result<ViewTables::Entry> ViewTables::read_entry(std::string_view name, const Statement& row) {
  const Entry entry{as_u64(row.column_int(0)), as_u64(row.column_int(1)), as_u64(row.column_int(2)),
                    as_u64(row.column_int(3)), as_u64(row.column_int(4))};
  if (row.column_int(5) != crc_of(name, entry)) return damaged_row("views");
  return entry;
}

Result<std::vector<std::string>> ViewTables::names(const char* which) const {
  std::vector<std::string> names;
  WS_ASSIGN(Statement known, db_.prepare(std::string("SELECT name FROM views WHERE ") + which));
  while (true) {
    WS_ASSIGN(const bool more, known.step());
    if (!more) return names;
    names.emplace_back(known.column_text(0));
  }
}

Status ViewTables::clear() {
  next_.clear();
  WS_ASSIGN(const std::vector<std::string> used, names("entry > 0"));
  for (const std::string& name : used) WS_TRY(drop(name));
  return {};
}

Status ViewTables::set(const std::vector<ViewShape>& shapes) {
  next_.clear();
  std::vector<const View*> fresh;
  next_.reserve(shapes.size());
  WS_ASSIGN(std::vector<std::string> gone, names("TRUE"));
  for (const ViewShape& shape : shapes) {
    View& view = next_.emplace_back();
    view.shape = std::make_shared<const ViewShape>(shape);
    WS_ASSIGN(const bool kept, load(view));
    if (kept) {
      std::erase(gone, shape.name);
    } else {
      fresh.push_back(&view);
    }
  }
  for (const std::string& name : gone) WS_TRY(drop(name));
  // What is kept is not written: a full disk has no room for it.
  for (const View* view : fresh) WS_TRY(create(*view));
  return {};
}

// False: there are no rows that mean what they are to.
Result<bool> ViewTables::load(View& view) const {
  const std::string& name = view.shape->name;
  WS_ASSIGN(Statement get,
            db_.prepare(std::string("SELECT ") + Entry::kColumns + " FROM views WHERE name = ?"));
  get.bind(1, std::string_view(name));
  WS_ASSIGN(const bool there, get.step());
  if (!there) return false;
  WS_ASSIGN(const Entry saved, read_entry(name, get));
  if (saved.meaning != view.shape->meaning) return false;
  view.entry = saved.entry;
  view.rows = saved.rows;
  view.evicted = saved.evicted;
  return true;
}

Status ViewTables::drop(const std::string& name) {
  WS_TRY(db_.exec(("DROP TABLE IF EXISTS " + sql_name(table_of(name))).c_str()));
  WS_ASSIGN(Statement forget, db_.prepare("DELETE FROM views WHERE name = ?"));
  forget.bind(1, std::string_view(name));
  return forget.run();
}

Status ViewTables::create(const View& view) {
  const ViewShape& shape = *view.shape;
  std::string sql = "CREATE TABLE IF NOT EXISTS " + table(shape) + '(';
  for (size_t i = 0; i < shape.columns.size(); ++i) {
    const ViewColumn& column = shape.columns[i];
    sql += sql_name(column.name) + ' ' + type_text(column.type);
    sql += i < shape.keys ? " NOT NULL, " : ", ";
  }
  sql += "time INT NOT NULL, entry INT NOT NULL, PRIMARY KEY(";
  sql += list(0, shape.keys, ", ", [&](size_t i) { return sql_name(shape.columns[i].name); });
  WS_TRY(db_.exec((sql + ")) WITHOUT ROWID").c_str()));
  return write(view);
}

Status ViewTables::write(const View& view) {
  const ViewShape& shape = *view.shape;
  const Entry entry{shape.meaning, view.entry, view.rows, view.evicted, shape.keys};
  WS_ASSIGN(Statement put, db_.prepare("INSERT OR REPLACE INTO views VALUES(?, ?, ?, ?, ?, ?, ?)"));
  put.bind(1, std::string_view(shape.name));
  put.bind(2, as_i64(entry.meaning));
  put.bind(3, as_i64(entry.entry));
  put.bind(4, as_i64(entry.rows));
  put.bind(5, as_i64(entry.evicted));
  put.bind(6, as_i64(entry.keys));
  put.bind(7, crc_of(shape.name, entry));
  return put.run();
}

Status ViewTables::apply(const ViewChanges& changes, uint64_t entry) {
  if (waiting_) {
    WS_TRY(set(*waiting_));
  } else {
    next_ = views_;
  }
  for (size_t v = 0; v < changes.views(); ++v) {
    if (changes.of(v).empty() || entry <= next_[v].entry) continue;
    WS_TRY(change(next_[v], changes.of(v), entry));
    WS_TRY(evict(next_[v]));
    WS_TRY(write(next_[v]));
  }
  return {};
}

// Parameters have the numbers of the columns; time and entry are behind them.
Status ViewTables::change(View& view, std::span<const ViewChange> changes, uint64_t entry) {
  const ViewShape& shape = *view.shape;
  const size_t n = shape.columns.size();
  const int time = static_cast<int>(n) + 1;
  const std::string time_text = std::to_string(time);
  const std::string entry_text = std::to_string(time + 1);
  const auto named = [&](size_t i) {
    return sql_name(shape.columns[i].name) + " = ?" + std::to_string(i + 1);
  };
  const std::string where = " WHERE " + list(0, shape.keys, " AND ", named);
  const std::string set = list(shape.keys, n, ", ", named) + (shape.keys < n ? ", " : "");
  WS_ASSIGN(Statement update, db_.prepare("UPDATE " + table(shape) + " SET " + set + "time = ?" +
                                          time_text + ", entry = ?" + entry_text + where));
  const auto parameter = [](size_t i) { return '?' + std::to_string(i + 1); };
  WS_ASSIGN(Statement insert, db_.prepare("INSERT INTO " + table(shape) + " VALUES(" +
                                          list(0, n + 2, ", ", parameter) + ')'));
  WS_ASSIGN(Statement remove, db_.prepare("DELETE FROM " + table(shape) + where));
  const auto run = [&](Statement& statement, const ViewChange& c, size_t columns) -> Status {
    for (size_t i = 0; i < columns; ++i) bind(statement, static_cast<int>(i) + 1, c.values[i]);
    if (columns == n) {
      statement.bind(time, c.time_ms);
      statement.bind(time + 1, as_i64(entry));
    }
    return statement.run();
  };
  for (const ViewChange& c : changes) {
    if (c.removed) {
      WS_TRY(run(remove, c, shape.keys));
      view.rows -= as_u64(db_.changes());
      continue;
    }
    WS_TRY(run(update, c, n));
    if (db_.changes() > 0) continue;
    WS_TRY(run(insert, c, n));
    ++view.rows;
  }
  view.entry = entry;
  return {};
}

// Of the same time those go first that are named first.
Status ViewTables::evict(View& view) {
  const ViewShape& shape = *view.shape;
  const uint64_t max = shape.max_rows;
  if (view.rows <= max) return {};
  const uint64_t excess = view.rows - (max - max / kEvictedShare);
  const std::string name =
      list(0, shape.keys, ", ", [&](size_t i) { return sql_name(shape.columns[i].name); });
  WS_ASSIGN(Statement drop,
            db_.prepare("DELETE FROM " + table(shape) + " WHERE (" + name + ") IN (SELECT " + name +
                        " FROM " + table(shape) + " ORDER BY time, " + name + " LIMIT ?)"));
  drop.bind(1, as_i64(excess));
  WS_TRY(drop.run());
  const uint64_t gone = as_u64(db_.changes());
  view.rows -= gone;
  view.evicted += gone;
  return {};
}

const ViewTables::View* ViewTables::find(const std::string& name) const {
  const auto found = std::find_if(views_.begin(), views_.end(),
                                  [&](const View& v) { return v.shape->name == name; });
  return found == views_.end() ? nullptr : &*found;
}

Result<ViewRow> ViewTables::row(const std::string& view, std::string_view name) {
  const View* found = find(view);
  if (!found) return ViewRow();
  WS_ASSIGN(Statement get, db_.prepare("SELECT * FROM " + table(*found->shape) + " WHERE " +
                                       sql_name(found->shape->columns.front().name) + " = ?"));
  get.bind(1, name);
  WS_ASSIGN(const bool there, get.step());
  return there ? read_row(*found->shape, get) : ViewRow();
}

Status ViewTables::for_each_row(
    const std::string& view, const std::function<void(const ViewRow& row, int64_t time_ms)>& take) {
  const View* found = find(view);
  if (!found) return {};
  WS_ASSIGN(Statement rows, db_.prepare("SELECT * FROM " + table(*found->shape)));
  while (true) {
    WS_ASSIGN(const bool more, rows.step());
    if (!more) return {};
    take(read_row(*found->shape, rows),
         rows.column_int(static_cast<int>(found->shape->columns.size())));
  }
}

std::vector<ViewTables::Totals> ViewTables::totals() const {
  std::vector<Totals> all;
  for (const View& v : views_) all.push_back({v.shape->name, v.rows, v.evicted});
  return all;
}

}  // namespace wayside
