// A stream by processing time: the readings of another one, each at the time of the turn in which
// it came. The turns' times are journaled, so that a replay closes the same windows at the same
// readings. There is one watermark, just before the time of the turn; nothing is ever late.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "pipeline/block.h"
#include "pipeline/keys.h"

namespace wayside {

class ProcessingTime final : public Block, public EventTime {
 public:
  // The input outlives it. Time that is ahead of the clock by up to `max_ahead_ms` waits for it.
  ProcessingTime(std::string name, const Stream& input, int64_t max_ahead_ms)
      : name_(std::move(name)),
        output_(name_, input.schema(), *this),
        max_ahead_ms_(max_ahead_ms) {}

  // A turn begins; a clock that goes back does not take time with it.
  void begin_turn(const Now& now, EmissionBuffer& out);
  // How far its time may be ahead once we know that it is `wall_ms`.
  int64_t limit_ms(int64_t wall_ms) const { return saturating_add(wall_ms, max_ahead_ms_); }
  // On the timer clock: when a turn is due so that the watermark is at `watermark_ms`.
  int64_t timer_of(int64_t watermark_ms, int64_t tick_ms) const;

  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  void begin_anew(const std::vector<uint32_t>&, int64_t limit_ms, EmissionBuffer&) override {
    if (watermark(KeyTable::kNone) > limit_ms) now_ms_ = kTimeMin;
  }
  std::vector<Stream*> outputs() override { return {&output_}; }
  const EventTime* merged_time() const override { return this; }

  bool by_key() const override { return false; }
  int64_t watermark(uint32_t) const override {
    return now_ms_ == kTimeMin ? kTimeMin : now_ms_ - 1;
  }
  bool is_idle(uint32_t) const override { return false; }

  const std::string& name() const override { return name_; }
  BlockStatus status() const override { return {name_, "processing_time"}; }
  uint64_t fingerprint() const override { return 1; }
  void save_totals(ByteWriter& out) const override {
    out.fixed(now_ms_);
    out.fixed(timer_ms_);
  }
  void load_totals(ByteReader& in) override {
    now_ms_ = in.fixed<int64_t>();
    timer_ms_ = in.fixed<int64_t>();
  }

 private:
  std::string name_;
  Stream output_;
  int64_t max_ahead_ms_;
  int64_t now_ms_ = kTimeMin;
  int64_t timer_ms_ = 0;  // of the last turn
  // Of the rows that are pushed.
  std::vector<int64_t> times_;
  std::vector<int64_t> after_;
};

}  // namespace wayside
