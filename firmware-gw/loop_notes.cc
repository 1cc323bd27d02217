// What the loop notes in the journal though nobody sent it.
#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "firmware-gw/loop.h"

namespace wayside {

// Before the readings of the turn, which are to see what is there now.
void Loop::read_lookups(Now now) {
  // Older files of the journal go one day, and the tables that they tell of are still in use.
  const uint64_t file = journal_->newest_file();
  if (std::exchange(tables_file_, file) != file && file > 1) {
    for (const LookupOptions& lookup : config_.lookups) {
      std::string contents = engine_->pipeline().lookup_contents(lookup.name);
      if (contents.empty()) continue;
      engine_->group().notes.push_back({Note::Kind::kLookup, 0, lookup.name, std::move(contents)});
    }
  }
  while (auto note = lookup_files_.next(engine_->pipeline(), now.timer_ms)) {
    if (note->kind == Note::Kind::kLookupFailed) log_error("{}: {}", note->name, note->text);
    engine_->group().notes.push_back(std::move(*note));
  }
}

// At the first entry of each interval of our clock, and of an epoch. It tells nothing if all that
// came since is the last anchor itself.
void Loop::note_anchor(Now now) {
  const int64_t every_ms = config_.storage.anchor_ms;
  const uint64_t last = journal_->last_sequence();
  std::vector<Note>& notes = engine_->group().notes;
  if (every_ms == 0 || last <= anchored_ || journal_->head() == Digest()) return;
  const bool new_epoch = std::any_of(notes.begin(), notes.end(),
                                     [](const Note& n) { return n.kind == Note::Kind::kNewEpoch; });
  if (!new_epoch && now.wall_ms / every_ms == last_now_.wall_ms / every_ms) return;
  notes.push_back({Note::Kind::kAnchor, 0, std::to_string(last), to_hex(journal_->head())});
  anchored_ = last + 1;
}

}  // namespace wayside
