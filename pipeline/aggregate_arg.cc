#include "pipeline/aggregate_arg.h"

#include <functional>
#include <utility>

#include "pipeline/aggregate_values.h"

namespace wayside {
namespace {

// The value where `by` was best. Of readings that are equally good the earliest counts.
template <class T, class Better>
struct Arg {
  double by = kNull;  // none yet
  int64_t time = 0;
  T value{};

  void take(double new_by, int64_t new_time, View<T> new_value) {
    if (!is_null(by) && !Better()(new_by, by) &&
        (new_by != by || std::pair(new_time, new_value) >= std::pair(time, View<T>(value)))) {
      return;
    }
    by = new_by;
    time = new_time;
    value = new_value;
  }
  void add(const AggregateInput& in, size_t row) {
    View<T> x;
    double y;
    if (read(in.columns[0], row, x) && read(in.columns[1], row, y)) take(y, in.times[row], x);
  }
  void merge(const Arg& other) {
    if (!is_null(other.by)) take(other.by, other.time, other.value);
  }
  Value result(const AggregateCall&, Stat) const { return is_null(by) ? Value() : Value(value); }
  void save(ByteWriter& out) const {
    out.fixed(by);
    out.fixed(time);
    save_value(out, value);
  }
  void load(ByteReader& in) {
    by = in.fixed<double>();
    time = in.fixed<int64_t>();
    load_value(in, value);
  }
  size_t heap_bytes() const { return heap_bytes_of(value); }
};

template <class T>
using ArgMin = Arg<T, std::less<>>;
template <class T>
using ArgMax = Arg<T, std::greater<>>;

constexpr AggregateFunction kFunctions[] = {
    {"arg_min", "arg_min(x, by)", 2, 2, 0, 0, true, Stat::kNone, type_of_first_column,
     nothing_wrong, make_aggregate_of_either<ArgMin>},
    {"arg_max", "arg_max(x, by)", 2, 2, 0, 0, true, Stat::kNone, type_of_first_column,
     nothing_wrong, make_aggregate_of_either<ArgMax>},
};

}  // namespace

std::span<const AggregateFunction> arg_functions() { return kFunctions; }

}  // namespace wayside
