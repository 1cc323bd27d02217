// A group: everything that came in between two commits. It becomes one journal entry, and it is all
// that the pipeline ever learns from outside.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "sensors/reading.h"

namespace wayside {

// A run of rows of one source.
struct Slice {
  uint32_t source = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
  // In a group from the journal: the place of its first row among all readings of the entry, also
  // those of sources that are no longer configured.
  uint32_t place = 0;
};

// A turn: what the loop took from its queue at once, with the time at which it did.
struct Turn {
  Now now;
  std::vector<Slice> slices;
};

// A message that became no reading.
struct Rejected {
  static constexpr uint32_t kNoSource = UINT32_MAX;
  uint32_t source = kNoSource;
  std::string reason;  // one of a small fixed set, see admission.h
  std::string detail;  // which field, what was wrong
  std::string topic;
  std::string payload;  // cut at the quarantine's limit
};

// Enough of a QoS 1 message to know it again when the broker sends it a second time.
struct Publish {
  uint32_t connection = 0;
  uint16_t packet_id = 0;
  uint32_t hash = 0;
};

// Something that happened to the gateway and that the output depends on.
struct Note {
  // kClock: what our time rests on from this turn on. At the first turn of a life, when it is set
  // or confirmed, and in each group that begins while it is unset. kRolledOver: some readings of
  // the turn had a time from the wrong 1,024 weeks of GPS.
  enum class Kind : uint8_t {
    kNewSession = 1,
    kNewEpoch = 2,
    kClock = 3,
    kRolledOver = 4,
    kUplink = 5,
    kDamage = 6,
    kLost = 8,  // 7 is a new epoch that began earlier
    kImport = 9,
    kLookup = 10,
    kLookupFailed = 11,
    kConfig = 12,  // in each group: which configuration it was made under; see text
    kAnchor = 13,  // how the journal stood before the group
    kConnection = 14,
    kDecided = 15  // what became of the group's commands; before its first turn
  };
  Kind kind = Kind::kNewSession;
  uint32_t turn = 0;   // before which turn of the group
  std::string name;    // the mqtt block; the epoch's id; the clock's state; the source; the uplink;
                       // kDamage: of what; kLost: the class; kImport: the uplink;
                       // kLookup, kLookupFailed: the look-up; kConfig: its version;
                       // kAnchor: the number of the last entry; kDecided: the [[command]]
  std::string text;    // kNewEpoch: why, for people; empty for the first one;
                       // kUplink, kConnection: what happened;
                       // kDamage and kLost: what is lost; kClock: the state before, if the time was
                       // set; kRolledOver: an example; kImport: an encoded emission; kLookup: its
                       // contents; kLookupFailed: why they stay as they are; kAnchor: its hash;
                       // kConfig: the entry before that was said anew under it;
                       // kDecided: see pipeline/decided.h
  int64_t number = 0;  // kClock: by how many ms it was set; kRolledOver: readings
  // kNewEpoch: from where on, if that is not here but earlier.
  uint64_t first_sequence = 0;
  uint64_t first_entry = 0;
};

struct Group {
  // What a batch remembers of texts from group to group.
  static constexpr uint32_t kTextsMax = 65'536;
  static constexpr size_t kTextBytesMax = 1 << 20;

  std::vector<ReadingBatch> batches;  // one a source
  std::vector<Turn> turns;
  std::vector<Rejected> rejected;
  std::vector<uint64_t> duplicates;   // one a source
  std::vector<uint64_t> rows_before;  // one a source: readings in all earlier groups
  std::vector<Publish> publishes;
  std::vector<Note> notes;

  size_t rows() const {
    size_t n = 0;
    for (const ReadingBatch& b : batches) n += b.rows();
    return n;
  }
  // Makes room for the next group.
  void clear() {
    for (size_t i = 0; i < batches.size(); ++i) {
      ReadingBatch& b = batches[i];
      rows_before[i] += b.rows();
      b.clear_rows();
      if (b.texts.size() > kTextsMax || b.texts.bytes() > kTextBytesMax) b.clear_texts();
    }
    turns.clear();
    rejected.clear();
    std::fill(duplicates.begin(), duplicates.end(), 0);
    publishes.clear();
    notes.clear();
  }
};

}  // namespace wayside
