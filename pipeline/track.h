// Readings of a pane in order of time, for sums over each two neighbours: distance along a track,
// area under a curve. They come in any order, so they are kept: kKnotsMax of them. Beyond that one
// of them is taken out, and the leg between its neighbours is closed: it keeps its sum. A reading
// that comes for a closed leg adds nothing.
//
// So the sum is exact up to kKnotsMax readings a pane. Beyond that it is exact for readings in
// order, in reverse order, and where none is overtaken by more than 30 others; of old ones in order
// that come between new ones it may miss the last few. Merging neighbours in time is exact, too;
// closed legs that overlap each other count by their share of time, and where both are by their
// mean.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "sensors/reading.h"

namespace wayside {

// What is summed, from a reading to the next one.
struct HeldLeg {  // ms × value, which holds until the next one comes
  static constexpr size_t kColumns = 1;
  static double sum(int64_t ms, const double* from, const double* to);
};
struct SlopedLeg {  // s × value, which goes to the next one in a straight line: trapezoids
  static constexpr size_t kColumns = 1;
  static double sum(int64_t ms, const double* from, const double* to);
};
struct GreatCircleLeg {  // m, from latitude and longitude
  static constexpr size_t kColumns = 2;
  static double sum(int64_t ms, const double* from, const double* to);
};

template <class Leg>
class Track {
 public:
  static constexpr size_t kKnotsMax = 63;  // and one that comes: a power of two
  using Place = std::array<double, Leg::kColumns>;

  bool empty() const { return knots_.empty(); }
  int64_t duration_ms() const { return knots_.back().time - knots_.front().time; }
  const Place& last() const { return knots_.back().place; }
  double sum() const;

  // Of equal readings one is kept, which changes no sum.
  void add(int64_t time, const Place& place);
  void merge(const Track& other);

  void save(ByteWriter& out) const;
  void load(ByteReader& in);
  size_t heap_bytes() const { return knots_.size() * sizeof(Knot); }

 private:
  struct Knot {
    int64_t time;
    Place place;
    double closed = kNull;  // the sum to the next knot, where readings between were taken out

    bool operator==(const Knot& other) const { return time == other.time && place == other.place; }
    bool operator<(const Knot& other) const {
      return time != other.time ? time < other.time : place < other.place;
    }
  };

  double leg(size_t i) const;
  int64_t open_ms(size_t i) const;
  void take_one_out();
  double closed_between(const Knot& from, const Knot& to) const;
  void interleave(const Track& other);

  std::vector<Knot> knots_;
};

}  // namespace wayside
