#include "pipeline/aggregate_ends.h"

#include <functional>
#include <utility>

#include "base/time.h"
#include "pipeline/aggregate_values.h"

namespace wayside {
namespace {

// The reading that comes before all others, by time and then by value.
template <class T, class Before>
struct End {
  static constexpr int64_t kNone = Before()(kTimeMin, kTimeMax) ? kTimeMax : kTimeMin;
  int64_t time = kNone;
  T value{};

  bool empty() const { return time == kNone; }
  void take(int64_t new_time, View<T> new_value) {
    if (!Before()(std::pair(new_time, new_value), std::pair(time, View<T>(value)))) return;
    time = new_time;
    value = new_value;
  }
  void add(const AggregateInput& in, size_t row) {
    View<T> x;
    if (read(in.columns[0], row, x)) take(in.times[row], x);
  }
  void merge(const End& other) {
    if (!other.empty()) take(other.time, other.value);
  }
  Value result(const AggregateCall&, Stat) const { return empty() ? Value() : Value(value); }
  void save(ByteWriter& out) const {
    out.fixed(time);
    save_value(out, value);
  }
  void load(ByteReader& in) {
    time = in.fixed<int64_t>();
    load_value(in, value);
  }
  size_t heap_bytes() const { return heap_bytes_of(value); }
};

template <class T>
using First = End<T, std::less<>>;
template <class T>
using Last = End<T, std::greater<>>;

struct BothEnds {
  First<double> first;
  Last<double> last;

  void add(const AggregateInput& in, size_t row) {
    first.add(in, row);
    last.add(in, row);
  }
  void merge(const BothEnds& other) {
    first.merge(other.first);
    last.merge(other.last);
  }
  void save(ByteWriter& out) const {
    first.save(out);
    last.save(out);
  }
  void load(ByteReader& in) {
    first.load(in);
    last.load(in);
  }
  size_t heap_bytes() const { return 0; }
};

struct Delta : BothEnds {
  Value result(const AggregateCall&, Stat) const {
    return first.empty() ? Value() : number(last.value - first.value);
  }
};

struct Rate : BothEnds {
  Value result(const AggregateCall&, Stat) const {
    if (first.empty() || first.time == last.time) return Value();
    const double ms = static_cast<double>(last.time) - static_cast<double>(first.time);
    return number((last.value - first.value) / (ms / 1000));
  }
};

constexpr AggregateFunction kFunctions[] = {
    {"first", "first(x)", 1, 1, 0, 0, true, Stat::kNone, type_of_first_column, nothing_wrong,
     make_aggregate_of_either<First>},
    {"last", "last(x)", 1, 1, 0, 0, true, Stat::kNone, type_of_first_column, nothing_wrong,
     make_aggregate_of_either<Last>},
    {"delta", "delta(x)", 1, 1, 0, 0, false, Stat::kNone, number_type, nothing_wrong,
     make_aggregate<Delta>},
    {"rate", "rate(x)", 1, 1, 0, 0, false, Stat::kNone, number_type, nothing_wrong,
     make_aggregate<Rate>},
};

}  // namespace

std::span<const AggregateFunction> ends_functions() { return kFunctions; }

}  // namespace wayside
