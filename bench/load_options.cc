#include "bench/load_options.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace wayside::bench {

void die(const std::string& what) {
  std::fprintf(stderr, "mqtt_load: %s\n", what.c_str());
  std::exit(1);
}

Options parse_options(int argc, char** argv) {
  Options o;
  struct Flag {
    std::string_view name;
    int64_t* value;
    int64_t min, max;
  };
  const Flag flags[] = {{"--port", &o.port, 0, 65'535},
                        {"--messages", &o.messages, 1, 100'000'000},
                        {"--qos", &o.qos, 0, 1},
                        {"--window", &o.window, 1, 65'000},
                        {"--devices", &o.devices, 1, 100'000},
                        {"--event-rate", &o.event_rate, 1, 1'000'000},
                        {"--disorder-ms", &o.disorder_ms, 0, 3'000'000},
                        {"--rate", &o.rate, 0, 10'000'000},
                        {"--seed", &o.seed, 0, INT64_MAX},
                        {"--max-seconds", &o.max_seconds, 1, 86'400}};
  for (int i = 1; i < argc; i += 2) {
    const auto* flag = std::ranges::find(flags, std::string_view(argv[i]), &Flag::name);
    if (flag == std::end(flags)) die(std::string("unknown flag ") + argv[i]);
    std::string_view text = i + 1 < argc ? argv[i + 1] : "";
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *flag->value);
    if (error != std::errc() || end != text.data() + text.size() || *flag->value < flag->min ||
        *flag->value > flag->max) {
      die(std::string(flag->name) + " takes a number from " + std::to_string(flag->min) + " to " +
          std::to_string(flag->max));
    }
  }
  return o;
}

}  // namespace wayside::bench
