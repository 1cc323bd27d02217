// How slices are saved and come back.
#include "pipeline/sliced_windows.h"

namespace wayside {

void SlicedWindows::save(uint32_t id, ByteWriter& out) const {
  const Key& key = keys_[id];
  out.fixed(key.next);
  out.fixed(key.back_start);
  out.varint(key.done);
  out.varint(key.front);
  out.varint(key.back);
  out.varint(key.slices.size());
  for (const uint32_t pane : key.slices) {
    out.fixed(starts_[pane]);
    panes_.save(pane, out);
  }
  for (const uint32_t pane : key.suffixes) panes_.save(pane, out);
  out.fixed<uint8_t>(key.back_sum != kNone);
  if (key.back_sum != kNone) panes_.save(key.back_sum, out);
  const auto found = told_.find(id);
  out.varint(found == told_.end() ? 0 : found->second.size());
  if (found == told_.end()) return;
  for (const Told& t : found->second) {
    out.fixed(t.start);
    out.varint(t.revision);
    out.fixed(static_cast<uint8_t>(t.changed | t.at_end << 1));
  }
}

void SlicedWindows::load(uint32_t id, ByteReader& in) {
  if (id >= keys_.size()) keys_.resize(id + 1);
  Key& key = keys_[id];
  key.next = in.fixed<int64_t>();
  key.back_start = in.fixed<int64_t>();
  key.done = static_cast<uint32_t>(in.varint());
  key.front = static_cast<uint32_t>(in.varint());
  key.back = static_cast<uint32_t>(in.varint());
  const size_t slices = in.count(8);
  if (uint64_t{key.done} + key.front + key.back > slices) return in.fail();
  auto load_pane = [&](int64_t start) {
    const uint32_t pane = make(start);
    panes_.load(pane, in);
    return pane;
  };
  for (size_t i = 0; i < slices && in.ok(); ++i) {
    key.slices.push_back(load_pane(in.fixed<int64_t>()));
  }
  for (uint32_t i = 0; keeps_slices_ && i < key.front && in.ok(); ++i) {
    key.suffixes.push_back(load_pane(0));
  }
  if (in.fixed<uint8_t>() != 0) key.back_sum = load_pane(0);
  for (size_t n = in.count(10); n > 0 && in.ok(); --n) {
    Told& t = told(id, in.fixed<int64_t>());
    t.revision = static_cast<uint32_t>(in.varint());
    const auto flags = in.fixed<uint8_t>();
    t.changed = flags & 1;
    t.at_end = flags >> 1 & 1;
  }
  set_due(key);
}

}  // namespace wayside
