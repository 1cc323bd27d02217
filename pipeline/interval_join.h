// An interval join: each pair of a left reading and a right one of its key whose event time is in
// [left − before, left + after], once, as soon as the second of them has come; its event time is
// the later one of the two. A reading is kept until the watermark, the smaller one of the inputs
// that are not idle, says that no partner can come any more; what comes at or below that is late.
// So of at most `max_rows` readings a key and an input: the oldest goes when there are more, and is
// counted.
#pragma once

#include "pipeline/join.h"

namespace wayside {

class IntervalJoin final : public Join {
 public:
  using Join::Join;

  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  void on_idle(uint32_t key, EmissionBuffer& out) override;
  bool is_idle(uint32_t key) const override {
    return is_input_idle(kLeft, key) && is_input_idle(kRight, key);
  }

 private:
  void drop(uint32_t key) override { drop_ahead(key, kTimeMin); }
  void drop_ahead(uint32_t key, int64_t limit_ms) override;

  // Partners of a reading at t are those of the other input in [t − reach(other), t +
  // reach(input)].
  int64_t reach(size_t input) const {
    return (input == kLeft ? options_.after_ms : options_.before_ms).value_or(0);
  }
  static constexpr size_t kRowsMax = 1'024;  // pairs that are told together
  bool take(size_t input, uint32_t key, int64_t time, size_t row, EmissionBuffer& out);
  int64_t goal(size_t input, uint32_t key, int64_t after) const;
  void advance(uint32_t key, int64_t watermark);
  void trim(uint32_t key);
};

}  // namespace wayside
