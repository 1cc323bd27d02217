// An [[mqtt]] connection: Paho for the session, subscriptions, keep-alive and reconnection, and the
// ack relay for the messages. Runs with the broker away: it goes on trying, with back-off and
// jitter.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "sensors/ack_relay.h"
#include "sensors/options.h"

namespace wayside {

class MqttSource {
 public:
  // `filters` are subscribed to. The handler runs on the io thread.
  MqttSource(boost::asio::io_context& io, const MqttOptions& options, uint32_t connection,
             std::vector<std::string> filters, AckRelay::Handler handler);
  ~MqttSource();

  Status start();     // an error when Paho refuses the options
  void disconnect();  // waits for the broker; any thread but io, which must still run
  // A message of ours, QoS 0; lost while the broker is away. The io thread.
  void publish(const std::string& topic, const std::string& payload,
               const std::string& correlation);
  // And subscribed, to all of it. Any thread.
  bool is_connected() const;
  // What the broker does not let us subscribe to, the last one of it; "": none. Any thread.
  std::string refused() const;
  uint64_t answers_lost() const { return answers_lost_; }  // that could not be published
  AckRelay& relay() { return relay_; }
  const MqttOptions& options() const { return options_; }

 private:
  struct Session;
  void connect();
  void set_refused(std::string filter);
  MqttOptions options_;
  std::vector<std::string> filters_;
  AckRelay relay_;
  std::atomic<size_t> subscriptions_{0};  // that the broker has granted
  std::atomic<uint64_t> answers_lost_{0};
  mutable std::mutex mutex_;
  std::string refused_;
  std::unique_ptr<Session> session_;  // the last: its end calls back for what is under way
};

}  // namespace wayside
