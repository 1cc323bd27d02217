#include "firmware-gw/journal_replay.h"

#include <algorithm>

#include "base/disk.h"
#include "base/log.h"
#include "uplink/message.h"

namespace wayside {
namespace {

std::vector<std::string> uplink_names(const Config& config) {
  std::vector<std::string> names;
  for (const UplinkOptions& u : config.uplinks) names.push_back(u.name);
  return names;
}

Error time_is_over() { return {ErrorCode::kUnavailable, "the time for it is over"}; }

}  // namespace

JournalReplay::JournalReplay(const Config& config, const std::string& state_dir, Past past,
                             Moment until, Expired expired)
    : gateway_(config.gateway.id),
      past_(std::move(past)),
      until_(until),
      expired_(std::move(expired)),
      reader_(posix_disk(), state_dir + "/journal") {}

Result<std::unique_ptr<JournalReplay>> JournalReplay::open(const Config& config,
                                                           const std::string& state_dir, Past past,
                                                           Moment until, Expired expired) {
  std::unique_ptr<JournalReplay> replay(
      new JournalReplay(config, state_dir, std::move(past), until, std::move(expired)));
  WS_ASSIGN(replay->engine_, Engine::make(config, uplink_names(config)));
  const uint64_t oldest = replay->past_.oldest;
  if (oldest > 1) {
    log_warn(
        "journal entries before {} are gone: this begins without the state they led to, so results "
        "and ids differ from what was sent",
        oldest);
  }
  replay->expected_ = oldest;
  uint64_t first = 0;
  WS_TRY(replay->reader_.seek(1, first));
  return replay;
}

Result<JournalReplay::Past> JournalReplay::look_at(const std::string& state_dir,
                                                   uint64_t last_entry, const Expired& expired) {
  Past past;
  JournalReader reader(posix_disk(), state_dir + "/journal");
  uint64_t oldest = 0;
  WS_ASSIGN(const bool first, reader.seek(1, oldest));
  if (first) oldest = 1;
  for (JournalEntry entry;;) {
    if (expired()) return time_is_over();
    WS_ASSIGN(const bool there, reader.next(entry));
    if (!there || entry.sequence > last_entry) return past;
    Group group;
    if (!decode_group(entry.block, {}, {}, group).ok()) continue;
    past.oldest = oldest;
    for (const Note& note : group.notes) {
      if (note.kind != Note::Kind::kNewEpoch) continue;
      const bool earlier = note.first_sequence > 0;
      past.epochs.push_back({note.name, earlier ? note.first_sequence : UINT64_MAX,
                             earlier ? note.first_entry : entry.sequence});
    }
  }
}

// Decodes the next entry that can be.
Result<bool> JournalReplay::read() {
  while (true) {
    if (expired_()) return time_is_over();
    WS_ASSIGN(const bool there, reader_.next(entry_));
    if (!there) return false;
    group_ = engine_->admission().make_group();
    const Status decoded =
        decode_group(entry_.block, engine_->schemas(), engine_->connections(), group_);
    if (decoded.ok()) return true;
  }
}

Result<bool> JournalReplay::next() {
  WS_ASSIGN(const bool there, read());
  if (!there || until_.is_before(entry_.sequence, entry_.wall_ms)) return false;
  if (entry_.sequence != expected_) {
    log_warn("journal entries {} to {} are damaged or gone: results and ids differ from here on",
             expected_, entry_.sequence - 1);
  }
  expected_ = entry_.sequence + 1;
  for (const Note& note : group_.notes) {
    if (note.kind != Note::Kind::kNewEpoch) continue;
    for (Epoch& e : past_.epochs) {
      if (e.name != note.name) continue;
      e.first_sequence = std::min(e.first_sequence, engine_->emissions().last_sequence() + 1);
    }
  }
  engine_->replay(group_);
  return true;
}

std::string JournalReplay::epoch_of(uint64_t Epoch::*first, uint64_t number) const {
  const std::string name = epoch_at(past_.epochs, first, number);
  return name.empty() ? "replay" : name;
}

std::string JournalReplay::id_of(const Emission& emission) const {
  return gateway_ + '/' + epoch_of(&Epoch::first_sequence, emission.sequence) + '/' +
         std::to_string(emission.sequence);
}

std::string JournalReplay::id_of_reading(size_t place) const {
  return reading_id(gateway_, epoch_of(&Epoch::first_entry, entry_.sequence), entry_.sequence,
                    place);
}

}  // namespace wayside
