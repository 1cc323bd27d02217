// An as-of join: each left reading at t with the right reading of its key that is the last at or
// before t, and not older than `within`; of several at one time the one that came last. Left
// readings leave in order of event time: one waits
// - until the watermarks of both inputs have passed it,
// - or only the left one, by `max_wait`, or while the right input is idle,
// - or until the left input is idle.
// So the join's watermark is min(left, max(right, left − max_wait)). What comes to the left at or
// below it is late; what comes to the right is so once no left reading can need it any more.
//
// More than `max_rows` readings of a key and an input: on the left the oldest leaves before its
// watermark, with what is known; on the right it is forgotten. Both are counted.
#pragma once

#include <set>
#include <utility>

#include "pipeline/join.h"

namespace wayside {

class AsOfJoin final : public Join {
 public:
  using Join::Join;

  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  void on_idle(uint32_t key, EmissionBuffer& out) override;
  void finish(EmissionBuffer& out) override;
  bool is_idle(uint32_t key) const override { return is_input_idle(kLeft, key); }
  void load_key(uint32_t key, ByteReader& in) override;

 private:
  void drop(uint32_t key) override;
  void drop_ahead(uint32_t key, int64_t limit_ms) override;

  bool take_left(uint32_t key, int64_t time, size_t row);
  bool take_right(uint32_t key, int64_t time, size_t row);
  int64_t oldest_useful(uint32_t key);
  void trim(uint32_t key);
  const std::string* match(const Readings& right, int64_t time) const;
  int64_t goal(size_t input, uint32_t key, int64_t after);
  int64_t newest_waiting(uint32_t key);
  void advance(uint32_t key, int64_t watermark);
  void release_until(uint32_t key, int64_t upto);
  void release_all_keys(int64_t upto);  // not by key
  void release(uint32_t key, Readings::iterator begin, Readings::iterator end);
  void mark(uint32_t key);    // puts the key's oldest left reading into oldest_,
  void unmark(uint32_t key);  // or takes it out, before it changes

  std::set<std::pair<int64_t, uint32_t>> oldest_;  // not by key: of each key that waits
};

}  // namespace wayside
