// What the configuration says about storage. Defaults fit a board with 512 MiB.
#pragma once

#include <cstdint>
#include <string>

namespace wayside {

struct StorageOptions {
  uint64_t file_bytes = 8 << 20;      // one journal file
  uint64_t max_bytes = 256ull << 20;  // all journal files
  int64_t commit_age_ms = 1'000;      // oldest reading that may wait for its commit
  uint64_t commit_bytes = 1 << 20;    // of payloads
  uint32_t commit_readings = 50'000;
  int64_t retry_ms = 1'000;             // pause after a failure of the disk
  int64_t scrub_ms = 7LL * 86'400'000;  // each journal entry is read so often; 0: never
  uint32_t damaged_files = 4;           // kept aside, of the journal and of the store
  int64_t checkpoint_interval_ms = 30'000;
  uint64_t checkpoint_bytes = 4 << 20;  // of journal, between two checkpoints
  uint64_t wal_bytes = 2 << 20;         // of SQLite's log, after which it goes into the database
  uint64_t quarantine_rows = 10'000;
  uint64_t quarantine_payload = 4096;  // bytes kept of a rejected payload
};

}  // namespace wayside
