#include "firmware-gw/moment.h"

#include <charconv>

namespace wayside {

std::optional<Moment> Moment::parse(std::string_view text) {
  Moment moment;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, moment.entry);
  if (error == std::errc() && rest == end) return moment;
  const auto wall_ms = parse_rfc3339_ms(text);
  if (!wall_ms) return std::nullopt;
  return Moment{UINT64_MAX, *wall_ms};
}

}  // namespace wayside
