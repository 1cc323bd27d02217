// What the configuration says about storage. Defaults fit a board with 512 MiB.
#pragma once

#include <cstdint>
#include <string>

namespace wayside {

// How much a power cut may leave unacknowledged, against what commits cost the card.
enum class StorageProfile { kGentle, kBalanced, kStrict };

struct StorageOptions {
  StorageProfile profile = StorageProfile::kBalanced;
  uint64_t file_bytes = 8 << 20;      // one journal file
  uint64_t max_bytes = 256ull << 20;  // journal and store
  uint64_t min_free = 64 << 20;       // what stays free on their file system
  int64_t commit_age_ms = 2'000;      // oldest reading that may wait for its commit
  uint64_t commit_bytes = 1 << 20;    // of payloads
  uint32_t commit_readings = 50'000;
  int64_t retry_ms = 1'000;             // pause after a failure of the disk
  int64_t scrub_ms = 7LL * 86'400'000;  // each journal entry is read so often; 0: never
  uint64_t snapshot_bytes = 16 << 20;   // of the state, beside the journal files; 0: none
  int64_t thin_to_ms = 60'000;          // of readings that must go, one a device stays; 0: none
  uint64_t thin_bytes = 16 << 20;       // for those
  uint32_t damaged_files = 4;           // kept aside, of the journal and of the store
  int64_t checkpoint_interval_ms = 60'000;
  uint64_t checkpoint_bytes = 4 << 20;  // of journal, between two checkpoints
  uint64_t wal_bytes = 2 << 20;         // of SQLite's log, after which it goes into the database
  uint64_t quarantine_rows = 10'000;
  uint64_t quarantine_payload = 4096;  // bytes kept of a rejected payload
  int64_t anchor_ms = 3'600'000;       // the journal's head is told so often; 0: never
  int64_t tell_interval_ms = 600'000;  // of losses
  uint64_t endurance = 0;              // bytes that the card can take in its life; 0: not known

  // Takes the profile's values for the keys that it stands for.
  void use(StorageProfile p) {
    profile = p;
    commit_age_ms = p == StorageProfile::kGentle   ? 10'000
                    : p == StorageProfile::kStrict ? 100
                                                   : 2'000;
    checkpoint_interval_ms = p == StorageProfile::kGentle   ? 300'000
                             : p == StorageProfile::kStrict ? 10'000
                                                            : 60'000;
  }
};

}  // namespace wayside
