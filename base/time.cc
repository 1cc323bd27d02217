#include "base/time.h"

#include <charconv>
#include <chrono>
#include <cmath>

namespace wayside {
namespace {

struct Unit {
  std::string_view name;
  double ms;
};
constexpr Unit kUnits[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};

// Reads exactly `digits` decimal digits off the front.
bool take_number(std::string_view& text, size_t digits, int& value) {
  if (text.size() < digits) return false;
  value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// ".25" or nothing, cut to milliseconds; false for a point without a digit.
bool take_fraction(std::string_view& text, int64_t& ms) {
  ms = 0;
  if (!take(text, ".")) return true;
  const size_t size = text.size();
  int64_t scale = 100;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    ms += (text.front() - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
  }
  return text.size() < size;
}

// "Z", "+02:00" or "+0200", in minutes east.
bool take_offset(std::string_view& text, int& minutes) {
  minutes = 0;
  if (take(text, "Zz")) return true;
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return false;
  int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  int h = 0;
  int m = 0;
  if (!take_number(text, 2, h)) return false;
  take(text, ":");
  if (!take_number(text, 2, m) || h > 23 || m > 59) return false;
  minutes = sign * (h * 60 + m);
  return true;
}

}  // namespace

const char* to_text(ClockState state) {
  constexpr const char* kNames[] = {"unset", "held", "synced"};
  return kNames[static_cast<size_t>(state)];
}

std::optional<int64_t> parse_duration_ms(std::string_view text) {
  double value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || !(value >= 0)) return std::nullopt;
  std::string_view unit = text.substr(end - text.data());
  for (const Unit& u : kUnits) {
    double ms = value * u.ms;
    if (unit == u.name && ms < 9e15) return static_cast<int64_t>(std::llround(ms));
  }
  return std::nullopt;
}

std::string format_duration(int64_t ms) {
  const Unit* best = &kUnits[0];
  for (const Unit& u : kUnits) {
    if (ms != 0 && ms % static_cast<int64_t>(u.ms) == 0) best = &u;
  }
  return std::to_string(ms / static_cast<int64_t>(best->ms)) + std::string(best->name);
}

std::optional<int64_t> parse_rfc3339_ms(std::string_view text) {
  using namespace std::chrono;
  int y, mo, d, h, mi, s, offset_min;
  if (!take_number(text, 4, y) || !take(text, "-") || !take_number(text, 2, mo) ||
      !take(text, "-") || !take_number(text, 2, d) || !take(text, "Tt ") ||
      !take_number(text, 2, h) || !take(text, ":") || !take_number(text, 2, mi) ||
      !take(text, ":") || !take_number(text, 2, s)) {
    return std::nullopt;
  }
  int64_t fraction;
  if (!take_fraction(text, fraction) || !take_offset(text, offset_min) || !text.empty()) {
    return std::nullopt;
  }
  year_month_day date{year(y), month(mo), day(d)};
  if (!date.ok() || h > 23 || mi > 59 || s > 60) return std::nullopt;  // :60 is a leap second
  int64_t days = sys_days(date).time_since_epoch().count();
  return ((days * 24 + h) * 60 + mi - offset_min) * 60'000 + s * 1000 + fraction;
}

std::string format_rfc3339(int64_t ms) {
  using namespace std::chrono;
  sys_time<milliseconds> time{milliseconds(ms)};
  auto day_start = floor<days>(time);
  year_month_day date(day_start);
  hh_mm_ss clock(time - day_start);
  char out[40];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", int(date.year()),
                unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                int(clock.minutes().count()), int(clock.seconds().count()),
                int(clock.subseconds().count()));
  return out;
}

}  // namespace wayside
