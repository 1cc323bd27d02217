#include "sensors/tls_session.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "base/text.h"
#include "base/time.h"

namespace wayside {
namespace {

int64_t to_ms(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) * 1'000 : 0;
}

std::string common_name(const X509_NAME* name) {
  char text[256] = "";
  X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof text);
  return *text ? shortened(text) : "(without a name)";
}

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<size_t>(ASN1_STRING_length(string))};
}

// The bytes of an address as people write it; "" for what is none.
std::string address_of(const std::string& bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

// The hosts and addresses that a certificate is for, the first of them. Who made it is not known.
std::string names_of(const X509* certificate) {
  std::string all;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  constexpr int kShown = 8;
  for (int i = 0; i < std::min(sk_GENERAL_NAME_num(names), kShown); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    std::string text;
    if (name->type == GEN_DNS) text = shortened(text_of(name->d.dNSName));
    if (name->type == GEN_IPADD) text = address_of(text_of(name->d.iPAddress));
    if (!text.empty()) all += (all.empty() ? "" : ", ") + text;
  }
  GENERAL_NAMES_free(names);
  return all.empty() ? common_name(X509_get_subject_name(certificate)) : all;
}

// `certificate` is the one of the chain that is wrong, if one is.
std::string describe(int error, const X509* certificate, const std::string& host) {
  if (!certificate) return X509_verify_cert_error_string(error);
  const std::string name = common_name(X509_get_subject_name(certificate));
  const std::string now =
      "; the clock here says " + format_rfc3339(std::time(nullptr) * int64_t{1'000});
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the certificate of " + name + " has expired, on " +
             format_rfc3339(to_ms(X509_get0_notAfter(certificate))) + now;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the certificate of " + name + " is not valid before " +
             format_rfc3339(to_ms(X509_get0_notBefore(certificate))) + now;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the broker's certificate is for " + names_of(certificate) + ", not for " + host;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "the certificate of " + name + " is signed by itself, and is not in `ca`";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "the certificate of " + name + " is signed by " +
             common_name(X509_get_issuer_name(certificate)) + ", who is not in `ca`";
    default:
      return "the certificate of " + name + ": " + X509_verify_cert_error_string(error);
  }
}

// What a person can do about an error of the library.
std::string describe(unsigned long error) {
  const int reason = ERR_GET_REASON(error);
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return "the broker has no TLS 1.2 or newer";
    case SSL_R_WRONG_VERSION_NUMBER:
      return "what answers there is not TLS";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "the broker wants a certificate of ours: set `cert` and `key`";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return std::string("the broker refuses our certificate: ") + ERR_reason_error_string(error);
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return "the broker refuses the hand-shake: it may want a certificate of ours, or other "
             "ciphers";
    default: {
      const char* text = ERR_reason_error_string(error);
      return std::string("TLS: ") + (text ? text : "the connection is broken");
    }
  }
}

// A password is not asked for at a terminal.
thread_local bool asked_for_password;
int no_password(char*, int, int, void*) {
  asked_for_password = true;
  return -1;
}

Error wrong_file(const char* key, const std::string& path) {
  const unsigned long first = ERR_peek_error();
  const char* text = ERR_reason_error_string(first);
  if (ERR_SYSTEM_ERROR(first)) text = std::strerror(ERR_GET_REASON(first));
  if (asked_for_password) text = "has a password, and there is nobody to give it: write it without";
  ERR_clear_error();
  return {ErrorCode::kConfig, std::string(key) + " " + path + ": " + (text ? text : "is no good")};
}

}  // namespace

