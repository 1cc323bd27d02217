#include "firmware-gw/explain_rows.h"

#include <algorithm>

namespace wayside {
namespace {

Value value_of(const SeenRow& row, size_t column) {
  const ColumnView& c = row.rows.view.columns[column];
  const FieldType type = row.stream.schema().fields[column].type;
  if (type == FieldType::kText) {
    if (c.texts[0] == Interner::kNone) return {};
    return std::string(row.rows.view.texts->text(c.texts[0]));
  }
  if (is_null(c.numbers[0])) return {};
  return type == FieldType::kBool ? Value(c.numbers[0] != 0) : Value(c.numbers[0]);
}

Value without_bool(const Value& value) {
  const bool* truth = std::get_if<bool>(&value);
  return truth ? Value(*truth ? 1.0 : 0.0) : value;
}

}  // namespace

const Value* ToldRow::find(const std::string& field) const {
  for (const NamedValue& f : fields) {
    if (f.name == field) return &f.value;
  }
  return nullptr;
}

bool is_said(const ToldRow& told, const Emission& e) {
  return e.block == told.block && e.key == told.key && e.time_ms == told.time_ms &&
         e.type == told.type && e.fields == told.fields;
}

bool is_same(const Value& a, const Value& b) { return without_bool(a) == without_bool(b); }

std::string_view SeenRow::key() const {
  const uint32_t text = rows.view.columns[stream.schema().key].texts[0];
  return text == Interner::kNone ? std::string_view() : rows.view.texts->text(text);
}

const std::shared_ptr<const ToldRow>& SeenRow::told() const {
  if (made) return made;
  ToldRow row{"row",      stream.name(), std::string(key()), time_ms(), {}, cause, at,
              arrived_ms, number};
  const std::vector<Field>& fields = stream.schema().fields;
  for (size_t c = 0; c < fields.size(); ++c) {
    if (c != stream.schema().key) row.fields.push_back({fields[c].name, value_of(*this, c)});
  }
  return made = std::make_shared<const ToldRow>(std::move(row));
}

bool SeenRow::has_fields_of(const ToldRow& other) const {
  const auto& fields = told()->fields;
  return std::all_of(fields.begin(), fields.end(), [&](const NamedValue& f) {
    const Value* same = other.find(f.name);
    return same && is_same(*same, f.value);
  });
}

// ---- expressions

bool RowExpressions::compile(const Schema& schema) {
  std::vector<ColumnExpressions::Item> items;
  for (const std::string& text : texts_) {
    types_.push_back(type_of(schema, text));
    items.push_back({"item", text, 0, 0, types_.back()});
  }
  BlockError error;
  return columns_.compile(engine_, schema, items, error);
}

bool RowExpressions::evaluate(const SeenRow& row) {
  if (types_.empty() && !texts_.empty()) compiled_ = compile(row.stream.schema());
  if (!compiled_) return texts_.empty();
  if (evaluated_ != row.number) columns_.evaluate(row.rows.view);
  evaluated_ = row.number;
  return true;
}

Value RowExpressions::value(size_t item) const {
  if (types_[item] == FieldType::kText) {
    const uint32_t id = columns_.texts(item)[0];
    return id == Interner::kNone ? Value() : std::string(columns_.dictionary(item)->text(id));
  }
  const double number = columns_.values(item)[0];
  return is_null(number) ? Value() : Value(number);
}

bool RowExpressions::is_true(size_t item) const {
  const Value found = value(item);
  const double* number = std::get_if<double>(&found);
  return number && *number != 0;
}

}  // namespace wayside
