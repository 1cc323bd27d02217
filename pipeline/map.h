// `[[map]]`: readings become other readings, one by one: those that `where` takes, with what
// `select` says, one for each element of a JSON array, under another key. It keeps none of them, so
// that what becomes of a reading is for the blocks behind it to say.
//
// With another key the rows no longer run by key: their event time is the smallest of the keys of
// the input that are not idle.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/block.h"
#include "pipeline/columns.h"
#include "pipeline/derived_keys.h"
#include "pipeline/explode.h"
#include "pipeline/keys.h"
#include "pipeline/merged_time.h"
#include "pipeline/one_dictionary.h"
#include "pipeline/options.h"

namespace wayside {

class Map final : public Block {
 public:
  // Null: `error` says why. Input, keys and engine outlive it. Keys of its own are forgotten after
  // `forget_after_ms`, on the grid of `tick_ms`.
  static std::unique_ptr<Map> make(const MapOptions& options, const Stream& input, KeyTable& keys,
                                   ExpressionEngine& engine, int64_t forget_after_ms,
                                   int64_t tick_ms, BlockError& error);

  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  void on_idle(uint32_t key, EmissionBuffer& out) override;
  void forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) override;
  void begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms, EmissionBuffer&) override;
  std::vector<Stream*> outputs() override { return {output_.get()}; }
  DerivedKeys* derived_keys() override { return derived_ ? &*derived_ : nullptr; }
  const EventTime* merged_time() const override { return merged_ ? &*merged_ : nullptr; }

  const std::string& name() const override { return options_.name; }
  BlockStatus status() const override;
  uint64_t faults() const override;
  uint64_t fingerprint() const override;
  bool keeps_keys() const override { return derived_ || merged_; }
  bool save_key(uint32_t key, ByteWriter& out) const override;
  void load_key(uint32_t key, ByteReader& in) override;
  void save_totals(ByteWriter& out) const override;
  void load_totals(ByteReader& in) override;

 private:
  Map(const MapOptions& options, const Stream& input, KeyTable& keys)
      : options_(options), input_(input), keys_(keys) {}
  bool has_other_keys() const;
  bool compile(ExpressionEngine& engine, BlockError& error);
  Schema make_columns(const Schema& seen);
  bool find_key(Schema& made, BlockError& error) const;

  void take(Rows rows, EmissionBuffer& out);
  void choose(const Rows& rows);
  void show_columns(BatchView& view);
  void rekey(Rows& rows);
  uint32_t key_of(const Rows& rows, size_t row);
  void push_move(EmissionBuffer& out);

  MapOptions options_;
  const Stream& input_;
  KeyTable& keys_;
  std::optional<DerivedKeys> derived_;  // with another key
  std::optional<MergedTime> merged_;    // and an input that runs by key
  std::unique_ptr<Explode> explode_;
  ColumnExpressions array_;        // what is exploded
  ColumnExpressions expressions_;  // what the rows have, then `where`
  std::vector<ColumnExpressions::Item> items_;
  std::unique_ptr<Stream> output_;
  uint64_t passed_ = 0;
  uint64_t dropped_ = 0;

  // Of a batch.
  OneDictionary dictionary_;
  std::vector<uint8_t> present_;
  std::vector<uint32_t> row_keys_;
  std::vector<int64_t> after_;
};

}  // namespace wayside
