#include "sensors/clean_number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace wayside {
namespace {

// Many devices cut their times to seconds, and what waited comes with one time of arrival.
constexpr int64_t kApartMinMs = 1'000;
// Of decimals that are no doubles: 20.3 - 20.2 is a little more than 0.1.
constexpr double kRounding = 1e-9;

}  // namespace

std::optional<uint32_t> median_of(std::string_view smooth) {
  constexpr std::string_view kKind = "median:";
  if (!smooth.starts_with(kKind)) return {};
  const char* begin = smooth.data() + kKind.size();
  const char* end = smooth.data() + smooth.size();
  uint32_t n = 0;
  const auto [rest, error] = std::from_chars(begin, end, n);
  if (error != std::errc() || rest != end || n % 2 == 0 || n > kMedianMax) return {};
  return n;
}

NumberCleaner::NumberCleaner(size_t column, const FieldCleaning& options)
    : column_(column), options_(options), median_(median_of(options.smooth).value_or(0)) {}

bool NumberCleaner::is_reachable(double from, int64_t from_ms, double to, int64_t to_ms) const {
  const int64_t apart_ms = std::max(std::abs(to_ms - from_ms), kApartMinMs);
  const double rounding = kRounding * std::max(std::abs(from), std::abs(to));
  return std::abs(to - from) <= options_.max_rate * static_cast<double>(apart_ms) / 1000 + rounding;
}

bool NumberCleaner::is_too_fast(NumberPast& past, int64_t time_ms, double value) const {
  if (!is_null(past.good)) {
    const bool reachable = is_reachable(past.good, past.good_ms, value, time_ms);
    const bool late =
        time_ms < past.good_ms || (past.doubt.readings > 0 && time_ms < past.doubt.newest_ms);
    if (late) return !reachable;
    if (!reachable) {
      const bool agrees = past.doubt.readings > 0 &&
                          is_reachable(past.doubted, past.doubt.newest_ms, value, time_ms);
      past.doubt.add(time_ms, agrees);
      past.doubted = value;
      if (!past.doubt.is_settled(options_.accept)) return true;
    }
  }
  past.good = value;
  past.good_ms = time_ms;
  past.doubt = {};
  return false;
}

bool NumberCleaner::is_stuck(NumberPast& past, int64_t time_ms, double value) const {
  if (time_ms < past.newest_ms) {
    return value == past.same && time_ms - past.same_since_ms >= options_.stuck_after_ms;
  }
  const bool follows =
      past.newest_ms != kTimeMin && time_ms - past.newest_ms <= options_.stuck_after_ms / 2;
  past.newest_ms = time_ms;
  if (value != past.same || !follows) {
    past.same = value;
    past.same_since_ms = time_ms;
  }
  return time_ms - past.same_since_ms >= options_.stuck_after_ms;
}

double NumberCleaner::smoothed(NumberPast& past, double value) const {
  if (past.last.size() < median_) {
    past.last.push_back(value);
  } else {
    past.last[past.next] = value;
    past.next = (past.next + 1) % median_;
  }
  std::array<double, kMedianMax> sorted;
  const auto end = std::copy(past.last.begin(), past.last.end(), sorted.begin());
  const auto middle = sorted.begin() + past.last.size() / 2;
  std::nth_element(sorted.begin(), middle, end);
  if (past.last.size() % 2 == 1) return *middle;
  return (*std::max_element(sorted.begin(), middle) + *middle) / 2;
}

void NumberPast::save(ByteWriter& out) const {
  out.fixed(good);
  out.fixed(good_ms);
  out.fixed(doubted);
  doubt.save(out);
  out.fixed(same);
  out.fixed(same_since_ms);
  out.fixed(newest_ms);
  out.varint(last.size());
  for (const double value : last) out.fixed(value);
  out.varint(next);
}

void NumberPast::load(ByteReader& in) {
  good = in.fixed<double>();
  good_ms = in.fixed<int64_t>();
  doubted = in.fixed<double>();
  doubt.load(in);
  same = in.fixed<double>();
  same_since_ms = in.fixed<int64_t>();
  newest_ms = in.fixed<int64_t>();
  last.resize(in.count(sizeof(double)));
  for (double& value : last) value = in.fixed<double>();
  next = static_cast<uint32_t>(in.varint());
  if (last.size() > kMedianMax || (next > 0 && next >= last.size())) in.fail();
}

}  // namespace wayside
