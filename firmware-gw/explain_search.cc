#include "firmware-gw/explain_search.h"

#include <algorithm>

#include "base/disk.h"
#include "storage/store_view.h"

namespace wayside {

Result<EventId> parse_event_id(const std::string& id, const std::string& gateway) {
  const size_t last = id.rfind('/');
  const size_t first = last == 0 || last == id.npos ? id.npos : id.rfind('/', last - 1);
  const auto wrong = [&](const std::string& why) {
    return Error{ErrorCode::kUsage, "'" + id + "': " + why};
  };
  if (first == id.npos || first == 0)
    return wrong("expected an id like " + gateway + "/1a2b3c4d/17");
  if (id.substr(0, first) != gateway) {
    return wrong("is of gateway " + id.substr(0, first) + ", and this configuration is of " +
                 gateway + "; ask there");
  }
  const auto number = parse_cause(std::string_view(id).substr(last + 1));
  if (!number) return wrong("ends with no number of an event");
  if (number->place != Cause::kNoReading) {
    return wrong(
        "is a reading, which rests on nothing; wayside sql \"SELECT * FROM readings WHERE entry "
        "= " +
        std::to_string(number->entry) + " AND place = " + std::to_string(number->place) +
        "\" shows it");
  }
  return EventId{id.substr(first + 1, last - first - 1), number->entry};
}

void EventSearch::visit(const JournalEntry& entry, const Group& group) {
  const uint32_t version = version_noted(group);
  if (place_.entry > 0 && !known_ && is_behind(entry)) {
    known_ = place_.entry + 1 == entry.sequence;
    place_.said = entry.emissions;
  }
  for (const Note& note : known_ ? group.notes : std::vector<Note>()) {
    const bool again =
        note.kind == Note::Kind::kConfig && note.text == std::to_string(place_.entry);
    if (again) version_ = version;
    const bool in_its_epoch = note.kind == Note::Kind::kNewEpoch && note.name == event_.epoch;
    is_unrecorded_ |= in_its_epoch && entry.sequence > place_.entry + 1;
  }
  if (known_ || !entry.said_before || is_behind(entry)) return;
  if (version_ != 0) versions_[version_] = place_.entry;
  place_ = {entry.sequence, event_.number - *entry.said_before - 1, {}, entry.engine_stamp};
  version_ = version;
}

Result<EventPlace> EventSearch::found(const std::string& state_dir,
                                      const JournalReplay::Past& past) const {
  const bool has_epoch = std::any_of(past.epochs.begin(), past.epochs.end(),
                                     [&](const Epoch& e) { return e.name == event_.epoch; });
  if (!has_epoch) {
    return unavailable("this gateway has had no epoch " + event_.epoch +
                       "; it is of another store, or of a copy: give its folder with --journal");
  }
  if (place_.entry == 0) {
    return unavailable("no journal entry here has led to it; the journal begins with entry " +
                       std::to_string(past.oldest) +
                       ", what was before is gone by [storage] max_bytes");
  }
  const std::string entry = std::to_string(place_.entry);
  if (known_ == false) {
    return unavailable("what is behind journal entry " + entry +
                       " is damaged or gone, so nobody knows which one has led to it; wayside "
                       "buffer verify tells what is missing");
  }
  if (is_unrecorded_) {
    return unavailable("it was said by the recovery that began epoch " + event_.epoch +
                       ", in place of what is recorded of journal entry " + entry +
                       "; there is no exact answer");
  }
  if (known_) return place_;
  const auto store = view_store(posix_disk(), state_dir);
  if (!store.ok() || store->said.entry != place_.entry) {
    return unavailable("nothing tells yet what journal entry " + entry +
                       ", the newest, has said; ask again when there is a later one, or when the "
                       "gateway has run on this folder");
  }
  if (store->said.last_sequence < event_.number) {
    return unavailable("the gateway has said " + std::to_string(store->said.last_sequence) +
                       " events so far");
  }
  EventPlace place = place_;
  place.said = store->said.emissions;
  return place;
}

Status EventSearch::check_version(uint32_t version) const {
  if (version == version_) return {};
  if (version_ == 0) {
    return unavailable("journal entry " + std::to_string(place_.entry) +
                       " does not tell under which configuration it was said, so nobody knows "
                       "which rule it was");
  }
  return Error{ErrorCode::kConfig,
               "'" + id_ + "' was said under configuration " + version_digits(version_) +
                   ", and this one is " + version_digits(version) +
                   ": give that one with --config, whose version wayside check prints"};
}

std::string EventSearch::ran_before(uint32_t version) const {
  std::string text;
  for (const auto& [other, entry] : versions_) {
    if (other == version || other == version_) continue;
    if (!text.empty()) text += ", ";
    text += version_digits(other) + " up to entry " + std::to_string(entry);
  }
  return text;
}

}  // namespace wayside
