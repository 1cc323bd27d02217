// SQLite, the journal's view: outbox, keyed state, delivery marks, quarantine, with the journal
// position they reflect. It may be some entries behind the journal after a power cut; recovery
// replays those. Written by the loop thread only; uplinks read the outbox over connections of their
// own (OutboxReader).
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/sqlite.h"
#include "pipeline/emission.h"
#include "pipeline/pipeline.h"
#include "storage/mark.h"
#include "storage/view_tables.h"

namespace wayside {

// From which sequence and which journal entry on an epoch's name is part of ids.
struct Epoch {
  std::string name;
  uint64_t first_sequence = 1;
  uint64_t first_entry = 1;
};

bool has_epoch(const std::vector<Epoch>& epochs, std::string_view name);
// The name of the one that `number` belongs to, a sequence or a journal entry; "" for none.
std::string epoch_at(const std::vector<Epoch>& epochs, uint64_t Epoch::*first, uint64_t number);

struct QuarantineRow {
  uint64_t entry = 0;  // journal entry and index in it: the same row is never kept twice
  uint64_t index = 0;
  int64_t wall_ms = 0;
  std::string source;
  std::string reason;
  std::string detail;
  std::string topic;
  std::string payload;
};

// How far the pipeline is, and what it has said by then.
struct Reached {
  uint64_t entry = 0;             // after this journal entry; 0: nothing yet
  uint64_t last_sequence = 0;     // emissions given
  std::vector<uint64_t> emitted;  // by uplink bit
  Digest emissions{};             // of that entry's emissions
};

// What an uplink's count of emissions and its mark rest on.
struct Account {
  // Its sink has told what it has since the store was made again, or its sources were changed.
  bool settled = true;
  std::string sources{};  // that it forwards, as its mark counts them; sorted, with commas
};

struct Checkpoint {
  Reached at;
  std::string clock;  // SystemClock::save()
  std::vector<StateRow> rows;
  std::string flash{};                        // FlashMeter::save()
  std::string losses{};                       // Losses::save()
  std::map<std::string, Account> accounts{};  // by uplink
  uint64_t scrubbed = 0;                      // the journal entry that Scrub has read last
};

// An emission that waits in the outbox.
struct OutboxRow {
  uint64_t sequence = 0;
  uint32_t targets = 0;
  std::string message;  // an Emission without its id
};

class Store {
 public:
  // Opens or makes `dir`/wayside.db; its log goes into it every `wal_bytes`. kBadData, here and
  // from anything below: it is damaged, and has to be set aside. A store of a newer format is an
  // error, but no damage.
  static Result<std::unique_ptr<Store>> open(Disk& disk, const std::string& dir,
                                             uint64_t wal_bytes = 2 << 20);
  // Renames it, with what belongs to it, to the name that it returns; of those that lie there the
  // newest `keep` stay. Nobody has it open.
  static Result<std::string> set_aside(Disk& disk, const std::string& dir, uint32_t keep);
  // Nobody has it open.
  static Status remove(Disk& disk, const std::string& dir);
  bool is_new() const { return new_; }  // open() has made it, or clear() emptied it
  // Whether it has been brought to where its journal is, by a first checkpoint or mark.
  Result<bool> is_complete();
  // Takes everything out of it, to begin anew.
  Status clear();
  // Makes a store at `path` which has its tables, and the rows of those that `with_rows` names. It
  // is not complete before its first checkpoint. Nothing of it is synced.
  Status copy_state(const std::string& path,
                    const std::function<bool(std::string_view table)>& with_rows);

  struct Recovered {
    Checkpoint checkpoint;
    Reached outbox;  // emissions up to here are (or were) in the outbox
    std::vector<Epoch> epochs;
    std::map<std::string, Mark> marks;  // by uplink
    std::string told;                   // as it was applied
  };
  // With `take` the state's rows go there, one by one, and not into the checkpoint.
  Result<Recovered> recover(const std::function<Status(StateRow)>& take = nullptr);
  // A row of the state as it is there; "" if it is not.
  Result<std::string> read_state(const std::string& component, const std::string& key);
  // While the store is made again, and not complete yet: rows of the checkpoint that will complete
  // it.
  Status apply_rows(const std::vector<StateRow>& rows);

  struct Bits {
    std::vector<std::string> names;  // by bit, "" where none is
    std::vector<size_t> fresh;       // those that no uplink, or another one, had before
    uint64_t removed = 0;            // emissions that were for uplinks which are gone
  };
  // Bits for the uplinks of the configuration: the same name keeps its bit. What was for uplinks
  // that are no longer there is removed, their marks, too.
  // A fresh one gets the bit that it has in `former`, if that is free.
  Result<Bits> assign_bits(const std::vector<std::string>& uplinks,
                           const std::vector<std::string>& former = {});

  // The read models that there are to be. Those that go on keep what they hold.
  Status set_views(const std::vector<ViewShape>& shapes);
  std::vector<ViewTables::Totals> views() const { return views_.totals(); }
  Result<ViewRow> view_row(const std::string& view, std::string_view name) {
    return views_.row(view, name);
  }

