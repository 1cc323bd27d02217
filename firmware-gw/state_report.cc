#include "firmware-gw/state_report.h"

#include <algorithm>

#include "base/disk.h"
#include "firmware-gw/engine.h"
#include "firmware-gw/learn.h"
#include "storage/store_view.h"

namespace wayside {
namespace {

// "window:cold_5m" → "window cold_5m"
std::string for_people(std::string part) {
  std::replace(part.begin(), part.end(), ':', ' ');
  return part;
}

}  // namespace

Result<std::vector<std::string>> state_report(const Config& config) {
  std::vector<std::string> lines;
  auto view = view_store(posix_disk(), config.gateway.state_dir);
  if (!view.ok() && view.error().code == ErrorCode::kUnavailable) return lines;
  if (!view.ok()) return view.error();
  WS_ASSIGN(auto engine, Engine::make(config, {}));
  std::map<std::string, uint64_t> former = view->state_parts;
  for (const Pipeline::StatePart& part : engine->pipeline().state_parts()) {
    if (!is_block(part.name)) continue;
    const auto saved = former.find(part.name);
    const bool there = saved != former.end();
    std::string line = for_people(part.name) + ": ";
    if (there && saved->second == part.fingerprint) {
      line += "its state is kept";
    } else {
      line += there ? "means something else now, " : "is new, ";
      line += learns(part) && config.engine.learn_ms > 0 ? "and learns from what the journal has"
                                                         : "and begins without state";
    }
    lines.push_back(std::move(line));
    if (there) former.erase(saved);
  }
  for (const auto& [name, fingerprint] : former) {
    if (is_block(name)) lines.push_back(for_people(name) + ": is gone, and its state is dropped");
  }
  for (size_t bit = 0; bit < view->uplinks.size(); ++bit) {
    const std::string& name = view->uplinks[bit];
    const bool configured = std::any_of(config.uplinks.begin(), config.uplinks.end(),
                                        [&](const UplinkOptions& u) { return u.name == name; });
    if (name.empty() || configured) continue;
    lines.push_back("uplink " + name + ": is gone; " + std::to_string(view->outbox[bit]) +
                    " events that wait for it are dropped");
  }
  return lines;
}

}  // namespace wayside
