// Why something was said: the event, the block that said it, and the readings and commands behind
// it, down to the sources. Found by a replay of the journal, so that nothing has to be kept for it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "firmware-gw/explain_rests.h"
#include "firmware-gw/journal_replay.h"

namespace wayside {

// What was told, and on what it rests. A reading or a command of a source rests on nothing.
struct Explanation {
  ToldRow told;
  std::string id;    // of an event, a reading or a command
  std::string rule;  // its block, as in the configuration; "": no block of it has told it
  std::string note;  // what there is to say about the rows below
  std::vector<Explanation> behind;
  uint64_t total = 0;  // of which those are the last
};

struct ExplainedEvent {
  Explanation event;
  uint64_t entry = 0;  // of the journal
  int64_t committed_ms = 0;
  std::string cause;    // id of the reading that had just come; else of the entry
  uint32_t config = 0;  // the version that it was made under
  std::string warning;  // why what is behind it may not be exact
};

// The event with this id, gateway/epoch/number, of the gateway whose configuration this is: as it
// was sent, or an error. Of what is behind it at most `limit` rows of each level, the last ones of
// each list.
Result<ExplainedEvent> explain(const Config& config, const std::string& id, size_t limit,
                               const JournalReplay::Expired& expired);

// Lines for people, or one of JSON.
std::string to_text(const ExplainedEvent& explained);
std::string to_json(const ExplainedEvent& explained);

}  // namespace wayside
