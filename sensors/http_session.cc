#include "sensors/http_session.h"

#include <openssl/crypto.h>

#include <chrono>
#include <tuple>

#include "base/text.h"
#include "base/url.h"
#include "sensors/mqtt_packet.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using std::chrono::milliseconds;

// For a sender that writes on while it is refused: closing at once would take the answer with it.
constexpr auto kDrainTime = milliseconds(1'000);
constexpr const char* kRetryLater = "Retry-After: 1\r\n";

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

bool is_same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// Of a header: without parameters.
bool has_media_type(std::string_view header, std::string_view type) {
  header = header.substr(0, header.find(';'));
  while (header.ends_with(' ')) header.remove_suffix(1);
  return same_name(header, type);
}

}  // namespace

HttpSession::HttpSession(std::shared_ptr<HttpInput::Core> core, TcpSocket socket)
    : core_(std::move(core)), stream_(std::move(socket)), buffer_(core_->options.max_header_bytes) {
  ++core_->sessions;
}

HttpSession::~HttpSession() { core_->session_ended(); }

void HttpSession::read() {
  parser_.reset();
  arena_.release();
  parser_.emplace(std::piecewise_construct, std::make_tuple(), std::make_tuple(Allocator(&arena_)));
  parser_->header_limit(static_cast<uint32_t>(core_->options.max_header_bytes));
  parser_->body_limit(core_->options.max_payload_bytes);
  body_.clear();
  parser_->get().body() = std::move(body_);
  stream_.expires_after(milliseconds(core_->options.timeout_ms));
  http::async_read_header(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](error_code error, size_t) { self->take_head(error); });
}

std::string_view HttpSession::field(http::field name) const { return view(parser_->get()[name]); }

void HttpSession::take_head(error_code error) {
  if (error) return take_broken(error);
  const Refusal refusal = judge_head();
  // Of a request that is refused no body is read, and what would come next is not known.
  if (refusal.status != 0) return refuse(refusal, parser_->is_done());
  same_name(field(http::field::expect), "100-continue") ? ask_for_body() : read_body();
}

// Who has gone, or says nothing, gets no answer.
void HttpSession::take_broken(error_code error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return refuse({431, "the header is longer than max_header"}, false);
  }
  if (error == http::error::body_limit) {
    return refuse({413, "the body is longer than max_payload, " +
                            format_bytes(core_->options.max_payload_bytes)},
                  false);
  }
  const bool is_broken = error.category() == make_error_code(http::error::bad_method).category();
  if (!is_broken || error == http::error::end_of_stream || error == http::error::partial_message) {
    return;
  }
  refuse({400, "this is no HTTP request: " + error.message()}, false);
}

HttpSession::Refusal HttpSession::judge_head() {
  const auto& request = parser_->get();
  // Only browsers say so. A page of the web shall not tell of a truck.
  if (!field(http::field::origin).empty()) return {403, "pages of the web may not post"};
  if (Refusal refusal = judge_token(); refusal.status != 0) return refusal;
  if (Refusal refusal = find_topic(); refusal.status != 0) return refusal;
  if (request.method() != http::verb::post)
    return {405, "only POST is possible", "Allow: POST\r\n"};
  const std::string_view encoding = field(http::field::content_encoding);
  if (!encoding.empty() && !same_name(encoding, "identity")) {
    return {415, "Content-Encoding: bodies are taken as they are only"};
  }
  if (has_media_type(field(http::field::content_type), "multipart/form-data")) {
    return {415, "Content-Type: the body of a form is no payload"};
  }
  if (!parser_->content_length() && !parser_->chunked()) {
    return {411, "Content-Length is missing"};
  }
  return {};
}

HttpSession::Refusal HttpSession::judge_token() const {
  const std::string& token = core_->options.token;
  if (token.empty()) return {};
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view said = field(http::field::authorization);
  if (same_name(said.substr(0, kScheme.size()), kScheme) &&
      is_same_secret(said.substr(kScheme.size()), token)) {
    return {};
  }
  return {401, "expected Authorization: Bearer with the token of this input",
          "WWW-Authenticate: Bearer\r\n"};
}

