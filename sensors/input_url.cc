#include "sensors/input_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace wayside {
namespace {

constexpr uint16_t kGpsdPort = 2947;
constexpr uint16_t kModbusPort = 502;
constexpr uint16_t kHttpPort = 80;

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

struct Scheme {
  std::string_view text;
  InputUrl::Kind kind;
  uint16_t port;  // when the text does not say
  bool has_path;
};

constexpr Scheme kPathSchemes[] = {{"serial:", InputUrl::Kind::kSerial, 0, true},
                                   {"file:", InputUrl::Kind::kFile, 0, true},
                                   {"exec:", InputUrl::Kind::kExec, 0, true}};
constexpr Scheme kHostSchemes[] = {{"tcp://", InputUrl::Kind::kTcp, 0, false},
                                   {"gpsd://", InputUrl::Kind::kGpsd, kGpsdPort, false},
                                   {"udp://", InputUrl::Kind::kUdp, 0, false},
                                   {"modbus://", InputUrl::Kind::kModbus, kModbusPort, false},
                                   {"http://", InputUrl::Kind::kHttp, 0, true},
                                   {"http-poll://", InputUrl::Kind::kHttpPoll, kHttpPort, true}};

// What may stand in a request as it is.
bool is_url_path(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// False: it is of no use.
bool take_path(std::string_view& text, InputUrl& url) {
  const size_t slash = std::min(text.find('/'), text.size());
  url.path = text.substr(slash);
  text = text.substr(0, slash);
  if (url.kind == InputUrl::Kind::kHttpPoll) {
    if (url.path.empty()) url.path = "/";
    return is_url_path(url.path) && url.path.find('#') == std::string::npos;
  }
  while (url.path.ends_with('/')) url.path.pop_back();
  return is_url_path(url.path) && url.path.find_first_of("%?#") == std::string::npos;
}

bool take(const Scheme& scheme, std::string_view text, InputUrl& url) {
  url = {scheme.kind, "", scheme.port, ""};
  if (scheme.has_path && !take_path(text, url)) return false;
  if (!take_host(text, url)) return false;
  const bool listens = url.kind == InputUrl::Kind::kUdp || url.kind == InputUrl::Kind::kHttp;
  return !listens || is_address(url.host);
}

}  // namespace

Result<InputUrl> parse_input_url(const std::string& text) {
  InputUrl url;
  if (text == "-") return InputUrl{InputUrl::Kind::kFile, "", 0, text};
  for (const Scheme& scheme : kPathSchemes) {
    if (!text.starts_with(scheme.text)) continue;
    url = {scheme.kind, "", 0, text.substr(scheme.text.size())};
    if (url.path.starts_with('/')) return url;
  }
  for (const Scheme& scheme : kHostSchemes) {
    if (!text.starts_with(scheme.text)) continue;
    if (take(scheme, std::string_view(text).substr(scheme.text.size()), url)) return url;
  }
  return Error{ErrorCode::kConfig, std::string("expected ") + kInputUrlForms};
}

}  // namespace wayside
