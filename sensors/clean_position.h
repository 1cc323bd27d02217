// Whether a position can be: on the earth, of a receiver that knows where it is, as fast as the
// vehicle can be, and not where it was while the vehicle moves.
//
// A reading that is older than the newest is judged, and teaches nothing.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "sensors/clean_reason.h"
#include "sensors/doubt.h"
#include "sensors/reading.h"

namespace wayside {

// A reading's numbers; kNull for what did not come, or is no field.
struct Fix {
  int64_t time_ms = 0;
  double lat = kNull;
  double lon = kNull;
  double quality = kNull;
  double hdop = kNull;
  double speed = kNull;
};

// Where a key was. Empty: nothing came yet.
struct PositionPast {
  struct Place {
    double lat = kNull;
    double lon = kNull;
    int64_t ms = kTimeMin;
  };
  Place good;
  Place doubted;  // the last one that contradicts it
  Doubt doubt;
  Place still;  // since when it is there, though the vehicle moves; nowhere while that does not
  int64_t newest_ms = kTimeMin;

  void save(ByteWriter& out) const;
  void load(ByteReader& in);
};

class PositionCleaner {
 public:
  explicit PositionCleaner(const PositionOptions& options) : options_(options) {}

  // Also of one of the two alone, the other being kNull.
  static bool is_on_earth(double lat, double lon);
  // Why the position cannot be, the first reason of all; it has both lat and lon.
  std::optional<Reason> judge(PositionPast& past, const Fix& fix) const;

 private:
  bool is_reachable(const PositionPast::Place& from, const PositionPast::Place& to) const;
  bool is_too_fast(PositionPast& past, const PositionPast::Place& place) const;
  bool is_frozen(PositionPast& past, const Fix& fix) const;

  PositionOptions options_;
};

}  // namespace wayside
