#include "sensors/mqtt_source.h"

#include <mqtt/async_client.h>

#include <algorithm>

#include "base/log.h"

namespace wayside {

namespace paho = ::mqtt;
namespace {

constexpr int kConnectTimeoutS = 15;
constexpr auto kDisconnectWait = std::chrono::seconds(3);
constexpr int kRefused = 0x80;       // from there on a broker's answers are
constexpr int kAnswersMax = 10'000;  // that wait to be written

paho::create_options client_options(bool v5) {
  return paho::create_options_builder()
      .mqtt_version(v5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1)
      .max_buffered_messages(kAnswersMax)
      .send_while_disconnected(false)
      .finalize();
}

// Our clients speak to the relay on this machine only. With OpenSSL's error texts and algorithms
// Paho would load 1 MB for nothing; whoever needs OpenSSL in this process has it initialise itself.
void leave_openssl_alone() {
  MQTTAsync_init_options options = MQTTAsync_init_options_initializer;
  options.do_openssl_init = 0;
  MQTTAsync_global_init(&options);
}

RelayOptions relay_options(const MqttOptions& o, uint32_t connection) {
  RelayOptions r;
  r.host = o.host;
  r.port = o.port;
  r.tls = o.tls;
  r.name = o.name;
  r.connection = connection;
  r.max_payload_bytes = o.max_payload_bytes;
  r.coalesce_ms = o.coalesce_ms;
  r.inflight_window = o.inflight_window;
  r.drops_topic = o.drops_topic;
  return r;
}

}  // namespace

struct MqttSource::Session : paho::callback, paho::iaction_listener {
  Session(MqttSource& owner, uint16_t port)
      : source(owner),
        v5(owner.options_.version == "5"),
        client("tcp://127.0.0.1:" + std::to_string(port), owner.options_.client_id,
               client_options(v5)) {
    client.set_callback(*this);
  }

  // On Paho's thread, which must not wait.
  void connected(const std::string&) override {
    source.subscriptions_ = 0;
    source.set_refused("");
    for (const std::string& filter : source.filters_) subscribe(filter, source.options_.qos);
    const std::string& drops_topic = source.options_.drops_topic;
    if (!drops_topic.empty()) subscribe(drops_topic, 0);
  }
  void subscribe(const std::string& filter, int qos) {
    const paho::subscribe_options others(v5);  // what we publish does not come back to us
    try {
      client.subscribe(filter, qos, const_cast<std::string*>(&filter), *this, others);
    } catch (const paho::exception& error) {
      log_error("mqtt {}: subscribing to {}: {}", source.options_.name, filter, error.what());
    }
  }
  void on_success(const paho::token&) override { ++source.subscriptions_; }
  // Also of what was under way when the link was lost.
  void on_failure(const paho::token& token) override {
    if (token.get_return_code() < kRefused && token.get_reason_code() < kRefused) return;
    const auto& filter = *static_cast<const std::string*>(token.get_user_context());
    log_error("mqtt {}: the broker refuses to subscribe us to {}; nothing comes in from there",
              source.options_.name, filter);
    source.set_refused(filter);
  }

  MqttSource& source;
  const bool v5;
  paho::async_client client;
  paho::connect_options options;  // lives as long as the client: copies of it lose their properties
};

MqttSource::MqttSource(boost::asio::io_context& io, const MqttOptions& options, uint32_t connection,
                       std::vector<std::string> filters, AckRelay::Handler handler)
    : options_(options),
      filters_(std::move(filters)),
      relay_(io, relay_options(options, connection), std::move(handler)) {}

Status MqttSource::start() {
  leave_openssl_alone();
  try {
    connect();
  } catch (const paho::exception& error) {
    return Error{ErrorCode::kConfig, "mqtt " + options_.name + ": " + error.what()};
  }
  return {};
}

void MqttSource::connect() {
  session_ = std::make_unique<Session>(*this, relay_.port());
  paho::connect_options& o = session_->options;
  o.set_keep_alive_interval(
      std::chrono::seconds(std::max<int64_t>(1, options_.keep_alive_ms / 1000)));
  o.set_connect_timeout(kConnectTimeoutS);
  o.set_automatic_reconnect(
      std::chrono::seconds(std::max<int64_t>(1, options_.reconnect_min_ms / 1000)),
      std::chrono::seconds(std::max<int64_t>(1, options_.reconnect_max_ms / 1000)));
  if (!options_.user.empty()) o.set_user_name(options_.user);
  if (!options_.password.empty()) o.set_password(options_.password);
  if (session_->v5) {
    o.set_mqtt_version(MQTTVERSION_5);
    o.set_clean_start(false);
    paho::properties properties;
    properties.add({paho::property::SESSION_EXPIRY_INTERVAL,
                    static_cast<int32_t>(options_.session_expiry_ms / 1000)});
    properties.add(
        {paho::property::RECEIVE_MAXIMUM, static_cast<int16_t>(options_.inflight_window)});
    o.set_properties(properties);
  } else {
    o.set_mqtt_version(MQTTVERSION_3_1_1);
    o.set_clean_session(false);
  }
  session_->client.connect(o);  // once; Paho goes on by itself
}

void MqttSource::publish(const std::string& topic, const std::string& payload,
                         const std::string& correlation) {
  constexpr int kQos = 0;
  try {
    paho::properties properties;
    if (session_->v5 && !correlation.empty()) {
      properties.add({paho::property::CORRELATION_DATA, correlation});
    }
    session_->client.publish(
        paho::message::create(topic, payload, kQos, false, std::move(properties)));
  } catch (const paho::exception& error) {
    if (answers_lost_++ == 0) {
      log_warn("mqtt {}: an answer to {} is lost: {}; more of them are only counted", options_.name,
               topic, error.what());
    }
  }
}

bool MqttSource::is_connected() const {
  const size_t wanted = filters_.size() + (options_.drops_topic.empty() ? 0 : 1);
  return relay_.counters().connected && subscriptions_ >= wanted && refused().empty();
}

std::string MqttSource::refused() const {
  std::lock_guard lock(mutex_);
  return refused_;
}

void MqttSource::set_refused(std::string filter) {
  std::lock_guard lock(mutex_);
  refused_ = std::move(filter);
}

void MqttSource::disconnect() {
  try {
    if (session_->client.is_connected())
      session_->client.disconnect(500)->wait_for(kDisconnectWait);
  } catch (const paho::exception& error) {
    log_debug("mqtt {}: disconnecting: {}", options_.name, error.what());
  }
}

MqttSource::~MqttSource() = default;

}  // namespace wayside
