#include "sensors/sparkplug_state.h"

#include <algorithm>
#include <utility>

namespace wayside::sparkplug {

const Device::Alias* Device::find(uint64_t alias) const {
  const auto found = std::lower_bound(aliases.begin(), aliases.end(), alias,
                                      [](const Alias& a, uint64_t b) { return a.alias < b; });
  return found != aliases.end() && found->alias == alias ? &*found : nullptr;
}

bool Device::sort(uint64_t& twice) {
  std::sort(aliases.begin(), aliases.end(),
            [](const Alias& a, const Alias& b) { return a.alias < b.alias; });
  const auto found =
      std::adjacent_find(aliases.begin(), aliases.end(),
                         [](const Alias& a, const Alias& b) { return a.alias == b.alias; });
  if (found == aliases.end()) return true;
  twice = found->alias;
  return false;
}

Device* Node::find(std::string_view device) {
  const auto found = devices.find(device);
  return found == devices.end() ? nullptr : &found->second;
}

bool Node::ask() {
  if (asks_from_ms && heard_ms < *asks_from_ms) return false;
  asks_from_ms = heard_ms + pause_ms;
  pause_ms = std::min(2 * pause_ms, kRebirthPauseMaxMs);
  return true;
}

void Node::bear(std::optional<uint64_t> number, uint8_t sequence) {
  is_born = true;
  birth = number;
  next_sequence = static_cast<uint8_t>(sequence + 1);
  pause_ms = kRebirthPauseMs;
  if (asks_from_ms) asks_from_ms = std::min(*asks_from_ms, heard_ms + kRebirthPauseMs);
}

Node& State::node(std::string_view group, std::string_view name, int64_t timer_ms) {
  name_.assign(group).append("/").append(name);
  auto found = nodes_.find(name_);
  if (found == nodes_.end()) {
    if (nodes_.size() == kNodesMax) push_one_out();
    found = nodes_.try_emplace(name_).first;
  }
  found->second.heard_ms = timer_ms;
  return found->second;
}

// Rather one that was never born: names are quickly made up.
void State::push_one_out() {
  const auto is_less = [](const auto& a, const auto& b) {
    return std::pair(a.second.is_born, a.second.heard_ms) <
           std::pair(b.second.is_born, b.second.heard_ms);
  };
  const auto least = std::min_element(nodes_.begin(), nodes_.end(), is_less);
  bury(least->second);
  nodes_.erase(least);
}

std::optional<std::string> State::bear(Node& node, std::string_view name, Device device) {
  const size_t cost = device.aliases.size() + kDeviceCost;
  if (node.cost + cost > kMetricsMax) {
    return "more than " + std::to_string(kMetricsMax) + " metrics of an edge node";
  }
  if (cost_ + cost > kMetricsInAllMax) {
    return "more than " + std::to_string(kMetricsInAllMax) + " metrics of all edge nodes";
  }
  device.aliases.shrink_to_fit();
  node.devices.try_emplace(std::string(name), std::move(device));
  node.cost += cost;
  cost_ += cost;
  return std::nullopt;
}

void State::bury(Node& node, std::string_view device) {
  const auto found = node.devices.find(device);
  if (found == node.devices.end()) return;
  const size_t cost = found->second.aliases.size() + kDeviceCost;
  node.cost -= cost;
  cost_ -= cost;
  node.devices.erase(found);
}

void State::bury(Node& node) {
  cost_ -= std::exchange(node.cost, 0);
  node.devices.clear();
  node.is_born = false;
}

}  // namespace wayside::sparkplug
