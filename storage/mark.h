// How far an uplink has come. Kept in our store, and by the sink itself where it can (Kafka: with
// each transaction).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wayside {

struct Mark {
  std::string epoch;                         // of the sequences below
  std::array<uint64_t, 2> delivered_upto{};  // by lane: emissions up to this sequence are through
  uint64_t raw_entry = 0;                    // journal entries up to this one are forwarded,
  uint64_t raw_rows = 0;                     // and this many readings of the next one
  uint64_t raw_seen = 0;                     // readings of the forwarded sources up to there, ever
  uint64_t delivered = 0;                    // emissions and forwarded readings in all
  uint64_t dropped = 0;  // those that a limit took before they could be delivered

  bool operator==(const Mark&) const = default;
  // One line of text, at most 200 bytes.
  std::string to_text() const;
  static std::optional<Mark> from_text(std::string_view text);
};

}  // namespace wayside
