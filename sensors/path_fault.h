// What is wrong with a path that the configuration gives, as the format's decoder would read it.
#pragma once

#include <string>
#include <vector>

namespace wayside {

struct PathFault {
  std::string item;  // "time", "each" or "fields.x"
  std::string message;
};
using PathFaults = std::vector<PathFault>;

}  // namespace wayside
