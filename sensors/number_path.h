// Paths into a protobuf message of which only the field numbers are known: "3", "2.1" into nested
// messages, and with a kind, as the .proto file has it, where the wire does not tell: "2.1:sint".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sensors/options.h"
#include "sensors/path_fault.h"

namespace wayside {

enum class WireKind : uint8_t {
  kAny,     // by the wire: an int, a double, a float, or the text of a text field
  kInt,     // int32, int64, an enum
  kUint,    // uint32, uint64
  kSint,    // sint32, sint64
  kBool,    //
  kFixed,   // fixed32, fixed64
  kSfixed,  // sfixed32, sfixed64
  kFloat,
  kDouble,
  kString,
  kBytes,      // two hex digits each
  kTimestamp,  // google.protobuf.Timestamp
};

struct NumberPath {
  std::string numbers;  // with a '/' before it, if there is one
  WireKind kind = WireKind::kAny;
};

// Nothing, if it is none.
std::optional<NumberPath> parse_number_path(std::string_view path);
const char* to_text(WireKind kind);

PathFaults wrong_number_paths(const SourceOptions& source);

}  // namespace wayside
