// Keys (vehicles, devices) to dense ids over all sources; ids of forgotten keys are used again.
// Nothing that leaves the pipeline may depend on an id: order is by text.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/interner.h"

namespace wayside {

class KeyTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t find(std::string_view text) const {
    auto found = ids_.find(text);
    return found == ids_.end() ? kNone : found->second;
  }
  uint32_t intern(std::string_view text) {
    if (uint32_t id = find(text); id != kNone) return id;
    uint32_t id;
    if (free_.empty()) {
      id = static_cast<uint32_t>(texts_.size());
      texts_.emplace_back();
    } else {
      id = free_.back();
      free_.pop_back();
    }
    texts_[id] = text;
    ids_.emplace(std::string(text), id);
    return id;
  }
  void release(uint32_t id) {
    ids_.erase(texts_[id]);
    texts_[id].clear();
    free_.push_back(id);
    ++releases_;
  }
  const std::string& text(uint32_t id) const { return texts_[id]; }
  uint32_t capacity() const { return static_cast<uint32_t>(texts_.size()); }  // ids are below
  // The key's state has changed: it belongs into the next checkpoint.
  void touch(uint32_t id) {
    if (id >= is_touched_.size()) is_touched_.resize(texts_.size());
    if (is_touched_[id] == kTouched + kChanged) return;
    if (!(is_touched_[id] & kTouched)) touched_.push_back(id);
    if (!(is_touched_[id] & kChanged)) changed_.push_back(id);
    is_touched_[id] = kTouched + kChanged;
  }
  std::vector<uint32_t> take_touched() {
    for (uint32_t id : touched_) is_touched_[id] &= kChanged;
    return std::exchange(touched_, {});
  }
  // The same for those who measure: since this was called last.
  std::vector<uint32_t> take_changed() {
    for (uint32_t id : changed_) is_touched_[id] &= kTouched;
    return std::exchange(changed_, {});
  }

  uint64_t releases() const { return releases_; }  // another number: ids may mean other keys

  void sort_by_text(std::vector<uint32_t>& ids) const {
    std::sort(ids.begin(), ids.end(),
              [&](uint32_t a, uint32_t b) { return texts_[a] < texts_[b]; });
  }

 private:
  std::vector<std::string> texts_;
  std::vector<uint32_t> free_;
  std::unordered_map<std::string, uint32_t, TextHash, std::equal_to<>> ids_;
  uint64_t releases_ = 0;
  static constexpr uint8_t kTouched = 1, kChanged = 2;
  std::vector<uint32_t> touched_;
  std::vector<uint32_t> changed_;
  std::vector<uint8_t> is_touched_;
};

}  // namespace wayside
