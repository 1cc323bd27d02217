#include "firmware-gw/explain_watcher.h"

#include <algorithm>
#include <utility>

#include "pipeline/block.h"
#include "pipeline/watch.h"

namespace wayside {

void Watcher::add(Rests& rests) {
  OfBlock& block = open_[rests.given()];
  const ToldRow& told = rests.told();
  if (told.number == 0) event_ = &told;
  (rests.is_by_cause() ? block.by_entry[told.cause.entry] : block.by_key[told.key])
      .push_back(&rests);
}

Watcher::OfBlock* Watcher::find(const Block& block) {
  const auto [at, is_new] = of_.try_emplace(&block);
  if (!is_new) return at->second;
  const auto open = open_.find({block.name(), dynamic_cast<const Watch*>(&block) != nullptr});
  return at->second = open == open_.end() ? nullptr : &open->second;
}

void Watcher::saw(const Stream& stream, const Block& block, size_t input, const Rows& row,
                  const Fates& fate) {
  if (replay_->entry() != entry_) {
    entry_ = replay_->entry();
    readings_ = 0;
    turns_ = 0;
  }
  const uint32_t place = row.place(0);
  // Rows that time brings are behind all readings before the turn.
  if (place != Cause::kNoReading) readings_ = std::max(readings_, place + 1);
  ++rows_;
  look_for_event();
  OfBlock* of = find(block);
  const uint64_t former = of ? std::exchange(of->last_row, rows_) : 0;
  if (!of || !row.is_present(0)) return;
  const uint32_t upto = place == Cause::kNoReading ? readings_ : place + 1;
  const SeenRow seen{stream, row, fate, input, rows_, {entry_, place}, {entry_, upto}, arrival()};
  const auto show = [&](const Open& all) {
    for (Rests* rests : all) {
      if (!is_told_already(*rests, former)) rests->see(seen);
    }
  };
  if (const auto key = of->by_key.find(seen.key()); key != of->by_key.end()) show(key->second);
  if (const auto entry = of->by_entry.find(entry_); entry != of->by_entry.end()) {
    show(entry->second);
  }
}

void Watcher::look_for_event() {
  if (!event_ || entry_ != event_->at.entry || event_row_ != UINT64_MAX) return;
  const auto said = replay_->engine().emissions().pending();
  for (; looked_ < said.size(); ++looked_) {
    if (!is_said(*event_, said[looked_]) || said_before_-- > 0) continue;
    event_row_ = rows_;
    return;
  }
}

// One reading may bring a block several rows, each of which makes it tell something. What it told
// was seen, by who got it, before the row in which it did: so it was told in a former one if it was
// seen before that one ended.
bool Watcher::is_told_already(const Rests& rests, uint64_t former) const {
  const ToldRow& told = rests.told();
  const uint64_t told_at = told.number == 0 ? event_row_ : told.number;
  return former >= told_at;
}

void Watcher::ended(const Block& block, std::string_view key, const Cause& cause) {
  OfBlock* of = find(block);
  if (!of) return;
  const auto open = of->by_key.find(key);
  if (open == of->by_key.end()) return;
  const bool by_reading = cause.place != Cause::kNoReading;
  for (Rests* rests : open->second) {
    rests->end({cause.entry, by_reading ? cause.place + 1 : cause.before});
  }
}

// Of the reading before which there were so many less one.
int64_t Watcher::arrival() {
  const std::vector<Turn>& turns = replay_->group().turns;
  const auto has_begun = [&](const Turn& turn) {
    return turn.slices.empty() || turn.slices.front().place < readings_;
  };
  while (turns_ < turns.size() && has_begun(turns[turns_])) ++turns_;
  return turns.empty() ? 0 : turns[std::max<size_t>(turns_, 1) - 1].now.wall_ms;
}

}  // namespace wayside
