// What a store holds, for those who only look: over a read-only connection, beside a gateway that
// may be running.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/result.h"
#include "storage/mark.h"
#include "storage/store.h"

namespace wayside {

struct StoreView {
  std::vector<std::string> uplinks;  // by bit, "" where none is
  std::vector<uint64_t>
      outbox;  // by bit: emissions that are for it, delivered ones not trimmed yet
  std::map<std::string, Mark> marks;
  std::map<std::string, uint64_t> state_parts;  // saved state: fingerprint by name
  Reached said;                                 // up to here everything was, and is in the outbox
  uint64_t quarantined = 0;
  uint64_t bytes = 0;
};

// Unavailable if there is no store in `dir`.
Result<StoreView> view_store(Disk& disk, const std::string& dir);

// What SQLite finds wrong with it; "" if it is sound, or absent.
Result<std::string> check_store(Disk& disk, const std::string& dir);

}  // namespace wayside
