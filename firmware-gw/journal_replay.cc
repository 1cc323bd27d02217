#include "firmware-gw/journal_replay.h"

#include <algorithm>

#include "base/disk.h"
#include "base/log.h"
#include "firmware-gw/committed.h"
#include "uplink/message.h"

namespace wayside {
namespace {

std::vector<std::string> uplink_names(const Config& config) {
  std::vector<std::string> names;
  for (const UplinkOptions& u : config.uplinks) names.push_back(u.name);
  return names;
}

}  // namespace

JournalReplay::JournalReplay(const Config& config, const std::string& state_dir, Moment until)
    : gateway_(config.gateway.id),
      dir_(state_dir + "/journal"),
      until_(until),
      reader_(posix_disk(), dir_) {}

Result<std::unique_ptr<JournalReplay>> JournalReplay::open(const Config& config,
                                                           const std::string& state_dir,
                                                           Moment until) {
  WS_ASSIGN(const uint64_t committed, committed_entry(state_dir));
  until.entry = std::min(until.entry, committed);
  std::unique_ptr<JournalReplay> replay(new JournalReplay(config, state_dir, until));
  WS_ASSIGN(replay->engine_, Engine::make(config, uplink_names(config)));
  WS_TRY(replay->look_for_epochs());
  if (replay->oldest_ > 1) {
    log_warn(
        "journal entries before {} are gone: this begins without the state they led to, so results "
        "and ids differ from what was sent",
        replay->oldest_);
  }
  replay->expected_ = replay->oldest_;
  WS_TRY(replay->reader_.seek(1, replay->oldest_));
  return replay;
}

// Decodes the next entry that can be.
Result<bool> JournalReplay::read() {
  while (true) {
    WS_ASSIGN(const bool there, reader_.next(entry_));
    if (!there) return false;
    group_ = engine_->admission().make_group();
    const Status decoded =
        decode_group(entry_.block, engine_->schemas(), engine_->connections(), group_);
    if (decoded.ok()) return true;
  }
}

Status JournalReplay::look_for_epochs() {
  uint64_t oldest = 1;
  WS_ASSIGN(const bool first, reader_.seek(1, oldest));
  if (first) oldest = 1;
  while (true) {
    WS_ASSIGN(const bool there, read());
    if (!there) return {};
    oldest_ = oldest;
    for (const Note& note : group_.notes) {
      if (note.kind != Note::Kind::kNewEpoch) continue;
      const bool earlier = note.first_sequence > 0;
      epochs_.push_back({note.name, earlier ? note.first_sequence : UINT64_MAX,
                         earlier ? note.first_entry : entry_.sequence});
    }
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
    for (Epoch& e : epochs_) {
      if (e.name != note.name) continue;
      e.first_sequence = std::min(e.first_sequence, engine_->emissions().last_sequence() + 1);
    }
  }
  engine_->replay(group_);
  return true;
}

std::string JournalReplay::epoch_of(uint64_t Epoch::*first, uint64_t number) const {
  const std::string name = epoch_at(epochs_, first, number);
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
