#include "pipeline/derived_keys.h"

#include <algorithm>

namespace wayside {

void DerivedKeys::hear(uint32_t id, int64_t time_ms) {
  if (id >= keys_.size()) keys_.resize(id + 1);
  Key& key = keys_[id];
  if (!key.known) {
    key.known = true;
    ++known_keys_;
    key.place = by_silence_.insert(by_silence_.end(), id);
  } else if (key.heard_ms != clock_ms_) {
    by_silence_.splice(by_silence_.end(), by_silence_, key.place);
  }
  key.heard_ms = clock_ms_;
  key.newest_ms = std::max(key.newest_ms, time_ms);
}

void DerivedKeys::forget_key(uint32_t id) {
  if (!knows(id)) return;
  by_silence_.erase(keys_[id].place);
  keys_[id] = {};
  --known_keys_;
}

int64_t DerivedKeys::end_of(uint32_t id) const {
  const int64_t end = saturating_add(keys_[id].heard_ms, forget_after_ms_);
  const int64_t rest = (end % tick_ms_ + tick_ms_) % tick_ms_;
  return rest == 0 ? end : saturating_add(end, tick_ms_ - rest);
}

std::vector<uint32_t> DerivedKeys::expired(int64_t timer_ms) const {
  std::vector<uint32_t> keys;
  for (const uint32_t id : by_silence_) {
    if (end_of(id) > timer_ms) break;
    keys.push_back(id);
  }
  return keys;
}

int64_t DerivedKeys::next_timer() const {
  return by_silence_.empty() ? kTimeMax : end_of(by_silence_.front());
}

std::vector<uint32_t> DerivedKeys::ahead(int64_t limit_ms) const {
  std::vector<uint32_t> keys;
  for (const uint32_t id : by_silence_) {
    if (keys_[id].newest_ms > limit_ms) keys.push_back(id);
  }
  return keys;
}

void DerivedKeys::save_key(uint32_t id, ByteWriter& out) const {
  out.fixed(keys_[id].newest_ms);
  out.fixed(keys_[id].heard_ms);
}

void DerivedKeys::load_key(uint32_t id, ByteReader& in) {
  if (id >= keys_.size()) keys_.resize(id + 1);
  Key& key = keys_[id];
  if (!key.known) ++known_keys_;
  key.known = true;
  key.newest_ms = in.fixed<int64_t>();
  key.heard_ms = in.fixed<int64_t>();
}

void DerivedKeys::loaded() {
  by_silence_.clear();
  for (uint32_t id = 0; id < keys_.size(); ++id) {
    if (keys_[id].known) by_silence_.push_back(id);
  }
  by_silence_.sort([&](uint32_t a, uint32_t b) { return keys_[a].heard_ms < keys_[b].heard_ms; });
  for (auto at = by_silence_.begin(); at != by_silence_.end(); ++at) keys_[*at].place = at;
}

}  // namespace wayside
