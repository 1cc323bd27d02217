// What `wayside buffer` does with the state folder of a gateway: looks at it, verifies it, and
// moves what is still to be delivered to another gateway.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "firmware-gw/anchor.h"

namespace wayside {

using LineTaker = std::function<void(std::string_view line)>;

// One JSON object: journal files, what waits for each uplink, quarantine. Reads only; the gateway
// may be running.
Result<std::string> list_buffer(const Config& config);

struct BufferCheck {
  uint64_t entries = 0;
  uint64_t readings = 0;
  uint64_t damaged_entries = 0;
  std::string damage;  // for people, a line each; empty: all is well
  std::string anchor;  // see AnchorCheck::verdict()
};
// Reads every entry of the journal and checks the database. Reads only.
Result<BufferCheck> verify_buffer(const Config& config,
                                  const std::optional<JournalAnchor>& anchor = std::nullopt);

// What is pending for an uplink, in order, a JSON line each as a file uplink writes it. Reads only.
// The answer: how many.
Result<uint64_t> export_buffer(const Config& config, const std::string& uplink,
                               const LineTaker& take);

// Lines of an export become events of this gateway for an uplink: journaled, with ids of its own;
// the ids they had are in the field `origin`. The gateway must not be running. The answer: how
// many.
Result<uint64_t> import_buffer(const Config& config, const std::string& uplink,
                               const std::string& path);

}  // namespace wayside
