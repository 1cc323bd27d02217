// The client's end of a TLS connection, 1.2 or newer, as bytes in and bytes out: the socket is its
// user's. The broker's certificate has to be valid now, to be signed by somebody we trust, and to
// name the host that we asked for. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sensors/options.h"

struct ssl_ctx_st;
struct ssl_st;
struct x509_store_ctx_st;

namespace wayside {

class TlsSession {
 public:
  // Reads the files, so that each connection has what is in them by then. The error names the file.
  static Result<std::unique_ptr<TlsSession>> make(const TlsOptions& options,
                                                  const std::string& host);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // What the socket has brought. The error says why the connection has to end.
  Status take(std::string_view wire);
  // What of it is for us, at most `room` bytes; 0: nothing more yet.
  Result<size_t> read(char* to, size_t room);
  // For the broker, once it is open.
  void write(std::string_view plain);
  void say_goodbye();  // nothing more comes from us
  // Appends what the socket has to send.
  void send(std::string& wire);
  bool has_wire() const;

  bool is_open() const;   // the hand-shake is done
  bool is_ended() const;  // the broker sends nothing more
  // When the first of the two certificates, the broker's and ours, ends; none: not open.
  std::optional<int64_t> ends_ms() const;

 private:
  TlsSession() = default;
  Status load(const TlsOptions& options);
  static int on_verified(int good, x509_store_ctx_st* store);
  Error why() const;

  ssl_ctx_st* context_ = nullptr;
  ssl_st* ssl_ = nullptr;
  std::string host_;
  std::string refusal_;  // what is wrong with the broker's certificate
};

}  // namespace wayside
