#include "pipeline/panes.h"

namespace wayside {

uint32_t Panes::make() {
  if (!free_.empty()) {
    const uint32_t pane = free_.back();
    free_.pop_back();
    return pane;
  }
  const uint32_t pane = count_++;
  for (auto& a : aggregates_) a->resize(count_);
  if (last_) last_->resize(count_);
  return pane;
}

void Panes::release(uint32_t pane) {
  reset(pane);
  free_.push_back(pane);
}

void Panes::reset(uint32_t pane) {
  for (auto& a : aggregates_) a->reset(pane);
  if (last_) last_->reset(pane);
}

void Panes::flush() {
  if (pending_rows_.empty()) return;
  const RowsIntoPanes target{pending_panes_.data(), pending_rows_.data(), pending_rows_.size()};
  for (size_t a = 0; a < aggregates_.size(); ++a) aggregates_[a]->add((*inputs_)[a], target);
  if (last_) last_->add(*inputs_, target);
  pending_panes_.clear();
  pending_rows_.clear();
}

void Panes::merge(uint32_t into, uint32_t from) {
  for (auto& a : aggregates_) a->merge(into, from);
  if (last_) last_->merge(into, from);
}

void Panes::assign(uint32_t to, uint32_t from) {
  reset(to);
  merge(to, from);
}

void Panes::save(uint32_t pane, ByteWriter& out) const {
  for (const auto& a : aggregates_) a->save(pane, out);
  if (last_) last_->save(pane, out);
}

void Panes::load(uint32_t pane, ByteReader& in) {
  for (auto& a : aggregates_) a->load(pane, in);
  if (last_) last_->load(pane, in);
}

}  // namespace wayside
