// What the configuration says about commands.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sensors/options.h"

namespace wayside {

// A source whose readings are told apart, decided on and answered. What is accepted has its name;
// what came has it with kReceived behind it.
struct CommandOptions : SourceOptions {
  static constexpr const char* kReceived = "/received";
  CommandOptions() {
    is_answered = true;
    max_disorder_ms = 0;
    forget_after_ms = 30LL * 86'400'000;
    max_keys = 100'000;
  }
  std::string id;       // a text
  std::string version;  // SQL: the version that it expects; empty or NULL: any
  std::string changes;  // SQL: whether it does anything; empty: it does
  std::vector<std::pair<std::string, std::string>> require;  // reason of a refusal, condition
  std::string answer_topic;  // {x} is replaced by a text of it; empty: only who names one
  std::string view;          // whose row of the key an answer shows
  uint32_t remember = 10;    // ids of a key
};

}  // namespace wayside
