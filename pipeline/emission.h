// What the pipeline says to the world.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/value.h"

namespace wayside {

// In falling order of importance: an outbox at its limit loses the last first.
enum class Lane : uint8_t { kAlarm = 0, kResult = 1 };

struct NamedValue {
  std::string name;
  Value value;
  bool operator==(const NamedValue&) const = default;
};

struct Emission {
  uint64_t sequence = 0;  // counts from 1 without gaps; with gateway and epoch it is the id
  Lane lane = Lane::kResult;
  bool critical = false;  // worth a commit at once
  uint32_t targets = 0;   // bit u: goes to uplink u
  std::string type;       // "window", "late", "alarm", "anomaly", "incident"
  std::string block;
  std::string key;
  int64_t time_ms = 0;
  bool clock_unset = false;  // said while our clock was not set
  std::vector<NamedValue> fields;
};

// Numbers emissions and collects them.
class EmissionBuffer {
 public:
  // The emission counts as soon as it is added; one without a target does not exist.
  void add(Emission emission) {
    if (emission.targets == 0) return;
    emission.sequence = ++last_sequence_;
    emission.clock_unset = clock_unset_;
    for (size_t u = 0; u < 32; ++u) {
      if (emission.targets >> u & 1) {
        if (emitted_.size() <= u) emitted_.resize(u + 1);
        ++emitted_[u];
      }
    }
    has_critical_ |= emission.critical;
    pending_.push_back(std::move(emission));
  }

  // Readings that an uplink forwards from the journal count as emissions, too; they are not kept
  // here.
  void count_forwarded(uint32_t target, uint64_t readings) {
    if (emitted_.size() <= target) emitted_.resize(target + 1);
    emitted_[target] += readings;
  }

  // What our time rests on from here on.
  void set_clock(ClockState state) { clock_unset_ = state == ClockState::kUnset; }

  std::vector<Emission>& pending() { return pending_; }
  const std::vector<Emission>& pending() const { return pending_; }
  bool has_critical() const { return has_critical_; }
  void clear() {
    pending_.clear();
    has_critical_ = false;
  }
  uint64_t last_sequence() const { return last_sequence_; }
  // How many went to each uplink since the store was made.
  const std::vector<uint64_t>& emitted() const { return emitted_; }
  void restore(uint64_t last_sequence, std::vector<uint64_t> emitted) {
    last_sequence_ = last_sequence;
    emitted_ = std::move(emitted);
  }

 private:
  std::vector<Emission> pending_;
  std::vector<uint64_t> emitted_;
  uint64_t last_sequence_ = 0;
  bool has_critical_ = false;
  bool clock_unset_ = false;
};

}  // namespace wayside
