// The time of a reading, in whichever form devices write it.
//
// | unit       | reads | | rfc3339    | "2026-03-01T12:00:00.25+01:00"; without an offset only
// where `zone` is given       | | s … ns     | since 1970, as a number or its digits; what is below
// a ms is cut, towards the past | | auto       | all of these: a number's unit by its size, a text
// without an offset in `zone`      | | %d.%m.%Y … | that pattern of strptime, with %E*S for seconds
// and fractions, in `zone`           |
#pragma once

#include <cctz/time_zone.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sensors/options.h"

namespace wayside {

class TimeReader {
 public:
  // An unknown zone counts as UTC: the configuration's check has refused it.
  explicit TimeReader(const TimeForm& form);

  // Nothing, when that is no time in the form.
  std::optional<int64_t> read(int64_t value) const;
  std::optional<int64_t> read(double value) const;
  std::optional<int64_t> read(std::string_view value) const;

 private:
  TimeUnit unit_of(double value) const;
  std::optional<int64_t> local(std::string_view text, const std::string& pattern) const;

  TimeForm form_;
  cctz::time_zone zone_;
};

// Does the zone exist on this machine? "" is UTC.
bool is_zone(const std::string& name);
// Does it read back the time that it writes? That tells what a time of day alone, or a wrong
// letter, is.
bool is_time_pattern(const std::string& pattern);

}  // namespace wayside
