#include "sensors/tls_session.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/certificates.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

class Tls : public testing::Test {
 protected:
  Tls() { authority_.write(path("ca.pem"), path("ca.key")); }

  std::string path(const std::string& name) const { return folder_ / name; }
  CertificateOptions of_broker() const {
    return {
        .name = "broker", .alternatives = "DNS:broker.depot,IP:192.0.2.7", .issuer = &authority_};
  }
  void make(const std::string& host = "broker.depot") {
    auto made = TlsSession::make(options_, host);
    ASSERT_TRUE(made.ok()) << made.error().message;
    session_ = std::move(*made);
  }
  // The hand-shake, and what is read at its end; "" or why it fails.
  std::string meet(TlsPeer& broker) {
    broker.accept();
    for (int round = 0; round < 6; ++round) {
      std::string wire;
      session_->send(wire);
      broker.take(wire);
      const Status taken = session_->take(broker.send());
      if (!taken.ok()) return taken.error().message;
    }
    char byte;
    const auto read = session_->read(&byte, 1);
    if (!read.ok()) return read.error().message;
    return session_->is_open() ? "" : "the hand-shake does not end";
  }
  std::string meet(const CertificateOptions& broker, const std::string& host = "broker.depot") {
    make(host);
    TlsPeer peer(make_certificate(broker));
    const std::string why = meet(peer);
    EXPECT_EQ(session_->is_open(), why.empty()) << why;
    EXPECT_EQ(peer.is_open(), why.empty()) << "nothing must be said to a broker that we refuse";
    return why;
  }
  std::string read_all() {
    std::string all;
    char buffer[1'000];
    while (true) {
      const auto n = session_->read(buffer, sizeof buffer);
      EXPECT_TRUE(n.ok());
      if (!n.ok() || *n == 0) return all;
      all.append(buffer, *n);
    }
  }

  TempFolder folder_;
  const Certificate authority_ = make_certificate({.name = "Depot CA"});
  TlsOptions options_{.on = true, .ca = path("ca.pem"), .cert = {}, .key = {}};
  std::unique_ptr<TlsSession> session_;
};

TEST_F(Tls, bytes_go_both_ways_however_they_are_cut) {
  make();
  TlsPeer broker(make_certificate(of_broker()));
  ASSERT_EQ(meet(broker), "");
  session_->write("hello");
  std::string wire;
  session_->send(wire);
  EXPECT_FALSE(session_->has_wire());
  broker.take(wire);
  EXPECT_EQ(broker.received, "hello");

  std::string text;
  for (int i = 0; i < 10'000; ++i) text += std::to_string(i);
  broker.write(text);
  broker.write("the end");
  std::string got;
  const std::string sent = broker.send();
  for (size_t at = 0; at < sent.size(); at += 777) {
    ASSERT_TRUE(session_->take(std::string_view(sent).substr(at, 777)).ok());
    got += read_all();
  }
  EXPECT_EQ(got, text + "the end");
  EXPECT_FALSE(session_->is_ended());
  broker.say_goodbye();
  ASSERT_TRUE(session_->take(broker.send()).ok());
  EXPECT_EQ(read_all(), "");
  EXPECT_TRUE(session_->is_ended());
}

TEST_F(Tls, our_end_is_said_to_the_broker) {
  make();
  TlsPeer broker(make_certificate(of_broker()));
  ASSERT_EQ(meet(broker), "");
  session_->say_goodbye();
  std::string wire;
  session_->send(wire);
  broker.take(wire);
  EXPECT_TRUE(broker.is_ended());
}

TEST_F(Tls, a_key_with_a_password_is_refused_as_such) {
  const Certificate own = make_certificate({.name = "truck-17"});
  own.write(options_.cert = path("own.pem"), options_.key = path("own.key"), "secret");
  const auto made = TlsSession::make(options_, "broker.depot");
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(
      made.error().message,
      "key " + options_.key + ": has a password, and there is nobody to give it: write it without");
}

TEST_F(Tls, a_host_may_be_a_name_or_an_address) {
  EXPECT_EQ(meet(of_broker()), "");
  EXPECT_EQ(meet(of_broker(), "192.0.2.7"), "");
}

TEST_F(Tls, a_certificate_for_another_host_is_refused) {
  EXPECT_EQ(meet(of_broker(), "broker.elsewhere"),
            "the broker's certificate is for broker.depot, 192.0.2.7, not for broker.elsewhere");
  EXPECT_EQ(meet(of_broker(), "192.0.2.8"),
            "the broker's certificate is for broker.depot, 192.0.2.7, not for 192.0.2.8");
}

TEST_F(Tls, a_certificate_that_has_expired_is_refused) {
  CertificateOptions o = of_broker();
  o.from_s = -3 * kTestDayS;
  o.until_s = -kTestDayS;
  const std::string why = meet(o);
  EXPECT_TRUE(why.starts_with("the certificate of broker has expired, on 20")) << why;
  EXPECT_NE(why.find("the clock here says 20"), std::string::npos) << why;
}

TEST_F(Tls, a_certificate_that_is_not_valid_yet_is_refused) {
  CertificateOptions o = of_broker();
  o.from_s = kTestDayS;
  const std::string why = meet(o);
  EXPECT_TRUE(why.starts_with("the certificate of broker is not valid before 20")) << why;
}

TEST_F(Tls, a_certificate_of_an_unknown_authority_is_refused) {
  const Certificate other = make_certificate({.name = "Other CA"});
  CertificateOptions o = of_broker();
  o.issuer = &other;
  EXPECT_EQ(meet(o), "the certificate of broker is signed by Other CA, who is not in `ca`");
}

TEST_F(Tls, a_certificate_signed_by_itself_is_refused_unless_it_is_the_one_we_trust) {
  CertificateOptions o = of_broker();
  o.issuer = nullptr;
  EXPECT_EQ(meet(o), "the certificate of broker is signed by itself, and is not in `ca`");
  const Certificate own = make_certificate(o);
  own.write(path("ca.pem"), path("own.key"));
  make();
  TlsPeer broker(own);
  EXPECT_EQ(meet(broker), "");
}

TEST_F(Tls, a_broker_with_tls_1_1_at_most_is_refused) {
  make();
  TlsPeer broker(make_certificate(of_broker()));
  SSL_CTX_set_security_level(broker.context(), 0);
  SSL_CTX_set_min_proto_version(broker.context(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(broker.context(), TLS1_1_VERSION);
  EXPECT_EQ(meet(broker), "the broker has no TLS 1.2 or newer");
  EXPECT_FALSE(session_->is_open());
}

TEST_F(Tls, tls_1_2_is_enough) {
  make();
  TlsPeer broker(make_certificate(of_broker()));
  SSL_CTX_set_max_proto_version(broker.context(), TLS1_2_VERSION);
  EXPECT_EQ(meet(broker), "");
}

TEST_F(Tls, a_broker_without_tls_is_told_as_such) {
  make();
  EXPECT_EQ(session_->take("\x20\x02").ok(), true);  // too little to know
  const Status status = session_->take(std::string(10, '\0'));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "what answers there is not TLS");
}

TEST_F(Tls, a_broker_that_wants_a_certificate_gets_ours) {
  TlsPeer broker(make_certificate(of_broker()));
  broker.demand_certificate(authority_);
  make();
  EXPECT_EQ(meet(broker), "the broker wants a certificate of ours: set `cert` and `key`");

  const Certificate stranger = make_certificate({.name = "truck-17"});
  stranger.write(options_.cert = path("gateway.pem"), options_.key = path("gateway.key"));
  make();
  const std::string why = meet(broker);
  EXPECT_TRUE(why.starts_with("the broker refuses our certificate")) << why;

  make_certificate({.name = "truck-17", .issuer = &authority_}).write(options_.cert, options_.key);
  make();  // the files have been renewed
  EXPECT_EQ(meet(broker), "");
}

TEST_F(Tls, the_end_is_that_of_the_certificate_that_ends_first) {
  CertificateOptions theirs = of_broker();
  theirs.until_s = 20 * kTestDayS;
  const auto days_left = [&] {
    return (session_->ends_ms().value_or(0) / 1'000 - std::time(nullptr) + kTestDayS / 2) /
           kTestDayS;
  };
  ASSERT_EQ(meet(theirs), "");
  EXPECT_EQ(days_left(), 20);
  make_certificate({.name = "truck-17", .until_s = 10 * kTestDayS, .issuer = &authority_})
      .write(options_.cert = path("gateway.pem"), options_.key = path("gateway.key"));
  ASSERT_EQ(meet(theirs), "");
  EXPECT_EQ(days_left(), 10);
}

TEST_F(Tls, files_that_are_no_good_are_named) {
  const auto why = [&] {
    const auto made = TlsSession::make(options_, "broker.depot");
    return made.ok() ? "" : made.error().message;
  };
  options_.cert = path("ca.pem");
  options_.key = path("missing.key");
  EXPECT_EQ(why(), "key " + options_.key + ": No such file or directory");
  make_certificate({.name = "another"}).write(path("another.pem"), options_.key);
  EXPECT_EQ(why(), "key " + options_.key + ": key values mismatch");
  std::ofstream(path("text.pem")) << "text";
  options_.cert = path("text.pem");
  EXPECT_EQ(why(), "cert " + options_.cert + ": no start line");
  options_.ca = path("missing.pem");
  EXPECT_EQ(why(), "ca " + options_.ca + ": No such file or directory");
}

}  // namespace
}  // namespace wayside
