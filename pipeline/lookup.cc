#include "pipeline/lookup.h"

#include <algorithm>
#include <numeric>

#include "base/hash.h"

namespace wayside {

std::unique_ptr<Lookup> Lookup::make(const LookupOptions& options, const Stream& input,
                                     ExpressionEngine& engine, BlockError& error) {
  std::unique_ptr<Lookup> made(new Lookup(options, input));
  return made->compile(engine, error) ? std::move(made) : nullptr;
}

std::vector<Field> Lookup::columns_of(const LookupOptions& options) {
  std::vector<Field> columns;
  for (const auto& [name, type] : options.columns) {
    columns.push_back({name, type == "text" ? FieldType::kText : FieldType::kNumber});
  }
  return columns;
}

bool Lookup::compile(ExpressionEngine& engine, BlockError& error) {
  Schema schema = input_.schema();
  for (const Field& column : columns_) {
    if (schema.find(column.name) < schema.fields.size()) {
      error.item = "columns." + column.name;
      error.message = "what it reads has a field of this name; a map before it can rename that one";
      return false;
    }
    schema.fields.push_back(column);
  }
  if (type_of(input_.schema(), options_.match) != FieldType::kText) {
    error.item = "match";
    error.message = "gives no text; CAST(… AS TEXT) gives one";
    return false;
  }
  const ColumnExpressions::Item match{"match", options_.match, 0, 0, FieldType::kText};
  if (!match_.compile(engine, input_.schema(), {match}, error)) return false;
  output_ = std::make_unique<Stream>(options_.name, std::move(schema), input_.time());
  table_.resize(columns_.size());
  made_.resize(columns_.size());
  return true;
}

// ---- the table

void Lookup::set_contents(std::string_view bytes) {
  const auto contents = LookupContents::decode(bytes);
  if (!contents.ok()) return;
  contents_ = bytes;
  rows_.clear();
  texts_.clear();
  const auto since = [&](uint32_t row) {
    return contents->since.empty() ? kTimeMin : contents->since[row];
  };
  std::vector<uint32_t> order(contents->keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const int text = contents->keys[a].compare(contents->keys[b]);
    return text != 0 ? text < 0 : since(a) < since(b);
  });
  since_.clear();
  for (uint32_t row = 0; row < order.size(); ++row) {
    since_.push_back(since(order[row]));
    rows_.try_emplace(contents->keys[order[row]], Span{row, row}).first->second.end = row + 1;
  }
  for (size_t c = 0; c < columns_.size(); ++c) take_column(c, *contents, order);
}

// NULL all along where the contents are those of another configuration, and have no such column.
void Lookup::take_column(size_t column, const LookupContents& contents,
                         const std::vector<uint32_t>& order) {
  const Field& wanted = columns_[column];
  Column& taken = table_[column];
  taken.numbers.assign(contents.keys.size(), kNull);
  taken.texts.assign(contents.keys.size(), Interner::kNone);
  const auto from = std::find(contents.columns.begin(), contents.columns.end(), wanted);
  if (from == contents.columns.end()) return;
  const auto& cells = contents.cells[size_t(from - contents.columns.begin())];
  for (size_t row = 0; row < order.size(); ++row) {
    const Value& cell = cells[order[row]];
    if (const auto* number = std::get_if<double>(&cell)) taken.numbers[row] = *number;
    if (const auto* text = std::get_if<std::string>(&cell)) {
      taken.texts[row] = texts_.intern(*text);
    }
  }
}

// ---- rows

void Lookup::process(size_t, const Rows& rows, EmissionBuffer& out) {
  find_rows(rows);
  dictionary_.clear();
  Rows made = rows;
  dictionary_.take_over(made.view, input_.schema().fields);
  for (size_t c = 0; c < columns_.size(); ++c) {
    Column& column = made_[c];
    column.numbers.resize(rows.view.rows);
    column.texts.resize(rows.view.rows);
    for (size_t row = 0; row < rows.view.rows; ++row) {
      const uint32_t found = found_[row];
      column.numbers[row] = found == kNoRow ? kNull : table_[c].numbers[found];
      column.texts[row] =
          found == kNoRow ? Interner::kNone : dictionary_.translate(table_[c].texts[found], texts_);
    }
    made.view.columns.push_back({column.numbers.data(), column.texts.data()});
  }
  made.present = present_.data();
  output_->push(made, out);
}

void Lookup::find_rows(const Rows& rows) {
  match_.evaluate(rows.view, rows.present);
  found_.assign(rows.view.rows, kNoRow);
  present_.assign(rows.view.rows, 0);
  for (size_t row = 0; row < rows.view.rows; ++row) {
    if (!rows.is_present(row)) continue;
    const uint32_t text = match_.texts(0)[row];
    if (text != Interner::kNone) {
      const auto at = rows_.find(match_.dictionary(0)->text(text));
      if (at != rows_.end()) found_[row] = row_at(at->second, rows.view.times[row]);
    }
    present_[row] = !options_.inner || found_[row] != kNoRow;
    passed_ += present_[row];
  }
}

// The last one that holds by then.
uint32_t Lookup::row_at(const Span& span, int64_t time_ms) const {
  const auto begin = since_.begin() + span.begin;
  const auto after = std::upper_bound(begin, since_.begin() + span.end, time_ms);
  return after == begin ? kNoRow : static_cast<uint32_t>(after - since_.begin()) - 1;
}

BlockStatus Lookup::status() const { return {options_.name, "lookup", passed_, since_.size()}; }

uint64_t Lookup::fingerprint() const {
  std::string text = "1/" + options_.match + (options_.inner ? "/inner" : "/outer");
  for (const Field& column : columns_) {
    text.append("/").append(column.name).append(column.type == FieldType::kText ? "=t" : "=n");
  }
  if (!options_.since.empty()) text += "/since";
  return hash64(text + '<' + options_.from);
}

}  // namespace wayside
