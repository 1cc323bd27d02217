#include "sensors/readings.h"

namespace wayside {

Row& Readings::add() {
  if (size_ == items_.size()) items_.emplace_back();
  Item& item = items_[size_++];
  item.row = empty_;
  item.refusal.reason = nullptr;
  return item.row;
}

bool too_many_readings(Refusal& refusal) {
  refusal = {"too_large", "more than " + std::to_string(kReadingsMax) + " readings in one payload"};
  return false;
}

}  // namespace wayside
