// What an uplink still has to deliver, in order: alarms, then results, both from the outbox, then
// forwarded readings, straight from the journal. Everything comes from disk; there is no other way
// to an uplink. Owned by its thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/disk.h"
#include "storage/group_codec.h"
#include "storage/journal.h"
#include "storage/mark.h"
#include "storage/store.h"
#include "uplink/message.h"

namespace wayside {

struct BacklogOptions {
  std::string store_dir;
  std::string journal_dir;
  std::string gateway;
  uint32_t bit = 0;                  // the uplink's, in the outbox
  std::vector<NamedSchema> sources;  // all of the configuration
  std::vector<bool> forwarded;       // by source
  Envelope envelope = Envelope::kInside;
  ValueFormat format = ValueFormat::kJson;
  uint32_t batch_messages = 5'000;
  uint64_t batch_bytes = 1 << 20;
};

class Backlog {
 public:
  static Result<std::unique_ptr<Backlog>> open(Disk& disk, BacklogOptions options);

  // Fills `messages` with what follows `from`, up to a batch; `after` is the mark once they are
  // delivered. Journal entries beyond `committed_entry` are not looked at. No messages: there is
  // nothing more.
  Status next(const Mark& from, uint64_t committed_entry, std::vector<Message>& messages,
              Mark& after);

 private:
  Backlog(Disk& disk, BacklogOptions options, std::unique_ptr<OutboxReader> outbox)
      : options_(std::move(options)),
        outbox_(std::move(outbox)),
        journal_(disk, options_.journal_dir) {}
  Status add_emissions(Lane lane, std::vector<Message>& messages, Mark& after);
  Status add_readings(uint64_t committed_entry, std::vector<Message>& messages, Mark& after);
  Result<bool> load_entry(uint64_t wanted, uint64_t committed_entry, Mark& after);
  void add_rows(std::vector<Message>& messages, Mark& after);
  std::string epoch_of(uint64_t Epoch::*first, uint64_t number) const;
  bool full(const std::vector<Message>& messages) const {
    return messages.size() >= options_.batch_messages || bytes_ >= options_.batch_bytes;
  }

  BacklogOptions options_;
  std::unique_ptr<OutboxReader> outbox_;
  JournalReader journal_;
  std::vector<Epoch> epochs_;  // read once a batch: epochs begin before uplinks do
  uint64_t bytes_ = 0;         // of the batch so far
  // The journal entry whose readings are being forwarded.
  JournalEntry entry_;
  Group group_;
  std::vector<ReadingPlace> rows_;  // all of its readings, forwarded or not
  std::string entry_epoch_;
};

}  // namespace wayside
