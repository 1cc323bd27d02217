#include "config/check_bounds.h"

namespace wayside {
namespace {

void check(const std::string& block, const StateBounds& o, Findings& found) {
  if (found.told(block, "max_keys") || found.told(block, "resident_keys")) return;
  if (o.resident_keys > 0 && !o.on_disk && !found.told(block, "state")) {
    found.add(block, "resident_keys", "goes with state = \"sqlite\" only");
  } else if (o.resident_keys > o.max_keys) {
    found.add(block, "resident_keys", "is above max_keys: so many keys there never are");
  }
}

void check_in_memory(const std::string& block, const StateBounds& o, Findings& found) {
  if (!o.on_disk) return check(block, o, found);
  found.add(block, "state", "\"sqlite\" is for [[window]] and [[state]]; here it is \"memory\"");
}

}  // namespace

void check_bounds(const Config& config, Findings& found) {
  for (const auto& o : config.windows) check(o.name, o.bounds, found);
  for (const auto& o : config.states) check(o.name, o.bounds, found);
  for (const auto& o : config.orders) check_in_memory(o.name, o.bounds, found);
  for (const auto& o : config.joins) check_in_memory(o.name, o.bounds, found);
  for (const auto& o : config.patterns) check_in_memory(o.name, o.bounds, found);
}

}  // namespace wayside
