#include "pipeline/aggregate_track.h"

#include <cmath>

#include "pipeline/aggregate_values.h"
#include "pipeline/track.h"

namespace wayside {
namespace {

// Infinite values count no more than NULL: no sum could go on behind one.
template <class Leg>
struct TrackOf : Track<Leg> {
  using Track<Leg>::add;

  void add(const AggregateInput& in, size_t row) {
    typename Track<Leg>::Place place;
    for (size_t i = 0; i < place.size(); ++i) {
      if (!read(in.columns[i], row, place[i]) || std::isinf(place[i])) return;
    }
    add(in.times[row], place);
  }
};

struct TimeAverage : TrackOf<HeldLeg> {
  Value result(const AggregateCall&, Stat) const {
    if (empty()) return Value();
    if (duration_ms() == 0) return last()[0];
    return number(sum() / static_cast<double>(duration_ms()));
  }
};

template <class Leg>
struct SumOfLegs : TrackOf<Leg> {
  Value result(const AggregateCall&, Stat) const {
    return this->empty() ? Value() : number(this->sum());
  }
};

constexpr AggregateFunction track(std::string_view name, std::string_view usage, uint8_t columns,
                                  std::unique_ptr<Aggregate> (*make)(const AggregateCall&)) {
  return {name,  usage,       columns,     columns,       0,   0,
          false, Stat::kNone, number_type, nothing_wrong, make};
}

constexpr AggregateFunction kFunctions[] = {
    track("time_avg", "time_avg(x)", 1, make_aggregate<TimeAverage>),
    track("integral", "integral(x)", 1, make_aggregate<SumOfLegs<SlopedLeg>>),
    track("distance_m", "distance_m(lat, lon)", 2, make_aggregate<SumOfLegs<GreatCircleLeg>>),
};

}  // namespace

std::span<const AggregateFunction> track_functions() { return kFunctions; }

}  // namespace wayside
