#include "pipeline/window_grid.h"

#include <algorithm>

namespace wayside {

Result<WindowGrid> WindowGrid::make(const WindowOptions& options) {
  WindowGrid grid;
  switch (options.kind()) {
    case WindowKind::kTime:
      grid.size_ = options.size_ms;
      grid.every_ = options.every_ms > 0 ? options.every_ms : options.size_ms;
      grid.offset_ = options.offset_ms;
      break;
    case WindowKind::kCount: {
      // The axis is the number of the reading, from 0. Windows end at multiples of every_count.
      grid.size_ = options.count;
      grid.every_ = options.every_count > 0 ? options.every_count : options.count;
      grid.offset_ = -grid.size_;
      break;
    }
    case WindowKind::kCalendar: {
      grid.kind_ = Kind::kCalendar;
      WS_ASSIGN(grid.calendar_, Calendar::make(options.calendar, options.zone));
      break;
    }
    case WindowKind::kSession:  // not laid out beforehand
    case WindowKind::kGlobal:
      grid.kind_ = Kind::kGlobal;
  }
  return grid;
}

int64_t WindowGrid::floor_to(int64_t t, int64_t border) const {
  int64_t rest = (t - border) % every_;
  if (rest < 0) rest += every_;
  return t - rest;
}

int64_t WindowGrid::last_start(int64_t t) const {
  switch (kind_) {
    case Kind::kFixed:
      return floor_to(t, offset_);
    case Kind::kCalendar:
      return calendar_->start(t);
    default:
      return kTimeMin;
  }
}

int64_t WindowGrid::first_start(int64_t t) const {
  // Fixed: the first start behind t − size.
  return kind_ == Kind::kFixed ? floor_to(t - size_, offset_) + every_ : last_start(t);
}

int64_t WindowGrid::next_start(int64_t start) const {
  return kind_ == Kind::kFixed ? start + every_ : end(start);
}

int64_t WindowGrid::end(int64_t start) const {
  switch (kind_) {
    case Kind::kFixed:
      return start + size_;
    case Kind::kCalendar:
      return calendar_->next(start);
    default:
      return kTimeMax;
  }
}

int64_t WindowGrid::slice_start(int64_t t) const {
  if (size_ % every_ == 0) return last_start(t);
  return std::max(floor_to(t, offset_), floor_to(t, offset_ + size_));
}

}  // namespace wayside
