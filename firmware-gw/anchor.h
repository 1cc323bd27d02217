// The head of a journal as it was told once: with it who keeps it can tell whether the journal is
// still the same up to there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/journal.h"

namespace wayside {

// The two fields of an event of type "anchor".
struct JournalAnchor {
  uint64_t entry = 0;
  std::string hash;                                                  // of this entry, in hex digits
  static std::optional<JournalAnchor> parse(std::string_view text);  // "17:00ff…"
};

// Is shown the whole entries of a journal, in order.
class AnchorCheck {
 public:
  explicit AnchorCheck(std::optional<JournalAnchor> anchor) : anchor_(std::move(anchor)) {}
  // `gap`: entries before it are damaged or gone, though older ones are there.
  void see(const JournalEntry& entry, bool gap);
  // "holds", "differs: …" or "cannot be told: …"; "" without an anchor.
  std::string verdict() const;

 private:
  const std::optional<JournalAnchor> anchor_;
  uint64_t oldest_ = 0;
  uint64_t last_ = 0;
  std::string verdict_;
};

}  // namespace wayside
