#include "config/values.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstdlib>
#include <fstream>

namespace wayside {
namespace {

// Where systemd puts those of our unit; readable by root and by the gateway's own user.
constexpr const char* kUnitCredentials = "/run/credentials/wayside.service";

Error wrong(std::string message) { return {ErrorCode::kConfig, std::move(message)}; }

Result<std::string> first_line(const std::string& path) {
  std::ifstream in(path);
  std::string value;
  if (!std::getline(in, value)) return wrong("cannot read " + path + ", or it is empty");
  return value;
}

// The verbs that ask a running gateway are not started by systemd, but want its secrets, too.
Result<std::string> credential(const std::string& name) {
  if (const char* dir = std::getenv("CREDENTIALS_DIRECTORY")) {
    return first_line(std::string(dir) + "/" + name);
  }
  auto found = first_line(std::string(kUnitCredentials) + "/" + name);
  if (found.ok()) return found;
  return wrong(found.error().message + ": the service has to run with LoadCredential=" + name +
               ":…, and only root and its user may read it; elsewhere set $CREDENTIALS_DIRECTORY");
}

}  // namespace

Result<BrokerAddress> parse_broker_url(const std::string& url) {
  const Error bad = wrong("expected mqtt://HOST or mqtts://HOST, with :PORT or without");
  constexpr std::string_view kPlain = "mqtt://", kTls = "mqtts://";
  BrokerAddress address;
  address.tls = url.starts_with(kTls);
  if (!address.tls && !url.starts_with(kPlain)) return bad;
  if (address.tls) address.port = 8883;
  const std::string text = url.substr(address.tls ? kTls.size() : kPlain.size());
  const size_t colon = text.rfind(':');
  if (colon != std::string::npos && text.find(']', colon) == std::string::npos) {
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + colon + 1, end, address.port);
    if (parsed.ec != std::errc() || parsed.ptr != end || address.port == 0) return bad;
    address.host = text.substr(0, colon);
  } else {
    address.host = text;
  }
  std::string& host = address.host;
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find('/') != std::string::npos) return bad;
  return address;
}

Result<ListenAddress> parse_listen(const std::string& text) {
  const Error bad = wrong("expected ADDRESS:PORT, such as 127.0.0.1:8787 or [::1]:8787");
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return bad;
  ListenAddress listen;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, listen.port);
  if (parsed.ec != std::errc() || parsed.ptr != end) return bad;
  listen.address = text.substr(0, colon);
  in_addr v4{};
  if (inet_pton(AF_INET, listen.address.c_str(), &v4) == 1) {
    constexpr uint32_t kLoopbackNet = 127;
    listen.is_loopback = ntohl(v4.s_addr) >> 24 == kLoopbackNet;
    return listen;
  }
  std::string& address = listen.address;
  if (address.size() < 2 || address.front() != '[' || address.back() != ']') return bad;
  address = address.substr(1, address.size() - 2);
  in6_addr v6{};
  if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) return bad;
  listen.is_loopback = IN6_IS_ADDR_LOOPBACK(&v6);
  return listen;
}

Result<std::string> read_secret(const std::string& kind, const std::string& where) {
  if (kind == "env") {
    const char* found = std::getenv(where.c_str());
    if (!found) return wrong("environment variable " + where + " is not set");
    return std::string(found);
  }
  if (kind == "credential") return credential(where);
  if (kind == "file") return first_line(where);
  return wrong("unknown kind of secret '" + kind + "': file, env or credential");
}

}  // namespace wayside
