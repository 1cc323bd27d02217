// The peer to be measured against: a Paho MQTT C++ subscriber whose callback only counts.
// paho_count PORT QOS: prints the count so far every 200 ms, until SIGTERM.

#include <mqtt/async_client.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>

namespace wayside::bench {
namespace {

// Called on Paho's receiving thread.
class Counter : public mqtt::callback {
 public:
  int64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  void message_arrived(mqtt::const_message_ptr) override {
    count_.fetch_add(1, std::memory_order_relaxed);
  }

  std::atomic<int64_t> count_ = 0;
};

[[noreturn]] void run(const std::string& port, int qos) {
  Counter counter;
  mqtt::async_client client("tcp://127.0.0.1:" + port, "paho_count");
  client.set_callback(counter);
  mqtt::connect_options options;
  options.set_clean_session(true);
  client.connect(options)->wait();
  client.subscribe("fleet/+/reading", qos)->wait();

  for (;;) {
    std::printf("%lld\n", static_cast<long long>(counter.count()));
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace
}  // namespace wayside::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: paho_count PORT QOS\n");
    return 64;
  }
  try {
    wayside::bench::run(argv[1], std::atoi(argv[2]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "paho_count: %s\n", error.what());
    return 1;
  }
}
