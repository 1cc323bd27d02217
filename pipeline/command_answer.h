// What was decided about a command, for who has sent it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace wayside {

enum class CommandOutcome : uint8_t { kAccepted = 0, kRefused = 1 };
const char* to_text(CommandOutcome outcome);

struct CommandDecision {
  std::string id;
  CommandOutcome outcome = CommandOutcome::kAccepted;
  std::string reason;    // of a refusal
  uint64_t version = 0;  // of the key, behind the command
  bool changes = false;  // an accepted one that is a version
  // Its fields and what they are called, half and half, as hashes; 0: not known.
  uint64_t content = 0;
};

struct CommandAnswer {
  size_t command = 0;  // which [[command]]
  std::string key;
  uint32_t place = 0;  // of the command, among the readings of the journal entry
  CommandDecision decision;
  bool repeated = false;    // decided before; this is what was decided then
  std::string topic;        // where all its answers go; empty: nowhere
  std::string reply_to;     // where who sent it wants them
  std::string correlation;  // hex digits
};

}  // namespace wayside
