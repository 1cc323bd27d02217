// Sparkplug B on the wire: its topics, and the payload of the Tahu schema, by field numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wayside::sparkplug {

enum class MessageType {
  kNodeBirth,
  kNodeData,
  kNodeDeath,
  kDeviceBirth,
  kDeviceData,
  kDeviceDeath
};

// spBv1.0/group/type/node[/device], as views into the topic.
struct Topic {
  // Of its node's and devices' own messages; nothing for commands and the state of hosts.
  std::optional<MessageType> type;
  std::string_view group;
  std::string_view node;
  std::string_view device;  // empty: the node's own metrics
  std::string_view id;      // node[/device], within its group
};
// Nothing: it is none of Sparkplug B.
std::optional<Topic> parse_topic(std::string_view text);

// What stands beside the metrics.
struct Head {
  std::optional<uint64_t> time_ms;
  std::optional<uint64_t> sequence;
  bool is_compressed = false;
};

// Numbers of the schema's DataType.
constexpr uint32_t kInt8 = 1, kInt16 = 2, kInt32 = 3, kInt64 = 4, kUInt8 = 5, kUInt16 = 6,
                   kUInt32 = 7, kUInt64 = 8, kBoolean = 11, kDateTime = 13;

struct Metric {
  enum class Kind { kNone, kWhole, kNumber, kFlag, kText, kOther };
  std::optional<std::string_view> name;
  std::optional<uint64_t> alias;
  std::optional<uint64_t> time_ms;
  uint32_t type = 0;  // a DataType; 0: it does not say
  bool is_historical = false;
  bool is_null = false;
  Kind kind = Kind::kNone;
  uint64_t whole = 0;  // kWhole; signed ones in two's complement
  double number = 0;   // kNumber, kFlag
  std::string_view text;
};

// The error says where it is broken. Views into `payload`, which lives longer.
Result<Head> read_head(std::string_view payload);

// One metric after the other.
class MetricReader {
 public:
  explicit MetricReader(std::string_view payload) : left_(payload) {}
  // False: there is none any more, or, with an error, the payload is broken.
  bool next(Metric& metric);
  const char* error() const { return error_; }  // null: none

 private:
  std::string_view left_;
  const char* error_ = nullptr;
};

// A whole number of an integer DataType, as signed or unsigned as that is; nothing if it cannot be
// one of it. Both forms of a negative Int8 or Int16, of its own width and of 32 bits, are read.
struct Whole {
  bool is_negative = false;
  uint64_t size = 0;  // without its sign
};
std::optional<Whole> whole_of(uint32_t type, uint64_t value);

// The payload of an NCMD that asks for a birth.
std::string rebirth_request(int64_t now_ms);

}  // namespace wayside::sparkplug
