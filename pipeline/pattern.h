// `[[pattern]]`: readings of a key that come one after the other, as its steps say. Sees them in
// order of event time, as rules do; what is absent is told by the watermark. Of a match it tells
// when it began and ended, and of each step how often it came, first and last.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/block.h"
#include "pipeline/keys.h"
#include "pipeline/ordered.h"
#include "pipeline/pattern_matcher.h"
#include "pipeline/stream_output.h"

namespace wayside {

class Pattern final : public Block, public EventTime {
 public:
  // Null: `error` says why. The input, the key table and the engine outlive it. Bits of `targets`
  // are uplinks.
  static std::unique_ptr<Pattern> make(const PatternOptions& options, const Stream& input,
                                       KeyTable& keys, ExpressionEngine& engine, uint32_t targets,
                                       BlockError& error);

  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  void on_idle(uint32_t key, EmissionBuffer& out) override;
  void forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) override;
  void evict_key(uint32_t key, EmissionBuffer& out) override;
  void begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms,
                  EmissionBuffer& out) override;
  void finish(EmissionBuffer& out) override;
  std::vector<Stream*> outputs() override { return {&output_->stream()}; }

  bool by_key() const override { return by_key_; }
  int64_t watermark(uint32_t key) const override;
  bool is_idle(uint32_t key) const override { return input_.time().is_idle(key); }

  bool is_by_key() const override { return true; }

  const std::string& name() const override { return options_.name; }
  BlockStatus status() const override;
  uint64_t faults() const override { return conditions_.faults(); }
  uint64_t fingerprint() const override;
  bool save_key(uint32_t key, ByteWriter& out) const override;
  void load_key(uint32_t key, ByteReader& in) override;
  void save_totals(ByteWriter& out) const override;
  void load_totals(ByteReader& in) override;

 private:
  struct Key {
    PatternMatcher::Runs runs;
    int64_t due = kTimeMax;        // of the runs
    int64_t watermark = kTimeMin;  // by key
  };
  Pattern(const PatternOptions& options, const Stream& input, KeyTable& keys)
      : options_(options), input_(input), keys_(keys), by_key_(input.time().by_key()) {}
  bool compile(ExpressionEngine& engine, uint32_t targets, BlockError& error);
  bool check_names(BlockError& error) const;
  Schema schema() const;

  Key& state(uint32_t key);
  bool take(const Rows& rows, size_t row);
  void advance(uint32_t key, int64_t watermark);
  void settle(uint32_t key, int64_t watermark);
  void settle_all(int64_t watermark);  // not by key
  void end(uint32_t key);              // all that is open of it
  void set_runs(uint32_t key);         // after they have changed: when they are due, what they tell
  auto consumer(uint32_t key) {
    return [this, key](int64_t time, const double* conditions) {
      matcher_.take(state(key).runs, time, conditions, matches_);
    };
  }
  std::vector<uint32_t> keys_with_state() const;  // by name

  PatternOptions options_;
  const Stream& input_;
  KeyTable& keys_;
  bool by_key_;
  PatternPlan plan_;
  ColumnExpressions conditions_;  // by step
  std::vector<const double*> values_;
  std::unique_ptr<OrderedReadings> ordered_;
  PatternMatcher matcher_{plan_};
  std::unique_ptr<StreamOutput> output_;

  std::vector<Key> states_;
  std::set<std::pair<int64_t, uint32_t>> due_;  // not by key: keys with runs
  std::vector<PatternMatcher::Match> matches_;
  int64_t watermark_ = kTimeMin;  // not by key
  uint64_t late_ = 0;
};

}  // namespace wayside
