#include "sensors/readings.h"

#include <algorithm>

namespace wayside {

Row& Readings::add() {
  if (size_ == items_.size()) items_.emplace_back();
  Item& item = items_[size_++];
  item.row = empty_;
  item.refusal.reason = nullptr;
  return item.row;
}

size_t Readings::max() const {
  const size_t fields = std::max<size_t>(empty_.numbers.size(), 1);
  return std::clamp<size_t>(kCellsMax / fields, 1, kReadingsMax);
}

bool too_many_readings(const Readings& readings, Refusal& refusal) {
  refusal = {"too_large",
             "more than " + std::to_string(readings.max()) + " readings in one payload"};
  return false;
}

}  // namespace wayside
