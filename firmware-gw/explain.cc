#include "firmware-gw/explain.h"

#include <algorithm>

#include "config/written.h"
#include "firmware-gw/committed.h"
#include "firmware-gw/explain_search.h"
#include "firmware-gw/explain_watcher.h"
#include "pipeline/emission_codec.h"

namespace wayside {
namespace {

// "" for an event of our own; else the id under which it was said.
std::string imported_from(const Group& group, const Emission& e) {
  const bool has_origin = !e.fields.empty() && e.fields.back().name == "origin";
  if (!has_origin) return "";
  for (const Note& note : group.notes) {
    if (note.kind != Note::Kind::kImport) continue;
    const auto other = decode_emission(note.text);
    if (!other.ok() || other->type != e.type || other->block != e.block) continue;
    const auto* origin = std::get_if<std::string>(&e.fields.back().value);
    if (other->fields == e.fields) return origin ? *origin : "elsewhere";
  }
  return "";
}

class Explainer {
 public:
  Explainer(const Config& config, std::string id, EventId event, size_t limit,
            const JournalReplay::Expired& expired)
      : config_(config),
        version_(config_version(config)),
        id_(std::move(id)),
        search_(id_, std::move(event)),
        limit_(std::max<size_t>(limit, 1)),
        expired_(expired) {}

  Result<ExplainedEvent> explain() {
    const std::string& state_dir = config_.gateway.state_dir;
    WS_TRY(committed_entry(state_dir));  // what is being written now can be asked about, too
    const auto visit = [&](const JournalEntry& e, const Group& g) { search_.visit(e, g); };
    WS_ASSIGN(past_, JournalReplay::look_at(state_dir, UINT64_MAX, expired_, visit));
    WS_ASSIGN(const EventPlace place, search_.found(state_dir, past_));
    WS_TRY(search_.check_version(version_));
    ExplainedEvent explained;
    // What a snapshot led over is not seen: where all of the journal says the same, it tells more.
    past_.with_snapshot = false;
    Status there = find(place, explained);
    if (!there.ok() && past_.oldest > 1) {
      past_.with_snapshot = true;
      there = find(place, explained);
    }
    WS_TRY(there);
    std::vector<Explanation*> open;
    if (explained.event.note.empty()) open.push_back(&explained.event);
    while (!open.empty()) {
      WS_ASSIGN(open, look_behind(open, place));
    }
    return explained;
  }

 private:
  Result<std::unique_ptr<JournalReplay>> replay(uint64_t upto, Witness* witness) {
    Moment until;
    until.entry = upto;
    return JournalReplay::open(config_, config_.gateway.state_dir, past_, until, expired_, witness);
  }

  // The event itself, by a replay as it was.
  Status find(const EventPlace& place, ExplainedEvent& explained) {
    WS_ASSIGN(const auto past, replay(place.entry, nullptr));
    while (past->entry() < place.entry) {
      WS_ASSIGN(const bool there, past->next());
      if (!there) break;
    }
    first_entry_ = past->first_entry();
    const Engine& engine = past->engine();
    if (past->entry() != place.entry || !engine.has_said(place.said)) return not_said(place);
    const auto said = past->engine().emissions().pending();
    if (place.index >= said.size() || past->id_of(said[place.index]) != id_) {
      return Error{ErrorCode::kUnavailable,
                   "'" + id_ +
                       "': nothing was said with this id; wayside sql \"SELECT id FROM "
                       "events WHERE entry = " +
                       std::to_string(place.entry) + "\" lists what was said there"};
    }
    const Emission& e = said[place.index];
    explained.entry = place.entry;
    explained.committed_ms = past->committed_ms();
    explained.config = version_;
    explained.warning = warning();
    explained.cause = past->id_of(e.cause);
    explained.event.id = id_;
    const std::string origin = imported_from(past->group(), e);
    if (!origin.empty()) {
      explained.event.note = "imported; it was said as " + origin + ", ask there";
    }
    const bool by_reading = e.cause.place != Cause::kNoReading;
    explained.event.told = {e.type,
                            e.block,
                            e.key,
                            e.time_ms,
                            e.fields,
                            {e.cause.entry, e.cause.place},
                            {place.entry, by_reading ? e.cause.place + 1 : e.cause.before}};
    said_before_ = static_cast<size_t>(
        std::count_if(said.begin(), said.begin() + static_cast<ptrdiff_t>(place.index),
                      [&](const Emission& other) { return is_said(explained.event.told, other); }));
    return {};
  }

