#include "pipeline/aggregate_quantile.h"

#include "pipeline/aggregate_values.h"
#include "pipeline/quantile_sketch.h"

namespace wayside {
namespace {

struct Sketch : QuantileSketch {
  using QuantileSketch::add;

  void add(const AggregateInput& in, size_t row) {
    double x;
    if (read(in.columns[0], row, x)) add(x);
  }
  Value at(double share) const { return empty() ? Value() : number(quantile(share)); }
};

struct Quantile : Sketch {
  Value result(const AggregateCall& call, Stat) const { return at(call.parameters[0]); }
};
struct Median : Sketch {
  Value result(const AggregateCall&, Stat) const { return at(0.5); }
};

std::string check_share(const AggregateCall& call) {
  const double share = call.parameters[0];
  if (share > 0 && share < 1) return "";
  return "the share of a quantile has to be above 0 and below 1, as in quantile(x, 0.95); the ends "
         "are min(x) and max(x)";
}

constexpr AggregateFunction kFunctions[] = {
    {"quantile", "quantile(x, share)", 1, 1, 1, 1, false, Stat::kNone, number_type, check_share,
     make_aggregate<Quantile>},
    {"median", "median(x)", 1, 1, 0, 0, false, Stat::kNone, number_type, nothing_wrong,
     make_aggregate<Median>},
};

}  // namespace

std::span<const AggregateFunction> quantile_functions() { return kFunctions; }

}  // namespace wayside
