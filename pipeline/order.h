// `[[order]]`: readings in order of event time: each waits until the watermark has passed it. By
// key, where the input runs by key; over all keys, where it does not, or where that is wanted, by
// the smallest watermark of the keys that are not idle.
//
// At most max_waiting readings wait (by key: of a key). When one more comes, the oldest one leaves
// before its watermark; what comes later and is older than that one is late. What is silent gives
// what waits, and older readings are late from then on.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/block.h"
#include "pipeline/keys.h"
#include "pipeline/merged_time.h"
#include "pipeline/options.h"
#include "pipeline/waiting_rows.h"

namespace wayside {

class Order final : public Block {
 public:
  // Input and keys outlive it.
  Order(const OrderOptions& options, const Stream& input, KeyTable& keys);

  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  void on_idle(uint32_t key, EmissionBuffer& out) override;
  void forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) override;
  void evict_key(uint32_t key, EmissionBuffer& out) override;
  void begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms,
                  EmissionBuffer& out) override;
  void finish(EmissionBuffer& out) override;
  std::vector<Stream*> outputs() override { return {output_.get()}; }
  const EventTime* merged_time() const override { return merged_ ? &*merged_ : nullptr; }

  bool is_by_key() const override { return by_key_; }
  const std::string& name() const override { return options_.name; }
  BlockStatus status() const override;
  uint64_t fingerprint() const override;
  bool save_key(uint32_t key, ByteWriter& out) const override;
  void load_key(uint32_t key, ByteReader& in) override;
  void save_totals(ByteWriter& out) const override;
  void load_totals(ByteReader& in) override;

 private:
  // How far a key, or all, has come.
  struct Progress {
    int64_t watermark = kTimeMin;
    int64_t released = kTimeMin;  // what is not behind it is late
  };
  Progress& progress(uint32_t key);
  bool take(const Rows& rows, size_t row);
  void move(uint32_t key, int64_t watermark);
  void release(uint32_t key, int64_t until_ms);
  void release_all(uint32_t key);
  void leave(WaitingRows::Row row);
  void push_watermark(uint32_t key, int64_t watermark);
  void flush(EmissionBuffer& out);
  bool is_over_limit(uint32_t key) const;
  int64_t first_time(uint32_t key) const {
    return by_key_ ? waiting_.first_time(key) : waiting_.first_time();
  }

  OrderOptions options_;
  const Stream& input_;
  KeyTable& keys_;
  std::optional<MergedTime> merged_;  // over all keys of an input that runs by key
  bool by_key_;                       // the output
  std::unique_ptr<Stream> output_;
  WaitingRows waiting_;
  std::vector<Progress> by_key_progress_;
  Progress all_;
  uint64_t passed_ = 0;
  uint64_t late_ = 0;
  uint64_t evicted_ = 0;

  // What leaves, until it is pushed.
  ReadingBatch batch_;
  std::vector<uint32_t> batch_keys_;
  std::vector<int64_t> after_;
  std::vector<uint8_t> present_;
  uint32_t place_ = Cause::kNoReading;  // of the reading that makes them leave
  std::vector<uint32_t> places_;
};

}  // namespace wayside
