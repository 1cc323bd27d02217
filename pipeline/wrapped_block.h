// A block around another one: all that it does not do itself it leaves to that one.
#pragma once

#include <memory>
#include <utility>

#include "pipeline/block.h"

namespace wayside {

class WrappedBlock : public Block {
 public:
  explicit WrappedBlock(std::unique_ptr<Block> inner) : inner_(std::move(inner)) {}

  const std::string& name() const override { return inner_->name(); }
  BlockStatus status() const override { return inner_->status(); }
  uint64_t faults() const override { return inner_->faults(); }
  void process(size_t input, const Rows& rows, EmissionBuffer& out) override {
    inner_->process(input, rows, out);
  }
  void on_idle(uint32_t key, EmissionBuffer& out) override { inner_->on_idle(key, out); }
  void forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) override {
    inner_->forget_key(key, newest_ms, out);
  }
  void evict_key(uint32_t key, EmissionBuffer& out) override { inner_->evict_key(key, out); }
  int64_t open_for(uint32_t key, int64_t time_ms) override {
    return inner_->open_for(key, time_ms);
  }
  void begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms,
                  EmissionBuffer& out) override {
    inner_->begin_anew(keys, limit_ms, out);
  }
  bool is_loaded(uint32_t key) const override { return inner_->is_loaded(key); }
  size_t bytes_away(uint32_t key) const override { return inner_->bytes_away(key); }
  bool is_by_key() const override { return inner_->is_by_key(); }
  bool is_behind() const override { return inner_->is_behind(); }
  void go_on(EmissionBuffer& out) override { inner_->go_on(out); }
  void finish(EmissionBuffer& out) override { inner_->finish(out); }
  std::vector<Stream*> outputs() override { return inner_->outputs(); }
  DerivedKeys* derived_keys() override { return inner_->derived_keys(); }
  const EventTime* merged_time() const override { return inner_->merged_time(); }
  uint64_t fingerprint() const override { return inner_->fingerprint(); }
  bool keeps_keys() const override { return inner_->keeps_keys(); }
  bool save_key(uint32_t key, ByteWriter& out) const override { return inner_->save_key(key, out); }
  void load_key(uint32_t key, ByteReader& in) override { inner_->load_key(key, in); }
  void save_totals(ByteWriter& out) const override { inner_->save_totals(out); }
  void load_totals(ByteReader& in) override { inner_->load_totals(in); }

 protected:
  Block& inner() { return *inner_; }
  const Block& inner() const { return *inner_; }

 private:
  std::unique_ptr<Block> inner_;
};

}  // namespace wayside
