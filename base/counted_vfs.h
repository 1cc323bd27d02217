// SQLite's own way to the file system, with its syncs counted.
#pragma once

#include <atomic>
#include <cstdint>

namespace wayside {

// The name of the VFS; the first call registers it.
const char* counted_vfs();
// Syncs of files and folders by all of its connections, ever. Any thread.
const std::atomic<uint64_t>& counted_syncs();

}  // namespace wayside
