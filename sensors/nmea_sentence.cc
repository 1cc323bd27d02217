#include "sensors/nmea_sentence.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace wayside {
namespace {

unsigned checksum_of(std::string_view text) {
  unsigned sum = 0;
  for (const char c : text) sum ^= static_cast<unsigned char>(c);
  return sum;
}

// What stands between the first byte and the checksum, if that is right.
std::optional<std::string_view> body_of(std::string_view line, std::string& fault) {
  const size_t star = line.rfind('*');
  if (star == line.npos || star == 0 || line.size() - star != 3) {
    fault = "it has no checksum";
    return std::nullopt;
  }
  unsigned written = 0;
  const char* const end = line.data() + line.size();
  const auto [rest, error] = std::from_chars(end - 2, end, written, 16);
  const std::string_view body = line.substr(1, star - 1);
  const unsigned sum = checksum_of(body);
  if (error == std::errc() && rest == end && written == sum) return body;
  fault = fmt::format("its checksum is {:02X}, it says otherwise", sum);
  return std::nullopt;
}

}  // namespace

bool parse_nmea(std::string_view line, NmeaSentence& sentence, std::string& fault) {
  const bool is_encapsulated = line.starts_with('!');  // as AIS is
  if (!line.starts_with('$') && !is_encapsulated) {
    fault = "it does not begin with '$'";
    return false;
  }
  const auto body = body_of(line, fault);
  if (!body) return false;
  size_t comma = body->find(',');
  const std::string_view address = body->substr(0, comma);
  const bool is_standard = address.size() == 5 && address[0] != 'P' && !is_encapsulated;
  sentence.talker = is_standard ? address.substr(0, 2) : std::string_view();
  sentence.type = is_standard ? address.substr(2) : std::string_view();
  sentence.count = 0;
  while (comma != body->npos && sentence.count < NmeaSentence::kFieldsMax) {
    const size_t begin = comma + 1;
    comma = body->find(',', begin);
    sentence.fields[sentence.count++] = body->substr(begin, comma - begin);
  }
  return true;
}

}  // namespace wayside
