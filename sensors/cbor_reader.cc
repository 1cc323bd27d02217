#include "sensors/cbor_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "base/text.h"

namespace wayside {
namespace {

using Type = CborItem::Type;

constexpr uint8_t kBreak = 0xff;
constexpr unsigned kOpen = 31;     // as additional information
constexpr unsigned kTagMajor = 6;  // major types
constexpr unsigned kSimpleMajor = 7;
constexpr uint64_t kWholeMax = std::numeric_limits<int64_t>::max();

double half(uint64_t bits) {
  const int exponent = bits >> 10 & 31;
  const auto fraction = static_cast<double>(bits & 1023);
  double size;
  if (exponent == 0) {
    size = std::ldexp(fraction, -24);
  } else if (exponent < 31) {
    size = std::ldexp(fraction + 1024, exponent - 25);
  } else {
    size = fraction == 0 ? HUGE_VAL : kNull;
  }
  return bits & 0x8000 ? -size : size;
}

// mantissa × 10^exponent, rounded once.
double decimal(int64_t mantissa, int64_t exponent) {
  constexpr int64_t kBeyond = 400;  // from there on it is 0 or infinite, whatever the mantissa
  char text[48];
  char* at = std::to_chars(text, text + 24, mantissa).ptr;
  *at++ = 'e';
  const char* end = std::to_chars(at, text + 48, std::clamp(exponent, -kBeyond, kBeyond)).ptr;
  double value = 0;
  if (std::from_chars(text, end, value).ec == std::errc()) return value;
  if (exponent < 0 || mantissa == 0) return 0;
  return mantissa < 0 ? -HUGE_VAL : HUGE_VAL;
}

}  // namespace

bool CborReader::fail(const char* fault) {
  if (!fault_) fault_ = fault;
  return false;
}

bool CborReader::take_argument(unsigned info, uint64_t& argument) {
  argument = info;
  if (info < 24) return true;
  const size_t width = size_t{1} << (info - 24);
  if (rest_.size() < width) return fail("it ends within a value");
  argument = 0;
  for (size_t i = 0; i < width; ++i) argument = argument << 8 | static_cast<uint8_t>(rest_[i]);
  rest_.remove_prefix(width);
  return true;
}

bool CborReader::next(CborItem& item) {
  item = {};
  while (!fault_) {
    if (rest_.empty()) return fail("it ends within a value");
    const auto first = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    const unsigned major = first >> 5;
    const unsigned info = first & 31;
    uint64_t argument = 0;
    if (info == kOpen && major >= 2 && major <= 5) {
      item.is_open = true;
    } else if (info > 27) {
      return fail(first == kBreak ? "a break ends nothing" : "a byte begins no value");
    } else if (!take_argument(info, argument)) {
      return false;
    }
    if (major == kSimpleMajor) return take_simple(info, argument, item);
    if (major == kTagMajor) {
      item.tag = argument;
      continue;
    }
    // Each element takes a byte at least, each pair of a map two.
    item.type = static_cast<Type>(major);
    item.size = argument;
    const size_t room = item.type == Type::kMap ? rest_.size() / 2 : rest_.size();
    if (major >= 2 && argument > room) return fail("a length goes beyond the end");
    return true;
  }
  return false;
}

bool CborReader::take_simple(unsigned info, uint64_t argument, CborItem& item) {
  item.size = argument;
  if (info == 25) {
    item.number = half(argument);
  } else if (info == 26) {
    float number;
    const auto bits = static_cast<uint32_t>(argument);
    std::memcpy(&number, &bits, sizeof number);
    item.number = number;
  } else if (info == 27) {
    std::memcpy(&item.number, &argument, sizeof item.number);
  } else if (info == 24 && argument < 32) {
    return fail("a byte begins no value");
  }
  constexpr uint64_t kFalse = 20, kTrue = 21, kNothing = 22, kUndefined = 23;
  if (info >= 25) {
    item.type = Type::kNumber;
  } else if (argument == kFalse || argument == kTrue) {
    item.type = Type::kFlag;
    item.size = argument == kTrue;
  } else {
    item.type = argument == kNothing || argument == kUndefined ? Type::kNull : Type::kOther;
  }
  return true;
}

bool CborReader::next_of(CborItem& container, CborItem& item) {
  if (!container.is_open) {
    if (container.size == 0) return false;
    --container.size;
    return next(item);
  }
  if (rest_.empty() || static_cast<uint8_t>(rest_.front()) != kBreak) return next(item);
  rest_.remove_prefix(1);
  return false;
}

bool CborReader::enter() {
  if (depth_ == kDepthMax) return fail("it nests deeper than 64 levels");
  ++depth_;
  return true;
}

bool CborReader::skip(const CborItem& item) {
  if (item.type == Type::kBytes || item.type == Type::kText) return take_chunks(item, nullptr);
  if (!item.is_container()) return true;
  if (!enter()) return false;
  CborItem left = item;
  CborItem member;
  while (next_of(left, member)) {
    if (!skip(member)) return false;
    if (item.type == Type::kMap && !(next(member) && skip(member))) return false;
  }
  leave();
  return !fault_;
}

bool CborReader::take_chunks(const CborItem& item, std::string* joined) {
  if (!item.is_open) {
    if (joined) joined->append(rest_.substr(0, item.size));
    rest_.remove_prefix(item.size);
    return true;
  }
  CborItem pieces = item;
  CborItem piece;
  while (next_of(pieces, piece)) {
    if (piece.type != item.type || piece.is_open || piece.tag != CborItem::kNoTag) {
      return fail("a text or bytes in pieces have one of another type");
    }
    if (!take_chunks(piece, joined)) return false;
  }
  return !fault_;
}

bool CborReader::take_bytes(const CborItem& item, std::string& joined, std::string_view& bytes) {
  if (!item.is_open) {
    bytes = rest_.substr(0, item.size);
    rest_.remove_prefix(item.size);
    return true;
  }
  joined.clear();
  if (!take_chunks(item, &joined)) return false;
  bytes = joined;
  return true;
}

bool CborReader::take_scalar(const CborItem& item, Readings& out, Scalar& value) {
  int64_t whole;
  switch (item.type) {
    case Type::kUnsigned:
    case Type::kNegative:
      if (take_whole(item, whole)) {
        value = whole;
      } else if (item.type == Type::kUnsigned) {
        value = item.size;
      } else {
        value = -1 - static_cast<double>(item.size);
      }
      return true;
    case Type::kText: {
      std::string joined;
      std::string_view text;
      if (!take_bytes(item, joined, text)) return false;
      if (!is_valid_utf8(text)) return fail("a text is not UTF-8");
      value = item.is_open ? out.keep(joined) : text;
      return true;
    }
    case Type::kFlag:
      value = item.size != 0;
      return true;
    case Type::kNumber:
      value = item.number;
      return true;
    case Type::kNull:
      value = std::monostate();
      return true;
    case Type::kArray:
      if (item.is_fraction()) return take_fraction(item, value);
      [[fallthrough]];
    default:
      skip(item);
      return false;
  }
}

bool CborReader::take_whole(const CborItem& item, int64_t& whole) const {
  if (item.type > Type::kNegative || item.size > kWholeMax) return false;
  const auto size = static_cast<int64_t>(item.size);
  whole = item.type == Type::kUnsigned ? size : -1 - size;
  return true;
}

bool CborReader::take_fraction(CborItem item, Scalar& value) {
  const CborReader start = *this;
  const CborItem whole = item;
  CborItem part;
  int64_t exponent, mantissa;
  if (next_of(item, part) && take_whole(part, exponent) && next_of(item, part) &&
      take_whole(part, mantissa) && !next_of(item, part) && !fault_) {
    constexpr int64_t kBeyond = 5'000;
    value = whole.tag == CborItem::kDecimalTag
                ? decimal(mantissa, exponent)
                : std::ldexp(static_cast<double>(mantissa),
                             static_cast<int>(std::clamp(exponent, -kBeyond, kBeyond)));
    return true;
  }
  *this = start;
  skip(whole);
  return false;
}

}  // namespace wayside
