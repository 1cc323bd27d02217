// How good the data of a source are, by key: how many of the expected readings came, how late they
// come, and how many of them were right. The time from a key's first reading to its newest is cut
// into parts of expect_every, each around the reading it began with, so that neither jitter nor a
// device's own phase counts; a part with a reading is complete. A part that is kPartsMax or more
// behind the newest one is judged no more. What is further off than kApartMaxMs is no gap and no
// lag, but a clock that was wrong.
#pragma once

#include <cstdint>
#include <memory>
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
  uint64_t timed = 0;     // readings in lag_ms
  int64_t lag_ms = 0;     // of these together: from their time to the wall clock

  // Of at least one reading.
  double completeness() const {
    return static_cast<double>(complete) / static_cast<double>(expected);
  }
  double validity() const {
    return static_cast<double>(readings - faulty) / static_cast<double>(readings);
  }
  double mean_lag_ms() const {
    return timed == 0 ? 0 : static_cast<double>(lag_ms) / static_cast<double>(timed);
  }
  QualityFigures& operator+=(const QualityFigures& other);
};

class Quality {
 public:
  static constexpr int64_t kPartsMax = 64;
  static constexpr int64_t kApartMaxMs = 30 * int64_t{86'400'000};

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
    int64_t newest_ms = 0;  // of the reading that the newest part is around
    uint64_t came = 0;      // bit i: a reading of the part that is i behind the newest
  };
  Key& key_at(uint32_t key);
  void count(Key& key, int64_t time_ms, bool faulty, int64_t wall_ms);

  int64_t every_ms_;
  std::vector<std::unique_ptr<Key>> keys_;  // most ids may be those of other sources
  QualityFigures total_;
};

}  // namespace wayside