HttpSession::Refusal HttpSession::find_topic() {
  const InputOptions& o = core_->options;
  const std::string& prefix = core_->url.path;
  std::string_view path = view(parser_->get().target());
  path = path.substr(0, path.find('?'));
  const bool is_ours = path.starts_with(prefix);
  if (is_ours) path.remove_prefix(prefix.size());
  if (!o.topic.empty()) {
    topic_ = o.topic;
    if (is_ours && (path.empty() || path == "/")) return {};
    return {404, "expected POST " + prefix + "/"};
  }
  if (!is_ours || !path.starts_with('/')) return {404, "expected POST " + prefix + "/TOPIC"};
  const auto topic = url_unescaped(path.substr(1), false);
  if (!topic) return {400, "expected two hex digits behind each % of the path"};
  if (!mqtt::is_good_topic(*topic)) return {400, "the path is no topic: '" + *topic + "'"};
  if (!core_->takes(*topic)) {
    return {404, "no source with input = \"" + o.name + "\" takes the topic '" + *topic + "'"};
  }
  topic_ = *topic;
  return {};
}

void HttpSession::ask_for_body() {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(stream_, asio::buffer(kContinue),
                    [self = shared_from_this()](error_code error, size_t) {
                      if (!error) self->read_body();
                    });
}

void HttpSession::read_body() {
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](error_code error, size_t) {
                     error ? self->take_broken(error) : self->take_body();
                   });
}

bool HttpSession::is_by_line() const {
  const std::string_view type = field(http::field::content_type);
  return core_->options.split == Split::kLine || has_media_type(type, "application/x-ndjson") ||
         has_media_type(type, "application/jsonl");
}

// Empty lines are nothing.
void HttpSession::split_body(bool by_line) {
  messages_.clear();
  for (std::string_view rest = body_; !rest.empty();) {
    const size_t end = by_line ? std::min(rest.find('\n'), rest.size()) : rest.size();
    std::string_view message = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (by_line && message.ends_with('\r')) message.remove_suffix(1);
    if (!message.empty()) messages_.push_back({message, false});
  }
}

void HttpSession::take_body() {
  HttpInput::Core& core = *core_;
  body_ = std::move(parser_->get().body());
  if (core.has_ended) return refuse({503, "the gateway is ending", kRetryLater}, false);
  if (core.is_full) return refuse({429, "the queue is full", kRetryLater}, true);
  split_body(is_by_line());
  if (messages_.empty()) return refuse({400, "the body is empty"}, true);
  if (core.options.async) {
    core.send(topic_, messages_, core.last_ticket);
    return answer(202, "", "", true);
  }
  stream_.expires_never();  // however long its commit takes
  core.waiting.push_back({++core.last_ticket, shared_from_this()});
  // When all wait, nothing more comes before an answer.
  core.send(topic_, messages_, core.last_ticket, core.waiting.size() >= core.options.connections);
}

void HttpSession::committed() {
  ++core_->counters.acknowledged;
  answer(200, "", "", true);
}

void HttpSession::refuse(const Refusal& refusal, bool keep) {
  error_code error;
  const auto peer = stream_.socket().remote_endpoint(error);
  core_->tell_refusal(error ? "a sender" : peer.address().to_string(), refusal.status, refusal.why);
  answer(refusal.status, refusal.why, refusal.header, keep);
}

void HttpSession::answer(unsigned status, std::string_view why, const char* header, bool keep) {
  const auto& request = parser_->get();
  keep = keep && request.keep_alive() && !core_->has_ended;
  std::string text;
  if (!why.empty()) {
    text = "{\"error\":";
    append_json_string(text, why);
    text += "}\n";
  }
  out_ = "HTTP/1.1 " + std::to_string(status) + ' ';
  out_ += view(http::obsolete_reason(static_cast<http::status>(status)));
  out_ += "\r\n";
  out_ += header;
  if (!text.empty()) out_ += "Content-Type: application/json\r\n";
  if (!keep) out_ += "Connection: close\r\n";
  if (keep && request.version() < 11) out_ += "Connection: keep-alive\r\n";
  out_ += "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n";
  if (request.method() != http::verb::head) out_ += text;
  ++core_->unwritten;
  stream_.expires_after(milliseconds(core_->options.timeout_ms));
  asio::async_write(stream_, asio::buffer(out_),
                    [self = shared_from_this(), keep](error_code error, size_t) {
                      --self->core_->unwritten;
                      if (error) return;
                      keep ? self->read() : self->drain();
                    });
}

// Takes what still comes, until the sender closes or the time is up.
void HttpSession::drain() {
  error_code ignored;
  stream_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  stream_.expires_after(kDrainTime);
  parser_.reset();  // what it had is no more, and its room is free
  struct Sink {
    std::shared_ptr<HttpSession> session;
    void operator()(error_code error, size_t) const {
      if (error) return;
      HttpSession& s = *session;
      s.stream_.async_read_some(asio::buffer(s.arena_bytes_), Sink{session});
    }
  };
  Sink{shared_from_this()}({}, 0);
}

}  // namespace wayside
