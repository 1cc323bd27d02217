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
};

struct CommandAnswer {
  size_t command = 0;  // which [[command]]
  std::string key;
  CommandDecision decision;
  std::string topic;        // where all its answers go; empty: nowhere
  std::string reply_to;     // where who sent it wants them
  std::string correlation;  // hex digits
};

}  // namespace wayside
