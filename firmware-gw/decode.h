// `wayside decode`: what a source makes of one payload, by the door and the cleaning of a gateway
// that runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/value.h"
#include "config/config.h"

namespace wayside {

struct DecodeQuestion {
  std::string source;
  std::string topic;  // empty: that of the source, with its levels as they are written there
  std::string payload;
};

struct DecodedField {
  std::string name;
  Value value;      // behind cleaning
  Value sent;       // before it
  std::string why;  // it was changed, or is doubted; empty: neither
};

struct DecodedReading {
  std::string key;
  int64_t time_ms = 0;
  std::vector<DecodedField> fields;
};

struct DecodedRefusal {
  std::string reason;
  std::string detail;
  std::string mend;
};

struct Decoded {
  std::string source;
  std::string topic;
  size_t bytes = 0;
  bool by_arrival = false;  // readings have no time of their own
  std::vector<DecodedReading> readings;
  std::optional<DecodedRefusal> refusal;  // of the payload, or of some of its readings
  std::vector<std::string> notes;
};

// The most that a payload of this source may have; what is longer is refused by its size alone.
Result<uint64_t> max_payload_of(const Config& config, const std::string& source);

// As if it came at `now`. kUsage: it cannot be asked like that, and why.
Result<Decoded> decode(const Config& config, const DecodeQuestion& question, const Now& now);

std::string to_text(const Decoded& decoded);  // lines, each with its end
std::string to_json(const Decoded& decoded);  // one object

}  // namespace wayside
