// Answers to commands, as they leave.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/command_answer.h"
#include "storage/view_tables.h"

namespace wayside {

struct SentAnswer {
  uint32_t connection = 0;  // of the command; SentAnswer::kNone: it has none
  std::string topic;        // empty: not there
  std::string reply_to;  // where who asked wants it, with this correlation data; empty: not there
  std::string correlation;
  std::string json;

  static constexpr uint32_t kNone = UINT32_MAX;
};

// {"order":"o1","total":5}
std::string json_of(const ViewRow& row);

// {"command":…,"key":…,"id":…,"outcome":"accepted","version":3,"row":{…}}; a refused one has a
// `reason`, one that was known `repeated`. `row` is there with a view only: null where it has none
// of the key.
std::string answer_json(const std::string& command, const CommandAnswer& answer,
                        const ViewRow* row);

}  // namespace wayside
