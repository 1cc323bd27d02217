// Knows a QoS 1 message again that the broker sends a second time because our PUBACK never reached
// it: the DUP flag is set, and packet id and content are those of one of the last 65,535 publishes
// of the session. MQTT 3.1.1 section 4.4: a re-sent PUBLISH keeps its packet id. State of one
// connection, kept in the journal.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "sensors/frame.h"

namespace wayside {

class Redelivery {
 public:
  static constexpr uint64_t kWindow = 65'535;

  // `topic`: its hash64().
  static uint32_t fingerprint(uint64_t topic, std::string_view payload) {
    return static_cast<uint32_t>(hash64(payload, topic));
  }

  bool is_known(uint16_t packet_id, uint32_t hash) const {
    if (seen_.empty()) return false;
    const Seen& seen = seen_[packet_id];
    return seen.at != 0 && seen.hash == hash && publishes_ + 1 - seen.at < kWindow;
  }
  void remember(uint16_t packet_id, uint32_t hash) {
    if (seen_.empty()) seen_.resize(65'536);
    seen_[packet_id] = {++publishes_, hash};
  }
  void forget_session() {
    seen_.clear();
    publishes_ = 0;
  }

 private:
  struct Seen {
    uint64_t at = 0;  // which publish of the session it was, counted from 1
    uint32_t hash = 0;
  };
  std::vector<Seen> seen_;  // by packet id
  uint64_t publishes_ = 0;
};

// De-duplication by content or message id: the last readings of a source, as hashes.
class RecentReadings {
 public:
  explicit RecentReadings(size_t capacity) : capacity_(capacity) {}

  // False: it was among the last ones.
  bool insert(uint64_t hash) {
    if (!known_.insert(hash).second) return false;
    order_.push_back(hash);
    if (order_.size() > capacity_) {
      known_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }

 private:
  size_t capacity_;
  std::unordered_set<uint64_t> known_;
  std::deque<uint64_t> order_;
};

}  // namespace wayside