Result<std::unique_ptr<TlsSession>> TlsSession::make(const TlsOptions& options,
                                                     const std::string& host) {
  std::unique_ptr<TlsSession> session(new TlsSession);
  session->host_ = host;
  const Error none{ErrorCode::kUnavailable, "TLS cannot be set up: there is no memory for it"};
  session->context_ = SSL_CTX_new(TLS_client_method());
  if (!session->context_) return none;
  WS_TRY(session->load(options));
  SSL* ssl = session->ssl_ = SSL_new(session->context_);
  if (!ssl) return none;
  SSL_set_app_data(ssl, session.get());
  SSL_set_verify(ssl, SSL_VERIFY_PEER, on_verified);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // A name or an address. Without it any host of our authorities would do.
  if (host.empty() || SSL_set1_host(ssl, host.c_str()) != 1) return none;
  const bool is_address = host.find(':') != std::string::npos ||
                          host.find_first_not_of("0123456789.") == std::string::npos;
  if (!is_address) SSL_set_tlsext_host_name(ssl, host.c_str());
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl);
  WS_TRY(session->take({}));  // our greeting
  return session;
}

Status TlsSession::load(const TlsOptions& o) {
  ERR_clear_error();
  asked_for_password = false;
  if (SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION) != 1) {
    return Error{ErrorCode::kUnavailable, "there is no TLS 1.2 here"};
  }
  SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context_, no_password);
  if (o.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context_);  // none there: nobody is trusted
  } else if (SSL_CTX_load_verify_file(context_, o.ca.c_str()) != 1) {
    return wrong_file("ca", o.ca);
  }
  if (o.cert.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context_, o.cert.c_str()) != 1) {
    return wrong_file("cert", o.cert);
  }
  if (SSL_CTX_use_PrivateKey_file(context_, o.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return wrong_file("key", o.key);
  }
  return {};
}

TlsSession::~TlsSession() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

int TlsSession::on_verified(int good, X509_STORE_CTX* store) {
  if (good) return good;
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* session = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  session->refusal_ = describe(X509_STORE_CTX_get_error(store),
                               X509_STORE_CTX_get_current_cert(store), session->host_);
  return 0;
}

Error TlsSession::why() const {
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  return {ErrorCode::kUnavailable, refusal_.empty() ? describe(error) : refusal_};
}

Status TlsSession::take(std::string_view wire) {
  ERR_clear_error();
  if (!wire.empty()) BIO_write(SSL_get_rbio(ssl_), wire.data(), static_cast<int>(wire.size()));
  if (is_open()) return {};
  const int result = SSL_do_handshake(ssl_);
  if (result == 1 || SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ) return {};
  return why();
}

Result<size_t> TlsSession::read(char* to, size_t room) {
  ERR_clear_error();
  size_t filled = 0;
  while (is_open() && filled < room) {
    size_t n = 0;
    const int result = SSL_read_ex(ssl_, to + filled, room - filled, &n);
    filled += n;
    if (result == 1) continue;
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN || filled > 0) break;
    return why();
  }
  return filled;
}

// Into memory, so that only a broken session fails, whose next read() says why.
void TlsSession::write(std::string_view plain) {
  size_t written = 0;
  if (!plain.empty()) SSL_write_ex(ssl_, plain.data(), plain.size(), &written);
}

void TlsSession::say_goodbye() {
  if (is_open()) SSL_shutdown(ssl_);
}

void TlsSession::send(std::string& wire) {
  const size_t before = wire.size();
  wire.resize(before + BIO_ctrl_pending(SSL_get_wbio(ssl_)));
  BIO_read(SSL_get_wbio(ssl_), wire.data() + before, static_cast<int>(wire.size() - before));
}

bool TlsSession::has_wire() const { return BIO_ctrl_pending(SSL_get_wbio(ssl_)) > 0; }

bool TlsSession::is_open() const { return SSL_is_init_finished(ssl_) == 1; }

bool TlsSession::is_ended() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }

std::optional<int64_t> TlsSession::ends_ms() const {
  const X509* theirs = SSL_get0_peer_certificate(ssl_);
  if (!is_open() || !theirs) return std::nullopt;
  int64_t ends = to_ms(X509_get0_notAfter(theirs));
  if (const X509* ours = SSL_get_certificate(ssl_)) {
    ends = std::min(ends, to_ms(X509_get0_notAfter(ours)));
  }
  return ends;
}

}  // namespace wayside
