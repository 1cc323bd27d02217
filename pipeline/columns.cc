#include "pipeline/columns.h"

#include <algorithm>

namespace wayside {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The source's fields, and `time` (event time in ms) where no field has this name.
std::vector<Field> visible_columns(const Schema& schema) {
  std::vector<Field> columns = schema.fields;
  if (schema.find("time") == schema.fields.size()) columns.push_back({"time", FieldType::kNumber});
  return columns;
}

}  // namespace

const Field* text_field(const Schema& schema, std::string_view expression) {
  const size_t column = schema.find(trimmed(expression));
  if (column == schema.fields.size()) return nullptr;
  const Field& field = schema.fields[column];
  return field.type == FieldType::kText ? &field : nullptr;
}

bool ColumnExpressions::compile(ExpressionEngine& engine, const Schema& schema,
                                const std::vector<Item>& items, BlockError& error) {
  std::vector<std::string> texts;
  std::vector<size_t> item_of;
  for (size_t i = 0; i < items.size(); ++i) {
    const size_t column = schema.find(trimmed(items[i].text));
    const bool plain =
        column < schema.fields.size() && schema.fields[column].type != FieldType::kText;
    plain_.push_back(plain ? column : kComputed);
    if (plain) continue;
    texts.push_back(items[i].text);
    item_of.push_back(i);
  }
  results_.resize(items.size());
  computed_.resize(texts.size());
  if (texts.empty()) return true;
  ExpressionError wrong;
  set_ = engine.compile(visible_columns(schema), texts, wrong);
  if (set_) return true;
  const Item& item = items[item_of[wrong.expression]];
  error.item = item.name;
  error.offset = item.offset + wrong.offset - std::min(wrong.offset, item.lead);
  error.message = wrong.message;
  return false;
}

void ColumnExpressions::evaluate(const BatchView& view) {
  if (set_) {
    Table table;
    table.rows = view.rows;
    table.dictionary = view.texts;
    for (const ColumnView& c : view.columns)
      table.columns.push_back({c.numbers, nullptr, c.texts, nullptr});
    table.columns.push_back({nullptr, view.times, nullptr, nullptr});
    for (auto& column : computed_) column.assign(view.rows, kNull);
    Status status = set_->evaluate(table, [&](size_t row, const ExpressionSet::RowValues& values) {
      for (size_t i = 0; i < computed_.size(); ++i) computed_[i][row] = values.number(i);
    });
    if (!status.ok()) ++faults_;
  }
  size_t next = 0;
  for (size_t i = 0; i < plain_.size(); ++i) {
    results_[i] =
        plain_[i] == kComputed ? computed_[next++].data() : view.columns[plain_[i]].numbers;
  }
}

}  // namespace wayside
