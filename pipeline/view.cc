#include "pipeline/view.h"

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"

namespace wayside {
namespace {

constexpr size_t kColumnsMax = 1'990;  // SQLite has a limit of 2000

}  // namespace

// ---- how it is made

std::unique_ptr<View> View::make(const ViewOptions& options, const Stream& input, size_t number,
                                 ExpressionEngine& engine, BlockError& error) {
  std::unique_ptr<View> view(new View(options, input, number));
  if (!view->name_rows(error) || !view->add_columns(error)) return nullptr;
  std::vector<ColumnExpressions::Item>& items = view->items_;
  for (const auto& [item, condition, place] :
       {std::tuple{"where", &options.where, &view->where_},
        {"delete_when", &options.delete_when, &view->delete_when_}}) {
    if (condition->empty()) continue;
    *place = items.size();
    items.push_back({item, *condition});
  }
  if (!view->expressions_.compile(engine, input.schema(), items, error)) return nullptr;
  return view;
}

bool View::is_by_window(const ViewOptions& options) {
  return std::any_of(options.by.begin(), options.by.end(), [&](const std::string& name) {
    for (const auto& item : options.select) {
      if (item.first == name) return item.second == "window_start";
    }
    return name == "window_start";
  });
}

bool View::names_key() const {
  const std::string& key = input_.schema().fields[input_.schema().key].name;
  return std::any_of(items_.begin(), items_.begin() + static_cast<ptrdiff_t>(shape_.keys),
                     [&](const ColumnExpressions::Item& item) { return item.text == key; });
}

// The columns that name a row. "key" is the key, whatever its field is called.
bool View::name_rows(BlockError& error) {
  const Schema& seen = input_.schema();
  const std::string& key = seen.fields[seen.key].name;
  shape_.name = options_.name;
  shape_.max_rows = options_.max_rows;
  std::vector<std::string> by = options_.by;
  if (by.empty()) by = {key};
  std::vector<std::string> known;
  for (const auto& [alias, expression] : options_.select) known.push_back(alias);
  for (const Field& field : seen.fields) known.push_back(field.name);
  for (std::string& name : by) {
    if (name == "key" && std::find(known.begin(), known.end(), name) == known.end()) name = key;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const auto near = nearest(name, known);
      error.item = "by";
      error.message = "there is no field or alias of select '" + name + "'" +
                      (near ? "; did you mean '" + *near + "'?" : "");
      return false;
    }
    if (is_column(name)) {
      error.item = "by";
      error.message = "'" + name + "' is named twice";
      return false;
    }
    const auto alias = std::find_if(options_.select.begin(), options_.select.end(),
                                    [&](const auto& item) { return item.first == name; });
    alias == options_.select.end() ? add_column("by", name, name)
                                   : add_column("select." + name, name, alias->second);
  }
  shape_.keys = shape_.columns.size();
  return true;
}

bool View::add_columns(BlockError& error) {
  for (const auto& [alias, expression] : options_.select) {
    if (!is_column(alias)) add_column("select." + alias, alias, expression);
  }
  if (options_.select.empty()) {
    for (const Field& field : input_.schema().fields) {
      if (!is_column(field.name)) add_column("select", field.name, field.name);
    }
  }
  if (shape_.columns.size() > kColumnsMax) {
    error.item = "select";
    error.message = "has " + std::to_string(shape_.columns.size()) + " columns; at most " +
                    std::to_string(kColumnsMax) + " are possible, so name those that are wanted";
    return false;
  }
  // SQL does not tell upper from lower case, and each row has these two.
  std::vector<std::string> names{"time", "entry"};
  for (ViewColumn& column : shape_.columns) {
    const auto taken = [&](const std::string& name) { return same_name(name, column.name); };
    while (std::any_of(names.begin(), names.end(), taken)) column.name += '_';
    names.push_back(column.name);
  }
  return true;
}

void View::add_column(const std::string& item, const std::string& name,
                      const std::string& expression) {
  const Schema& seen = input_.schema();
  const FieldType type = type_of(seen, expression);
  const size_t field = seen.find(expression);
  const bool is_bool = field < seen.fields.size() && seen.fields[field].type == FieldType::kBool;
  items_.push_back({item, expression, 0, 0, type});
  shape_.columns.push_back({name, is_bool ? FieldType::kBool : type});
}

bool View::is_column(const std::string& name) const {
  return std::any_of(shape_.columns.begin(), shape_.columns.end(),
                     [&](const ViewColumn& column) { return column.name == name; });
}

// ---- rows

void View::process(size_t, const Rows& rows, EmissionBuffer& out) {
  expressions_.evaluate(rows.view, rows.present);
  for (size_t row = 0; row < rows.view.rows; ++row) {
    if (!rows.is_present(row)) continue;
    rows.set_taken(row);
    if (where_ > 0 && !is_true(expressions_.values(where_)[row])) continue;
    if (!name_row(row)) {
      ++nameless_;
      continue;
    }
    ViewChange& change = out.views().change(number_, row_name_);
    change.time_ms = rows.view.times[row];
    change.removed = (rows.taken_back && rows.taken_back[row]) ||
                     (delete_when_ > 0 && is_true(expressions_.values(delete_when_)[row]));
    change.values.resize(shape_.columns.size());
    for (size_t i = 0; i < change.values.size(); ++i) change.values[i] = value(i, row);
    ++changes_;
  }
}

// False: something of its name is NULL.
bool View::name_row(size_t row) {
  row_name_.clear();
  ByteWriter name(row_name_);
  for (size_t i = 0; i < shape_.keys; ++i) {
    if (shape_.columns[i].type == FieldType::kText) {
      const uint32_t text = expressions_.texts(i)[row];
      if (text == Interner::kNone) return false;
      name.text(expressions_.dictionary(i)->text(text));
    } else {
      const double number = expressions_.values(i)[row];
      if (is_null(number)) return false;
      name.fixed(number == 0 ? 0.0 : number);  // SQL knows one zero
    }
  }
  return true;
}

Value View::value(size_t column, size_t row) const {
  if (shape_.columns[column].type == FieldType::kText) {
    const uint32_t text = expressions_.texts(column)[row];
    if (text == Interner::kNone) return {};
    return std::string(expressions_.dictionary(column)->text(text));
  }
  const double number = expressions_.values(column)[row];
  if (is_null(number)) return {};
  if (shape_.columns[column].type == FieldType::kBool) return number != 0;
  return number;
}

// ---- state

BlockStatus View::status() const { return {options_.name, "view", changes_, 0, 0, nameless_}; }

uint64_t View::fingerprint() const {
  std::string text = "1/" + options_.where + '/' + options_.delete_when;
  for (const auto& item : items_) text.append("/").append(item.text);
  for (const ViewColumn& column : shape_.columns) {
    text.append("/")
        .append(column.name)
        .append("=")
        .append(std::to_string(static_cast<int>(column.type)));
  }
  return hash64(text + '/' + std::to_string(shape_.keys) + '<' + options_.from);
}

void View::save_totals(ByteWriter& out) const {
  out.varint(changes_);
  out.varint(nameless_);
}

void View::load_totals(ByteReader& in) {
  changes_ = in.varint();
  nameless_ = in.varint();
}

}  // namespace wayside
