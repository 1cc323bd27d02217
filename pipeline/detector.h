// Robust z-score: how far a value lies from the median of the last ones, in units of their spread.
// The score is the modified z-score of Iglewicz and Hoaglin (1993), 0.6745 |x − median| / MAD;
// where the MAD is 0 the mean absolute deviation takes its place (factor 0.7979), and the spread is
// never taken to be less than 1 % of the median, so that the first step of a constant series is no
// anomaly. One emission where a stretch of high scores begins.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "pipeline/emission.h"
#include "pipeline/keys.h"
#include "pipeline/options.h"
#include "sensors/reading.h"

namespace wayside {

class RobustZDetector {
 public:
  RobustZDetector(const DetectorOptions& options, uint32_t targets, const KeyTable& keys)
      : options_(options), targets_(targets), keys_(keys) {}

  // Readings of a key in event-time order; a missing value says nothing.
  void on_reading(uint32_t key, int64_t time, double value, EmissionBuffer& out);

  const std::string& name() const { return options_.name; }
  uint64_t raised() const { return raised_; }
  uint64_t fingerprint() const;
  void forget_key(uint32_t key);
  bool save_key(uint32_t key, ByteWriter& out) const;
  void load_key(uint32_t key, ByteReader& in);
  void save_totals(ByteWriter& out) const { out.varint(raised_); }
  void load_totals(ByteReader& in) { raised_ = in.varint(); }

 private:
  struct Key {
    std::vector<double> recent;  // in order of time, a ring once it is full
    std::vector<double> sorted;
    uint32_t next = 0;  // the oldest of a full ring
    bool high = false;  // inside a stretch of high scores
  };
  struct Score {
    double score = 0;
    double expected = 0;
  };
  Score score(const Key& key, double value);
  void learn(Key& key, double value) const;

  DetectorOptions options_;
  uint32_t targets_;
  const KeyTable& keys_;
  std::vector<Key> states_;
  std::vector<double> deviations_;  // scratch
  uint64_t raised_ = 0;
};

}  // namespace wayside
