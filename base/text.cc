#include "base/text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <numeric>

namespace wayside {
namespace {

// Levenshtein distance (Wagner and Fischer 1974), one row at a time.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

struct ByteUnit {
  std::string_view name;
  uint64_t bytes;
};
constexpr ByteUnit kByteUnits[] = {{"TB", 1'000'000'000'000}, {"GB", 1'000'000'000},
                                   {"GiB", 1ull << 30},       {"MiB", 1ull << 20},
                                   {"KiB", 1ull << 10},       {"B", 1}};

constexpr const char* kNoCharacter = "\xef\xbf\xbd";  // U+FFFD

// Length of the valid UTF-8 sequence at the front, 0 if there is none (RFC 3629).
size_t utf8_sequence(std::string_view s) {
  auto at = [&](size_t i) { return static_cast<uint8_t>(s[i]); };
  uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || s.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  bool overlong = (lead == 0xe0 && at(1) < 0xa0) || (lead == 0xf0 && at(1) < 0x90);
  bool surrogate = lead == 0xed && at(1) > 0x9f;
  bool too_high = lead == 0xf4 && at(1) > 0x8f;
  return overlong || surrogate || too_high ? 0 : length;
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  std::optional<std::string> best;
  size_t best_distance = std::max<size_t>(1, (word.size() + 1) / 3) + 1;
  for (const std::string& candidate : candidates) {
    size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::optional<uint64_t> parse_bytes(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  std::string_view unit = text.substr(end - text.data());
  for (const ByteUnit& u : kByteUnits) {
    if (unit == u.name && value <= (1ull << 53) / u.bytes) return value * u.bytes;
  }
  return std::nullopt;
}

std::string format_bytes(uint64_t bytes) {
  for (const ByteUnit& u : kByteUnits) {
    if (bytes >= u.bytes && bytes % u.bytes == 0) {
      return std::to_string(bytes / u.bytes) + std::string(u.name);
    }
  }
  return "0B";
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    size_t n = utf8_sequence(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t n = utf8_sequence(text);
    const auto c = static_cast<uint8_t>(text.front());
    // U+0080 to U+009F are two bytes, and commands as those below the blank.
    const bool high = n == 2 && c == 0xc2 && static_cast<uint8_t>(text[1]) < 0xa0;
    if (n == 0) {
      out += kNoCharacter;
    } else if (c < ' ' || c == 0x7f || high) {
      out += ' ';
    } else {
      out.append(text.substr(0, n));
    }
    text.remove_prefix(std::max<size_t>(n, 1));
  }
  return out;
}

std::string shortened(std::string_view text) {
  constexpr size_t kShown = 80;  // bytes
  if (text.size() <= kShown) return printable(text);
  size_t end = kShown;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
  return printable(text.substr(0, end)) + "…";
}

namespace {

// How many bytes at the beginning stand for themselves in a JSON string.
size_t plain_run(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && text[n] >= ' ' && text[n] <= '~' && text[n] != '"' && text[n] != '\\') {
    ++n;
  }
  return n;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  while (true) {
    const size_t plain = plain_run(text);
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    auto c = static_cast<uint8_t>(text.front());
    size_t n = utf8_sequence(text);
    if (n == 0) {
      out += kNoCharacter;
    } else if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (c < 0x20) {
      out += "\\u00";
      out.push_back(kHex[c >> 4]);
      out.push_back(kHex[c & 15]);
    } else {
      out.append(text.substr(0, n));
    }
    text.remove_prefix(std::max<size_t>(n, 1));
  }
  out.push_back('"');
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

void append_json_member(std::string& out, std::string_view name, std::string_view text) {
  out += out.back() == '{' ? "\"" : ",\"";
  out.append(name).append("\":");
  append_json_string(out, text);
}

bool is_plain_in_json(std::string_view text) { return plain_run(text) == text.size(); }

namespace {

// Up to six decimals, as what sensors say mostly has: an integer over a power of ten, found in a
// fraction of the time that the general way takes. With 15 digits or less no other text is as short
// and reads back the same; in this range it is not written with an exponent. Null: it is no such
// number.
char* write_decimal(char* to, double value) {
  constexpr double kLeast = 1e-3, kMost = 1e9, kPower = 1e6;
  int places = 6;
  const double size = std::abs(value);
  if (size < kLeast || size >= kMost) return nullptr;
  auto scaled = static_cast<uint64_t>(size * kPower + 0.5);
  if (static_cast<double>(scaled) / kPower != size) return nullptr;
  for (; scaled % 10 == 0; scaled /= 10) --places;
  if (value < 0) *to++ = '-';
  char* end = std::to_chars(to, to + 16, scaled).ptr;
  if (const auto short_of = places + 1 - (end - to); short_of > 0) {
    std::copy_backward(to, end, end + short_of);
    std::fill_n(to, short_of, '0');
    end += short_of;
  }
  std::copy_backward(end - places, end, end + 1);
  end[-places] = '.';
  return end + 1;
}

}  // namespace

char* write_json_number(char* to, double value) {
  if (!std::isfinite(value)) return std::copy_n("null", 4, to);
  char* const end = to + kJsonNumberMax;
  // Whole numbers stay free of exponents as far as a double counts exactly.
  if (std::abs(value) < 9.007199254740992e15) {
    const auto whole = static_cast<int64_t>(value);
    if (static_cast<double>(whole) == value) return std::to_chars(to, end, whole).ptr;
  }
  if (char* written = write_decimal(to, value)) return written;
  return std::to_chars(to, end, value).ptr;
}

void append_json_number(std::string& out, double value) {
  char digits[kJsonNumberMax];
  out.append(digits, write_json_number(digits, value));
}

std::string hex_of(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    text.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    uint8_t byte = 0;
    const char* end = digits.data() + i + 2;
    if (std::from_chars(digits.data() + i, end, byte, 16).ptr != end) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_name(std::string_view text) {
  auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), good);
}

}  // namespace wayside
