// What the gateway knows of itself: an immutable snapshot, made by the loop, read by whoever asks.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/queue.h"
#include "firmware-gw/flash.h"
#include "firmware-gw/scrub.h"
#include "pipeline/pipeline.h"
#include "storage/damage.h"
#include "storage/mark.h"

namespace wayside {

struct UplinkStatus {
  std::string name;
  bool connected = false;
  std::string trouble;
  uint64_t emitted = 0;
  uint64_t delivered = 0;
  uint64_t compacted = 0;
  uint64_t dropped = 0;
  std::string mark{};  // how far it is, for those who copy the store
  uint64_t settled() const { return delivered + compacted + dropped; }
  uint64_t pending() const { return emitted - std::min(emitted, settled()); }
  bool balanced() const { return settled() <= emitted; }
};

// What journal and store take on the disk, and what limits took from them since the store was made.
struct StorageStatus {
  uint64_t journal_bytes = 0;
  uint64_t store_bytes = 0;
  uint64_t limit_bytes = 0;    // for both
  uint64_t journal_share = 0;  // of it, what is left for the journal
  uint64_t free_bytes = 0;     // on the file system
  uint64_t waiting_bytes = 0;  // of both, what some uplink has still to deliver
  double full_in_s = -1;  // until that is the limit, at the rate of the last ten minutes; -1: never
  uint64_t thinned_bytes = 0;  // of what is kept of readings whose journal file is gone, or goes
  uint64_t thinned_readings = 0;
  uint64_t lost_readings = 0;
  uint64_t lost_results = 0;
  uint64_t lost_alarms = 0;
};

struct ConnectionStatus {
  std::string name = {};
  bool is_mqtt = true;  // else an [[input]]
  bool connected = false;
  uint64_t connects = 0;
  uint64_t messages = 0;
  uint64_t acknowledged = 0;
  uint64_t failures = 0;  // of an [[input]]
  uint64_t skipped = 0;
  uint64_t broker_dropped = 0;  // as it tells by its drops_topic
  uint64_t answers_lost = 0;
  std::string refused = {};  // a filter that the broker does not let us subscribe to
  uint64_t sessions_lost = 0;
};

struct Snapshot {
  std::string gateway;
  std::string epoch;
  uint32_t config = 0;  // version of the configuration
  Now now;              // by our clock
  uint64_t journal_entry = 0;
  std::string journal_head;
  uint64_t journal_bytes = 0;
  uint64_t commits = 0;
  int64_t commit_us = 0;  // of the last one
  std::string trouble;    // why nothing is acknowledged; empty when all is well
  QueueUse queue;
  FlashStatus flash;
  StorageStatus storage;
  Ledger total;
  Ledger unrouted;
  std::vector<Pipeline::SourceStatus> sources;
  std::vector<BlockStatus> blocks;
  std::vector<Pipeline::KeyLag> keys;
  std::vector<UplinkStatus> uplinks;
  std::vector<ConnectionStatus> connections;
  std::vector<Damage> damage;  // found by this life's start, and by the scrub
  Scrub::Progress scrub;

  std::string to_json() const;
};

// Holds the newest snapshot. Any thread.
class StatusBoard {
 public:
  void publish(std::shared_ptr<const Snapshot> snapshot) {
    std::lock_guard lock(mutex_);
    snapshot_ = std::move(snapshot);
  }
  std::shared_ptr<const Snapshot> latest() const {
    std::lock_guard lock(mutex_);
    return snapshot_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace wayside
