#include "pipeline/calendar.h"

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

#include <chrono>

namespace wayside {
namespace {

using Millis = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

cctz::civil_day first_day(CalendarUnit unit, const cctz::civil_second& civil) {
  const cctz::civil_day day(civil);
  switch (unit) {
    case CalendarUnit::kWeek:
      return cctz::prev_weekday(day + 1, cctz::weekday::monday);
    case CalendarUnit::kMonth:
      return cctz::civil_day(cctz::civil_month(civil));
    default:
      return day;
  }
}

cctz::civil_day next_first_day(CalendarUnit unit, const cctz::civil_day& first) {
  switch (unit) {
    case CalendarUnit::kWeek:
      return first + 7;
    case CalendarUnit::kMonth:
      return cctz::civil_day(cctz::civil_month(first) + 1);
    default:
      return first + 1;
  }
}

}  // namespace

struct Calendar::Zone {
  cctz::time_zone zone;

  cctz::civil_second civil(int64_t t) const {
    return cctz::convert(Millis(std::chrono::milliseconds(t)), zone);
  }
  // The first instant of a day; where midnight was skipped, the one at which the clocks went on.
  int64_t instant(const cctz::civil_day& day) const {
    const auto found = zone.lookup(cctz::civil_second(day));
    const auto seconds =
        found.kind == cctz::time_zone::civil_lookup::SKIPPED ? found.trans : found.pre;
    return std::chrono::duration_cast<std::chrono::milliseconds>(seconds.time_since_epoch())
        .count();
  }
};

Calendar::Calendar(CalendarUnit unit, std::unique_ptr<Zone> zone)
    : unit_(unit), zone_(std::move(zone)) {}
Calendar::~Calendar() = default;

Result<std::shared_ptr<const Calendar>> Calendar::make(CalendarUnit unit, const std::string& zone) {
  auto made = std::make_unique<Zone>();
  if (!cctz::load_time_zone(zone, &made->zone)) {
    return Error{ErrorCode::kConfig, "there is no time zone '" + zone +
                                         "' here; names are as in Europe/Berlin, and the system "
                                         "needs its zone files (package tzdata)"};
  }
  return std::shared_ptr<const Calendar>(new Calendar(unit, std::move(made)));
}

int64_t Calendar::start(int64_t t) const {
  if (t < known_start_ || t >= known_end_) {
    cctz::civil_day first = first_day(unit_, zone_->civil(t));
    known_start_ = zone_->instant(first);
    known_end_ = zone_->instant(first = next_first_day(unit_, first));
    while (t >= known_end_) {  // clocks were set back over midnight: the day that had begun goes on
      known_start_ = known_end_;
      known_end_ = zone_->instant(first = next_first_day(unit_, first));
    }
  }
  return known_start_;
}

int64_t Calendar::next(int64_t start_ms) const {
  start(start_ms);
  return known_end_;
}

}  // namespace wayside
