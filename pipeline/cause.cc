#include "pipeline/cause.h"

#include <charconv>
#include <cstdio>

namespace wayside {

std::string to_text(const Cause& cause) {
  std::string text = std::to_string(cause.entry);
  if (cause.place != Cause::kNoReading) text += '.' + std::to_string(cause.place);
  return text;
}

std::optional<Cause> parse_cause(std::string_view text) {
  Cause cause;
  const char* const end = text.data() + text.size();
  const auto entry = std::from_chars(text.data(), end, cause.entry);
  if (entry.ec != std::errc() || cause.entry == 0) return std::nullopt;
  if (entry.ptr == end) return cause;
  if (*entry.ptr != '.') return std::nullopt;
  const auto place = std::from_chars(entry.ptr + 1, end, cause.place);
  if (place.ec != std::errc() || place.ptr != end) return std::nullopt;
  return cause;
}

std::string version_digits(uint32_t version) {
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", version);
  return digits;
}

uint32_t parse_version_digits(std::string_view text) {
  uint32_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version, 16);
  const bool good = text.size() == 8 && error == std::errc() && end == text.data() + text.size();
  return good ? version : 0;
}

}  // namespace wayside
