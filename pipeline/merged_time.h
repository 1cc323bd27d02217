// The event time of a stream over all keys of one that runs by key: the minimum over those that are
// not idle. It never goes back. A step costs the logarithm of the keys at most, and nothing where
// the key is not among the last ones.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "pipeline/stream.h"

namespace wayside {

class MergedTime final : public EventTime {
 public:
  bool by_key() const override { return false; }
  int64_t watermark(uint32_t) const override { return watermark_; }
  bool is_idle(uint32_t) const override { return least() == kTimeMax; }

  // The key's watermark is this, and it is not idle; kTimeMin changes nothing. Gives the minimum.
  int64_t advance(uint32_t key, int64_t watermark);
  // The key is idle, or gone. True: the minimum goes on by it.
  bool leave(uint32_t key);
  // These keys begin anew, if they are ahead of `limit_ms`, and all if the minimum is.
  void begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms);

  bool is_active(uint32_t key) const { return key < capacity() && of(key) != kTimeMax; }
  void save_key(uint32_t key, ByteWriter& out) const { out.fixed(of(key)); }  // of an active one
  void load_key(uint32_t key, ByteReader& in) { set(key, in.fixed<int64_t>()); }
  void save_totals(ByteWriter& out) const { out.fixed(watermark_); }
  void load_totals(ByteReader& in) { watermark_ = in.fixed<int64_t>(); }

 private:
  size_t capacity() const { return tree_.size() / 2; }
  int64_t of(uint32_t key) const { return tree_[capacity() + key]; }
  int64_t least() const { return tree_.size() < 2 ? kTimeMax : tree_[1]; }
  void set(uint32_t key, int64_t watermark);
  void make_room(uint32_t key);
  bool follow();  // of the minimum

  // A tournament: leaf capacity() + key is the key's watermark, kTimeMax while it is idle; node n
  // is the smaller one of 2n and 2n + 1.
  std::vector<int64_t> tree_;
  int64_t watermark_ = kTimeMin;
};

}  // namespace wayside
