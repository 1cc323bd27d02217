#include "pipeline/pipeline.h"

#include <algorithm>
#include <cstdlib>

#include "pipeline/emission_codec.h"
#include "pipeline/pipeline_source.h"
#include "sensors/admission.h"

namespace wayside {

Pipeline::Pipeline(PipelineOptions options) : options_(std::move(options)) {}
Pipeline::~Pipeline() = default;

size_t Pipeline::source_index(const std::string& name) const {
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i]->options.name == name) return i;
  }
  return sources_.size();
}

uint32_t Pipeline::bits(const std::vector<std::string>& uplinks, bool all_when_empty) const {
  uint32_t bits = 0;
  for (size_t u = 0; u < options_.uplinks.size(); ++u) {
    if (options_.uplinks[u].empty()) continue;  // a bit whose uplink is gone
    bool named = std::find(uplinks.begin(), uplinks.end(), options_.uplinks[u]) != uplinks.end();
    if (named || (uplinks.empty() && all_when_empty)) bits |= 1u << u;
  }
  return bits;
}

// ---- turns

void Pipeline::turn(Group& group, size_t turn, EmissionBuffer& out) {
  const Turn& t = group.turns[turn];
  out.set_clock(t.now.clock);
  take_notes(group, turn, out);
  advance_timers(t.now.timer_ms, out);
  keep_limits(t.now.timer_ms, out);
  turn_ms_ = t.now.timer_ms;
  turn_wall_ms_ = t.now.wall_ms;
  for (const auto& block : blocks_) block->go_on(out);
  for (ProcessingTime* block : processing_) block->begin_turn(t.now, out);
  for (const Slice& slice : t.slices) {
    process_slice(*sources_[slice.source], group.batches[slice.source], slice, t.now.timer_ms, out);
  }
}

void Pipeline::take_notes(const Group& group, size_t turn, EmissionBuffer& out) {
  const int64_t wall_ms = group.turns[turn].now.wall_ms;
  for (const Note& note : group.notes) {
    if (note.turn != turn) continue;
    switch (note.kind) {
      case Note::Kind::kNewSession:
        if (++sessions_[note.name] == 1) break;  // the first one takes no other's place
        tell("session_lost", note.name, wall_ms,
             {{"text", "the broker has forgotten our session, and what it had queued for us"}},
             out);
        break;
      case Note::Kind::kNewEpoch:
        if (!note.text.empty()) tell("new_epoch", note.name, wall_ms, {{"text", note.text}}, out);
        break;
      case Note::Kind::kClock:
        on_clock(note, wall_ms, out);
        break;
      case Note::Kind::kRolledOver:
        on_rollover(note, wall_ms, out);
        break;
      case Note::Kind::kConnection:
        tell("connection", note.name, wall_ms, {{"text", note.text}}, out);
        break;
      case Note::Kind::kDamage:
        tell("damage", note.name, wall_ms, {{"text", note.text}}, out);
        break;
      case Note::Kind::kUplink:
        tell("uplink", note.name, wall_ms, {{"text", note.text}}, out);
        break;
      case Note::Kind::kImport:
        if (auto e = decode_emission(note.text); e.ok()) {
          e->lane = e->type == "alarm" || e->type == "incident" ? Lane::kAlarm : Lane::kResult;
          e->targets = bits({note.name}, false);
          out.add(std::move(*e));
        }
        break;
      case Note::Kind::kLost:
        tell("lost", note.name, wall_ms, {{"text", note.text}}, out);
        break;
      case Note::Kind::kLookup:
        set_lookup_contents(note.name, note.text);
        break;
      case Note::Kind::kLookupFailed:
        tell("lookup", note.name, wall_ms, {{"text", note.text}}, out);
        break;
      case Note::Kind::kConfig:
        out.set_config(parse_version_digits(note.name));
        break;
      case Note::Kind::kAnchor:
        tell_anchor(note, wall_ms, out);
        break;
      case Note::Kind::kDecided:
        if (const size_t s = source_index(note.name); s < sources_.size() && sources_[s]->command) {
          sources_[s]->command->obey(note.text);
        }
    }
  }
}

const std::string& Pipeline::lookup_contents(const std::string& name) const {
  return lookups_.at(name)->contents();
}

// The journal may be that of another configuration.
void Pipeline::set_lookup_contents(const std::string& name, std::string_view bytes) {
  if (const auto lookup = lookups_.find(name); lookup != lookups_.end()) {
    lookup->second->set_contents(bytes);
  }
}

