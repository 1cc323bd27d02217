// `[[state]]`: values of a key that each reading changes: `init` gives the first ones, `next` those
// behind a reading from those before it. Readings go on with the values behind them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/block.h"
#include "pipeline/columns.h"
#include "pipeline/keys.h"
#include "pipeline/one_dictionary.h"
#include "pipeline/options.h"

namespace wayside {

class RunningState final : public Block {
 public:
  // Null: `error` says why. Input, keys and engine outlive it. Bits of `targets` are uplinks.
  static std::unique_ptr<RunningState> make(const StateOptions& options, const Stream& input,
                                            const KeyTable& keys, ExpressionEngine& engine,
                                            uint32_t targets, BlockError& error);

  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  void forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) override;
  void begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms, EmissionBuffer&) override;
  std::vector<Stream*> outputs() override { return {output_.get()}; }

  bool is_by_key() const override { return true; }
  bool can_unload() const override { return true; }
  void unload_key(uint32_t key) override;

  const std::string& name() const override { return options_.name; }
  BlockStatus status() const override;
  uint64_t faults() const override { return faults_ + where_.faults(); }
  uint64_t fingerprint() const override;
  bool save_key(uint32_t key, ByteWriter& out) const override;
  void load_key(uint32_t key, ByteReader& in) override;
  void save_totals(ByteWriter& out) const override { out.varint(emitted_); }
  void load_totals(ByteReader& in) override { emitted_ = in.varint(); }

 private:
  struct Key {
    bool known = false;
    int64_t newest_ms = kTimeMin;  // of its readings
    uint64_t stretch = 0;          // the last one with a reading of it
  };
  RunningState(const StateOptions& options, const Stream& input, const KeyTable& keys,
               uint32_t targets)
      : options_(options), input_(input), keys_(keys), targets_(targets) {}
  bool compile(ExpressionEngine& engine, BlockError& error);
  std::unique_ptr<ExpressionSet> compile_items(
      ExpressionEngine& engine, const Schema& seen, const char* item,
      const std::vector<std::pair<std::string, std::string>>& expressions, BlockError& error);

  void begin_batch(const Rows& rows);
  bool takes(const Rows& rows, size_t row) const;
  bool begins(uint32_t key, int64_t time_ms) const;
  void set_first_values(const Rows& rows, size_t row);
  void run(const Rows& rows, size_t begin, size_t end, EmissionBuffer& out);
  void step(const Rows& rows, size_t row, const ExpressionSet::RowValues& values,
            EmissionBuffer& out);
  void keep(const Rows& rows, size_t row);
  void emit(const Rows& rows, size_t row, EmissionBuffer& out);
  void push(const Rows& rows, EmissionBuffer& out);
  Value typed(size_t item, const ExpressionSet::RowValues& values, bool& mistyped) const;
  void count_faults(const std::vector<size_t>& rows);

  StateOptions options_;
  const Stream& input_;
  const KeyTable& keys_;
  uint32_t targets_;
  std::unique_ptr<Stream> output_;
  ColumnExpressions where_;
  std::unique_ptr<ExpressionSet> init_, next_;
  std::vector<Field> items_;

  std::vector<Key> states_;
  std::vector<std::vector<Value>> values_;  // by item, then by key
  size_t known_ = 0;
  uint64_t emitted_ = 0;
  uint64_t faults_ = 0;  // readings with one

  // Of a batch. A stretch of rows has no key that begins behind another reading of it.
  uint64_t stretch_ = 0;
  Table table_;
  std::vector<uint8_t> present_;
  std::vector<uint8_t> begun_;
  std::vector<uint8_t> faulty_;
  std::vector<Column> made_;  // by item
  std::vector<Value> scratch_;
  OneDictionary dictionary_;
};

}  // namespace wayside
