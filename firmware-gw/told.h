// Which damage people were told of, so that no restart tells it again. Ranges of the journal are
// remembered until it has forgotten them itself; what has none, as long as each start finds it.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/damage.h"

namespace wayside {

class Told {
 public:
  // As save() gave it in a former life; the journal now begins with `oldest`.
  explicit Told(std::string_view saved = {}, uint64_t oldest = 0);
  // True: it is to be told, and counts as told from now on.
  bool add(const Damage& damage);
  std::string save() const;

 private:
  static constexpr size_t kRangesMax = 256;

  std::vector<std::pair<uint64_t, uint64_t>> ranges_;
  std::set<std::string> former_;  // without ranges: hashes, of the former life
  std::set<std::string> now_;     // and of this one
};

}  // namespace wayside