void Pipeline::tell(const char* incident, const std::string& key, int64_t wall_ms,
                    std::vector<NamedValue> fields, EmissionBuffer& out) {
  Emission e;
  e.lane = Lane::kAlarm;
  e.targets = bits({}, true);
  e.type = "incident";
  e.block = incident;
  e.key = key;
  e.time_ms = wall_ms;
  e.fields = std::move(fields);
  out.add(std::move(e));
}

// How the journal stood: who keeps this elsewhere can tell later whether it was changed.
void Pipeline::tell_anchor(const Note& note, int64_t wall_ms, EmissionBuffer& out) {
  Emission e;
  e.targets = bits({}, true);
  e.type = "anchor";
  e.block = "journal";
  e.time_ms = wall_ms;
  e.fields = {{"entry", double(std::strtoull(note.name.c_str(), nullptr, 10))},
              {"hash", note.text}};
  out.add(std::move(e));
}

void Pipeline::end_group(const Group& group) {
  for (const Rejected& r : group.rejected) {
    Ledger& ledger = r.source < sources_.size() ? sources_[r.source]->ledger : unrouted_;
    ++ledger.in;
    ++ledger.quarantined;
  }
  for (size_t s = 0; s < group.duplicates.size() && s < sources_.size(); ++s) {
    sources_[s]->ledger.in += group.duplicates[s];
    sources_[s]->ledger.duplicate += group.duplicates[s];
  }
  for (const auto& source : sources_) {
    if (source->command) source->command->end_group();
  }
}

void Pipeline::advance_timers(int64_t timer_ms, EmissionBuffer& out) {
  std::vector<uint32_t> idle;
  std::vector<uint32_t> forgotten;
  for (auto& reach : reaches_) {
    if (reach->derived) reach->derived->set_clock(timer_ms);
  }
  for (auto& source : sources_) {
    WatermarkTracker& watermarks = source->watermarks;
    watermarks.start(timer_ms);
    if (watermarks.next_timer() > timer_ms) continue;
    const bool was_idle = watermarks.is_idle(KeyTable::kNone);
    watermarks.expire(timer_ms, idle, forgotten);
    keys_.sort_by_text(idle);
    keys_.sort_by_text(forgotten);
    for (uint32_t key : idle) {
      keys_.touch(key);
      go_idle(source->reach, key, out);
    }
    if (!watermarks.by_key() && !was_idle && watermarks.is_idle(KeyTable::kNone)) {
      go_idle(source->reach, KeyTable::kNone, out);
    }
    for (uint32_t key : forgotten) {
      source->cleaner.forget_key(key);
      source->quality.forget_key(key);
      expire(source->reach, key, timer_ms, out);
    }
  }
  expire_derived_keys(timer_ms, out);
  expire_lingering_keys(timer_ms, out);
}

uint32_t Pipeline::key_of(Source& source, const ReadingBatch& batch, size_t row) {
  if (source.batch_generation != batch.generation || source.key_releases != keys_.releases()) {
    source.key_of_text.clear();
    source.batch_generation = batch.generation;
    source.key_releases = keys_.releases();
  }
  const uint32_t text = batch.keys()[row];
  if (text >= source.key_of_text.size())
    source.key_of_text.resize(batch.texts.size(), KeyTable::kNone);
  uint32_t& key = source.key_of_text[text];
  if (key == KeyTable::kNone) key = keys_.find(batch.texts.text(text));
  return key;
}

