// What the open windows of a block were last told to be, so that it can be taken back. Window by
// window of a key, by start; nothing is kept of a window that says nothing more.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/value.h"

namespace wayside {

struct FormerResult {
  int64_t start = 0;
  int64_t end = 0;
  int64_t time_ms = 0;
  uint32_t revision = 0;
  bool final = false;
  std::vector<Value> values;  // by item of `select`
};

class FormerResults {
 public:
  void add(uint32_t key, FormerResult result);
  // Those of windows that begin in [first, last], by start. They are kept no longer.
  std::vector<FormerResult> take(uint32_t key, int64_t first, int64_t last);
  // Drops those of windows that begin at or after `from` and end by `to`.
  void drop(uint32_t key, int64_t from, int64_t to);
  void forget(uint32_t key) { keys_.erase(key); }

  void save(uint32_t key, ByteWriter& out) const;
  void load(uint32_t key, ByteReader& in, size_t values);  // so many a result

 private:
  std::unordered_map<uint32_t, std::vector<FormerResult>> keys_;
};

}  // namespace wayside
