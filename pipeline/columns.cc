#include "pipeline/columns.h"

#include <algorithm>

#include "base/text.h"

namespace wayside {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the word off the end of the text, and what is blank before it. False: it ends otherwise.
bool take_last_word(std::string_view& text, std::string_view word) {
  if (text.size() <= word.size()) return false;
  const size_t begin = text.size() - word.size();
  if (!is_blank(text[begin - 1]) || !same_name(text.substr(begin), word)) return false;
  text = trimmed(text.substr(0, begin));
  return true;
}

// The index of the ')' that closes the first '(', or npos.
size_t closing(std::string_view text) {
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\'' || text[i] == '"') {
      i = text.find(text[i], i + 1);
      if (i == std::string_view::npos) break;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')' && --depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::vector<Field> visible_columns(const Schema& schema) {
  std::vector<Field> columns = schema.fields;
  if (schema.find("time") == schema.fields.size()) columns.push_back({"time", FieldType::kNumber});
  return columns;
}

const Field* text_field(const Schema& schema, std::string_view expression) {
  const size_t column = schema.find(trimmed(expression));
  if (column == schema.fields.size()) return nullptr;
  const Field& field = schema.fields[column];
  return field.type == FieldType::kText ? &field : nullptr;
}

FieldType type_of(const Schema& schema, std::string_view expression) {
  if (text_field(schema, expression)) return FieldType::kText;
  expression = trimmed(expression);
  const size_t open = expression.find('(');
  if (open == std::string_view::npos || !same_name(trimmed(expression.substr(0, open)), "cast") ||
      closing(expression) != expression.size() - 1) {
    return FieldType::kNumber;
  }
  std::string_view inside = trimmed(expression.substr(open + 1, expression.size() - open - 2));
  const bool text = take_last_word(inside, "text") && take_last_word(inside, "as");
  return text ? FieldType::kText : FieldType::kNumber;
}

bool ColumnExpressions::compile(ExpressionEngine& engine, const Schema& schema,
                                const std::vector<Item>& items, BlockError& error) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < items.size(); ++i) {
    const size_t column = schema.find(trimmed(items[i].text));
    const bool wants_text = items[i].type == FieldType::kText;
    const bool plain = column < schema.fields.size() &&
                       (schema.fields[column].type == FieldType::kText) == wants_text;
    plain_.push_back(plain ? column : kComputed);
    types_.push_back(items[i].type);
    if (plain) continue;
    texts.push_back(items[i].text);
    computed_items_.push_back(i);
  }
  results_.resize(items.size());
  dictionaries_.resize(items.size());
  computed_.resize(texts.size());
  for (size_t begin = 0; begin < texts.size(); begin += kMaxExpressions) {
    const size_t end = std::min(begin + kMaxExpressions, texts.size());
    ExpressionError wrong;
    sets_.push_back(
        engine.compile(visible_columns(schema),
                       {texts.begin() + ptrdiff_t(begin), texts.begin() + ptrdiff_t(end)}, wrong));
    if (sets_.back()) continue;
    const Item& item = items[computed_items_[begin + wrong.expression]];
    error.item = item.name;
    error.offset = item.offset + wrong.offset - std::min(wrong.offset, item.lead);
    error.message = wrong.message;
    return false;
  }
  return true;
}

void ColumnExpressions::evaluate(const BatchView& view, const uint8_t* present) {
  if (!sets_.empty()) compute(view, present);
  size_t next = 0;
  for (size_t i = 0; i < plain_.size(); ++i) {
    const bool computed = plain_[i] == kComputed;
    dictionaries_[i] = computed ? &computed_texts_ : view.texts;
    if (!computed) {
      results_[i] = view.columns[plain_[i]];
      continue;
    }
    const Column& column = computed_[next++];
    results_[i] = {column.numbers.data(), column.texts.data()};
  }
}

void ColumnExpressions::compute(const BatchView& view, const uint8_t* present) {
  Table table;
  table.rows = view.rows;
  table.present = present;
  table.dictionary = view.texts;
  for (const ColumnView& c : view.columns)
    table.columns.push_back({.numbers = c.numbers, .texts = c.texts, .whole = c.whole});
  table.columns.push_back({.integers = view.times});
  computed_texts_.clear();
  for (size_t i = 0; i < computed_.size(); ++i) {
    if (types_[computed_items_[i]] == FieldType::kText) {
      computed_[i].texts.assign(view.rows, Interner::kNone);
    } else {
      computed_[i].numbers.assign(view.rows, kNull);
    }
  }
  faulty_rows_.clear();
  for (size_t set = 0; set < sets_.size(); ++set) compute(set, table);
  if (!faulty_rows_.empty()) count_faults();
}

void ColumnExpressions::count_faults() {
  std::sort(faulty_rows_.begin(), faulty_rows_.end());
  const auto end = std::unique(faulty_rows_.begin(), faulty_rows_.end());
  faults_ += static_cast<uint64_t>(end - faulty_rows_.begin());
}

void ColumnExpressions::compute(size_t set, const Table& table) {
  const size_t begin = set * kMaxExpressions;
  const size_t end = std::min(begin + kMaxExpressions, computed_.size());
  const auto take = [&](size_t row, const ExpressionSet::RowValues& values) {
    bool mistyped = false;
    for (size_t i = begin; i < end; ++i) {
      if (types_[computed_items_[i]] != FieldType::kText) {
        computed_[i].numbers[row] = values.number(i - begin, mistyped);
      } else if (const Value value = values.value(i - begin);
                 const auto* text = std::get_if<std::string>(&value)) {
        computed_[i].texts[row] = computed_texts_.intern(*text);
      }
    }
    if (mistyped) faulty_rows_.push_back(row);
  };
  const std::vector<size_t> rows = sets_[set]->evaluate(table, take).rows;
  faulty_rows_.insert(faulty_rows_.end(), rows.begin(), rows.end());
}

}  // namespace wayside
