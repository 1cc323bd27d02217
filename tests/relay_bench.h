// The ack relay between a broker and a Paho that are played by the test, all on loopback and in one
// thread. Nothing sleeps: a test runs the io_context until what it waits for has happened. That
// something does not happen is shown by a marker sent behind it on the same way, see pass_marker()
// and pass_marker_back().
#pragma once

#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "sensors/ack_relay.h"
#include "tests/mqtt_bytes.h"

namespace wayside {

inline const std::string kGood = mqtt_bytes::publish({.topic = "good", .payload = "1", .id = 900});

// A socket that collects all that arrives.
struct RelayPeer {
  using tcp = boost::asio::ip::tcp;

  explicit RelayPeer(boost::asio::io_context& io) : socket(io) {}

  void read_on() {
    socket.async_read_some(boost::asio::buffer(buffer_),
                           [this](boost::system::error_code error, size_t n) {
                             received.append(buffer_, n);
                             if (error) {
                               closed = true;
                             } else {
                               read_on();
                             }
                           });
  }
  // At once as far as the kernel has room, so that the caller decides what makes one segment.
  void send(const std::string& bytes) {
    unsent_ += bytes;
    if (writing_) return;
    boost::system::error_code error;
    socket.non_blocking(true, error);
    unsent_.erase(0, socket.write_some(boost::asio::buffer(unsent_), error));
    if (!error || error == boost::asio::error::would_block) write_rest();
  }
  std::string take() { return std::exchange(received, {}); }

  tcp::socket socket;
  std::string received;
  bool closed = false;

 private:
  void write_rest() {
    writing_ = !unsent_.empty();
    if (!writing_) return;
    sending_ = std::exchange(unsent_, {});
    boost::asio::async_write(socket, boost::asio::buffer(sending_),
                             [this](boost::system::error_code error, size_t) {
                               if (!error) write_rest();
                             });
  }

  std::string unsent_, sending_;
  bool writing_ = false;
  char buffer_[65'536];
};

class RelayBench {
 public:
  using tcp = boost::asio::ip::tcp;

  explicit RelayBench(int mqtt_level = 4, std::function<void(RelayOptions&)> change = {})
      : mqtt5_(mqtt_level == 5),
        acceptor_(io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {
    set_log_level(LogLevel::kError);
    RelayOptions options;
    options.host = "127.0.0.1";
    options.port = acceptor_.local_endpoint().port();
    options.name = "test";
    options.connection = 3;
    options.coalesce_ms = 0;
    if (change) change(options);
    relay_ = std::make_unique<AckRelay>(io_, options, [this](std::unique_ptr<Chunk> chunk) {
      chunks.push_back(std::move(chunk));
      return room;
    });
  }
  ~RelayBench() {
    relay_.reset();
    for (auto& peer : peers_) peer->socket.close();
    settle();
  }

  // Paho's connection, up to its CONNECT at the broker.
  void dial() {
    paho = peers_.emplace_back(std::make_unique<RelayPeer>(io_)).get();
    broker = peers_.emplace_back(std::make_unique<RelayPeer>(io_)).get();
    bool accepted = false;
    acceptor_.async_accept(broker->socket, [&](boost::system::error_code) { accepted = true; });
    paho->socket.connect({boost::asio::ip::address_v4::loopback(), relay_->port()});
    paho->read_on();
    const std::string connect = mqtt_bytes::connect(mqtt5_ ? 5 : 4);
    from_paho(connect);
    ASSERT_TRUE(run_until([&] { return accepted; }));
    broker->read_on();
    ASSERT_TRUE(run_until([&] { return broker->received.size() >= connect.size(); }));
    EXPECT_EQ(broker->take(), connect);
  }
  void open(bool session_present = true) {
    dial();
    const std::string connack = mqtt_bytes::connack(mqtt5_, session_present);
    from_broker(connack);
    ASSERT_TRUE(run_until([&] { return paho->received.size() >= connack.size(); }));
    EXPECT_EQ(paho->take(), connack);
  }

  void from_broker(const std::string& bytes) { broker->send(bytes); }
  void from_paho(const std::string& bytes) { paho->send(bytes); }

  // What the broker has received before a packet that Paho sends now.
  std::string pass_marker() {
    const std::string marker = mqtt_bytes::packet(0x82, mqtt_bytes::u16(++markers_) + "marker");
    from_paho(marker);
    return until_marker(*broker, marker);
  }
  // What Paho has received before a packet that the broker sends now; all before it was handled.
  std::string pass_marker_back() {
    const std::string marker = mqtt_bytes::suback(++markers_);
    from_broker(marker);
    return until_marker(*paho, marker);
  }

  // Runs what is ready; on loopback a byte that was sent is ready at its receiver.
  void settle() {
    io_.restart();
    while (io_.poll() > 0) {
    }
  }
  bool run_until(const std::function<bool()>& done) {
    // The limit only ends a test that fails.
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    io_.restart();
    while (!done()) {
      if (io_.run_one_until(limit) == 0) return false;
    }
    return true;
  }

  // "topic payload" of every message; a fault stands for the payload.
  std::vector<std::string> messages() const {
    std::vector<std::string> out;
    for (const auto& chunk : chunks) {
      for (const Frame& f : chunk->frames) {
        std::string payload(f.payload);
        if (f.fault == Frame::Fault::kOversized) payload = "<oversized>";
        if (f.fault == Frame::Fault::kMalformed) payload = "<malformed>";
        out.push_back(std::string(f.topic) + " " + payload);
      }
    }
    return out;
  }
  bool run_until_messages(size_t count) {
    return run_until([&] { return messages().size() >= count; });
  }

  void release_all() {
    relay_->release(chunks.back()->ticket);
    settle();
  }

  AckRelay& relay() { return *relay_; }
  const RelayCounters& counters() const { return relay_->counters(); }
  tcp::acceptor& acceptor() { return acceptor_; }

 private:
  std::string until_marker(RelayPeer& peer, const std::string& marker) {
    EXPECT_TRUE(run_until([&] { return peer.closed || peer.received.ends_with(marker); }));
    std::string before = peer.take();
    if (!before.ends_with(marker)) return before + "<no marker>";
    return before.substr(0, before.size() - marker.size());
  }

  const bool mqtt5_;
  boost::asio::io_context io_;
  tcp::acceptor acceptor_;
  uint16_t markers_ = 1'000;

 public:
  std::vector<std::unique_ptr<Chunk>> chunks;
  bool room = true;  // what the handler answers
  RelayPeer* paho = nullptr;
  RelayPeer* broker = nullptr;

 private:
  std::vector<std::unique_ptr<RelayPeer>>
      peers_;  // also former ones, whose handlers may still come
  std::unique_ptr<AckRelay> relay_;
};

}  // namespace wayside
