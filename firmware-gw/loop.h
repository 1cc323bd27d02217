// The loop: takes chunks from the queue in turns, groups turns into commits, and lets nothing leave
// before its commit is on disk: acknowledgements, emissions, forwarded readings. Runs on a thread
// of its own, which owns engine, journal and the writing connection of the store.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "firmware-gw/answers.h"
#include "firmware-gw/commit_pace.h"
#include "firmware-gw/engine.h"
#include "firmware-gw/flash.h"
#include "firmware-gw/indexer.h"
#include "firmware-gw/lookup_files.h"
#include "firmware-gw/losses.h"
#include "firmware-gw/scrub.h"
#include "firmware-gw/status.h"
#include "firmware-gw/told.h"
#include "storage/journal.h"
#include "storage/preamble.h"
#include "storage/snapshot.h"
#include "storage/store.h"
#include "storage/thinner.h"
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
    // The store is damaged: the loop has ended, and who runs it is to recover() anew. Loop thread.
    std::function<void()> damaged = {};
    // A command was decided on, and that is safe. Loop thread.
    std::function<void(const SentAnswer&)> answer = {};
    // A device has to get this, by the connection that it came by. It asks for messages and tells
    // of none, so that it waits for no commit. Loop thread.
    std::function<void(uint32_t connection, const Outgoing&)> publish = {};
  };

  // Opens journal and store and brings the engine to where it was: the only start there is, after a
  // clean end, a crash or a power cut. What is damaged on disk is set aside and made again, or
  // passed over; damage() tells. `store_damage`: of the life before, "" if there was none.
  static Result<std::unique_ptr<Loop>> recover(const Config& config, const Surroundings& around,
                                               std::string store_damage = "");
  ~Loop();

  // What a journal that is a copy does not tell of where it comes from.
  struct Copied {
    std::optional<Digest> said;  // by its last entry
    uint64_t last_sequence = 0;  // the number of the last emission by then, as far as it is known
  };
  static Result<std::unique_ptr<Loop>> recover_copy(const Config& config,
                                                    const Surroundings& around,
                                                    const Copied& copied);
  // What the original has still to deliver.
  struct Undelivered {
    std::string state_dir;
    std::vector<std::string> uplinks;  // by bit, as it has them
    std::map<std::string, Mark> sent;
    uint64_t upto = 0;  // the last emission that its outbox is known to have, of those of the copy
  };
  struct Settled {
    uint64_t pending = 0;  // what is still to be delivered by the copy,
    uint64_t lost = 0;     // and what was for uplinks that it does not have
  };
  // In place of a life, for a copy of another store's past: what that one has sent is not sent
  // again, and from here on ids are those of a new epoch.
  Result<Settled> settle_copy(const Undelivered& original);

  // Workers for the uplinks of the configuration, in place of those that are there.
  Status make_workers();
  void start(Outside outside);
  // Takes what is in the queue, commits, ends. Uplinks deliver what they can without waiting.
  void stop();

  // After stop(): the disk failed at the end, and what was not acknowledged is not on it.
  bool halted() const { return halted_; }
  // After stop(): why the store has to be made again, "" if it need not.
  const std::string& store_damage() const { return store_damage_; }
  // What recover() found.
  const std::vector<Damage>& damage() const { return damage_; }

  ChunkQueue& queue() { return queue_; }
  uint64_t last_entry() const { return journal_->last_sequence(); }  // of the journal; at rest
  const std::string& epoch() const { return epochs_.back().name; }   // at rest
  const StatusBoard& status() const { return board_; }
  Engine& engine() { return *engine_; }
  // For the snapshot: how the connections do. Called on the loop thread.
  std::function<std::vector<ConnectionStatus>()> connection_status;

 private:
  Loop(const Config& config, Surroundings around);
  // What has left the pipeline's memory comes back from the store.
  class Pages final : public StatePages {
   public:
    explicit Pages(Loop& loop) : loop_(loop) {}
    Result<std::string> read(const std::string& component, const std::string& key) override;
    void insist() { insists_ = true; }  // from here on; a recovery has ways of its own

   private:
    Loop& loop_;
    bool insists_ = false;
  };
  // Recovery, in recovery.cc; what it does about damage, in damage.cc.
  struct Replay;
  Status open_storage(bool with_snapshot);
  Status begin_store(bool with_snapshot);
  Status restore();
  Status replay_journal(Replay& replay);
  Status replay_entry(Replay& replay, const JournalEntry& entry,
                      const std::optional<Digest>& recorded);
  void said_anew(const JournalEntry& entry, const Group& group, bool recorded);
  Status apply_replayed(Replay& replay, const JournalEntry& entry, const Group& group,
                        bool verified);
  Status learn_duplicates();
  void start_clock(const std::string& saved);
  Status settle_epoch(Replay& replay);
  bool pass_given(const Store::Recovered& from);
  Status begin_epoch(const std::string& why, uint64_t first_entry);
  Status begin_epoch_within(Replay& replay);
  Status make_room();
  void load_preambles();
  Status save_rebuilt();
  Status start_rebuilt(Replay& replay);
  void tell_rebuilt(Replay& replay);
  void note_gap(Replay& replay, uint64_t from, uint64_t to, const Group* behind);
  void find_lost_end(Replay& replay);
  void report(Damage damage);
  void tell_damage(const Damage& damage);
  void report_gap(uint64_t from, uint64_t to, uint64_t readings);
  static std::vector<uint64_t> rows_after(const Group& group);
  static uint64_t rows_between(const std::vector<uint64_t>& before, const Group& behind);
  Status settle_damage(Replay& replay, const std::string& told);
  Status complete_store(const Replay& replay);
  void keep_snapshot();
  Mark first_mark(const Replay& replay, size_t bit) const;
  Status settle_ledger(size_t bit, const Mark& mark);
  Result<uint64_t> take_over(const Undelivered& original);
  Result<uint64_t> readings_behind(const std::vector<bool>& forwarded, const Mark& mark);
  void pass_seen(const std::vector<bool>& forwarded, const Mark& mark);
  void settle_accounts();
  void hear_scrub();
  void hear_damage(Damage damage);
  void read_lookups(Now now);
  void note_anchor(Now now);
  std::string encode_preamble() const;
  static std::string random_name();

  void run();
  std::chrono::milliseconds wait_time() const;
  void take(std::vector<std::unique_ptr<Chunk>>& chunks, const Now& now);
  bool clock_was_set(const Now& now) const;  // since the last turn
  bool commit_due(Now now, bool queue_empty) const;
  int64_t commit_at_ms() const;  // timer clock; of the open group, if nothing hurries it
  bool commit();
  void answer_commands();  // in answers.cc
  bool is_changed_behind(const CommandAnswer& answer) const;
  using Relief = bool (Loop::*)();
  bool insist(const char* what, const std::function<Status()>& action,
              Relief relief = &Loop::relieve_store);
  std::vector<QuarantineRow> quarantined(const Group& group, uint64_t entry) const;
  Store::Changes changes_of_group(uint64_t entry);
  Reached reached(uint64_t entry) const;
  Checkpoint checkpoint(uint64_t entry);
  bool checkpoint_due(Now now) const;
  // Uplinks, in workers.cc.
  Committed committed() const;
  std::vector<bool> forwarded_by_any() const;
  BacklogOptions backlog_options(size_t bit) const;
  std::string sources_of(size_t bit) const;
  Status recount_marks();
  void start_workers();
  void take_marks(Store::Changes& changes);
  void hear_workers();
  bool end_epoch();
  void enter_epoch();
  // limits.cc
  Status keep_limits(Now now);
  Status shrink_store(uint64_t bytes, uint64_t step);
  void thin_out();
  uint64_t forwarded_upto(const std::vector<Mark>& marks) const;
  uint64_t waiting_readings() const;
  void count_lost_readings();
  uint64_t still_waiting(const ThinnedReadings& thinned, const std::vector<Mark>& marks) const;
  std::vector<Mark> marks_now() const;
  void count_lost_thinned(const ThinnedReadings& thinned);
  bool relieve_journal();
  bool relieve_store();
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
  Pages pages_{*this};
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Clock> clock_;
  std::vector<std::unique_ptr<UplinkWorker>> workers_;
  Snapshots snapshots_;
  std::unique_ptr<Thinner> thinner_;  // for the sources that the workers forward
  std::unique_ptr<Scrub> scrub_;
  Indexer indexer_;
  LookupFiles lookup_files_;
  uint64_t tables_file_ = 0;  // the journal file that has the look-ups' tables
  uint64_t anchored_ = 0;     // the entry that has told the head last, in this life
  std::vector<uint32_t> worker_bits_;
  std::map<std::string, Mark> marks_;  // as they are in the store
  std::map<std::string, Account> accounts_;
  std::vector<Epoch> epochs_;
  std::optional<Epoch> next_epoch_;  // noted in the open group; workers wait for it
  std::string block_;                // of the entry that is being made

  // Damage.
  std::vector<Damage> damage_;
  Told told_;
  bool told_changed_ = false;        // it goes into the store with the notes that tell it
  bool begun_ = false;               // the store was, at this start;
  uint64_t snapshot_ = 0;            // with the one behind this entry, 0: with none
  std::vector<Preamble> preambles_;  // of the journal's files, for a store that is made again
  std::string store_damage_;
  std::optional<Copied> copied_;  // recovery is of one

  // The open group.
  int64_t group_since_ms_ = 0;  // timer clock; of its first turn
  uint64_t group_bytes_ = 0;
  bool window_full_ = false;
  std::vector<uint64_t> tickets_;  // by connection
  Digest former_digest_{};         // of the group before
  Reached before_;                 // what was said before it
  Now last_now_;                   // of the last turn, also of a former life
  bool clock_told_ = false;        // in this life

  int64_t checkpoint_ms_ = 0;
  uint64_t checkpoint_bytes_ = 0;
  int64_t published_ms_ = 0;
  uint64_t commits_ = 0;
  int64_t commit_us_ = 0;
  CommitPace pace_;
  std::string trouble_;  // of journal or store; empty when all is well
  FlashMeter flash_;
  Losses losses_;
  StorageStatus room_;
  Growth growth_{60};        // of what waits for an uplink, over ten minutes
  int64_t limits_ms_ = 0;    // when they were last looked at
  uint64_t thinned_at_ = 0;  // the journal's bytes when readings were last thinned out
  LogLimiter thin_log_;
  LogLimiter quarantine_log_;
  std::atomic<bool> stop_{false};
  bool halted_ = false;    // ended in the middle of a commit
  bool reserved_ = false;  // the store's room was looked at in this life
  std::thread thread_;
};

}  // namespace wayside
