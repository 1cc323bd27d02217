#include "config/check_places.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "sensors/topic.h"

namespace wayside {
namespace {

// `what` with the name of the block that had `place` before, if there is one.
void taken_once(Findings& found, std::map<std::string, std::string>& owners,
                const std::string& place, const std::string& name, const std::string& key,
                const std::string& item, std::string what) {
  const auto [owner, first] = owners.emplace(place, name);
  if (first || owner->second == name) return;  // twice one name is an error of its own
  found.add(key, item, what.replace(what.find("{}"), 2, owner->second));
}

// A command must come to its command, and its answers to nobody here.
void check_command_topics(const Config& config, Findings& found) {
  for (const CommandOptions& c : config.commands) {
    const auto topic = TopicPattern::parse(c.topic);
    const auto answers = TopicPattern::parse(c.answer_topic);
    const auto own = std::find_if(config.sources.begin(), config.sources.end(),
                                  [&](const SourceOptions& s) { return s.name == c.name; });
    for (const SourceOptions& s : config.sources) {
      const auto other = TopicPattern::parse(s.topic);
      if (!other.ok() || own == config.sources.end() || s.connection() != own->connection())
        continue;
      if (answers.ok() && other->overlaps(*answers)) {
        found.add(c.name, "answer_topic",
                  "is within the topic of '" + s.name + "', which would take the answers");
      }
      const bool same = s.name == c.name || other->filter() == (topic.ok() ? topic->filter() : "");
      if (topic.ok() && !same && other->overlaps(*topic)) {
        found.add(c.name, "topic",
                  "shares topics with '" + s.name + "': a message would come to one of them only");
      }
    }
  }
}

}  // namespace

void check_shared_places(const Config& config, Findings& found) {
  std::map<std::string, std::string> clients, filters, dirs;
  for (const MqttOptions& m : config.mqtt) {
    const std::string key = position_key("mqtt", m.name);
    if (found.told(key, "url") || found.told(key, "client_id")) continue;
    taken_once(found, clients, m.host + " " + std::to_string(m.port) + " " + m.client_id, m.name,
               key, "client_id",
               "is that of connection '{}' to the same broker, which would end it");
  }
  for (const SourceOptions& s : config.sources) {
    const auto pattern = TopicPattern::parse(s.topic);
    if (!pattern.ok() || found.told(s.name, "mqtt") || found.told(s.name, "input")) continue;
    taken_once(found, filters, s.connection() + " " + pattern->filter(), s.name, s.name, "topic",
               "source '{}' takes the same topics, and nothing would be left");
  }
  check_command_topics(config, found);
  for (const UplinkOptions& u : config.uplinks) {
    const std::string key = position_key("uplink", u.name);
    if (u.type != UplinkType::kFile || found.told(key, "type") || found.told(key, "dir")) continue;
    const std::string dir = (std::filesystem::path(u.dir) / "").lexically_normal();
    taken_once(found, dirs, dir, u.name, key, "dir", "uplink '{}' writes there");
  }
}

}  // namespace wayside
