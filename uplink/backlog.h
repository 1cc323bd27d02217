// What an uplink still has to deliver, in lanes: alarms, then what is new (results, and readings
// that are forwarded), then what waited when the link came back. Emissions come from the outbox,
// readings straight from the journal: everything comes from disk, there is no other way to an
// uplink. Owned by its thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/disk.h"
#include "storage/mark.h"
#include "storage/store.h"
#include "uplink/message.h"
#include "uplink/raw_cursor.h"

namespace wayside {

struct BacklogOptions {
  std::string store_dir;
  std::string gateway;
  uint32_t bit = 0;  // the uplink's, in the outbox
  RawOptions raw;
  bool recount = false;  // marks of before may count other sources
  Envelope envelope = Envelope::kInside;
  ValueFormat format = ValueFormat::kJson;
  uint32_t batch_messages = 5'000;
  uint64_t batch_bytes = 1 << 20;
};

// How far the store is.
struct Committed {
  uint64_t entry = 0;  // of the journal
  uint64_t sequence = UINT64_MAX;
  uint64_t chain = 0;  // see Mark
};

class Backlog {
 public:
  static Result<std::unique_ptr<Backlog>> open(Disk& disk, BacklogOptions options);

  // Fills `messages` with what follows `from`, up to a batch of at most `bytes`; `after` is the
  // mark once they are delivered. Alarms travel alone. What is not yet `committed` is not looked
  // at. What a limit took before it could be delivered is told without messages, by a mark that
  // has more dropped or compacted; no messages and nothing more settled: there is nothing more.
  Status next(const Mark& from, const Committed& committed, uint64_t bytes, MessageBatch& messages,
              Mark& after);
  Status next(const Mark& from, const Committed& committed, MessageBatch& messages, Mark& after) {
    return next(from, committed, options_.batch_bytes, messages, after);
  }

  // Makes what waits a part of the mark's backlog if that is more than so many events, so that what
  // comes from now on goes before it. The answer says whether it has.
  Result<bool> cut(Mark& mark, const Committed& committed, uint64_t more_than) const;

  // Once, if the options say so: counts anew how many readings the mark has seen.
  Status recount(Mark& mark, const Committed& committed);

  // Whether the mark was made by our store, as far as can be told: the journal forgets. One that
  // was made by a copy of it, or by our store before it was rolled back, was not.
  Result<bool> is_ours(const Mark& mark, const Committed& committed) const;

 private:
  static constexpr RawPosition kNoEnd{UINT64_MAX, 0, UINT64_MAX};

  Backlog(Disk& disk, BacklogOptions options, std::unique_ptr<OutboxReader> outbox)
      : disk_(disk), options_(std::move(options)), outbox_(std::move(outbox)) {}
  Status add_emissions(Lane lane, uint64_t& upto, uint64_t end, MessageBatch& messages,
                       Mark& after);
  Status pass_gap(Lane lane, uint64_t& upto, uint64_t end, const MessageBatch& messages,
                  Mark& after);
  bool settle(uint64_t& account, uint64_t n, const MessageBatch& messages);
  Status add_from_outbox(Lane lane, uint64_t& upto, uint64_t end, MessageBatch& messages,
                         Mark& after);
  Status add_readings(std::unique_ptr<RawCursor>& cursor, RawPosition& at, const RawPosition& end,
                      uint64_t committed_entry, MessageBatch& messages, Mark& after);
  Status add_waiting(uint64_t committed_entry, MessageBatch& messages, Mark& after);
  void pass_lost(RawPosition& at, const RawPosition& behind, const MessageBatch& messages,
                 Mark& after);
  bool add_rows(const RawCursor& cursor, RawPosition& at, const RawPosition& end,
                MessageBatch& messages);
  void write_message(const Group& group, const RawCursor::Row& at, Message& m) const;
  bool full(const MessageBatch& messages) const {
    return ended_ || messages.size() >= options_.batch_messages || bytes_ >= bytes_max_;
  }

  Disk& disk_;
  BacklogOptions options_;
  std::unique_ptr<OutboxReader> outbox_;
  std::vector<Epoch> epochs_;  // read once a batch: epochs begin before uplinks do
  uint64_t bytes_ = 0;         // of the batch so far
  uint64_t bytes_max_ = 0;
  bool ended_ = false;  // by what was dropped
  std::unique_ptr<RawCursor> live_;
  std::unique_ptr<RawCursor> waiting_;
};

}  // namespace wayside
