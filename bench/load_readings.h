// The readings that the load generator sends: they depend on its options alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load_options.h"

namespace wayside::bench {

char* put(char* out, std::string_view text);

// The sequence of readings, flush readings included, as (topic, payload).
class Readings {
 public:
  explicit Readings(const Options& options);

  int64_t size() const { return options_.messages + options_.devices; }
  int64_t position() const { return next_; }
  int64_t last_event_ms() const { return event_ms(options_.messages - 1); }
  const std::string& next_topic() const { return topics_[next_device()]; }

  // Writes the payload at the position and moves on.
  char* put_next(char* out);

 private:
  int64_t event_ms(int64_t index) const;
  uint64_t next_device() const;
  uint64_t next_random();

  const Options options_;
  std::vector<std::string> topics_;
  std::vector<std::string> heads_;  // the payload up to the time
  uint64_t random_;
  int64_t next_ = 0;
};

}  // namespace wayside::bench
