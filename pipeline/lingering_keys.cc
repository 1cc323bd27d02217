#include "pipeline/lingering_keys.h"

#include <algorithm>

namespace wayside {

void LingeringKeys::add(uint32_t key, const std::vector<Stay>& stays) {
  std::vector<Stay>& all = keys_[key].stays;
  for (const Stay& stay : stays) {
    const auto place = std::lower_bound(all.begin(), all.end(), stay.block,
                                        [](const Stay& s, size_t b) { return s.block < b; });
    if (place != all.end() && place->block == stay.block) {
      *place = stay;
    } else {
      all.insert(place, stay);
    }
  }
}

std::vector<LingeringKeys::Stay> LingeringKeys::stays(uint32_t key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? std::vector<Stay>() : found->second.stays;
}

void LingeringKeys::keep(uint32_t key, std::vector<Stay> stays, int64_t due_ms) {
  const auto found = keys_.find(key);
  if (found != keys_.end()) due_.erase({found->second.due_ms, key});
  if (stays.empty()) {
    keys_.erase(key);
    return;
  }
  const int64_t rest = (due_ms % tick_ms_ + tick_ms_) % tick_ms_;
  if (rest != 0) due_ms = saturating_add(due_ms, tick_ms_ - rest);
  keys_[key] = {std::move(stays), due_ms};
  due_.emplace(due_ms, key);
}

std::vector<uint32_t> LingeringKeys::due(int64_t timer_ms) const {
  std::vector<uint32_t> keys;
  for (const auto& [due_ms, key] : due_) {
    if (due_ms > timer_ms) break;
    keys.push_back(key);
  }
  return keys;
}

bool LingeringKeys::save_key(uint32_t key, const std::vector<std::string>& blocks,
                             ByteWriter& out) const {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return false;
  out.fixed(found->second.due_ms);
  out.varint(found->second.stays.size());
  for (const Stay& stay : found->second.stays) {
    out.text(blocks[stay.block]);
    out.fixed(stay.newest_ms);
    out.fixed(stay.behind_ms);
  }
  return true;
}

void LingeringKeys::load_key(uint32_t key, const std::vector<std::string>& blocks, ByteReader& in) {
  const auto due_ms = in.fixed<int64_t>();
  std::vector<Stay> stays;
  for (size_t n = in.count(17); n > 0 && in.ok(); --n) {
    const std::string_view name = in.text();
    const auto block = std::find(blocks.begin(), blocks.end(), name);
    Stay stay{static_cast<size_t>(block - blocks.begin()), 0, 0};
    stay.newest_ms = in.fixed<int64_t>();
    stay.behind_ms = in.fixed<int64_t>();
    if (in.ok() && block != blocks.end()) stays.push_back(stay);
  }
  std::sort(stays.begin(), stays.end(),
            [](const Stay& a, const Stay& b) { return a.block < b.block; });
  keep(key, std::move(stays), due_ms);
}

}  // namespace wayside