// Rows of keys that there is no room for are dropped; the rest goes on in runs.
void Pipeline::process_slice(Source& source, ReadingBatch& batch, const Slice& slice,
                             int64_t timer_ms, EmissionBuffer& out) {
  const uint32_t begin = slice.begin, end = slice.end;
  source.keys.clear();
  uint32_t run = begin;
  size_t new_keys = 0;
  auto flush = [&](uint32_t upto) {
    const uint32_t step = source.one_by_one ? 1 : upto - run;
    for (uint32_t at = run; at < upto; at += step) {
      const Slice part{slice.source, at, at + step, slice.place + (at - begin)};
      process_rows(source, batch, part, source.keys.data() + (at - run), timer_ms, out);
    }
    source.keys.clear();
    run = upto;
    new_keys = 0;
  };
  source.ledger.in += end - begin;
  constexpr uint32_t kAhead = 16;  // rows; with many keys each of them is somewhere else
  for (uint32_t row = begin; row < end; ++row) {
    if (row + kAhead < end) source.prefetch(batch.keys()[row + kAhead]);
    if (batch.keys()[row] == Interner::kNone) {  // journaled when another field was the key
      flush(row);
      ++source.ledger.dropped;
      run = row + 1;
      continue;
    }
    uint32_t key = key_of(source, batch, row);
    auto is_known = [&] { return key != KeyTable::kNone && source.watermarks.knows(key); };
    if (!is_known()) {
      const uint32_t max = source.options.max_keys;
      const std::string_view text = batch.texts.text(batch.keys()[row]);
      const bool is_long = source.command && text.size() > Command::kKeyMax;
      if (is_long || source.watermarks.known_keys() + new_keys >= max) flush(row);
      const bool is_full = !is_known() && source.watermarks.known_keys() >= max;
      const uint32_t place = slice.place + (row - begin);
      if ((is_long || is_full) && !(source.command && source.command->had_room(place))) {
        if (source.command) refuse(source, batch, row, place, is_long, out);
        ++source.ledger.dropped;
        run = row + 1;
        continue;
      }
      ++new_keys;
      if (key == KeyTable::kNone) key = source.key_of_text[batch.keys()[row]] = keys_.intern(text);
    }
    source.keys.push_back(key);
  }
  flush(end);
}

// A command that gets no further is answered nevertheless.
void Pipeline::refuse(const Source& source, const ReadingBatch& batch, uint32_t row, uint32_t place,
                      bool is_long, EmissionBuffer& out) {
  const uint32_t no_key = KeyTable::kNone;
  Rows one{{1, &batch.times[row], &no_key, {}, &batch.texts}};
  for (const Column& c : batch.columns) {
    one.view.columns.push_back(
        {c.numbers.empty() ? nullptr : &c.numbers[row], c.texts.empty() ? nullptr : &c.texts[row]});
  }
  one.first_place = place;
  const std::string_view key = batch.texts.text(batch.keys()[row]);
  source.command->refuse(is_long ? Command::kLongKey : Command::kNoRoom, key, one, out);
}

void Pipeline::process_rows(Source& source, ReadingBatch& batch, const Slice& slice,
                            const uint32_t* keys, int64_t timer_ms, EmissionBuffer& out) {
  BatchView view;
  source.cleaner.clean(batch, slice.begin, slice.end, keys, view);
  if (source.quality.is_on()) source.quality.add(view, source.cleaner.changes(), turn_wall_ms_);
  source.watermarks.advance(view, timer_ms, source.after);
  for (size_t i = 0; i < view.rows; ++i) keys_.touch(keys[i]);
  source.fates.taken.assign(view.rows, 0);
  source.fates.late.assign(view.rows, 0);
  source.fates.dropped.assign(view.rows, 0);
  source.fates.verdicts.clear();
  Rows rows{view, source.after.data(), nullptr, &source.fates};
  rows.first_place = slice.place;
  source.stream.push(rows, out);
  out.set_place(Cause::kNoReading);
  for (size_t i = 0; i < view.rows; ++i) {
    const uint8_t verdict = source.fates.verdicts.empty() ? 0 : source.fates.verdicts[i];
    if (verdict != Fates::kNone) {
      ++(verdict == Fates::kRepeated ? source.ledger.duplicate : source.ledger.quarantined);
      continue;
    }
    ++(source.fates.taken[i]     ? source.ledger.used
       : source.fates.late[i]    ? source.ledger.late
       : source.fates.dropped[i] ? source.ledger.dropped
                                 : source.ledger.used);
  }
}

bool Pipeline::finish(EmissionBuffer& out) {
  for (; finished_ < blocks_.size(); ++finished_) {
    blocks_[finished_]->finish(out);
    if (blocks_[finished_]->is_behind()) return false;
  }
  for (auto& watch : watches_) watch->finish(out);
  finished_ = 0;
  return true;
}

int64_t Pipeline::next_timer() {
  int64_t next = lingering_.next_timer();
  for (const auto& source : sources_) next = std::min(next, source->watermarks.next_timer());
  for (const auto& block : blocks_) {
    if (block->is_behind()) next = std::min(next, turn_ms_ + 1);
  }
  for (const auto& [clock, window] : by_processing_time_) {
    next = std::min(next, clock->timer_of(window->next_due(), options_.engine.tick_ms));
  }
  for (const auto& reach : reaches_) {
    if (reach->derived) next = std::min(next, reach->derived->next_timer());
  }
  return next;
}

}  // namespace wayside
