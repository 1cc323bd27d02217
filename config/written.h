// The configuration as text again: what it says beyond the defaults, as its file would.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"

namespace wayside {

// A source or block as in the file, without keys that have their default: "[[rule]]", then a line a
// key. "" for none of this name.
std::string written_block(const Config& config, const std::string& name);

// The whole of it with its defaults, presets written out, as a file that loads. Passwords and the
// `options` of uplinks are left out: they may be secrets.
std::string effective_config(const Config& config);

// A digest of all that has a bearing on what is said: sources, devices, blocks, and the grid of
// timers; not of connections, uplinks, limits of the machine, paths of its files, nor of how state
// is kept. Keys count where they differ from their default, so that it is the same on every machine
// and for every Wayside that knows them. Never 0.
uint32_t config_version(const Config& config);

}  // namespace wayside
