#include "config/check_uplinks.h"

#include "base/features.h"
#include "base/text.h"
#include "uplink/sink.h"

namespace wayside {
namespace {

void check_kafka_topic(const std::string& key, const char* item, const std::string& topic,
                       Findings& found) {
  static const std::vector<std::string> kNames{"{block}", "{key}", "{gateway}"};
  for (size_t at = 0; (at = topic.find_first_of("{}", at)) != std::string::npos;) {
    const std::string name = topic.substr(at, topic.find('}', at) - at + 1);
    found.known(key, item, "placeholder", name, kNames);
    if (topic.find(name) != at) found.add(key, item, "'" + name + "' stands twice");
    at += name.size();
  }
}

void check_kafka(const Config& config, const UplinkOptions& u, const std::string& key,
                 Findings& found) {
  check_kafka_topic(key, "topic", u.topic, found);
  check_kafka_topic(key, "backlog_topic", u.backlog_topic, found);
  for (const auto& [name, value] : u.options) {
    const Status good = check_kafka_option(name, value);
    if (good.ok()) continue;
    const std::string item = "options." + name;
    std::string place = key;
    place.append(".").append(item);
    const bool repeats = config.secrets.contains(place) && !value.empty() &&
                         good.error().message.find(value) != std::string::npos;
    found.add(key, item, repeats ? "librdkafka does not take this value" : good.error().message);
  }
}

void check_uplink(const Config& config, const UplinkOptions& u, Findings& found) {
  const std::string key = position_key("uplink", u.name);
  for (const std::string& source : u.raw)
    found.known(key, "raw", "source", source, found.source_names());
  if (u.retry_max_ms < u.retry_min_ms && !found.told(key, "retry_min"))
    found.add(key, "retry_max", "is below retry_min");
  constexpr uint64_t kLargestBatch = 64 << 20;
  if (u.batch_bytes > kLargestBatch)
    found.add(key, "batch_bytes", "must be at most " + format_bytes(kLargestBatch));
  if (found.told(key, "type")) return;
  if (u.type == UplinkType::kKafka && u.brokers.empty()) {
    found.add(key, "brokers", "is missing: brokers = [\"HOST:PORT\"]");
  }
  if (u.type == UplinkType::kFile && u.max_bytes < 2 * u.file_bytes &&
      !found.told(key, "file_bytes")) {
    found.add(key, "max_bytes", "must hold at least two files of file_bytes");
  }
  if (u.type == UplinkType::kFile && u.format != ValueFormat::kJson) {
    found.add(key, "format", "a file holds JSON lines; protobuf is for kafka");
  }
  if constexpr (kHasKafka) {
    if (u.type == UplinkType::kKafka) check_kafka(config, u, key, found);
  }
}

}  // namespace

void check_uplinks(const Config& config, Findings& found) {
  for (const UplinkOptions& u : config.uplinks) check_uplink(config, u, found);
}

}  // namespace wayside
