#include "pipeline/aggregate_spread.h"

#include <cmath>

#include "pipeline/aggregate_values.h"

namespace wayside {
namespace {

// Mean and squared deviations from it, a value at a time (Welford 1962) and from two parts (Chan,
// Golub and LeVeque 1979): squares of the values themselves would cancel.
struct Spread : PlainState<Spread> {
  double n = 0;
  double mean = 0;
  double squares = 0;

  void add(const AggregateInput& in, size_t row) {
    const double x = in.columns[0].numbers[row];
    if (is_null(x)) return;
    ++n;
    const double deviation = x - mean;
    mean += deviation / n;
    squares += deviation * (x - mean);
  }
  void merge(const Spread& other) {
    if (other.n == 0) return;
    if (n == 0) {
      *this = other;
      return;
    }
    const double both = n + other.n;
    const double deviation = other.mean - mean;
    mean += deviation * (other.n / both);
    squares += other.squares + deviation * deviation * (n * other.n / both);
    n = both;
  }
  Value variance() const { return n > 0 ? number(squares / n) : Value(); }
  Value sample_variance() const { return n > 1 ? number(squares / (n - 1)) : Value(); }
};

Value root(const Value& variance) {
  const double* x = std::get_if<double>(&variance);
  return x ? Value(std::sqrt(*x)) : Value();
}

struct Variance : Spread {
  Value result(const AggregateCall&, Stat) const { return sample_variance(); }
};
struct Deviation : Spread {
  Value result(const AggregateCall&, Stat) const { return root(sample_variance()); }
};
struct PopulationVariance : Spread {
  Value result(const AggregateCall&, Stat) const { return variance(); }
};
struct PopulationDeviation : Spread {
  Value result(const AggregateCall&, Stat) const { return root(variance()); }
};

constexpr AggregateFunction spread(std::string_view name, std::string_view usage,
                                   std::unique_ptr<Aggregate> (*make)(const AggregateCall&)) {
  return {name, usage, 1, 1, 0, 0, false, Stat::kNone, number_type, nothing_wrong, make};
}

constexpr AggregateFunction kFunctions[] = {
    spread("var", "var(x)", make_aggregate<Variance>),
    spread("stddev", "stddev(x)", make_aggregate<Deviation>),
    spread("var_pop", "var_pop(x)", make_aggregate<PopulationVariance>),
    spread("stddev_pop", "stddev_pop(x)", make_aggregate<PopulationDeviation>),
};

}  // namespace

std::span<const AggregateFunction> spread_functions() { return kFunctions; }

}  // namespace wayside
