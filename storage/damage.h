// What was found damaged on disk, as it is told in log, status and incidents.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace wayside {

struct Damage {
  enum class Kind : uint8_t {
    kRepaired,  // nothing is gone: it was made again, or nobody needs it
    kTorn,      // what a power cut leaves: nothing that was acknowledged is gone
    kLoss,      // something that was acknowledged may be gone
  };
  Kind kind = Kind::kRepaired;
  std::string what;   // a sentence for people, with the range
  uint64_t from = 0;  // journal entries; 0: none, or nobody knows which
  uint64_t to = 0;    // 0: as from
  uint64_t readings = 0;
  uint64_t bytes = 0;
  std::string kept_as;  // where the damaged file lies now
};

// A name for what lies in the place of `name` and is kept, none of `names`, which are sorted.
inline std::string aside_name(const std::vector<std::string>& names, const std::string& name) {
  for (size_t n = 1;; ++n) {
    std::string aside = name + ".bad-" + std::to_string(n);
    if (!std::binary_search(names.begin(), names.end(), aside)) return aside;
  }
}

// As many are told of one start.
constexpr size_t kDamageMax = 32;

// At most kDamageMax; further ones are in the log only.
inline void add_damage(std::vector<Damage>& all, Damage damage) {
  if (all.size() < kDamageMax) all.push_back(std::move(damage));
}

}  // namespace wayside
