// Reads CBOR (RFC 8949) item by item from bytes that it borrows. A length is compared with what is
// left before it counts; nothing is recursive beyond kDepthMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sensors/readings.h"
#include "sensors/scalar.h"

namespace wayside {

struct CborItem {
  enum class Type : uint8_t {
    kUnsigned,
    kNegative,
    kBytes,
    kText,
    kArray,
    kMap,
    kFlag,
    kNumber,
    kNull,   // or undefined
    kOther,  // a simple value without a meaning
  };
  static constexpr uint64_t kNoTag = UINT64_MAX;
  static constexpr uint64_t kLargeTag = 2;
  static constexpr uint64_t kLargeNegativeTag = 3;
  static constexpr uint64_t kDecimalTag = 4;
  static constexpr uint64_t kBinaryTag = 5;

  Type type = Type::kOther;
  bool is_open = false;  // of indefinite length
  uint64_t size =
      0;  // of kUnsigned itself, of kNegative -1 - size; bytes, elements, pairs; 0 and 1
  double number = 0;
  uint64_t tag = kNoTag;  // the innermost; others mean nothing here

  bool is_container() const { return type == Type::kArray || type == Type::kMap; }
  // An exponent and a mantissa.
  bool is_fraction() const {
    return type == Type::kArray && (tag == kDecimalTag || tag == kBinaryTag);
  }
  // In bytes, as 64 bits are too few for it.
  bool is_large_whole() const {
    return type == Type::kBytes && (tag == kLargeTag || tag == kLargeNegativeTag);
  }
};

class CborReader {
 public:
  static constexpr size_t kDepthMax = 64;

  explicit CborReader(std::string_view bytes = {}) : rest_(bytes) {}

  // What all of these return false for if it is set: what is wrong with the bytes.
  const char* fault() const { return fault_; }
  bool is_at_end() const { return rest_.empty(); }

  // The beginning of an item: who asks for it goes on with one of those below, or for a number, a
  // flag and nothing with the next item.
  bool next(CborItem& item);
  // The beginning of the next element of an array, or of the next key of a map, behind which its
  // value comes by next(). False: there is none.
  bool next_of(CborItem& container, CborItem& item);
  // Around the members of a container.
  bool enter();
  void leave() { --depth_; }
  // The rest of an item.
  bool skip(const CborItem& item);
  // Of a text or bytes. What comes in pieces is put together in `joined`.
  bool take_bytes(const CborItem& item, std::string& joined, std::string_view& bytes);
  // Nothing, a flag, a number or a text; also fractions (tags 4 and 5). False without a fault: it
  // is something else, and passed over. `out` keeps texts that come in pieces.
  bool take_scalar(const CborItem& item, Readings& out, Scalar& value);

 private:
  bool fail(const char* fault);
  bool take_argument(unsigned info, uint64_t& argument);
  bool take_simple(unsigned info, uint64_t argument, CborItem& item);
  bool take_chunks(const CborItem& item, std::string* joined);
  bool take_whole(const CborItem& item, int64_t& whole) const;
  bool take_fraction(CborItem item, Scalar& value);

  std::string_view rest_;
  size_t depth_ = 0;
  const char* fault_ = nullptr;
};

}  // namespace wayside
