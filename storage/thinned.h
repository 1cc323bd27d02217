// What is left of readings that no uplink had yet when a limit took their journal file: of each
// device one in a stretch of time, in a file of its own. It stands for a run of journal entries,
// and knows of each reading which one it was, so that ids and accounts go on as if all were there.
// docs/architecture.md draws the format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"
#include "base/result.h"
#include "sensors/group.h"
#include "storage/group_codec.h"

namespace wayside {

struct ThinnedReadings {
  // Which reading of the journal one is: the entry, and its number among all of that entry.
  struct Origin {
    uint64_t entry = 0;
    uint32_t place = 0;
    auto operator<=>(const Origin&) const = default;
  };

  std::string epoch;                 // one of its store's
  uint64_t first = 0;                // the entries it stands for: from this one
  uint64_t last = 0;                 // to this one, all of them
  Group kept;                        // `rows_before` is as it was before the first entry
  std::vector<Origin> origins;       // rising; a slice's `place` is an index of it
  std::vector<uint64_t> rows_after;  // one a source: readings up to the end of the last entry
};

Result<std::string> encode_thinned(const ThinnedReadings& thinned,
                                   const std::vector<NamedSchema>& sources);
// As with decode_group(): what is kept comes as the sources of today have it.
Result<ThinnedReadings> decode_thinned(std::string_view bytes,
                                       const std::vector<NamedSchema>& sources);

std::string thinned_dir(const std::string& state_dir);
std::string thinned_path(const std::string& dir, uint64_t first);
// The first entries of those that are there, rising.
Result<std::vector<uint64_t>> thinned_files(Disk& disk, const std::string& dir);
Result<ThinnedReadings> read_thinned(Disk& disk, const std::string& path,
                                     const std::vector<NamedSchema>& sources);
// It will never be read: no attempt gives anything else.
bool is_damage(const Error& error);
// The one that stands for this entry, or the first one behind it. What is damaged is passed over.
Result<std::optional<ThinnedReadings>> find_thinned(Disk& disk, const std::string& dir,
                                                    uint64_t entry,
                                                    const std::vector<NamedSchema>& sources);

}  // namespace wayside
