#include "sensors/readings.h"

#include <algorithm>

namespace wayside {
namespace {

constexpr size_t kTextBlock = 4'096;

}  // namespace

void Readings::clear() {
  size_ = 0;
  outgoing.clear();
  if (texts_.size() > 1 || (!texts_.empty() && texts_.front().size() > kTextBlock)) texts_.clear();
  if (!texts_.empty()) texts_.front().clear();
}

std::string_view Readings::keep(std::string_view text) {
  if (texts_.empty() || texts_.back().capacity() - texts_.back().size() < text.size()) {
    texts_.emplace_back().reserve(std::max(kTextBlock, text.size()));
  }
  std::string& block = texts_.back();
  block.append(text);
  return std::string_view(block).substr(block.size() - text.size());
}

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
