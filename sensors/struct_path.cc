#include "sensors/struct_path.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace wayside {
namespace {

// The number that `text` begins with is taken off it.
std::optional<uint64_t> take_number(std::string_view& text, int base = 10) {
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return number;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

uint64_t mask_of(unsigned width) { return width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1; }

// Binary-coded decimal, two digits a byte.
std::optional<uint64_t> decimal_of(uint64_t bits) {
  uint64_t number = 0;
  for (int shift = 60; shift >= 0; shift -= 4) {
    const uint64_t digit = bits >> shift & 0xF;
    if (digit > 9) return std::nullopt;
    number = number * 10 + digit;
  }
  return number;
}

std::optional<uint64_t> bits_of(uint64_t decimal) {
  uint64_t bits = 0;
  for (int shift = 0; decimal > 0; shift += 4, decimal /= 10) {
    if (shift == 64) return std::nullopt;
    bits |= decimal % 10 << shift;
  }
  return bits;
}

}  // namespace

class StructPath::Parser {
 public:
  explicit Parser(std::string_view text) : left_(text) {}

  Result<StructPath> run() {
    const auto offset = take_number(left_);
    if (!offset || !take(left_, ":")) {
      return wrong("is no place of a value: expected offset:type, as in \"4:u16le\"");
    }
    if (*offset > kOffsetMax) return wrong("begins beyond byte " + std::to_string(kOffsetMax));
    path_.offset_ = static_cast<uint32_t>(*offset);
    const bool is_signal = !left_.empty() && left_[0] >= '0' && left_[0] <= '9';
    WS_TRY(is_signal ? take_signal() : take_type());
    if (left_.starts_with('[')) WS_TRY(take_bits());
    while (left_.starts_with('!')) WS_TRY(take_nothing());
    if (!left_.empty()) return wrong("goes on with '" + std::string(left_) + "'");
    return path_;
  }

 private:
  static Error wrong(const std::string& what) { return {ErrorCode::kConfig, what}; }

  bool is_whole() const { return path_.kind_ == Kind::kUnsigned || path_.kind_ == Kind::kSigned; }

  static Error unknown_type(std::string_view type) {
    return wrong("there is no type '" + std::string(type) +
                 "': u8 to u64, i8 to i64, bcd8 to bcd64, f32 and f64, of several bytes with le, "
                 "be, cdab or badc; bool, text8, hex6");
  }

  Status take_type() {
    const size_t size = std::min(left_.find_first_of("[!"), left_.size());
    const std::string_view type = left_.substr(0, size);
    left_.remove_prefix(size);
    if (type == "bool") return use(Kind::kBool, 8, "");
    static constexpr std::pair<std::string_view, Kind> kKinds[] = {
        {"u", Kind::kUnsigned}, {"i", Kind::kSigned},  {"f", Kind::kFloat},
        {"bcd", Kind::kBcd},    {"text", Kind::kText}, {"hex", Kind::kHex}};
    for (const auto& [name, kind] : kKinds) {
      std::string_view rest = type;
      if (!take(rest, name)) continue;
      const auto number = take_number(rest);
      if (!number) continue;
      if (kind == Kind::kText || kind == Kind::kHex) return use_bytes(kind, *number, rest, type);
      if (*number > 64 || *number == 0 || *number % 8 != 0) return unknown_type(type);
      if (kind == Kind::kFloat && *number % 32 != 0) return unknown_type(type);
      if (*number == 8 && !rest.empty()) return unknown_type(type);
      return use(kind, static_cast<unsigned>(*number), rest);
    }
    return unknown_type(type);
  }

  Status use_bytes(Kind kind, uint64_t bytes, std::string_view rest, std::string_view type) {
    if (!rest.empty()) return unknown_type(type);
    if (bytes == 0 || bytes > kTextMax) {
      return wrong("a text has 1 to " + std::to_string(kTextMax) + " bytes");
    }
    path_.kind_ = kind;
    path_.bytes_ = static_cast<uint32_t>(bytes);
    return {};
  }

  Status use(Kind kind, unsigned width, std::string_view order) {
    path_.kind_ = kind;
    path_.width_ = static_cast<uint8_t>(width);
    path_.bytes_ = width / 8;
    const bool in_words = order == "cdab" || order == "badc";
    const bool known = order == "le" || order == "be" || in_words;
    if (!known && width > 8) {
      return wrong("a number of " + std::to_string(path_.bytes_) +
                   " bytes is le or be, as in \"u16le\", or of swapped words cdab or badc");
    }
    if (in_words && (width < 32 || width % 16 != 0)) {
      return wrong("cdab and badc are for several words of 16 bits, as in \"u32cdab\"");
    }
    path_.set_order(order);
    return {};
  }

