// Certificates of the tests' own making, and a server that shows them, all in memory.
#pragma once

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>

namespace wayside {

constexpr int64_t kTestDayS = 86'400;

// A certificate and its key.
struct Certificate {
  std::shared_ptr<X509> x509;
  std::shared_ptr<EVP_PKEY> key;

  // `password`: of the key; null: none.
  void write(const std::string& cert_file, const std::string& key_file,
             const char* password = nullptr) const {
    FILE* file = fopen(cert_file.c_str(), "w");
    PEM_write_X509(file, x509.get());
    fclose(file);
    file = fopen(key_file.c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), password ? EVP_aes_128_cbc() : nullptr, nullptr, 0,
                         nullptr, const_cast<char*>(password));
    fclose(file);
  }
};

struct CertificateOptions {
  std::string name = {};          // common name
  std::string alternatives = {};  // as OpenSSL writes them: "DNS:broker.depot,IP:127.0.0.1"
  int64_t from_s = -kTestDayS;    // from now on
  int64_t until_s = 365 * kTestDayS;
  const Certificate* issuer = nullptr;  // none: by itself
};

inline Certificate make_certificate(const CertificateOptions& o) {
  static long serial = 0;
  Certificate made{{X509_new(), X509_free}, {EVP_EC_gen("P-256"), EVP_PKEY_free}};
  X509* x = made.x509.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x), o.from_s);
  X509_gmtime_adj(X509_getm_notAfter(x), o.until_s);
  X509_set_pubkey(x, made.key.get());
  const auto* name = reinterpret_cast<const unsigned char*>(o.name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, name, -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(o.issuer ? o.issuer->x509.get() : x));
  auto extend = [&](int kind, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  };
  extend(NID_basic_constraints, o.issuer ? "CA:FALSE" : "critical,CA:TRUE");
  if (!o.alternatives.empty()) extend(NID_subject_alt_name, o.alternatives.c_str());
  X509_sign(x, (o.issuer ? o.issuer->key : made.key).get(), EVP_sha256());
  return made;
}

// A broker's end of TLS.
class TlsPeer {
 public:
  explicit TlsPeer(const Certificate& own)
      : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    SSL_CTX_use_certificate(context_.get(), own.x509.get());
    SSL_CTX_use_PrivateKey(context_.get(), own.key.get());
  }
  SSL_CTX* context() { return context_.get(); }
  void demand_certificate(const Certificate& issuer) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context()), issuer.x509.get());
    SSL_CTX_set_verify(context(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }

  void accept() {
    ssl_.reset(SSL_new(context()), SSL_free);
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl_.get());
  }
  void take(const std::string& wire) {
    BIO_write(SSL_get_rbio(ssl_.get()), wire.data(), static_cast<int>(wire.size()));
    if (!is_open()) SSL_do_handshake(ssl_.get());
    char buffer[4'096];
    size_t n = 0;
    while (is_open() && SSL_read_ex(ssl_.get(), buffer, sizeof buffer, &n) == 1) {
      received.append(buffer, n);
    }
  }
  void write(const std::string& plain) {
    size_t written;
    SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written);
  }
  bool is_ended() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  void say_goodbye() { SSL_shutdown(ssl_.get()); }
  std::string send() {
    std::string wire(BIO_ctrl_pending(SSL_get_wbio(ssl_.get())), '\0');
    BIO_read(SSL_get_wbio(ssl_.get()), wire.data(), static_cast<int>(wire.size()));
    return wire;
  }
  bool is_open() const { return SSL_is_init_finished(ssl_.get()) == 1; }

  std::string received;

 private:
  std::shared_ptr<SSL_CTX> context_;
  std::shared_ptr<SSL> ssl_;
};

}  // namespace wayside
