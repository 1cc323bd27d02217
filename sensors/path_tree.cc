#include "sensors/path_tree.h"

#include <charconv>
#include <utility>

namespace wayside {
namespace {

// The number whose digits these are, if it is written as numbers are.
std::optional<int64_t> number_in(const std::string& name) {
  int64_t number = 0;
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data(), end, number);
  if (error != std::errc() || rest != end || std::to_string(number) != name) return std::nullopt;
  return number;
}

PathNode& member_of(PathNode& node, std::string name) {
  for (PathNode& m : node.members) {
    if (m.name == name && m.target == PathNode::kInner) return m;
  }
  PathNode& made = node.members.emplace_back();
  made.name = std::move(name);
  made.number = number_in(made.name);
  made.path = node.path.empty() ? made.name : node.path + "." + made.name;
  return made;
}

}  // namespace

std::string take_path_name(std::string_view& path, bool& last) {
  std::string name;
  size_t i = 0;
  for (; i < path.size() && path[i] != '.'; ++i) {
    if (path.substr(i).starts_with("\\.")) ++i;
    name += path[i];
  }
  last = i == path.size();
  path.remove_prefix(last ? i : i + 1);
  return name;
}

const PathNode* PathNode::find(std::string_view member) const {
  for (const PathNode& m : members) {
    if (m.name == member) return &m;
  }
  return nullptr;
}

const PathNode* PathNode::find(int64_t member) const {
  for (const PathNode& m : members) {
    if (m.number == member) return &m;
  }
  return nullptr;
}

PathTree::PathTree(const SourceOptions& source, size_t first_field)
    : has_each(!source.each.empty()),
      is_each_payload(source.each == kWholePayload),
      first_field_(first_field) {
  for (size_t i = 0; i < source.fields.size(); ++i) {
    add(source.fields[i].path, static_cast<int>(i));
  }
  if (!source.time_path.empty()) add(source.time_path, PathNode::kTime);
  if (has_each && !is_each_payload) add("/" + source.each, PathNode::kEach);
}

// With `each` a path begins at the element, or with a '/' before it at the payload.
void PathTree::add(std::string_view path, int target) {
  const bool from_payload = path.starts_with('/');
  if (from_payload) path.remove_prefix(1);
  if (has_each && from_payload && target >= 0) {
    beside_.push_back(first_field_ + static_cast<size_t>(target));
  }
  PathNode* at = has_each && !from_payload ? &element : &root;
  for (bool last = false; !last;) at = &member_of(*at, take_path_name(path, last));
  at->target = target;
}

void PathTree::complete(const Row& beside, Readings& readings) const {
  for (size_t i = 0; i < readings.size(); ++i) {
    Row& row = readings.row(i);
    if (beside.has_time) {
      row.time_ms = beside.time_ms;
      row.has_time = true;
    }
    for (const size_t place : beside_) {
      row.numbers[place] = beside.numbers[place];
      row.texts[place] = beside.texts[place];
    }
  }
}

}  // namespace wayside
