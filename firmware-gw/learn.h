// Blocks that are new, or that mean something else since the configuration was changed, learn from
// what the journal still has.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "firmware-gw/engine.h"
#include "storage/store.h"

namespace wayside {

// Whether a part of the state is a block of the configuration.
bool is_block(const std::string& part);
// Whether it learns. Windows do, and detectors; a rule does not: what it would
// have raised long ago and has not cleared it would never raise. Nor does what is behind commands:
// which were accepted rests on those of all times.
bool learns(const Pipeline::StatePart& part);

// Brings an engine to where a store is that `read` reads, row by row; parts of the state that it
// does not have learn. `uplinks`: names by bit.
using ReadState =
    std::function<Result<Store::Recovered>(const std::function<Status(StateRow)>& take)>;
Result<Store::Recovered> load_state(const Config& config, const std::vector<std::string>& uplinks,
                                    Disk& disk, Engine& engine, const ReadState& read);

// Rows for the parts that learn and that `saved` has no state of, as they would be after `upto` had
// they seen all entries of the last `config.engine.learn_ms`. Nothing is emitted. `uplinks`: names
// by bit.
Result<std::vector<StateRow>> learn_state(const Config& config,
                                          const std::vector<std::string>& uplinks, Disk& disk,
                                          const std::vector<StateRow>& saved, uint64_t upto);

}  // namespace wayside
