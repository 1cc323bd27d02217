// Texts to dense ids, counted from 0 in order of first appearance. Views stay valid as long as it
// lives.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/hash.h"

namespace wayside {

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return hash64(text); }
};

class Interner {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t intern(std::string_view text) {
    if (auto found = ids_.find(text); found != ids_.end()) return found->second;
    uint32_t id = static_cast<uint32_t>(texts_.size());
    ids_.emplace(texts_.emplace_back(text), id);
    bytes_ += text.size();
    return id;
  }
  uint32_t find(std::string_view text) const {
    auto found = ids_.find(text);
    return found == ids_.end() ? kNone : found->second;
  }
  std::string_view text(uint32_t id) const { return texts_[id]; }
  uint32_t size() const { return static_cast<uint32_t>(texts_.size()); }
  size_t bytes() const { return bytes_; }  // of the texts alone
  void clear() {
    ids_.clear();
    texts_.clear();
    bytes_ = 0;
  }

 private:
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, uint32_t, TextHash> ids_;
  size_t bytes_ = 0;
};

}  // namespace wayside
