// The paths of a source as a tree, for formats whose payloads are values in values: a decoder walks
// a payload once, in the payload's own order, and each value goes where its path leads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sensors/options.h"
#include "sensors/readings.h"

namespace wayside {

// Takes the first name off; a dot behind a '\\' is one of the name. `last`: there are no more.
std::string take_path_name(std::string_view& path, bool& last);

struct PathNode {
  static constexpr int kTime = -1;
  static constexpr int kInner = -2;  // to further members
  static constexpr int kEach = -3;   // to the readings

  // Null: nobody wants it.
  const PathNode* find(std::string_view member) const;
  const PathNode* find(int64_t member) const;

  std::string path;  // up to here, as errors name it
  std::string name;
  std::optional<int64_t> number;  // that the name is
  int target = kInner;            // else an index among the source's fields
  std::vector<PathNode> members;
};

struct PathTree {
  PathTree(const SourceOptions& source, size_t first_field);

  // What stands beside the readings of a payload is part of each of them.
  void complete(const Row& beside, Readings& readings) const;

  bool has_each;
  bool is_each_payload;
  PathNode root;
  PathNode element;  // with `each`: of each reading

 private:
  void add(std::string_view path, int target);

  size_t first_field_;
  std::vector<size_t> beside_;  // places of fields
};

}  // namespace wayside
