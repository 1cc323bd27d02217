#include "pipeline/aggregate_top.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

#include "base/text.h"
#include "pipeline/aggregate_values.h"

namespace wayside {
namespace {

constexpr double kMax = 1000;
constexpr size_t kCountersMin = 256;

void append(std::string& json, double value) { append_json_number(json, value); }
void append(std::string& json, const std::string& value) { append_json_string(json, value); }

// Counters of values (Misra and Gries 1982), merged as by Agarwal et al. ("Mergeable summaries",
// 2012). With more values than counters, all lose what the one in the middle has, and half of them
// are free again: so a count is too low by at most 2 / counters of the readings, and exact while
// there was no more than one value a counter.
template <class T>
class TopK {
 public:
  explicit TopK(const AggregateCall& call)
      : counters_max_(std::max(kCountersMin, 8 * static_cast<size_t>(call.parameters[0]))) {}

  void add(const AggregateInput& in, size_t row) {
    View<T> x;
    if (!read(in.columns[0], row, x)) return;
    const auto at = std::lower_bound(counters_.begin(), counters_.end(), x,
                                     [](const Counter& c, View<T> v) { return c.value < v; });
    if (at != counters_.end() && at->value == x) {
      ++at->count;
      return;
    }
    value_bytes_ += heap_bytes_of(counters_.insert(at, Counter{T(x), 1})->value);
    if (counters_.size() > counters_max_) free_half();
  }
  void merge(const TopK& other);
  Value result(const AggregateCall& call, Stat) const;
  void save(ByteWriter& out) const;
  void load(ByteReader& in);
  size_t heap_bytes() const { return counters_.size() * sizeof(Counter) + value_bytes_; }

 private:
  struct Counter {
    T value;
    uint64_t count;
  };
  void free_half();

  size_t counters_max_;
  size_t value_bytes_ = 0;         // what the texts have outside of themselves
  std::vector<Counter> counters_;  // by value
};

template <class T>
void TopK<T>::merge(const TopK& other) {
  std::vector<Counter> both;
  both.reserve(counters_.size() + other.counters_.size());
  auto mine = counters_.begin();
  for (const Counter& theirs : other.counters_) {
    while (mine != counters_.end() && mine->value < theirs.value) {
      both.push_back(std::move(*mine++));
    }
    if (mine != counters_.end() && mine->value == theirs.value) {
      both.push_back(std::move(*mine++));
      both.back().count += theirs.count;
    } else {
      both.push_back(theirs);
      value_bytes_ += heap_bytes_of(theirs.value);
    }
  }
  std::move(mine, counters_.end(), std::back_inserter(both));
  counters_ = std::move(both);
  if (counters_.size() > counters_max_) free_half();
}

template <class T>
void TopK<T>::free_half() {
  std::vector<uint64_t> counts;
  counts.reserve(counters_.size());
  for (const Counter& c : counters_) counts.push_back(c.count);
  const auto middle = counts.begin() + counters_max_ / 2;
  std::nth_element(counts.begin(), middle, counts.end(), std::greater<>());
  std::erase_if(counters_, [&](const Counter& c) { return c.count <= *middle; });
  value_bytes_ = 0;
  for (Counter& c : counters_) {
    c.count -= *middle;
    value_bytes_ += heap_bytes_of(c.value);
  }
}

template <class T>
Value TopK<T>::result(const AggregateCall& call, Stat) const {
  std::vector<const Counter*> top;
  top.reserve(counters_.size());
  for (const Counter& c : counters_) top.push_back(&c);
  const size_t k = std::min(top.size(), static_cast<size_t>(call.parameters[0]));
  // Of equal counts the smaller value is first; counters are in order of value.
  std::partial_sort(top.begin(), top.begin() + k, top.end(), [](auto* a, auto* b) {
    return a->count != b->count ? a->count > b->count : a < b;
  });
  std::string json = "[";
  for (size_t i = 0; i < k; ++i) {
    json += i > 0 ? ",[" : "[";
    append(json, top[i]->value);
    json += ',';
    append_json_number(json, static_cast<double>(top[i]->count));
    json += ']';
  }
  return json + ']';
}

template <class T>
void TopK<T>::save(ByteWriter& out) const {
  out.varint(counters_.size());
  for (const Counter& c : counters_) {
    save_value(out, c.value);
    out.varint(c.count);
  }
}

template <class T>
void TopK<T>::load(ByteReader& in) {
  counters_.resize(in.count(2));
  value_bytes_ = 0;
  for (Counter& c : counters_) {
    load_value(in, c.value);
    c.count = in.varint();
    value_bytes_ += heap_bytes_of(c.value);
  }
  const auto by_value = [](const Counter& a, const Counter& b) { return a.value < b.value; };
  if (in.ok() && std::is_sorted(counters_.begin(), counters_.end(), by_value)) return;
  counters_.clear();
  value_bytes_ = 0;
  in.fail();
}

std::string check_k(const AggregateCall& call) {
  const double k = call.parameters[0];
  if (k >= 1 && k <= kMax && k == std::trunc(k)) return "";
  return "the k of top_k has to be a whole number from 1 to 1000, as in top_k(x, 10)";
}

constexpr AggregateFunction kFunctions[] = {
    {"top_k", "top_k(x, k)", 1, 1, 1, 1, true, Stat::kNone, text_type, check_k,
     make_aggregate_of_either<TopK>},
};

}  // namespace

std::span<const AggregateFunction> top_functions() { return kFunctions; }

}  // namespace wayside
