#include "pipeline/select_item.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace wayside {
namespace {

size_t skip_space(std::string_view text, size_t at) {
  while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) ++at;
  return at;
}

size_t word_end(std::string_view text, size_t at) {
  while (at < text.size() &&
         (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_')) {
    ++at;
  }
  return at;
}

// Calls back for each character outside of quoted texts with the depth of parentheses before it;
// false ends it. The end of the text: npos.
template <class Each>
size_t scan(std::string_view text, size_t from, const Each& each) {
  int depth = 0;
  for (size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\'' || c == '"') {
      i = text.find(c, i + 1);
      if (i == std::string_view::npos) return i;
      continue;
    }
    if (c == ')') --depth;
    if (!each(c, depth)) return i;
    if (c == '(') ++depth;
  }
  return std::string_view::npos;
}

// The index of the ')' that closes the '(' at `open`, or npos.
size_t closing(std::string_view text, size_t open) {
  return scan(text, open, [](char c, int depth) { return c != ')' || depth > 0; });
}

// `text` without the space around it, as it stands in the item from `offset` on.
SelectItem::Text trimmed(std::string_view item, size_t begin, size_t end) {
  begin = std::min(skip_space(item, begin), end);
  while (end > begin && std::isspace(static_cast<unsigned char>(item[end - 1]))) --end;
  return {std::string(item.substr(begin, end - begin)), begin};
}

// What stands between the commas of item[begin, end).
std::vector<SelectItem::Text> arguments(std::string_view item, size_t begin, size_t end) {
  std::vector<SelectItem::Text> all;
  const std::string_view inside = item.substr(0, end);
  while (true) {
    const size_t comma =
        std::min(scan(inside, begin, [](char c, int depth) { return c != ',' || depth > 0; }), end);
    all.push_back(trimmed(item, begin, comma));
    if (comma >= end) break;
    begin = comma + 1;
  }
  if (all.size() == 1 && (all.front().text.empty() || all.front().text == "*")) all.clear();
  return all;
}

std::optional<double> constant(const std::string& text) {
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The end of the item behind the call: nothing, or FILTER (WHERE …). False: something else.
bool parse_filter(std::string_view text, size_t at, SelectItem::Text& filter) {
  at = skip_space(text, at);
  if (at == text.size()) return true;
  size_t end = word_end(text, at);
  if (!same_name(text.substr(at, end - at), "filter")) return false;
  const size_t open = skip_space(text, end);
  if (open >= text.size() || text[open] != '(') return false;
  const size_t close = closing(text, open);
  at = skip_space(text, open + 1);
  end = word_end(text, at);
  if (close == std::string_view::npos || !same_name(text.substr(at, end - at), "where") ||
      skip_space(text, close + 1) != text.size()) {
    return false;
  }
  filter = trimmed(text, end, close);
  return true;
}

// Arguments to columns and parameters. False: `error` says why.
bool sort_arguments(const AggregateFunction& f, std::vector<SelectItem::Text> all, SelectItem& item,
                    SelectError& error) {
  const size_t columns = std::min<size_t>(all.size(), f.max_columns);
  const size_t parameters = all.size() - columns;
  if (columns < f.min_columns || parameters < f.min_parameters || parameters > f.max_parameters) {
    error.message = "wrong number of arguments; it is " + std::string(f.usage);
    return false;
  }
  for (size_t i = columns; i < all.size(); ++i) {
    const auto number = constant(all[i].text);
    if (!number) {
      error = {"'" + all[i].text + "' has to be a number; it is " + std::string(f.usage),
               all[i].offset};
      return false;
    }
    item.parameters.push_back(*number);
  }
  all.resize(columns);
  item.columns = std::move(all);
  return true;
}

}  // namespace

const AggregateFunction* find_aggregate(std::string_view name) {
  for (const AggregateFunction* f : aggregate_functions()) {
    if (same_name(name, f->name)) return f;
  }
  return nullptr;
}

SelectItem parse_select_item(std::string_view text, SelectError& error) {
  const size_t start = skip_space(text, 0);
  const size_t name_end = word_end(text, start);
  const size_t open = skip_space(text, name_end);
  const std::string_view name = text.substr(start, name_end - start);
  const AggregateFunction* f = find_aggregate(name);
  if (open >= text.size() || text[open] != '(') return {};
  if (!f && is_aggregate_left_out(name)) {
    error = {"this build has no " + std::string(name) + "(): WAYSIDE_BLOCKS was off", start};
  }
  if (!f) return {};
  const size_t close = closing(text, open);
  SelectItem item;
  if (close == std::string_view::npos || !parse_filter(text, close + 1, item.filter)) return {};
  std::vector<SelectItem::Text> all = arguments(text, open + 1, close);
  // SQL's own max(a, b) and min(a, b).
  if (all.size() > 1 && (f->name == "min" || f->name == "max")) return {};
  if (sort_arguments(*f, std::move(all), item, error)) item.aggregate = f;
  return item;
}

}  // namespace wayside
