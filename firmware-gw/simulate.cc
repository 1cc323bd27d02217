#include "firmware-gw/simulate.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "sensors/publisher.h"

namespace wayside {
namespace {

volatile std::sig_atomic_t g_stop = 0;

void on_signal(int) { g_stop = 1; }

void install_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int64_t wall_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

Status simulate(const SimulateOptions& options, uint64_t& sent) {
  install_signals();
  sent = 0;
  FleetSimulator fleet(options.fleet);
  const int64_t end_ms = options.seconds > 0
                             ? options.fleet.start_ms + static_cast<int64_t>(options.seconds * 1000)
                             : INT64_MAX;
  if (options.host.empty()) {
    for (SimulatedMessage m = fleet.next(); m.send_ms < end_ms && !g_stop;
         m = fleet.next(), ++sent) {
      std::printf("%lld %s %s\n", static_cast<long long>(m.send_ms), m.topic.c_str(),
                  m.payload.c_str());
    }
    return {};
  }
  WS_ASSIGN(auto publisher, Publisher::connect(options.host, options.port,
                                               "wayside-simulator-" + std::to_string(getpid())));
  for (SimulatedMessage m = fleet.next(); m.send_ms < end_ms && !g_stop; m = fleet.next(), ++sent) {
    while (!g_stop) {
      const int64_t wait_ms = m.send_ms - wall_ms();
      if (wait_ms <= 0) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(std::min<int64_t>(wait_ms, 100)));
    }
    WS_TRY(publisher->publish(m.topic, m.payload, options.qos));
  }
  return publisher->flush();
}

}  // namespace wayside
