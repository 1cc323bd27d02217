// SQLite, the journal's view: outbox, keyed state, delivery marks, quarantine, with the journal
// position they reflect. It may be some entries behind the journal after a power cut; recovery
// replays those. Written by the loop thread only; uplinks read the outbox over connections of their
// own (OutboxReader).
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/sqlite.h"
#include "pipeline/emission.h"
#include "pipeline/pipeline.h"
#include "storage/mark.h"

namespace wayside {

// From which sequence and which journal entry on an epoch's name is part of ids.
struct Epoch {
  std::string name;
  uint64_t first_sequence = 1;
  uint64_t first_entry = 1;
};

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

struct Checkpoint {
  Reached at;
  std::string clock;  // SystemClock::save()
  std::vector<StateRow> rows;
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
  bool is_new() const { return new_; }  // open() has made it

  struct Recovered {
    Checkpoint checkpoint;
    Reached outbox;  // emissions up to here are (or were) in the outbox
    std::vector<Epoch> epochs;
    std::map<std::string, Mark> marks;  // by uplink
    std::string told;                   // as it was applied
  };
  Result<Recovered> recover();

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

  // One transaction. Emissions up to the outbox's last sequence are skipped: they are there, or
  // were delivered.
  struct Changes {
    const std::vector<Emission>* emissions = nullptr;
    Reached said;  // with these emissions
    std::vector<QuarantineRow> quarantine;
    std::map<std::string, Mark> marks;
    std::optional<Epoch> new_epoch;
    std::optional<Checkpoint> checkpoint;
    std::optional<std::string> told;  // which damage people were told of
    bool empty() const {
      return (!emissions || emissions->empty()) && quarantine.empty() && marks.empty() &&
             !new_epoch && !checkpoint && !told;
    }
  };
  Status apply(const Changes& changes, uint64_t quarantine_rows);
  // Removes emissions that each uplink they are for has delivered. `uplinks` as assign_bits() gave
  // them.
  Status trim_outbox(const std::vector<std::string>& uplinks,
                     const std::map<std::string, Mark>& marks);

  // Makes everything durable that was applied so far. Until then the journal must keep what leads
  // here.
  Status make_durable();
  uint64_t durable_entry() const { return durable_entry_; }

  Result<uint64_t> count(const char* table);
  // Emissions for this uplink that are beyond the mark.
  Result<uint64_t> pending(uint32_t bit, const Mark& mark);

 private:
  explicit Store(std::unique_ptr<Database> db) : db_(std::move(db)) {}
  static Result<std::unique_ptr<Store>> open_database(Disk& disk, const std::string& dir,
                                                      uint64_t wal_bytes);
  Status create();
  Status check_format(int64_t version);
  Status check();
  Status insert_emissions(const std::vector<Emission>& emissions, const Reached& said);
  Status insert_quarantine(const std::vector<QuarantineRow>& rows, uint64_t keep);
  Status write_checkpoint(const Checkpoint& checkpoint);
  Status set_meta(const char* name, std::string_view value);
  Result<std::string> meta(const char* name);
  Status remove_uplink(size_t bit, const std::string& name, uint64_t& removed);

  std::unique_ptr<Database> db_;
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

  struct Row {
    uint64_t sequence = 0;
    std::string message;  // an Emission without its id
  };
  // The next emissions of a lane for the uplink with this bit, in order, none behind `upto`.
  Result<std::vector<Row>> next(Lane lane, uint64_t after, uint64_t upto, uint32_t bit,
                                size_t limit);
  Result<std::vector<Epoch>> epochs();

 private:
  OutboxReader(std::unique_ptr<Database> db, Statement select)
      : db_(std::move(db)), select_(std::move(select)) {}
  std::unique_ptr<Database> db_;
  Statement select_;
};

}  // namespace wayside