  // One transaction. Emissions up to the outbox's last sequence are skipped: they are there, or
  // were delivered.
  struct Changes {
    std::span<const Emission> emissions;
    Reached said;  // with these emissions
    std::vector<QuarantineRow> quarantine;
    std::map<std::string, Mark> marks;
    std::optional<Epoch> new_epoch;
    std::optional<Checkpoint> checkpoint;
    std::optional<std::string> told;     // which damage people were told of
    const ViewChanges* views = nullptr;  // of the entry that `said` is behind
    bool empty() const {
      return emissions.empty() && quarantine.empty() && marks.empty() && !new_epoch &&
             !checkpoint && !told && (!views || views->empty());
    }
  };
  Status apply(const Changes& changes, uint64_t quarantine_rows);
  // Removes emissions that each uplink they are for has delivered. `uplinks` as assign_bits() gave
  // them.
  Status trim_outbox(const std::vector<std::string>& uplinks,
                     const std::map<std::string, Mark>& marks);

  // Rows of another store's outbox, as they are there but for the bits of `targets`, which are
  // those of this one.
  Status take_over(Lane lane, const std::vector<OutboxRow>& rows);

  // Makes everything durable that was applied so far. Until then the journal must keep what leads
  // here.
  Status make_durable();
  uint64_t durable_entry() const { return durable_entry_; }

  Result<uint64_t> count(const char* table);
  // Emissions for this uplink that are beyond the mark, there or dropped by a limit.
  Result<uint64_t> pending(uint32_t bit, const Mark& mark);

  struct Usage {
    uint64_t bytes = 0;   // of the database and its log
    uint64_t unused = 0;  // of the database
  };
  Result<Usage> usage();
  // Makes database and log larger by so much, empty: what is written later finds its room there,
  // even on a disk that is full by then.
  Status make_reserve(uint64_t bytes);
  // Brings the log into the database, and begins it anew: on a full disk it cannot grow. An error:
  // somebody reads, or there was no room either.
  Status restart_log();

  // What a limit took out of the outbox.
  struct Dropped {
    uint64_t emissions = 0;
    int64_t from_ms = 0;  // their own times, of the oldest and of the newest one
    int64_t to_ms = 0;
  };
  // Takes `bytes` of a lane's oldest emissions out of the outbox, or all when there is less, at
  // most `kDropMax` of them. The uplinks they were for count them as dropped when they pass their
  // place.
  Result<Dropped> drop_oldest(Lane lane, uint64_t bytes);
  static constexpr size_t kDropMax = 4096;
  // Half of the messages that became no reading; false: there are none.
  Result<bool> halve_quarantine();

 private:
  Store(Disk& disk, std::string dir, std::unique_ptr<Database> db)
      : disk_(disk), dir_(std::move(dir)), db_(std::move(db)), views_(*db_) {}
  static Result<std::unique_ptr<Store>> open_database(Disk& disk, const std::string& dir,
                                                      uint64_t wal_bytes);
  Status forget_in_gaps(size_t bit);
  Status write_gap(Lane lane, const std::vector<std::pair<uint64_t, uint32_t>>& dropped);
  Status create();
  Status check_format(int64_t version);
  Status check();
  Status insert_emissions(std::span<const Emission> emissions, const Reached& said);
  Status insert_quarantine(const std::vector<QuarantineRow>& rows, uint64_t keep);
  Status write_checkpoint(const Checkpoint& checkpoint);
  Status write_rows(const std::vector<StateRow>& rows);
  Status set_meta(const char* name, std::string_view value);
  Status remove_uplink(size_t bit, const std::string& name, uint64_t& removed);

  Disk& disk_;
  std::string dir_;
  std::unique_ptr<Database> db_;
  ViewTables views_;
  bool new_ = false;
  uint64_t outbox_sequence_ = 0;
  uint64_t state_entry_ = 0;
  uint64_t durable_entry_ = 0;
  std::array<std::map<std::string, uint64_t>, 2> trimmed_;  // by lane and uplink: up to here
};

// An uplink's view of the outbox, over a read-only connection. Owned by the uplink's thread.
class OutboxReader {
 public:
  static Result<std::unique_ptr<OutboxReader>> open(Disk& disk, const std::string& dir);

  using Row = OutboxRow;
  // The next emissions of a lane for the uplink with this bit, in order, none behind `upto`.
  Result<std::vector<Row>> next(Lane lane, uint64_t after, uint64_t upto, uint32_t bit,
                                size_t limit) {
    return next_for(1u << bit, lane, after, upto, limit);
  }
  // The same for those of any uplink in `targets`.
  Result<std::vector<Row>> next_for(uint32_t targets, Lane lane, uint64_t after, uint64_t upto,
                                    size_t limit);
  // What a limit took between `after` and `upto`: how many of them were for the uplink, and the
  // last one. To be asked in the same view of the outbox as next().
  struct Gap {
    uint64_t dropped = 0;
    uint64_t last = 0;  // 0: nothing was taken there
  };
  Result<Gap> gap(Lane lane, uint64_t after, uint64_t upto, uint32_t bit);
  static Result<Gap> gap_in(Database& db, Lane lane, uint64_t after, uint64_t upto, uint32_t bit);
  // Between the two calls the outbox does not change.
  Status begin_view() { return db_->begin_read(); }
  Status end_view() { return db_->exec("COMMIT"); }
  Result<std::vector<Epoch>> epochs();

 private:
  OutboxReader(std::unique_ptr<Database> db, Statement select)
      : db_(std::move(db)), select_(std::move(select)) {}
  std::unique_ptr<Database> db_;
  Statement select_;
};

}  // namespace wayside
