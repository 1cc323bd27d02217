// Days, weeks (from Monday) and months of a zone, as event time in ms. The zone's rules are read
// once, from the system's zone files; daylight saving makes days of 23 and 25 hours.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "pipeline/options.h"

namespace wayside {

class Calendar {
 public:
  static Result<std::shared_ptr<const Calendar>> make(CalendarUnit unit, const std::string& zone);
  ~Calendar();

  int64_t start(int64_t t) const;     // of the unit that t is in
  int64_t next(int64_t start) const;  // of the unit behind it

 private:
  struct Zone;
  Calendar(CalendarUnit unit, std::unique_ptr<Zone> zone);

  CalendarUnit unit_;
  std::unique_ptr<Zone> zone_;
  mutable int64_t known_start_ = 0;  // of the unit that was asked for last, and its end
  mutable int64_t known_end_ = 0;
};

}  // namespace wayside
