// What the births of Sparkplug B have said: which alias is which metric, and what comes next. Of
// one source; owned by its decoder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/interner.h"

namespace wayside::sparkplug {

// Beyond them the edge node that was silent for longest is forgotten; it is born anew when it sends
// again.
constexpr size_t kNodesMax = 1'000;
// Metrics with an alias, of a node and its devices; a device counts as kDeviceCost of them.
constexpr size_t kMetricsMax = 10'000;
constexpr size_t kMetricsInAllMax = 200'000;
constexpr size_t kDeviceCost = 16;
constexpr size_t kIdBytesMax = 256;  // of a group, a node or a device
// Between two requests to a node: twice as long after each that brought no birth, up to an hour.
constexpr int64_t kRebirthPauseMs = 10'000;
constexpr int64_t kRebirthPauseMaxMs = 3'600'000;
constexpr size_t kSequences = 256;  // 0 follows 255

// The node itself, or one of its devices.
struct Device {
  struct Alias {
    uint64_t alias = 0;
    int32_t field = -1;  // -1: no field wants it
    uint8_t type = 0;
  };
  std::vector<Alias> aliases;  // in order
  std::vector<uint8_t> types;  // by field, of those that were born

  const Alias* find(uint64_t alias) const;
  // Brings them into order; false: one alias stands for two metrics, which `twice` tells.
  bool sort(uint64_t& twice);
};

struct Node {
  bool is_born = false;
  uint8_t next_sequence = 0;
  std::optional<uint64_t> birth;        // its bdSeq
  int64_t heard_ms = 0;                 // timer clock
  std::optional<int64_t> asks_from_ms;  // nothing: it was never asked for its rebirth
  int64_t pause_ms = kRebirthPauseMs;   // behind the next request
  std::unordered_map<std::string, Device, TextHash, std::equal_to<>> devices;  // "": itself
  size_t cost = 0;  // of the devices, in metrics

  Device* find(std::string_view device);
  // Whether it is to be asked for its rebirth now; then it counts as asked.
  bool ask();
  void bear(std::optional<uint64_t> number, uint8_t sequence);
};

class State {
 public:
  // It is there from now on.
  Node& node(std::string_view group, std::string_view name, int64_t timer_ms);
  // The device is not there. Nothing when there is room for it, else what there is too much of.
  std::optional<std::string> bear(Node& node, std::string_view name, Device device);
  void bury(Node& node, std::string_view device);
  // Nothing of what it said counts any more.
  void bury(Node& node);

 private:
  void push_one_out();

  std::unordered_map<std::string, Node, TextHash, std::equal_to<>> nodes_;  // by group/name
  std::string name_;
  size_t cost_ = 0;  // of all nodes
};

}  // namespace wayside::sparkplug
