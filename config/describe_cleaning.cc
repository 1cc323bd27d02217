// What becomes of numbers and positions that are not plausible.
#include "config/describe_values.h"

namespace wayside {
namespace {

constexpr std::array<Choice, 2> kOnStuck{
    {{"mark", static_cast<int>(OnStuck::kMark)}, {"remove", static_cast<int>(OnStuck::kRemove)}}};
constexpr uint32_t kAcceptMax = 1'000;  // readings

void describe_accept(ConfigVisitor& v, AcceptOptions& o) {
  v.count_or_duration({"accept_after",
                       "what is too fast is right after so many readings, or a duration of them, "
                       "that agree; 0: never"},
                      o.readings, o.ms, kAcceptMax);
}

}  // namespace

void describe(ConfigVisitor& v, FieldCleaning& o) {
  v.number({"max_rate", "change a second, in the held unit; 0: any"}, o.max_rate);
  describe_accept(v, o.accept);
  v.duration({"stuck_after", "the very same value for so long is stuck; \"0s\": never"},
             o.stuck_after_ms, 0);
  choose(v, {"stuck", "\"mark\" what is stuck, or \"remove\" it"}, o.on_stuck, kOnStuck);
  v.text({"smooth", "\"median:5\": of the last 5 values, an odd number"}, o.smooth);
  v.duration({"fill", "the last value is carried on for so long; \"0s\": not at all"}, o.fill_ms,
             0);
}

void describe(ConfigVisitor& v, PositionOptions& o) {
  v.text({"lat", "the field in degrees", "lat", true}, o.lat);
  v.text({"lon", "the field in degrees", "lon", true}, o.lon);
  v.text({"fix", "the field of the fix's quality", "fix"}, o.fix);
  v.number({"min_fix", "at least"}, o.min_fix);
  v.text({"hdop", "the field of the horizontal dilution of precision", "hdop"}, o.hdop);
  v.number({"max_hdop", "at most"}, o.max_hdop);
  v.number({"max_speed", "m/s from one position to the next; 0: any"}, o.max_speed);
  describe_accept(v, o.accept);
  v.text({"speed", "the field of the speed that the device tells, in m/s", "speed"}, o.speed);
  v.number({"moving", "at this speed or above the position changes"}, o.moving);
  v.duration({"frozen_after", "while it moves, the very same position for so long is frozen"},
             o.frozen_after_ms, 1);
  v.text({"smooth", "\"kalman\": of the likeliest track"}, o.smooth);
  v.number({"accuracy", "of the receiver where hdop is 1 or not known, one sigma in m"},
           o.accuracy);
  v.number({"acceleration", "of the vehicle, one sigma in m/s²"}, o.acceleration);
}

}  // namespace wayside
