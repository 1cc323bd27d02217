// A block with `state = "sqlite"`: keys that are silent leave memory. The row that a checkpoint has
// written of a key is its page: behind a checkpoint, when all rows are as the keys are, the keys
// that were silent for longest leave, and each comes back when something happens to it. What it
// says is the same whichever are away.
#pragma once

#include <string>
#include <vector>

#include "pipeline/keys.h"
#include "pipeline/options.h"
#include "pipeline/state_pages.h"
#include "pipeline/wrapped_block.h"

namespace wayside {

class PagedBlock final : public WrappedBlock, private KeyPager {
 public:
  // The keys outlive it. Until it has pages no key leaves.
  PagedBlock(const StateBounds& bounds, const KeyTable& keys, std::unique_ptr<Block> block);

  // The block's rows in them have this name, and begin with this number.
  void name_rows(std::string component, uint64_t fingerprint);
  // Null: no key leaves until there are others.
  void set_pages(StatePages* pages) { pages_ = pages; }
  StatePages* pages() const { return pages_; }
  // A page that could not be read: what was said since then means nothing.
  const Status& trouble() const { return trouble_; }
  // All rows of it are in the pages as its keys are now.
  void saved();
  // There are more keys in memory than there should be, and only saved() helps.
  bool wants_saving() const { return pages_ && resident_.size() > 2 * most_; }

  BlockStatus status() const override;
  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  void on_idle(uint32_t key, EmissionBuffer& out) override;
  void forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) override;
  void evict_key(uint32_t key, EmissionBuffer& out) override;
  int64_t open_for(uint32_t key, int64_t time_ms) override;
  void begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms,
                  EmissionBuffer& out) override;
  void finish(EmissionBuffer& out) override;
  bool is_loaded(uint32_t key) const override { return !is(key, Place::kAway); }
  size_t bytes_away(uint32_t key) const override { return states_[key].bytes; }
  void load_key(uint32_t key, ByteReader& in) override;

 private:
  enum class Place : uint8_t { kNowhere, kHere, kAway };
  struct Key {
    Place place = Place::kNowhere;
    bool is_listed = false;  // in resident_
    uint32_t used = 0;       // by the last so many calls
    uint32_t bytes = 0;      // of its row, when it last left
  };
  bool is(uint32_t key, Place place) const {
    return key < states_.size() && states_[key].place == place;
  }
  void need(uint32_t key) override;
  void need_all();
  void read(uint32_t key);
  void settle(uint32_t key);
  void leave(uint32_t key, size_t bytes);
  void keep_most();

  const KeyTable& keys_;
  size_t most_;
  StatePages* pages_ = nullptr;
  std::string component_;
  uint64_t fingerprint_ = 0;
  Status trouble_;
  std::vector<Key> states_;
  std::vector<uint32_t> resident_;  // keys that are here, or were forgotten since saved()
  uint32_t calls_ = 0;
  std::string scratch_;
};

}  // namespace wayside
