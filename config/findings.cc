#include "config/findings.h"

#include <algorithm>

#include "base/text.h"
#include "config/check.h"
#include "config/check_streams.h"
#include "pipeline/route.h"

namespace wayside {

void Findings::remember_places() {
  for (const ConfigError& e : errors_) told_.emplace(e.at.line, e.at.column);
}

bool Findings::told_at(const std::string& key) const {
  auto at = config_.positions.find(key);
  return at != config_.positions.end() && told_.contains({at->second.line, at->second.column});
}

bool Findings::told(const std::string& block, const std::string& item) const {
  return told_at(block + "." + item);
}

void Findings::add(const std::string& block, const std::string& item, const std::string& message,
                   size_t offset) {
  if (told(block, item)) return;
  Position at;
  auto found = config_.positions.find(block + "." + item);
  if (found != config_.positions.end()) {
    at = found->second;
    at.column += static_cast<uint32_t>(offset);
  } else if (found = config_.positions.find(block); found != config_.positions.end()) {
    at = found->second;
  }
  errors_.push_back({file_, at, "'" + item + "': " + message});
}

void Findings::known(const std::string& block, const std::string& item, const std::string& kind,
                     const std::string& name, const std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  if (told_at(unread_key(kind == "connection" ? "mqtt" : kind))) return;
  std::string message = "there is no " + kind + " '" + name + "'";
  if (auto close = nearest(name, names)) message += "; did you mean '" + *close + "'?";
  add(block, item, message);
}

void Findings::uplinks_known(const std::string& block, const std::string& item,
                             const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (const UplinkOptions& u : config_.uplinks) all.push_back(u.name);
  for (const std::string& name : names) known(block, item, "uplink", name, all);
}

std::vector<std::string> Findings::source_names() const {
  std::vector<std::string> names;
  for (const SourceOptions& s : config_.sources) names.push_back(s.name);
  return names;
}

void Findings::streams_known(const std::string& block, const std::string& item,
                             const std::vector<std::string>& names) {
  for (const char* section :
       {"source", "window", "map", "join", "pattern", "route", "state", "order", "lookup"}) {
    if (told_at(unread_key(section))) return;
  }
  const auto streams = streams_of(config_.pipeline_options());
  for (const std::string& name : names) {
    const auto route = std::find_if(config_.routes.begin(), config_.routes.end(),
                                    [&](const RouteOptions& r) { return r.name == name; });
    if (route == config_.routes.end()) {
      known(block, item, "source or block", name, streams);
    } else {
      add(block, item, Route::not_a_stream(*route));
    }
  }
}

}  // namespace wayside