  Status take_bits() {
    const unsigned width = path_.width_;
    left_.remove_prefix(1);
    const auto low = take_number(left_);
    const auto high = take(left_, "..") ? take_number(left_) : low;
    if (!low || !high || *low > *high || *high >= width || !take(left_, "]") || !is_whole()) {
      return wrong(
          "bits are those of a u… or i…, [n] or [low..high] from 0, as in \"12:u8[4..7]\"");
    }
    path_.low_ = static_cast<uint8_t>(*low);
    path_.width_ = static_cast<uint8_t>(*high - *low + 1);
    return {};
  }

  // Either the number, or its bits in hex digits.
  Status take_nothing() {
    left_.remove_prefix(1);
    const bool negative = take(left_, "-");
    const bool hex = !negative && take(left_, "0x");
    const bool bcd = path_.kind_ == Kind::kBcd;
    auto number = take_number(left_, hex ? 16 : 10);
    if (number && bcd && !hex) number = negative ? std::nullopt : bits_of(*number);
    const uint64_t mask = mask_of(path_.width_);
    const uint64_t most = negative ? mask / 2 + 1 : mask;
    if (!number || *number > most || !(is_whole() || bcd)) {
      return wrong(
          "what says that there is nothing is a value of the u…, i… or bcd… before it, as "
          "in \"4:u16le!0xFFFF\"");
    }
    path_.nothing_.push_back((negative ? ~*number + 1 : *number) & mask);
    return {};
  }

  // As in a DBC file: `start` numbers bits through the bytes, from the lowest of each; Intel begins
  // at the lowest bit of the signal and goes up, Motorola at the highest and goes down.
  Status take_signal() {
    const auto start = take_number(left_);
    const uint64_t length = take(left_, "|") ? take_number(left_).value_or(0) : 0;
    const bool motorola = left_.starts_with("@0");
    const bool known = motorola || left_.starts_with("@1");
    const char sign = known && left_.size() > 2 ? left_[2] : ' ';
    const bool good = start && (sign == '+' || sign == '-');
    if (!good || length == 0 || length > 64 || *start >= 512) {
      return wrong("is no signal: expected start|length@order and sign, as in \"0:24|16@1+\"");
    }
    left_.remove_prefix(3);
    const uint64_t before = motorola ? 7 - *start % 8 : *start % 8;  // bits of its first byte
    const uint64_t bytes = (before + length + 7) / 8;
    if (bytes > 8) return wrong("the signal is spread over more than 8 bytes");
    path_.offset_ += static_cast<uint32_t>(*start / 8);
    path_.bytes_ = static_cast<uint32_t>(bytes);
    path_.kind_ = sign == '-' ? Kind::kSigned : Kind::kUnsigned;
    path_.width_ = static_cast<uint8_t>(length);
    path_.low_ = static_cast<uint8_t>(motorola ? bytes * 8 - before - length : before);
    path_.set_order(motorola ? "be" : "le");
    return {};
  }

  std::string_view left_;
  StructPath path_;
};

Result<StructPath> StructPath::parse(std::string_view path) { return Parser(path).run(); }

// "abcd" are the bytes from the highest; be sends them so, le "dcba".
void StructPath::set_order(std::string_view order) {
  for (uint32_t i = 0; i < bytes_; ++i) {
    const uint32_t from_end = bytes_ - 1 - i;
    const uint32_t place = order == "le"     ? from_end
                           : order == "cdab" ? from_end ^ 1
                           : order == "badc" ? i ^ 1
                                             : i;
    order_[i] = static_cast<uint8_t>(place);
  }
}

uint64_t StructPath::bits(std::string_view record) const {
  uint64_t word = 0;
  for (uint32_t i = 0; i < bytes_; ++i) {
    word = word << 8 | static_cast<uint8_t>(record[offset_ + order_[i]]);
  }
  return word >> low_ & mask_of(width_);
}

Scalar StructPath::read(std::string_view record, std::string& digits, const char*& fault) const {
  fault = nullptr;
  if (kind_ == Kind::kHex) {
    digits = hex_of(record.substr(offset_, bytes_));
    return std::string_view(digits);
  }
  if (kind_ == Kind::kText) {
    std::string_view text = record.substr(offset_, bytes_);
    text = text.substr(0, text.find('\0'));
    text = text.substr(0, text.find_last_not_of(' ') + 1);
    if (text.empty()) return {};
    if (!is_valid_utf8(text)) fault = "is not UTF-8";
    return text;
  }
  const uint64_t word = bits(record);
  if (std::find(nothing_.begin(), nothing_.end(), word) != nothing_.end()) return {};
  switch (kind_) {
    case Kind::kSigned: {
      const int unused = 64 - width_;
      return static_cast<int64_t>(word << unused) >> unused;
    }
    case Kind::kFloat:
      return width_ == 32 ? double{std::bit_cast<float>(static_cast<uint32_t>(word))}
                          : std::bit_cast<double>(word);
    case Kind::kBcd: {
      const auto number = decimal_of(word);
      if (!number) fault = "has a digit beyond 9";
      return number.value_or(0);
    }
    case Kind::kBool:
      return word != 0;
    default:
      return word;
  }
}

}  // namespace wayside
