#include "pipeline/merged_time.h"

#include <algorithm>

namespace wayside {

void MergedTime::make_room(uint32_t key) {
  size_t room = std::max<size_t>(capacity(), 16);
  while (room <= key) room *= 2;
  if (room == capacity()) return;
  std::vector<int64_t> tree(2 * room, kTimeMax);
  std::copy(tree_.begin() + static_cast<ptrdiff_t>(capacity()), tree_.end(),
            tree.begin() + static_cast<ptrdiff_t>(room));
  for (size_t n = room - 1; n > 0; --n) tree[n] = std::min(tree[2 * n], tree[2 * n + 1]);
  tree_ = std::move(tree);
}

void MergedTime::set(uint32_t key, int64_t watermark) {
  make_room(key);
  size_t n = capacity() + key;
  tree_[n] = watermark;
  for (n /= 2; n > 0; n /= 2) {
    const int64_t least = std::min(tree_[2 * n], tree_[2 * n + 1]);
    if (tree_[n] == least) break;
    tree_[n] = least;
  }
}

bool MergedTime::follow() {
  if (least() == kTimeMax || least() <= watermark_) return false;
  watermark_ = least();
  return true;
}

int64_t MergedTime::advance(uint32_t key, int64_t watermark) {
  if (watermark == kTimeMin) return watermark_;
  if (!is_active(key) || of(key) < watermark) {
    set(key, watermark);
    follow();
  }
  return watermark_;
}

bool MergedTime::leave(uint32_t key) {
  if (!is_active(key)) return false;
  set(key, kTimeMax);
  return follow();
}

void MergedTime::begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms) {
  for (const uint32_t key : keys) {
    if (is_active(key) && of(key) > limit_ms) set(key, kTimeMax);
  }
  if (watermark_ > limit_ms) watermark_ = kTimeMin;
  follow();
}

}  // namespace wayside
