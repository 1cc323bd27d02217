#include "sensors/time_reader.h"

#include <charconv>
#include <chrono>
#include <cmath>

#include "base/time.h"

namespace wayside {
namespace {

using Millis = std::chrono::milliseconds;
using Instant = std::chrono::time_point<std::chrono::system_clock, Millis>;

int64_t per_ms(TimeUnit unit) {
  return unit == TimeUnit::kMicros ? 1'000 : unit == TimeUnit::kNanos ? 1'000'000 : 1;
}

// The whole text as a number of this type.
template <class Number>
std::optional<Number> whole(std::string_view text) {
  Number number;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && rest == end ? std::optional(number) : std::nullopt;
}

bool counts(TimeUnit unit) { return unit != TimeUnit::kRfc3339 && unit != TimeUnit::kPattern; }

}  // namespace

TimeReader::TimeReader(const TimeForm& form) : form_(form), zone_(cctz::utc_time_zone()) {
  if (!form.zone.empty()) cctz::load_time_zone(form.zone, &zone_);
}

// Between 1973 and 5138 the digits tell it.
TimeUnit TimeReader::unit_of(double value) const {
  if (form_.unit != TimeUnit::kAuto) return form_.unit;
  const double size = std::abs(value);
  return size < 1e11   ? TimeUnit::kSeconds
         : size < 1e14 ? TimeUnit::kMillis
         : size < 1e17 ? TimeUnit::kMicros
                       : TimeUnit::kNanos;
}

std::optional<int64_t> TimeReader::read(int64_t value) const {
  const TimeUnit unit = unit_of(static_cast<double>(value));
  if (!counts(unit)) return std::nullopt;
  if (unit == TimeUnit::kSeconds) {
    if (value > kPossibleMax / 1000 || value < kPossibleMin / 1000) return std::nullopt;
    return value * 1000;
  }
  const int64_t divisor = per_ms(unit);
  return value / divisor - (value % divisor < 0);  // towards the past, as for numbers below
}

std::optional<int64_t> TimeReader::read(double value) const {
  const TimeUnit unit = unit_of(value);
  if (!counts(unit)) return std::nullopt;
  double ms = unit == TimeUnit::kSeconds ? value * 1000 : value / double(per_ms(unit));
  // A decimal second such as 1.001 is a little less in binary: half a microsecond is forgiven.
  ms = std::floor(ms + 5e-4);
  if (!(std::abs(ms) < 9e15)) return std::nullopt;
  return static_cast<int64_t>(ms);
}

std::optional<int64_t> TimeReader::read(std::string_view text) const {
  if (form_.unit == TimeUnit::kPattern) return local(text, form_.pattern);
  if (counts(form_.unit)) {
    if (const auto integer = whole<int64_t>(text)) return read(*integer);
    if (const auto number = whole<double>(text)) return read(*number);
    if (form_.unit != TimeUnit::kAuto) return std::nullopt;
  }
  if (const auto ms = parse_rfc3339_ms(text)) return ms;
  if (form_.zone.empty() && form_.unit != TimeUnit::kAuto) return std::nullopt;
  const bool with_t = text.find('T') != std::string_view::npos;
  static const std::string kWithT = "%Y-%m-%dT%H:%M:%E*S", kWithBlank = "%Y-%m-%d %H:%M:%E*S";
  return local(text, with_t ? kWithT : kWithBlank);
}

// An hour that the clocks repeat is the first of the two; one that they leave out counts on.
std::optional<int64_t> TimeReader::local(std::string_view text, const std::string& pattern) const {
  const std::string copy(text);
  // In seconds first: what is far beyond all years would overflow as ms.
  std::chrono::time_point<std::chrono::system_clock, cctz::seconds> whole;
  Instant instant;
  if (!cctz::parse(pattern, copy, zone_, &whole)) return std::nullopt;
  const int64_t seconds = whole.time_since_epoch().count();
  if (seconds < kPossibleMin / 1000 || seconds > kPossibleMax / 1000) return std::nullopt;
  if (!cctz::parse(pattern, copy, zone_, &instant)) return std::nullopt;
  return instant.time_since_epoch().count();
}

bool is_zone(const std::string& name) {
  cctz::time_zone zone;
  return name.empty() || cctz::load_time_zone(name, &zone);
}

bool is_time_pattern(const std::string& pattern) {
  const Instant noon{Millis(1'772'366'645'000)};  // a second, a minute and a day of their own
  Instant back;
  const std::string written = cctz::format(pattern, noon, cctz::utc_time_zone());
  if (!cctz::parse(pattern, written, cctz::utc_time_zone(), &back)) return false;
  return back <= noon && noon - back < std::chrono::minutes(1);  // loggers may leave out seconds
}

}  // namespace wayside
