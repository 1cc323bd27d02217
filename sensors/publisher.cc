#include "sensors/publisher.h"

#include <mqtt/async_client.h>

#include <deque>

namespace wayside {

namespace paho = ::mqtt;
namespace {

constexpr size_t kUnderWay = 200;
constexpr auto kWait = std::chrono::seconds(30);

Error failed(const std::string& what, const std::string& why) {
  return {ErrorCode::kUnavailable, what + ": " + why};
}

}  // namespace

struct Publisher::Client {
  Client(const std::string& uri, const std::string& id) : client(uri, id) {}
  paho::async_client client;
  std::deque<paho::delivery_token_ptr> under_way;
};

Publisher::Publisher(std::unique_ptr<Client> client) : client_(std::move(client)) {}

Publisher::~Publisher() {
  try {
    if (client_->client.is_connected()) client_->client.disconnect()->wait_for(kWait);
  } catch (const paho::exception&) {
    // The broker is gone: nothing is left to end.
  }
}

Result<std::unique_ptr<Publisher>> Publisher::connect(const std::string& host, uint16_t port,
                                                      const std::string& client_id) {
  const std::string uri = "tcp://" + host + ":" + std::to_string(port);
  try {
    auto client = std::make_unique<Client>(uri, client_id);
    paho::connect_options options;
    options.set_clean_session(true);
    options.set_max_inflight(static_cast<int>(kUnderWay) * 2);
    client->client.connect(options)->wait_for(kWait);
    if (!client->client.is_connected()) return failed(uri, "no answer");
    return std::unique_ptr<Publisher>(new Publisher(std::move(client)));
  } catch (const paho::exception& error) {
    return failed(uri, error.what());
  }
}

Status Publisher::publish(const std::string& topic, const std::string& payload, int qos) {
  try {
    if (client_->under_way.size() >= kUnderWay) {
      if (!client_->under_way.front()->wait_for(kWait))
        return failed("publish", "no acknowledgement");
      client_->under_way.pop_front();
    }
    auto token = client_->client.publish(topic, payload.data(), payload.size(), qos, false);
    if (qos > 0) client_->under_way.push_back(std::move(token));
    return {};
  } catch (const paho::exception& error) {
    return failed("publish", error.what());
  }
}

Status Publisher::flush() {
  try {
    for (auto& token : client_->under_way) {
      if (!token->wait_for(kWait)) return failed("publish", "no acknowledgement");
    }
  } catch (const paho::exception& error) {
    return failed("publish", error.what());
  }
  client_->under_way.clear();
  return {};
}

}  // namespace wayside
