#include "firmware-gw/told.h"

#include <algorithm>
#include <charconv>

#include "base/hash.h"

namespace wayside {

Told::Told(std::string_view saved, uint64_t oldest) {
  while (!saved.empty()) {
    const size_t end = std::min(saved.find('\n'), saved.size());
    const std::string_view line = saved.substr(0, end);
    saved.remove_prefix(std::min(end + 1, saved.size()));
    const size_t dash = line.find('-');
    if (dash == line.npos) {
      former_.emplace(line);
      continue;
    }
    uint64_t from = 0;
    uint64_t to = 0;
    std::from_chars(line.data(), line.data() + dash, from);
    std::from_chars(line.data() + dash + 1, line.data() + line.size(), to);
    if (to >= oldest) ranges_.emplace_back(from, to);
  }
}

bool Told::add(const Damage& damage) {
  if (damage.from == 0) {
    const std::string line = to_hex(sha256_16({damage.what}));
    return now_.insert(line).second && !former_.contains(line);
  }
  const uint64_t to = damage.to == 0 ? damage.from : damage.to;
  const bool known = std::any_of(ranges_.begin(), ranges_.end(), [&](const auto& range) {
    return range.first <= damage.from && to <= range.second;
  });
  if (known) return false;
  if (ranges_.size() == kRangesMax) ranges_.erase(ranges_.begin());
  ranges_.emplace_back(damage.from, to);
  return true;
}

std::string Told::save() const {
  std::string lines;
  for (const auto& [from, to] : ranges_) {
    lines += std::to_string(from) + '-' + std::to_string(to) + '\n';
  }
  for (const std::string& line : now_) lines += line + '\n';
  return lines;
}

}  // namespace wayside
