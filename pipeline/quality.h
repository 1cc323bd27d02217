// How good the data of a source are, by key: how many of the expected readings came, how late they
// come, and how many of them were right. The time of a key is cut into parts of expect_every, from
// its first reading to its newest; a part with a reading is complete. A part that is kPartsMax or
// more behind the newest one is judged no more.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "sensors/clean.h"
#include "sensors/options.h"

namespace wayside {

struct QualityFigures {
  uint64_t readings = 0;
  uint64_t faulty = 0;    // of them: those with a fault that cleaning has found
  uint64_t complete = 0;  // parts with a reading
  uint64_t expected = 0;  // parts
  int64_t lag_ms = 0;     // of all readings together: from their time to the wall clock

  // Of at least one reading.
  double completeness() const {
    return static_cast<double>(complete) / static_cast<double>(expected);
  }
  double validity() const {
    return static_cast<double>(readings - faulty) / static_cast<double>(readings);
  }
  double mean_lag_ms() const { return static_cast<double>(lag_ms) / static_cast<double>(readings); }
  QualityFigures& operator+=(const QualityFigures& other);
};

class Quality {
 public:
  static constexpr int64_t kPartsMax = 64;

  explicit Quality(const SourceOptions& options) : every_ms_(options.expect_every_ms) {}

  bool is_on() const { return every_ms_ > 0; }
  // `changes`: those of cleaning, by row.
  void add(const BatchView& view, const std::vector<Cleaner::Change>& changes, int64_t wall_ms);

  QualityFigures of_key(uint32_t key) const;  // since it was heard first, or was forgotten
  const QualityFigures& total() const { return total_; }  // of all keys, the forgotten ones too

  bool save_key(uint32_t key, ByteWriter& out) const;  // false: nothing to save
  void load_key(uint32_t key, ByteReader& in);
  void forget_key(uint32_t key);
  void save_totals(ByteWriter& out) const { out.fixed(total_); }
  void load_totals(ByteReader& in) { total_ = in.fixed<QualityFigures>(); }
  uint64_t fingerprint() const { return static_cast<uint64_t>(every_ms_); }

 private:
  struct Key {
    QualityFigures figures;
    int64_t newest_part = 0;
    uint64_t came = 0;  // bit i: a reading of the part that is i behind the newest
  };
  void count(Key& key, int64_t time_ms, bool faulty, int64_t wall_ms);

  int64_t every_ms_;
  std::vector<Key> keys_;
  QualityFigures total_;
};

}  // namespace wayside
