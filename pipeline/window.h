// Event-time windows with Flink's semantics: a window [start, end) fires when the watermark reaches
// end − 1, takes late readings until end − 1 + allowed_lateness, and answers each of those with a
// revision. Watermarks run per key, or per source when its `watermark` says so; over several
// sources the smallest counts that is not idle.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/aggregate.h"
#include "pipeline/columns.h"
#include "pipeline/emission.h"
#include "pipeline/keys.h"
#include "pipeline/options.h"
#include "pipeline/watermark.h"

namespace wayside {

// What the blocks say of each row of a slice: whether one took it, whether one was too late for it.
struct Fates {
  std::vector<uint8_t> taken;
  std::vector<uint8_t> late;
};

class Window {
 public:
  struct Input {
    const Schema* schema;
    const WatermarkTracker* watermarks;
  };
  // Null: `error` says why. The inputs, the key table and the engine outlive the window. Bits of
  // `targets` and `late_targets` are uplinks.
  static std::unique_ptr<Window> make(const WindowOptions& options, std::vector<Input> inputs,
                                      KeyTable& keys, ExpressionEngine& engine, uint32_t targets,
                                      uint32_t late_targets, BlockError& error);

  // Rows of one input in order of arrival; `after` is that input's watermark behind each.
  void process(size_t input, const BatchView& view, const std::vector<int64_t>& after, Fates& fates,
               EmissionBuffer& out);
  // Some input has become idle, for a key (or as a whole, in source mode: kNone).
  void on_idle(uint32_t key, EmissionBuffer& out);
  // All that is open for the key fires for the last time and is gone.
  void forget_key(uint32_t key, EmissionBuffer& out);
  // Event time of an input was beyond `limit_ms`, ahead of the truth, and begins anew, for these
  // keys (in source mode: for all). What is open there fires for the last time, and all of a key
  // whose watermark is there, too.
  void begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms, EmissionBuffer& out);
  // The end of recorded input: every watermark is at the end of time.
  void finish(EmissionBuffer& out);

  const std::string& name() const { return name_; }
  uint64_t emitted() const { return emitted_; }  // results that `having` let through
  size_t open_windows() const { return open_; }
  uint64_t faults() const;  // slices of an input with a row that could not be evaluated

  // Another number: saved state means something else.
  uint64_t fingerprint() const { return fingerprint_; }
  bool save_key(uint32_t key, ByteWriter& out) const;
  void load_key(uint32_t key, ByteReader& in);
  void save_totals(ByteWriter& out) const;
  void load_totals(ByteReader& in);

 private:
  struct Aggregate {
    std::string alias;
    const AggregateFunction* function;
    uint32_t offset;        // of its accumulator in a pane
    size_t argument = kNo;  // items of the input's expressions
    size_t filter = kNo;
  };
  struct Pane {
    int64_t start = 0;
    uint32_t at = 0;        // its accumulators in pool_
    uint32_t revision = 0;  // of the next result
    bool complete = false;  // the watermark has passed its end
    bool changed = false;   // readings came since the last result
  };
  struct KeyState {
    std::vector<Pane> panes;  // by start
    int64_t watermark = kTimeMin;
    int64_t due = kTimeMax;  // by-key mode: the watermark at which something happens next
  };
  struct Result {
    uint32_t key;
    int64_t start;
    uint32_t revision;
    bool final;
    std::vector<double> accumulators;
  };
  static constexpr size_t kNo = SIZE_MAX;

  Window(const WindowOptions& options, std::vector<Input> inputs, KeyTable& keys)
      : options_(options), name_(options.name), inputs_(std::move(inputs)), keys_(keys) {}
  bool compile(ExpressionEngine& engine, BlockError& error);
  void add_select_item(const std::string& alias, const std::string& text,
                       std::vector<ColumnExpressions::Item>& items);
  bool takes_numbers(const std::vector<ColumnExpressions::Item>& items, BlockError& error) const;
  bool compile_results(ExpressionEngine& engine, BlockError& error);

  int64_t window_start(int64_t time) const;
  int64_t last_ms(int64_t start) const;     // end − 1
  int64_t cleanup_ms(int64_t start) const;  // from this watermark on nothing is taken
  KeyState& state(uint32_t key);
  int64_t& watermark_of(uint32_t key) { return by_key_ ? state(key).watermark : watermark_; }
  int64_t combined(size_t input, uint32_t key, int64_t after) const;
  void take(uint32_t key, int64_t start, uint32_t row, size_t input);
  Pane& pane_at(uint32_t key, int64_t start);
  void advance(uint32_t key, int64_t watermark, size_t input);
  void fire_source(int64_t watermark);
  std::vector<uint32_t> open_keys() const;  // by name
  void fire_key(uint32_t key, int64_t watermark);
  void set_due(KeyState& key_state);
  void add_pending(size_t input);
  void fire(uint32_t key, Pane& pane, bool final);
  void drop_ahead(uint32_t key, int64_t limit_ms, EmissionBuffer& out);
  void drop_pane(KeyState& key_state, size_t index);
  void emit_results(EmissionBuffer& out);
  struct ResultColumns;
  void fill(ResultColumns& columns) const;
  void derive(ResultColumns& columns);
  std::vector<uint8_t> judge(const ResultColumns& columns);
  Emission emission_of(size_t row, const ResultColumns& columns) const;
  void emit_late(size_t input, const BatchView& view, size_t row, int64_t start,
                 EmissionBuffer& out);

  WindowOptions options_;
  std::string name_;
  std::vector<Input> inputs_;
  KeyTable& keys_;
  bool by_key_ = true;
  uint32_t targets_ = 0;
  uint32_t late_targets_ = 0;
  uint64_t fingerprint_ = 0;

  std::vector<Aggregate> aggregates_;
  uint32_t stride_ = 0;                                          // doubles a pane
  std::vector<std::unique_ptr<ColumnExpressions>> expressions_;  // by input
  size_t where_ = kNo;
  // Results: aggregates, then derived columns, then `having` over both.
  struct Output {
    std::string alias;
    bool derived;
    size_t index;  // of aggregates_ or derived_items_
  };
  std::vector<Output> outputs_;  // in the order of the file
  std::vector<ColumnExpressions::Item> derived_items_;
  std::unique_ptr<ExpressionSet> derived_;
  std::unique_ptr<ExpressionSet> having_;

  std::vector<KeyState> states_;
  std::map<int64_t, std::vector<uint32_t>> due_;  // source mode: watermark → keys
  int64_t watermark_ = kTimeMin;                  // source mode
  std::vector<double> pool_;
  std::vector<uint32_t> free_panes_;
  std::vector<uint32_t> pending_panes_;
  std::vector<uint32_t> pending_rows_;
  std::vector<Result> results_;
  size_t open_ = 0;
  uint64_t emitted_ = 0;
};

}  // namespace wayside