  // What is left of the journal does not lead to what was sent.
  Error not_said(const EventPlace& place) const {
    std::string why =
        "it is damaged, which wayside buffer verify tells, or a former version of Wayside said it "
        "to other uplinks: then give them as they were";
    if (first_entry_ > 1) {
      why = "the journal before entry " + std::to_string(first_entry_) +
            " is gone, and the state that it led to; ask about later events";
    } else if (const std::string others = search_.ran_before(version_); !others.empty()) {
      why = "it has state of other configurations: " + others + "; ask about later events";
    } else if (place.engine_stamp != engine_stamp()) {
      why = "another version of Wayside said it: ask that one";
    }
    return {ErrorCode::kUnavailable, "'" + id_ + "': a replay of journal entry " +
                                         std::to_string(place.entry) +
                                         " does not say what was sent, so there is no exact "
                                         "answer: " +
                                         why};
  }

  std::string warning() const {
    std::string text;
    if (first_entry_ > 1) {
      text = "what came before journal entry " + std::to_string(first_entry_) +
             " is not listed: the journal's beginning is gone";
    }
    if (const std::string others = search_.ran_before(version_); !others.empty()) {
      if (!text.empty()) text += "; ";
      text += "before this configuration there were others (" + others +
              "), and rows of then are listed as this one takes them";
    }
    return text;
  }

  // What is behind each of them, by one replay for all. Gives those that rest on more.
  Result<std::vector<Explanation*>> look_behind(const std::vector<Explanation*>& open,
                                                const EventPlace& place) {
    RestsContext context{config_, std::max<size_t>(limit_ / open.size(), 1), {}};
    std::vector<std::pair<Explanation*, std::unique_ptr<Rests>>> all;
    Watcher watcher(said_before_);
    for (Explanation* e : open) {
      auto rests = make_rests(e->told, context);
      if (!rests) continue;
      e->rule = written_block(config_, e->told.block.substr(0, e->told.block.find('/')));
      watcher.add(*rests);
      all.emplace_back(e, std::move(rests));
    }
    std::vector<Explanation*> further;
    if (all.empty()) return further;
    WS_ASSIGN(const auto past, replay(place.entry, &watcher));
    watcher.watch(*past);
    while (true) {
      WS_ASSIGN(const bool there, past->next());
      if (!there) break;
    }
    for (auto& [e, rests] : all) {
      rests->finish();
      for (const Rests::Kept& row : rests->rows()) e->behind.push_back(behind(*row, *past));
      e->total = rests->total();
      e->note = rests->note();
      for (Explanation& b : e->behind) {
        if (b.told.type == "row") further.push_back(&b);
      }
    }
    return further;
  }

  Explanation behind(ToldRow row, const JournalReplay& past) const {
    Explanation made;
    const auto source = std::find_if(config_.sources.begin(), config_.sources.end(),
                                     [&](const SourceOptions& s) { return s.name == row.block; });
    if (source != config_.sources.end()) {
      row.type = source->is_answered ? "command" : "reading";
      made.id = past.id_of(row.cause);
    } else {
      row.block = maker_of(config_, row.block);
    }
    made.told = std::move(row);
    return made;
  }

  const Config& config_;
  const uint32_t version_;
  const std::string id_;
  EventSearch search_;
  const size_t limit_;
  const JournalReplay::Expired& expired_;
  JournalReplay::Past past_;
  uint64_t first_entry_ = 1;  // that the replay sees
  size_t said_before_ = 0;    // the same event, in its entry
};

}  // namespace

Result<ExplainedEvent> explain(const Config& config, const std::string& id, size_t limit,
                               const JournalReplay::Expired& expired) {
  WS_ASSIGN(EventId event, parse_event_id(id, config.gateway.id));
  return Explainer(config, id, std::move(event), limit, expired).explain();
}

}  // namespace wayside
