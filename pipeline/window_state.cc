// What a window keeps beside its panes: watermarks, what waits, counts.
#include "pipeline/window.h"

namespace wayside {

BlockStatus Window::status() const {
  const uint64_t evicted = panes_.last() ? panes_.last()->evicted() : 0;
  return {options_.name, "window", results_->emitted(), windows_->open(), late_, 0, 0, evicted};
}

uint64_t Window::faults() const {
  uint64_t faults = results_->faults();
  for (const auto& e : expressions_) faults += e->faults();
  return faults;
}

bool Window::save_key(uint32_t key, ByteWriter& out) const {
  if (!knows(key)) return false;
  const int64_t watermark = by_key_ ? watermarks_[key] : kTimeMin;
  const Counted counted = has_times() ? Counted{} : counted_[key];
  if (windows_->empty(key) && watermark == kTimeMin && counted.newest_ms == kTimeMin) return false;
  out.fixed(watermark);
  out.fixed(counted.newest_ms);
  out.varint(counted.readings);
  out.fixed<uint8_t>(!windows_->empty(key));
  if (windows_->empty(key)) return true;
  windows_->save(key, out);
  if (options_.retract) results_->save_former(key, out);
  return true;
}

void Window::load_key(uint32_t key, ByteReader& in) {
  know(key);
  const auto watermark = in.fixed<int64_t>();
  if (by_key_) watermarks_[key] = watermark;
  Counted counted;
  counted.newest_ms = in.fixed<int64_t>();
  counted.readings = in.varint();
  if (!has_times()) counted_[key] = counted;
  if (in.fixed<uint8_t>() != 0) {
    windows_->load(key, in);
    if (options_.retract) results_->load_former(key, in);
  }
  if (!by_key_) schedule(key);
}

void Window::save_totals(ByteWriter& out) const {
  out.fixed(watermark_);
  out.varint(results_->emitted());
  out.varint(late_);
  if (panes_.last()) out.varint(panes_.last()->evicted());
  if (behind_.empty()) return;  // as it was before there was such a thing
  out.varint(behind_.size());
  for (const auto& [key, watermark] : behind_) {
    out.text(key == KeyTable::kNone ? std::string() : keys_.text(key));
    out.fixed(watermark);
  }
}

void Window::load_totals(ByteReader& in) {
  watermark_ = in.fixed<int64_t>();
  results_->set_emitted(in.varint());
  late_ = in.varint();
  if (panes_.last()) panes_.last()->set_evicted(in.varint());
  if (in.left() == 0) return;
  for (size_t n = in.count(9); n > 0 && in.ok(); --n) {
    const std::string name(in.text());
    const uint32_t key = by_key_ ? keys_.intern(name) : KeyTable::kNone;
    if (by_key_) know(key);
    behind_[key] = in.fixed<int64_t>();
  }
}

}  // namespace wayside
