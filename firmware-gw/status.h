// What the gateway knows of itself: an immutable snapshot, made by the loop, read by whoever asks.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

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
  uint64_t dropped = 0;
  // Nothing is compacted yet, so that what is neither delivered nor dropped is pending.
  uint64_t pending() const {
    return emitted > delivered + dropped ? emitted - delivered - dropped : 0;
  }
  bool balanced() const { return delivered + dropped <= emitted; }
};

struct ConnectionStatus {
  std::string name;
  bool connected = false;
  uint64_t connects = 0;
  uint64_t messages = 0;
  uint64_t acknowledged = 0;
  uint64_t skipped = 0;
  uint64_t sessions_lost = 0;
};

struct Snapshot {
  std::string gateway;
  std::string epoch;
  Now now;  // by our clock
  uint64_t journal_entry = 0;
  std::string journal_head;
  uint64_t journal_bytes = 0;
  uint64_t commits = 0;
  int64_t commit_us = 0;  // of the last one
  std::string trouble;    // why nothing is acknowledged; empty when all is well
  size_t queue_bytes = 0;
  Ledger total;
  Ledger unrouted;
  std::vector<Pipeline::SourceStatus> sources;
  std::vector<Pipeline::BlockStatus> blocks;
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
