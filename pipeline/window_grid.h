// Where windows begin and end, for those that are laid out beforehand: fixed size and distance,
// days, weeks and months of a zone, or one for all times. Windows are named by their start;
// [start, end).
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "base/time.h"
#include "pipeline/calendar.h"
#include "pipeline/options.h"

namespace wayside {

class WindowGrid {
 public:
  // An error: the zone is not known here.
  static Result<WindowGrid> make(const WindowOptions& options);

  // The latest window that begins at or before t; with gaps it may have ended before t.
  int64_t last_start(int64_t t) const;
  // The earliest one that ends behind t; with gaps it may begin behind t.
  int64_t first_start(int64_t t) const;
  int64_t next_start(int64_t start) const;
  int64_t end(int64_t start) const;

  // Slices: the stretches between two borders of any windows, so that a window is a run of slices.
  // At most two a window (Carbone et al. 2016, Cutty; Traub et al. 2018, Scotty).
  int64_t slice_start(int64_t t) const;

  bool overlaps() const { return kind_ == Kind::kFixed && every_ < size_; }

 private:
  enum class Kind { kFixed, kCalendar, kGlobal };
  WindowGrid() = default;
  int64_t floor_to(int64_t t, int64_t border) const;  // the last border + n · every_ before t

  Kind kind_ = Kind::kFixed;
  int64_t size_ = 1;
  int64_t every_ = 1;
  int64_t offset_ = 0;
  std::shared_ptr<const Calendar> calendar_;
};

}  // namespace wayside
