// Shows the rows of a replay to those that may rest on them. A row costs the same however many
// there are, but for those of its own block and key, or cause.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "firmware-gw/explain_rests.h"
#include "firmware-gw/journal_replay.h"

namespace wayside {

class Watcher : public Witness {
 public:
  // Of what this entry has said, the emission with this index is what is asked about.
  Watcher(uint64_t entry, size_t index) : event_entry_(entry), event_index_(index) {}
  // Both outlive it; before the replay's first entry.
  void add(Rests& rests);
  void watch(JournalReplay& replay) { replay_ = &replay; }

  void saw(const Stream& stream, const Block& block, size_t input, const Rows& row,
           const Fates& fate) override;
  void ended(const Block& block, std::string_view key, const Cause& cause) override;

 private:
  struct HashText {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Open = std::vector<Rests*>;
  struct OfBlock {
    std::unordered_map<std::string, Open, HashText, std::equal_to<>> by_key;
    std::unordered_map<uint64_t, Open> by_entry;  // of the cause
    uint64_t last_row = 0;                        // that the block was given
  };
  OfBlock* find(const Block& block);
  void look_for_event();
  bool is_told_already(const Rests& rests, const SeenRow& row, uint64_t former) const;
  int64_t arrival();

  const uint64_t event_entry_;
  const size_t event_index_;
  uint64_t event_row_ = UINT64_MAX;  // the first row behind which it was said
  std::map<Rests::Given, OfBlock> open_;
  std::unordered_map<const Block*, OfBlock*> of_;  // null: nobody asks for its rows
  JournalReplay* replay_ = nullptr;
  uint64_t entry_ = 0;
  uint32_t readings_ = 0;  // of the entry, so far
  size_t turns_ = 0;       // of the entry that have begun with them
  uint64_t rows_ = 0;      // so far; a row in which others are told is behind these
};

}  // namespace wayside
