// A window block with Flink's semantics: a window [start, end) fires when the watermark reaches
// end − 1, takes late readings until end − 1 + allowed_lateness, and answers each of those with a
// revision. Watermarks run per key, or per source when its `watermark` says so; over several inputs
// the smallest counts that is not idle.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/block.h"
#include "pipeline/columns.h"
#include "pipeline/keyed_windows.h"
#include "pipeline/keys.h"
#include "pipeline/options.h"
#include "pipeline/panes.h"
#include "pipeline/window_results.h"

namespace wayside {

class Window final : public Block, public EventTime {
 public:
  // Null: `error` says why. The inputs, the key table and the engine outlive the window. Bits of
  // `targets` and `late_targets` are uplinks.
  static std::unique_ptr<Window> make(const WindowOptions& options,
                                      std::vector<const Stream*> inputs, KeyTable& keys,
                                      ExpressionEngine& engine, uint32_t targets,
                                      uint32_t late_targets, BlockError& error);

  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  void on_idle(uint32_t key, EmissionBuffer& out) override;
  void forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) override;
  void evict_key(uint32_t key, EmissionBuffer& out) override;
  int64_t open_for(uint32_t key, int64_t time_ms) override;
  void begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms,
                  EmissionBuffer& out) override;
  bool is_behind() const override { return !behind_.empty(); }
  void go_on(EmissionBuffer& out) override;
  void finish(EmissionBuffer& out) override;
  // First final results; with `retract` also all that are final, with those that are taken back.
  std::vector<Stream*> outputs() override;
  // So many results a turn, and those that are due at the same time as the last one: its watermark
  // waits before the next ones. Memory holds no more of them than that.
  static constexpr size_t kTurnResults = 20'000;
  static std::string changes_of(const std::string& name) { return name + "//changes"; }

  bool by_key() const override { return by_key_; }
  int64_t watermark(uint32_t key) const override;
  bool is_idle(uint32_t key) const override;

  // Not by key: the watermark at which something happens next; kTimeMax for never.
  int64_t next_due() const { return due_.empty() ? kTimeMax : due_.begin()->first; }

  bool is_by_key() const override { return true; }
  bool can_unload() const override { return true; }
  void unload_key(uint32_t key) override;
  void set_pager(KeyPager* pager) override { pager_ = pager; }

  const std::string& name() const override { return options_.name; }
  BlockStatus status() const override;
  uint64_t faults() const override;
  uint64_t fingerprint() const override { return fingerprint_; }
  bool save_key(uint32_t key, ByteWriter& out) const override;
  void load_key(uint32_t key, ByteReader& in) override;
  void save_totals(ByteWriter& out) const override;
  void load_totals(ByteReader& in) override;

 private:
  struct Counted {  // of a key whose windows have no times
    int64_t newest_ms = kTimeMin;
    uint64_t readings = 0;
  };
  // What the plan of the aggregates gives: of which columns each of them reads.
  struct Reads {
    size_t columns[AggregateInput::kColumnsMax] = {kNo, kNo, kNo};  // items of the expressions
    size_t filter = kNo;
  };
  static constexpr size_t kNo = SIZE_MAX;

  Window(const WindowOptions& options, std::vector<const Stream*> inputs, KeyTable& keys)
      : options_(options), inputs_(std::move(inputs)), keys_(keys) {}
  bool make_windows(BlockError& error);
  bool compile(ExpressionEngine& engine, uint32_t targets, BlockError& error);

  template <class Windows>
  void take_rows(Windows& windows, size_t input, const Rows& rows, EmissionBuffer& out);
  template <class Windows>
  Take take(Windows& windows, uint32_t key, int64_t time, uint32_t row);
  void begin_batch(size_t input, const Rows& rows);
  bool has_times() const {
    return options_.kind() != WindowKind::kCount && options_.kind() != WindowKind::kGlobal;
  }
  bool knows(uint32_t key) const { return key < (by_key_ ? watermarks_ : due_of_).size(); }
  void know(uint32_t key);
  void set_time_of(uint32_t key);
  int64_t combined(size_t input, uint32_t key, int64_t after) const;
  void advance(uint32_t key, int64_t watermark);
  int64_t fire_key(uint32_t key, int64_t watermark);
  int64_t fire_until(int64_t watermark);
  bool is_full() const { return results_->told_in_turn() >= kTurnResults; }
  void set_behind(uint32_t key, int64_t reached, int64_t watermark);
  void schedule(uint32_t key);
  std::vector<uint32_t> open_keys() const;  // by name
  void close(uint32_t key);
  void emit(EmissionBuffer& out);
  void emit_late(size_t input, const Rows& rows, size_t row, EmissionBuffer& out);

  WindowOptions options_;
  std::vector<const Stream*> inputs_;
  KeyTable& keys_;
  bool by_key_ = true;
  uint32_t late_targets_ = 0;
  uint64_t fingerprint_ = 0;

  Panes panes_;
  std::vector<Reads> reads_;                                     // by aggregate
  std::vector<std::unique_ptr<ColumnExpressions>> expressions_;  // by input
  size_t where_ = kNo;
  std::vector<AggregateInput> aggregate_inputs_;  // of the batch, by aggregate
  std::unique_ptr<WindowResults> results_;
  std::unique_ptr<KeyedWindows> windows_;
  std::unique_ptr<Stream> output_;
  std::unique_ptr<Stream> changes_;  // with `retract`

  KeyPager* pager_ = nullptr;
  // By key, each only where it is needed: keys are many, and each array is a miss of the caches.
  std::vector<Counted> counted_;
  std::vector<int64_t> watermarks_;
  // Not by key:
  int64_t watermark_ = kTimeMin;
  std::map<int64_t, std::vector<uint32_t>> due_;  // watermark → keys
  std::vector<int64_t> due_of_;  // by key: where it stands in due_; kTimeMax: nowhere
  uint64_t late_ = 0;
  std::map<uint32_t, int64_t> behind_;  // keys whose watermark waits, and for which; kNone: for all
};

}  // namespace wayside
