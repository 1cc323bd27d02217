#include "base/url.h"

#include "base/text.h"

namespace wayside {

std::optional<std::string> url_unescaped(std::string_view part, bool plus_is_blank) {
  std::string out;
  for (size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '+' && plus_is_blank) {
      out += ' ';
    } else if (part[i] != '%') {
      out += part[i];
    } else {
      const auto byte = from_hex(part.substr(i + 1, 2));
      if (!byte || byte->empty()) return std::nullopt;
      out += *byte;
      i += 2;
    }
  }
  return out;
}

}  // namespace wayside
