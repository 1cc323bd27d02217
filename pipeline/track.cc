#include "pipeline/track.h"

#include <algorithm>
#include <iterator>

#include "base/distance.h"
#include "base/time.h"

namespace wayside {

double HeldLeg::sum(int64_t ms, const double* from, const double*) {
  return *from * static_cast<double>(ms);
}

double SlopedLeg::sum(int64_t ms, const double* from, const double* to) {
  return (*from / 2 + *to / 2) * (static_cast<double>(ms) / 1000);  // no sum that overflows
}

double GreatCircleLeg::sum(int64_t, const double* from, const double* to) {
  return distance_m(from[0], from[1], to[0], to[1]);
}

template <class Leg>
double Track<Leg>::leg(size_t i) const {
  const Knot &from = knots_[i], &to = knots_[i + 1];
  if (!is_null(from.closed)) return from.closed;
  return Leg::sum(to.time - from.time, from.place.data(), to.place.data());
}

template <class Leg>
double Track<Leg>::sum() const {
  double sum = 0;
  for (size_t i = 0; i + 1 < knots_.size(); ++i) sum += leg(i);
  return sum;
}

template <class Leg>
void Track<Leg>::add(int64_t time, const Place& place) {
  const Knot knot{time, place};
  auto at = knots_.end();
  if (!knots_.empty() && !(knots_.back() < knot)) {  // seldom
    at = std::lower_bound(knots_.begin(), knots_.end(), knot);
    if (at != knots_.end() && *at == knot) return;
    if (at != knots_.begin() && !is_null(at[-1].closed)) return;
  }
  knots_.insert(at, knot);
  if (knots_.size() > kKnotsMax) take_one_out();
}

// The time of a leg for which readings may still come.
template <class Leg>
int64_t Track<Leg>::open_ms(size_t i) const {
  return is_null(knots_[i].closed) ? knots_[i + 1].time - knots_[i].time : 0;
}

// Of the older half, since more is to come among the newest: the one that closes the least time.
template <class Leg>
void Track<Leg>::take_one_out() {
  size_t least = 1;
  int64_t least_ms = kTimeMax;
  int64_t before_ms = open_ms(0);
  for (size_t i = 1; i <= knots_.size() / 2; ++i) {
    const int64_t after_ms = open_ms(i);
    if (before_ms + after_ms < least_ms) {
      least_ms = before_ms + after_ms;
      least = i;
    }
    before_ms = after_ms;
  }
  knots_[least - 1].closed = leg(least - 1) + leg(least);
  knots_.erase(knots_.begin() + least);
}

template <class Leg>
void Track<Leg>::merge(const Track& other) {
  const auto& theirs = other.knots_;
  if (theirs.empty()) return;
  if (knots_.empty() || knots_.back() < theirs.front()) {
    knots_.insert(knots_.end(), theirs.begin(), theirs.end());
  } else if (theirs.back() < knots_.front()) {
    knots_.insert(knots_.begin(), theirs.begin(), theirs.end());
  } else {
    interleave(other);
  }
  while (knots_.size() > kKnotsMax) take_one_out();
}

// What closed legs say of a part that has no knot inside; kNull: there are none.
template <class Leg>
double Track<Leg>::closed_between(const Knot& from, const Knot& to) const {
  const auto next = std::upper_bound(knots_.begin(), knots_.end(), from);
  if (next == knots_.begin() || next == knots_.end()) return kNull;
  const Knot& begin = next[-1];
  if (begin == from && *next == to) return begin.closed;
  const auto whole_ms = static_cast<double>(next->time - begin.time);
  return whole_ms > 0 ? begin.closed * (static_cast<double>(to.time - from.time) / whole_ms)
                      : begin.closed * 0;
}

template <class Leg>
void Track<Leg>::interleave(const Track& other) {
  std::vector<Knot> both;
  both.reserve(knots_.size() + other.knots_.size());
  std::set_union(knots_.begin(), knots_.end(), other.knots_.begin(), other.knots_.end(),
                 std::back_inserter(both));
  for (size_t i = 0; i + 1 < both.size(); ++i) {
    const double mine = closed_between(both[i], both[i + 1]);
    const double theirs = other.closed_between(both[i], both[i + 1]);
    both[i].closed = is_null(mine) ? theirs : is_null(theirs) ? mine : (mine + theirs) / 2;
  }
  knots_ = std::move(both);
}

template <class Leg>
void Track<Leg>::save(ByteWriter& out) const {
  out.varint(knots_.size());
  for (const Knot& knot : knots_) out.fixed(knot);
}

template <class Leg>
void Track<Leg>::load(ByteReader& in) {
  static_assert(sizeof(Knot) == (2 + Leg::kColumns) * 8, "without padding");
  knots_.resize(in.count(sizeof(Knot)));
  for (Knot& knot : knots_) knot = in.fixed<Knot>();
  const auto possible = [](const Knot& k) {
    return k.time >= kPossibleMin && k.time <= kPossibleMax;
  };
  if (std::is_sorted(knots_.begin(), knots_.end()) &&
      std::all_of(knots_.begin(), knots_.end(), possible)) {
    return;
  }
  knots_.clear();
  in.fail();
}

template class Track<HeldLeg>;
template class Track<SlopedLeg>;
template class Track<GreatCircleLeg>;

}  // namespace wayside
