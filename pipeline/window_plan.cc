#include "pipeline/window_plan.h"

namespace wayside {
namespace {

constexpr std::string_view kCountHead = "CASE WHEN (";
constexpr std::string_view kCountTail = ") IS NOT NULL THEN 1 END";

bool is_plain_number(const Schema& schema, const std::string& text) {
  const size_t column = schema.find(text);
  return column < schema.fields.size() && schema.fields[column].type != FieldType::kText;
}

}  // namespace

bool WindowPlan::make(const WindowOptions& options, const Schema& schema, BlockError& error) {
  if (!options.where.empty()) {
    where = items.size();
    items.push_back({"where", options.where});
  }
  for (const auto& [alias, text] : options.select) {
    if (!add(alias, text, schema, error)) return false;
  }
  return true;
}

bool WindowPlan::add(const std::string& alias, const std::string& text, const Schema& schema,
                     BlockError& error) {
  SelectError wrong;
  const SelectItem item = parse_select_item(text, wrong);
  if (!wrong.message.empty()) {
    error.item = "select." + alias;
    error.offset = wrong.offset;
    error.message = wrong.message;
    return false;
  }
  if (item.aggregate) return add_aggregate(alias, item, schema, error);
  ResultItem result{alias, text};
  result.type = type_of({}, text);
  results.push_back(std::move(result));
  return true;
}

bool WindowPlan::add_aggregate(const std::string& alias, const SelectItem& item,
                               const Schema& schema, BlockError& error) {
  const AggregateFunction& f = *item.aggregate;
  error.item = "select." + alias;
  Accumulator made;
  AggregateCall call;
  call.parameters = item.parameters;
  for (const SelectItem::Text& column : item.columns) {
    FieldType type = type_of(schema, column.text);
    if (type == FieldType::kText && !(f.takes_text && call.columns.empty())) {
      error.offset = column.offset;
      error.message = "'" + column.text + "' is a text; " + std::string(f.name) +
                      "() takes numbers, as in CAST(" + column.text + " AS REAL)";
      return false;
    }
    call.columns.push_back(type);
    ColumnExpressions::Item wanted{error.item, column.text, column.offset, 0, type};
    if (f.stat == Stat::kCount && type == FieldType::kNumber &&
        !is_plain_number(schema, column.text)) {
      // It may give texts, which count, too.
      wanted.text = std::string(kCountHead) + column.text + std::string(kCountTail);
      wanted.lead = kCountHead.size();
    }
    made.columns.push_back(item_of(std::move(wanted)));
  }
  if (const std::string wrong = f.check(call); !wrong.empty()) {
    error.message = wrong;
    return false;
  }
  if (!item.filter.text.empty()) {
    made.filter = item_of({error.item, item.filter.text, item.filter.offset});
  }
  ResultItem result{alias, ""};
  result.type = f.type(call);
  const bool shareable =
      f.stat != Stat::kNone && made.columns.size() == 1 && call.columns[0] == FieldType::kNumber;
  result.aggregate = shareable ? share(made.columns[0], made.filter, f.stat) : kNo;
  result.output = static_cast<uint32_t>(f.stat);
  if (result.aggregate == kNo) {
    result.aggregate = accumulators.size();
    made.aggregate = f.make(call);
    made.stat = shareable ? f.stat : Stat::kNone;
    accumulators.push_back(std::move(made));
  }
  results.push_back(std::move(result));
  return true;
}

// An item of the expressions; the same text is evaluated once.
size_t WindowPlan::item_of(ColumnExpressions::Item wanted) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].text == wanted.text && items[i].type == wanted.type) return i;
  }
  items.push_back(std::move(wanted));
  return items.size() - 1;
}

// The accumulator with stats of the same argument and filter, made to hold all of them; kNo: none.
size_t WindowPlan::share(size_t column, size_t filter, Stat stat) {
  for (size_t a = 0; a < accumulators.size(); ++a) {
    Accumulator& other = accumulators[a];
    if (other.stat == Stat::kNone || other.columns[0] != column || other.filter != filter) continue;
    if (other.stat != stat) other.aggregate = make_shared_stats();
    return a;
  }
  return kNo;
}

}  // namespace wayside
