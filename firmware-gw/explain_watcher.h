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
  // Its entry has said the event that is asked about so many times before. Where it stands among
  // others does not tell it: row by row blocks say the same in another order.
  explicit Watcher(size_t said_before) : said_before_(said_before) {}
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
  bool is_told_already(const Rests& rests, uint64_t former) const;
  int64_t arrival();

  size_t said_before_;
  const ToldRow* event_ = nullptr;   // null: nobody asks about one
  size_t looked_ = 0;                // emissions of its entry that were looked at
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
