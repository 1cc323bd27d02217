// The wire format of protobuf by hand (protobuf.dev, "Encoding"), so that a decoder is not tested
// against its own library.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace wayside::wire {

inline std::string tag(int number, int wire) {
  std::string out;
  ByteWriter(out).varint(static_cast<uint64_t>(number << 3 | wire));
  return out;
}
inline std::string varint(int number, uint64_t value) {
  std::string out = tag(number, 0);
  ByteWriter(out).varint(value);
  return out;
}
// Of 8 bytes or of 4.
template <class Value>
std::string fixed(int number, Value value) {
  static_assert(sizeof(Value) == 8 || sizeof(Value) == 4);
  std::string out = tag(number, sizeof(Value) == 8 ? 1 : 5);
  ByteWriter(out).fixed(value);
  return out;
}
inline std::string bytes(int number, std::string_view value) {
  std::string out = tag(number, 2);
  ByteWriter(out).text(value);
  return out;
}

}  // namespace wayside::wire
