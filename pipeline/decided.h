// What an entry's commands have been answered, as its journal notes it: whatever a configuration
// says later, an answer that was given stays true.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "pipeline/command_answer.h"

namespace wayside {

struct Decided {
  CommandDecision decision;
  bool repeated = false;
};

// Those of one [[command]], in the order of their places.
std::string encode_decided(std::span<const CommandAnswer> answers, size_t command);
// By place. What is broken is left out.
std::map<uint32_t, Decided> parse_decided(std::string_view bytes);

}  // namespace wayside
