// How far an uplink has come. Kept in our store, and by the sink itself where it can (Kafka: with
// each transaction).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace wayside {

// Readings of the sources that an uplink forwards, as the journal has them.
struct RawPosition {
  uint64_t entry = 0;  // journal entries up to this one,
  uint64_t rows = 0;   // and this many readings of the next one
  uint64_t seen = 0;   // readings of the forwarded sources up to there, ever

  bool operator==(const RawPosition&) const = default;
};

// What waited when a link came back: it follows behind what is new.
struct BacklogPart {
  uint64_t result_upto = 0;  // results after this sequence
  uint64_t result_end = 0;   // and up to this one
  RawPosition raw{};
  RawPosition raw_end{};  // always whole entries

  bool operator==(const BacklogPart&) const = default;
};

struct Mark {
  static constexpr size_t kPartsMax = 4;

  std::string epoch;                         // of the sequences below
  std::array<uint64_t, 2> delivered_upto{};  // by lane: emissions up to this sequence are through
  RawPosition raw{};                         // readings up to here are
  uint64_t delivered = 0;                    // emissions and forwarded readings in all
  uint64_t dropped = 0;  // those that a limit took before they could be delivered
  uint64_t entry = 0;    // the store's newest journal entry at that time, 0: not known
  uint64_t chain = 0;    // the first bytes of that entry's hash, by which a store knows its own
  std::vector<BacklogPart>
      backlog{};           // not through, although it lies before the above; oldest first
  uint64_t compacted = 0;  // readings that were thinned out before they could be delivered

  bool operator==(const Mark&) const = default;
  // Results up to here are through, all of them.
  uint64_t results_upto() const {
    return backlog.empty() ? delivered_upto[1] : backlog.front().result_upto;
  }
  // The journal is through up to here, all of it.
  const RawPosition& raw_upto() const { return backlog.empty() ? raw : backlog.front().raw; }

  // Of all that was emitted, what is through, whatever became of it.
  uint64_t settled() const { return delivered + dropped + compacted; }

  // One line of text, at most 1000 bytes; 250 without a backlog.
  std::string to_text() const;
  static std::optional<Mark> from_text(std::string_view text);
};

// Enough of a journal entry's hash to tell chains apart.
uint64_t chain_of(const Digest& hash);

}  // namespace wayside
