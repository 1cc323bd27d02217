// Publishes to a broker, for the simulator: QoS 1 over Paho, with a limit on what is under way.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace wayside {

class Publisher {
 public:
  static Result<std::unique_ptr<Publisher>> connect(const std::string& host, uint16_t port,
                                                    const std::string& client_id);
  ~Publisher();

  // Waits while too much is under way.
  Status publish(const std::string& topic, const std::string& payload, int qos);
  // Until the broker has acknowledged everything.
  Status flush();

 private:
  struct Client;
  explicit Publisher(std::unique_ptr<Client> client);
  std::unique_ptr<Client> client_;
};

}  // namespace wayside
