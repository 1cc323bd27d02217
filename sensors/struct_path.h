// Paths of `format = "struct"`: where a value stands in a record of fixed layout, and how it reads.
//
//   offset:type                 4:u16le  0:f32be  8:u32cdab  16:text8  0:hex6
//   … [bit] or [low..high]      12:u8[3]  4:u16le[4..11]; bit 0 is the lowest of the word
//   … !value                    4:u16le!0xFFFF: these bits say that there is nothing; several may
//   follow offset:start|length@order±  0:24|16@1+: a signal as DBC files write it; 1 is Intel, 0
//   Motorola
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sensors/scalar.h"

namespace wayside {

class StructPath {
 public:
  static constexpr uint32_t kOffsetMax = 1 << 20;
  static constexpr uint32_t kTextMax = 1024;  // bytes of a text or of hex digits

  enum class Kind : uint8_t { kUnsigned, kSigned, kFloat, kBcd, kBool, kText, kHex };

  // Of a path that is none the error says what is expected.
  static Result<StructPath> parse(std::string_view path);

  Kind kind() const { return kind_; }
  size_t end() const { return offset_ + bytes_; }  // a record is at least so long
  // `digits` holds those of kHex. A fault, else null: why the bytes are no such value.
  Scalar read(std::string_view record, std::string& digits, const char*& fault) const;

 private:
  class Parser;

  uint64_t bits(std::string_view record) const;
  void set_order(std::string_view order);

  uint32_t offset_ = 0;
  uint32_t bytes_ = 0;
  Kind kind_ = Kind::kUnsigned;
  std::array<uint8_t, 8> order_{};  // of a number: its bytes from the highest, from the offset
  uint8_t low_ = 0;                 // of its bits
  uint8_t width_ = 0;
  std::vector<uint64_t> nothing_;  // bits that say so
};

}  // namespace wayside
