// What the configuration says about uplinks. Defaults fit a board with 512 MiB.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace wayside {

enum class UplinkType { kFile, kKafka };
enum class ValueFormat { kJson, kProtobuf };

struct UplinkOptions {
  std::string name;
  UplinkType type = UplinkType::kFile;
  std::vector<std::string> raw;     // sources whose readings are forwarded, too
  int64_t linger_ms = 1'000;        // how long news may wait for company; alarms never do
  uint32_t batch_messages = 5'000;  // of a transaction, or of a write
  uint64_t batch_bytes = 1 << 20;
  int64_t batch_time_ms = 2'000;  // batches are made so small that they take no longer
  int64_t retry_min_ms = 1'000;
  int64_t retry_max_ms = 15'000;
  // file
  std::string dir;  // default: <state_dir>/out/<name>
  uint64_t file_bytes = 8 << 20;
  uint64_t max_bytes = 64 << 20;  // the oldest files go first
  // kafka
  std::vector<std::string> brokers;
  std::string topic = "wayside.{block}";
  std::string backlog_topic;       // default: <topic>.backlog
  uint64_t backlog_after = 5'000;  // events that wait when the link comes back
  std::string mark_topic = "wayside.marks";
  ValueFormat format = ValueFormat::kJson;
  std::vector<std::pair<std::string, std::string>> options;  // librdkafka's own
};

}  // namespace wayside
