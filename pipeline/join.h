// A join of two streams by key: readings of the left one, `from`, with readings of the right one,
// `with`, by their event times. What both kinds of join have in common.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/block.h"
#include "pipeline/join_side.h"
#include "pipeline/keys.h"
#include "pipeline/options.h"
#include "pipeline/stream_output.h"

namespace wayside {

class Join : public Block, public EventTime {
 public:
  // See make().
  Join(const JoinOptions& options, std::vector<const Stream*> inputs, KeyTable& keys)
      : options_(options),
        inputs_(std::move(inputs)),
        keys_(keys),
        by_key_(inputs_[kLeft]->time().by_key()) {}

  // As-of or interval join, as the options say. Null: `error` says why. The inputs (left, right),
  // the key table and the engine outlive it. Bits of `targets` are uplinks.
  static std::unique_ptr<Join> make(const JoinOptions& options, std::vector<const Stream*> inputs,
                                    KeyTable& keys, ExpressionEngine& engine, uint32_t targets,
                                    BlockError& error);

  void forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) override;
  void evict_key(uint32_t key, EmissionBuffer& out) override;
  void begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms,
                  EmissionBuffer& out) override;

  bool is_by_key() const override { return true; }

  const std::string& name() const override { return options_.name; }
  BlockStatus status() const override;
  uint64_t faults() const override { return sides_[kLeft].faults() + sides_[kRight].faults(); }
  std::vector<Stream*> outputs() override { return {&output_->stream()}; }
  uint64_t fingerprint() const override { return fingerprint_; }
  bool save_key(uint32_t key, ByteWriter& out) const override;
  void load_key(uint32_t key, ByteReader& in) override;
  void save_totals(ByteWriter& out) const override;
  void load_totals(ByteReader& in) override;

  bool by_key() const override { return by_key_; }
  int64_t watermark(uint32_t key) const override;

 protected:
  enum Input : size_t { kLeft = 0, kRight = 1, kNeither = 2 };
  using Readings = std::multimap<int64_t, std::string>;  // by event time, then in order of arrival
  struct Key {
    Readings readings[2];          // of each input, those that may still be needed
    int64_t watermark = kTimeMin;  // by key
  };

  // Ends all that is open of the key, or only what is after `limit_ms`.
  virtual void drop(uint32_t key) = 0;
  virtual void drop_ahead(uint32_t key, int64_t limit_ms) = 0;

  // How far an input is: behind the row, if it is the row's own, or else as it stands.
  int64_t input_watermark(Input input, size_t row_of, uint32_t key, int64_t after) const;
  bool is_input_idle(Input input, uint32_t key) const {
    return inputs_[input]->time().is_idle(key);
  }
  void set_watermark(uint32_t key, int64_t watermark);
  Key& state(uint32_t key);
  std::vector<uint32_t> keys_with_state() const;  // by name
  void keep(uint32_t key, size_t input, int64_t time, size_t row);
  void erase(uint32_t key, size_t input, Readings::iterator begin, Readings::iterator end);
  // `right` is null where there is none.
  void add_pair(uint32_t key, int64_t time_ms, const std::string& left, const std::string* right);

  JoinOptions options_;
  std::vector<const Stream*> inputs_;
  KeyTable& keys_;
  bool by_key_;
  JoinSide sides_[2];
  std::unique_ptr<StreamOutput> output_;
  uint64_t late_ = 0;     // readings that nothing can be made of any more
  uint64_t evicted_ = 0;  // readings that left before their time, for there were too many

 private:
  bool compile(ExpressionEngine& engine, uint32_t targets, BlockError& error);

  uint64_t fingerprint_ = 0;
  std::vector<Key> states_;
  size_t kept_ = 0;               // readings, of all keys
  int64_t watermark_ = kTimeMin;  // not by key
};

}  // namespace wayside
