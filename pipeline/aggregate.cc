#include "pipeline/aggregate.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "sensors/reading.h"

namespace wayside {
namespace {

template <class Op>
void add_rows(const RowsIntoPanes& target, uint32_t offset, const double* argument,
              const double* mask) {
  for (size_t i = 0; i < target.count; ++i) {
    const uint32_t row = target.rows[i];
    if (mask && !is_true(mask[row])) continue;
    const double value = argument ? argument[row] : 0;
    if (is_null(value)) continue;
    Op::add(target.pool + target.panes[i] + offset, value);
  }
}

struct Count {
  static void reset(double* a) { a[0] = 0; }
  static void add(double* a, double) { a[0] += 1; }
  static Value result(const double* a) { return a[0]; }
};

// a[0] sum, a[1] what rounding has taken from it, a[2] count.
struct Sum {
  static void reset(double* a) { a[0] = a[1] = a[2] = 0; }
  static void add(double* a, double x) {
    const double total = a[0] + x;
    a[1] += std::abs(a[0]) >= std::abs(x) ? (a[0] - total) + x : (x - total) + a[0];
    a[0] = total;
    a[2] += 1;
  }
  // Beyond the largest number the correction means nothing; inf − inf is no number at all.
  static double total(const double* a) { return std::isfinite(a[0]) ? a[0] + a[1] : a[0]; }
  static Value result(const double* a) {
    return a[2] > 0 && !is_null(a[0]) ? Value(total(a)) : Value();
  }
};

struct Average : Sum {
  static Value result(const double* a) {
    return a[2] > 0 && !is_null(a[0]) ? Value(total(a) / a[2]) : Value();
  }
};

struct Min {
  static void reset(double* a) { a[0] = kNull; }
  static void add(double* a, double x) {
    if (!(a[0] <= x)) a[0] = x;  // also when there is none yet
  }
  static Value result(const double* a) { return is_null(a[0]) ? Value() : Value(a[0]); }
};

struct Max {
  static void reset(double* a) { a[0] = kNull; }
  static void add(double* a, double x) {
    if (!(a[0] >= x)) a[0] = x;
  }
  static Value result(const double* a) { return is_null(a[0]) ? Value() : Value(a[0]); }
};

template <class Op>
constexpr AggregateFunction function(std::string_view name, bool takes_argument, uint32_t slots) {
  return {name, takes_argument, slots, Op::reset, add_rows<Op>, Op::result};
}

constexpr std::array kFunctions = {
    function<Count>("count", false, 1), function<Sum>("sum", true, 3),
    function<Min>("min", true, 1),      function<Max>("max", true, 1),
    function<Average>("avg", true, 3),
};

bool same_word(std::string_view a, std::string_view lower) {
  return a.size() == lower.size() &&
         std::equal(a.begin(), a.end(), lower.begin(),
                    [](unsigned char x, char y) { return std::tolower(x) == y; });
}

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

// The index of the ')' that closes the '(' at `open`, or npos; quoted texts are passed over.
size_t closing(std::string_view text, size_t open) {
  int depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\'' || text[i] == '"') {
      i = text.find(text[i], i + 1);
      if (i == std::string_view::npos) return i;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')' && --depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

// Is a ',' at the top level of an argument list? Then it is no aggregate of ours but, say, SQL's
// max(a, b).
bool has_two_arguments(std::string_view text) {
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\'' || c == '"') {
      i = text.find(c, i + 1);
      if (i == std::string_view::npos) return false;
    }
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == ',' && depth == 0) return true;
  }
  return false;
}

}  // namespace

std::span<const AggregateFunction> aggregate_functions() { return kFunctions; }

const AggregateFunction* find_aggregate(std::string_view name) {
  for (const AggregateFunction& f : kFunctions) {
    if (same_word(name, f.name)) return &f;
  }
  return nullptr;
}

SelectItem parse_select_item(std::string_view text) {
  SelectItem derived{nullptr, std::string(text), "", 0, 0};
  const size_t start = skip_space(text, 0);
  const size_t name_end = word_end(text, start);
  const size_t open = skip_space(text, name_end);
  const AggregateFunction* f = find_aggregate(text.substr(start, name_end - start));
  if (!f || open >= text.size() || text[open] != '(') return derived;
  const size_t close = closing(text, open);
  if (close == std::string_view::npos) return derived;

  SelectItem item{f, "", "", skip_space(text, open + 1), 0};
  item.argument = text.substr(item.argument_offset, close - std::min(close, item.argument_offset));
  if (has_two_arguments(item.argument) || (f->takes_argument && item.argument.empty()))
    return derived;
  if (item.argument.starts_with('*') && skip_space(item.argument, 1) == item.argument.size()) {
    item.argument.clear();
  }

  size_t at = skip_space(text, close + 1);
  if (at == text.size()) return item;
  size_t end = word_end(text, at);
  if (!same_word(text.substr(at, end - at), "filter")) return derived;
  const size_t filter_open = skip_space(text, end);
  if (filter_open >= text.size() || text[filter_open] != '(') return derived;
  const size_t filter_close = closing(text, filter_open);
  at = skip_space(text, filter_open + 1);
  end = word_end(text, at);
  if (filter_close == std::string_view::npos || !same_word(text.substr(at, end - at), "where") ||
      skip_space(text, filter_close + 1) != text.size()) {
    return derived;
  }
  item.filter_offset = skip_space(text, end);
  item.filter = text.substr(item.filter_offset, filter_close - item.filter_offset);
  return item;
}

}  // namespace wayside
