// Where the state of keys is that has left memory.
#pragma once

#include <string>

#include "base/result.h"

namespace wayside {

class StatePages {
 public:
  virtual ~StatePages() = default;
  // The row that was saved last, of a key that has one.
  virtual Result<std::string> read(const std::string& component, const std::string& key) = 0;
};

}  // namespace wayside
