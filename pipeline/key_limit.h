// A block whose keys, and what is kept of them, have a limit. A key counts from its first reading
// on, whether the block's `where` takes that or not. One that there is no room for pushes out the
// coldest, whose last reading came before those of all others: it ends as if it were forgotten.
//
// Coldness goes by the number of a reading among all that the block was given, which is the same
// however they were cut into batches; sizes are those of the saved state, looked at on the grid of
// the pipeline. So both are the same behind a restart.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pipeline/keys.h"
#include "pipeline/options.h"
#include "pipeline/wrapped_block.h"

namespace wayside {

class KeyLimit final : public WrappedBlock {
 public:
  // The keys outlive it.
  KeyLimit(const StateBounds& bounds, KeyTable& keys, std::unique_ptr<Block> block)
      : WrappedBlock(std::move(block)), bounds_(bounds), keys_(keys) {}

  BlockStatus status() const override;
  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  void forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) override;
  void load_key(uint32_t key, ByteReader& in) override;

  // Is told of keys that are pushed out. It outlives the block.
  void set_witness(Witness* witness) { witness_ = witness; }

  // Enough readings came since the last time for sizes to matter: measuring costs what it writes.
  bool wants_measuring() const { return readings_ >= next_measure_; }
  // The state of these keys may have changed since the last time: takes their sizes.
  void measure(const std::vector<uint32_t>& changed);
  // Closes what is beyond max_bytes by these sizes.
  void shrink(EmissionBuffer& out);

  // Its own state, beside the block's.
  bool save_place(uint32_t key, ByteWriter& out) const;
  void load_place(uint32_t key, ByteReader& in);
  void save_places(ByteWriter& out) const;
  void load_places(ByteReader& in);
  void loaded();  // after the last load_key and load_place

 private:
  bool knows(uint32_t key) const { return key < last_.size() && last_[key] != 0; }
  void make_room(uint32_t key);
  void set_bytes(uint32_t key, size_t bytes);
  void forget(uint32_t key);
  void evict_coldest(EmissionBuffer& out);
  uint32_t take_coldest();

  StateBounds bounds_;
  KeyTable& keys_;
  Witness* witness_ = nullptr;
  std::vector<uint64_t> last_;   // by key: number of its last reading; 0: it is not known
  std::vector<uint32_t> bytes_;  // by key
  uint64_t readings_ = 0;
  size_t known_ = 0;
  uint64_t total_bytes_ = 0;
  uint64_t measured_ = 0;        // readings, when sizes were taken last
  uint64_t measured_bytes_ = 0;  // what they came to
  uint64_t next_measure_ = 0;    // readings
  uint64_t evicted_ = 0;
  // Numbers and keys as they were at some time, the coldest at the end. One whose key has another
  // number by now is void; keys that are not among them are warmer than all that are.
  std::vector<std::pair<uint64_t, uint32_t>> by_warmth_;
  std::vector<uint32_t> unplaced_;  // while it is loaded: keys with state
  bool has_places_ = false;
  std::vector<uint32_t> origins_;  // scratch
  std::string scratch_;
};

}  // namespace wayside
