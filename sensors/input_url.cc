#include "sensors/input_url.h"

#include <arpa/inet.h>

#include <charconv>
#include <string_view>

namespace wayside {
namespace {

constexpr uint16_t kGpsdPort = 2947;

// Of HOST, where `port` is one already, or of HOST:PORT.
bool take_host(std::string_view text, InputUrl& url) {
  const size_t colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && text.find(']', colon) == text.npos;
  if (has_port) {
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, url.port);
    if (error != std::errc() || rest != end) return false;
    text = text.substr(0, colon);
  }
  const bool in_brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
  if (in_brackets) text = text.substr(1, text.size() - 2);
  url.host = text;
  const bool is_good = in_brackets || text.find(':') == text.npos;
  return is_good && url.port != 0 && !text.empty() && text.find_first_of("/[]") == text.npos;
}

// What can be listened on is no name.
bool is_address(const std::string& host) {
  in6_addr parsed;  // large enough for either
  const int family = host.find(':') == host.npos ? AF_INET : AF_INET6;
  return ::inet_pton(family, host.c_str(), &parsed) == 1;
}

}  // namespace

Result<InputUrl> parse_input_url(const std::string& text) {
  using Kind = InputUrl::Kind;
  constexpr std::string_view kSerial = "serial:";
  InputUrl url;
  if (text.starts_with(kSerial)) {
    url.kind = Kind::kSerial;
    url.device = text.substr(kSerial.size());
    if (url.device.starts_with('/')) return url;
  }
  for (const auto& [scheme, kind] : {std::pair<std::string_view, Kind>{"tcp://", Kind::kTcp},
                                     {"gpsd://", Kind::kGpsd},
                                     {"udp://", Kind::kUdp}}) {
    if (!text.starts_with(scheme)) continue;
    url.kind = kind;
    if (kind == Kind::kGpsd) url.port = kGpsdPort;
    if (!take_host(std::string_view(text).substr(scheme.size()), url)) break;
    if (kind != Kind::kUdp || is_address(url.host)) return url;
  }
  return Error{ErrorCode::kConfig,
               "expected tcp://HOST:PORT, gpsd://HOST, udp://ADDRESS:PORT or serial:/dev/NAME"};
}

}  // namespace wayside
