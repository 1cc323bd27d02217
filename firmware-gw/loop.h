// The loop: takes chunks from the queue in turns, groups turns into commits, and lets nothing leave
// before its commit is on disk: acknowledgements, emissions, forwarded readings. Runs on a thread
// of its own, which owns engine, journal and the writing connection of the store.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "firmware-gw/engine.h"
#include "firmware-gw/status.h"
#include "storage/journal.h"
#include "storage/store.h"
#include "uplink/worker.h"

namespace wayside {

using ChunkQueue = BoundedQueue<std::unique_ptr<Chunk>>;

// What a life of the loop stands on. Tests put others in their place to inject faults.
struct Surroundings {
  Disk* disk = nullptr;  // outlives the loop
  std::function<std::unique_ptr<Clock>(std::string_view saved, const Now& last)> make_clock;
  std::function<std::unique_ptr<Sink>(const UplinkOptions&, std::vector<Epoch>)> make_sink;

  // The board's disk and clocks, and the sinks that `config` names.
  static Surroundings system(const Config& config);
};

class Loop {
 public:
  struct Outside {
    // Messages of this connection up to the ticket are on disk. Loop thread.
    std::function<void(uint32_t connection, uint64_t ticket)> release;
    // The queue has room again. Loop thread.
    std::function<void()> resume;
  };

  // Opens journal and store and brings the engine to where it was: the only start there is, after a
  // clean end, a crash or a power cut.
  static Result<std::unique_ptr<Loop>> recover(const Config& config, Surroundings around);
  ~Loop();

  // Workers for the uplinks of the configuration, in place of those that are there.
  Status make_workers();
  void start(Outside outside);
  // Takes what is in the queue, commits, ends. Uplinks deliver what they can without waiting.
  void stop();

  // After stop(): the disk failed at the end, and what was not acknowledged is not on it.
  bool halted() const { return halted_; }

  ChunkQueue& queue() { return queue_; }
  const StatusBoard& status() const { return board_; }
  Engine& engine() { return *engine_; }
  // For the snapshot: how the connections do. Called on the loop thread.
  std::function<std::vector<ConnectionStatus>()> connection_status;

 private:
  Loop(const Config& config, Surroundings around);
  Status open_storage();
  Status restore();
  Result<std::string> replay_journal(const Store::Recovered& from);
  Status replay_entry(const JournalEntry& entry);
  Status learn_duplicates();
  Status settle_epoch(const Store::Recovered& from, std::string why);
  bool pass_given(const Store::Recovered& from);
  Status begin_epoch(const std::string& why);
  static std::string random_name();

  void run();
  std::chrono::milliseconds wait_time() const;
  void take(std::vector<std::unique_ptr<Chunk>>& chunks);
  bool commit_due(Now now, bool queue_empty) const;
  bool commit();
  bool insist(const char* what, const std::function<Status()>& action);
  std::vector<QuarantineRow> quarantined(const Group& group, uint64_t entry) const;
  Store::Changes changes_of_group(uint64_t entry);
  Reached reached(uint64_t entry) const;
  Checkpoint checkpoint(uint64_t entry);
  bool checkpoint_due(Now now) const;
  // Uplinks, in workers.cc.
  Committed committed() const;
  void start_workers();
  void take_marks(Store::Changes& changes);
  void hear_workers();
  bool end_epoch();
  void enter_epoch();
  void publish(Now now);

  const Config& config_;
  const Surroundings around_;
  Disk& disk_;
  std::string state_dir_;
  ChunkQueue queue_;
  Outside outside_;
  StatusBoard board_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Clock> clock_;
  std::vector<std::unique_ptr<UplinkWorker>> workers_;
  std::vector<uint32_t> worker_bits_;
  std::map<std::string, Mark> marks_;  // as they are in the store
  std::vector<Epoch> epochs_;
  std::optional<Epoch> next_epoch_;  // noted in the open group; workers wait for it
  std::string block_;                // of the entry that is being made

  // The open group.
  int64_t group_since_ms_ = 0;  // timer clock; of its first turn
  uint64_t group_bytes_ = 0;
  bool window_full_ = false;
  std::vector<uint64_t> tickets_;  // by connection
  Digest former_digest_{};         // of the group before
  Now last_now_;

  int64_t marks_ms_ = 0;
  int64_t checkpoint_ms_ = 0;
  uint64_t checkpoint_bytes_ = 0;
  int64_t published_ms_ = 0;
  uint64_t commits_ = 0;
  int64_t commit_us_ = 0;
  std::string trouble_;  // of journal or store; empty when all is well
  LogLimiter quarantine_log_;
  std::atomic<bool> stop_{false};
  bool halted_ = false;  // ended in the middle of a commit
  std::thread thread_;
};

}  // namespace wayside
