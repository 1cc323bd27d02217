#include "sensors/nmea_epoch.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "base/text.h"

namespace wayside {
namespace {

bool wrong(std::string& fault, const char* what, std::string_view text) {
  fault = "'" + shortened(text) + "' is no " + what;
  return false;
}

std::optional<double> number_of(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || rest != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

// Digits only, `text` whole.
std::optional<int> whole_of(std::string_view text) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const bool good = error == std::errc() && rest == end && number >= 0 && text[0] != '-';
  return good ? std::optional(number) : std::nullopt;
}

// "hhmmss", with a fraction or without; :60 is a leap second.
std::optional<int32_t> time_of(std::string_view text) {
  if (text.size() < 6 || (text.size() > 6 && text[6] != '.')) return std::nullopt;
  const auto hours = whole_of(text.substr(0, 2));
  const auto minutes = whole_of(text.substr(2, 2));
  const auto seconds = number_of(text.substr(4));
  const bool good = hours && minutes && seconds && *hours < 24 && *minutes < 60 && *seconds >= 0;
  if (!good || *seconds >= 61) return std::nullopt;
  // A decimal second is a little more or less in binary.
  const auto ms = static_cast<int32_t>(std::floor(*seconds * 1000 + 1e-3));
  return (*hours * 60 + *minutes) * 60'000 + ms;
}

std::optional<int64_t> day_of(std::optional<int> day, std::optional<int> month,
                              std::optional<int> year) {
  namespace ch = std::chrono;
  // A number beyond 255 would wrap around in what is made of it.
  if (!day || !month || !year || *year < 1 || *year > 9999) return std::nullopt;
  if (*month > 12 || *day > 31) return std::nullopt;
  const ch::year_month_day date{ch::year{*year}, ch::month{unsigned(*month)},
                                ch::day{unsigned(*day)}};
  if (!date.ok()) return std::nullopt;
  return ch::duration_cast<ch::milliseconds>(ch::sys_days{date}.time_since_epoch()).count();
}

// "ddmmyy": GPS began in 1980.
std::optional<int64_t> short_day_of(std::string_view text) {
  if (text.size() != 6) return std::nullopt;
  const auto year = whole_of(text.substr(4, 2));
  if (!year) return std::nullopt;
  return day_of(whole_of(text.substr(0, 2)), whole_of(text.substr(2, 2)),
                *year + (*year < 80 ? 2000 : 1900));
}

// "dddmm.mmm" and one of the letters `sides`, the second of which is negative.
std::optional<double> degrees_of(std::string_view text, std::string_view side,
                                 std::string_view sides, double most) {
  const size_t point = std::min(text.find('.'), text.size());
  if (point < 3 || point > 5 || side.size() != 1) return std::nullopt;
  const auto degrees = whole_of(text.substr(0, point - 2));
  const auto minutes = number_of(text.substr(point - 2));
  const size_t letter = sides.find(side);
  const bool good = degrees && minutes && *minutes >= 0 && *minutes < 60 && letter != sides.npos;
  if (!good) return std::nullopt;
  const double all = *degrees + *minutes / 60;
  if (all > most) return std::nullopt;
  return letter == 0 ? all : -all;
}

// What GGA says by a number others say by a letter.
double fix_of_mode(char mode) {
  constexpr std::string_view kModes = "NADPRFEMS";
  const size_t fix = kModes.find(mode);
  return fix == kModes.npos ? 1 : static_cast<double>(fix);
}

// Of several systems: the best of their letters; empty if none has a fix.
std::optional<char> best_mode(std::string_view modes) {
  constexpr std::string_view kFromBest = "RFPDAEMS";
  for (const char mode : kFromBest) {
    if (modes.find(mode) != modes.npos) return mode;
  }
  return std::nullopt;
}

}  // namespace

std::optional<NmeaValue> find_nmea_value(std::string_view name) {
  const auto found = std::find(kNmeaValues.begin(), kNmeaValues.end(), name);
  if (found == kNmeaValues.end()) return std::nullopt;
  return static_cast<NmeaValue>(found - kNmeaValues.begin());
}

struct NmeaEpoch::Form {
  std::string_view type;
  Kind kind;
  size_t time;  // number of the field; 0: it has none
};

const NmeaEpoch::Form* NmeaEpoch::form_of(std::string_view type) {
  static constexpr Form kForms[] = {
      {"GGA", Kind::kGga, 1}, {"GLL", Kind::kGll, 5}, {"GNS", Kind::kGns, 1},
      {"RMC", Kind::kRmc, 1}, {"ZDA", Kind::kZda, 1}, {"GSA", Kind::kGsa, 0},
      {"GSV", Kind::kGsv, 0}, {"HDT", Kind::kHdt, 0}, {"VTG", Kind::kVtg, 0}};
  for (const Form& form : kForms) {
    if (form.type == type) return &form;
  }
  return nullptr;
}

NmeaEpoch::Taken NmeaEpoch::take(const NmeaSentence& s, std::string& fault) {
  const Form* form = form_of(s.type);
  if (!form) return Taken::kPassedOver;
  NmeaEpoch next = *this;
  if (form->time > 0) {
    const std::string_view text = s.field(form->time);
    const auto time = time_of(text);
    if (!text.empty() && !time) {
      wrong(fault, "time hhmmss", text);
      return Taken::kWrong;
    }
    if (is_other_moment(form->kind, time)) return Taken::kOtherMoment;
    if (time) next.time_ms_ = time;
  }
  if (!next.add(form->kind, s, fault)) return Taken::kWrong;
  next.seen_ |= uint16_t(1u << static_cast<unsigned>(form->kind));
  *this = next;
  return Taken::kYes;
}

// Receivers without a fix may say no time: then a second sentence of a kind begins another moment.
bool NmeaEpoch::is_other_moment(Kind kind, std::optional<int32_t> time_ms) const {
  if (time_ms && time_ms_) return *time_ms != *time_ms_;
  return (seen_ >> static_cast<unsigned>(kind) & 1) != 0;
}

bool NmeaEpoch::has_fix_or_time() const {
  constexpr unsigned kTimed = (1u << (static_cast<unsigned>(Kind::kZda) + 1)) - 1;
  return (seen_ & kTimed) != 0;
}

double NmeaEpoch::value(NmeaValue value) const {
  const double number = values_[static_cast<size_t>(value)];
  switch (value) {
    case NmeaValue::kLat:
    case NmeaValue::kLon:
    case NmeaValue::kAltitude:
    case NmeaValue::kSpeed:
    case NmeaValue::kCourse:
      return is_void_ ? kNull : number;
    case NmeaValue::kFix:
      return is_void_ ? 0 : is_null(number) ? mode_fix_ : number;
    case NmeaValue::kValid:
      return is_void_ ? 0 : is_fix_ ? 1 : kNull;
    default:
      return number;
  }
}

bool NmeaEpoch::add(Kind kind, const NmeaSentence& s, std::string& fault) {
  switch (kind) {
    case Kind::kGga:
      return add_gga(s, fault);
    case Kind::kGll:
      return add_gll(s, fault);
    case Kind::kGns:
      return add_gns(s, fault);
    case Kind::kRmc:
      return add_rmc(s, fault);
    case Kind::kZda:
      return add_zda(s, fault);
    case Kind::kGsa:
      return add_gsa(s, fault);
    case Kind::kGsv:
      return add_gsv(s, fault);
    case Kind::kHdt:
      return add_number(s.field(1), NmeaValue::kHeading, fault);
    case Kind::kVtg:
      return add_vtg(s, fault);
  }
  return false;
}

bool NmeaEpoch::add_number(std::string_view text, NmeaValue value, std::string& fault, double times,
                           double by) {
  if (text.empty()) return true;
  const auto number = number_of(text);
  if (!number) return wrong(fault, "number", text);
  at(value) = *number * times / by;
  return true;
}

bool NmeaEpoch::add_speed(std::string_view text, std::string& fault, double times, double by) {
  if (number_of(text).value_or(0) < 0) return wrong(fault, "speed", text);
  return add_number(text, NmeaValue::kSpeed, fault, times, by);
}

bool NmeaEpoch::add_position(const NmeaSentence& s, size_t first, std::string& fault) {
  const std::string_view lat = s.field(first), lon = s.field(first + 2);
  if (lat.empty() && lon.empty()) return true;
  const auto north = degrees_of(lat, s.field(first + 1), "NS", 90);
  const auto east = degrees_of(lon, s.field(first + 3), "EW", 180);
  if (!north) return wrong(fault, "latitude", lat);
  if (!east) return wrong(fault, "longitude", lon);
  at(NmeaValue::kLat) = *north;
  at(NmeaValue::kLon) = *east;
  return true;
}

bool NmeaEpoch::add_status(std::string_view status, std::string_view mode, bool& is_fix,
                           std::string& fault) {
  is_fix = status == "A";
  if (!is_fix && status != "V" && !status.empty()) return wrong(fault, "status A or V", status);
  if (is_fix) mode_fix_ = mode.empty() ? 1 : fix_of_mode(mode[0]);
  is_fix_ |= is_fix;
  is_void_ |= !is_fix;
  return true;
}

bool NmeaEpoch::add_gga(const NmeaSentence& s, std::string& fault) {
  const std::string_view quality = s.field(6);
  if (!add_number(quality, NmeaValue::kFix, fault)) return false;
  const bool is_fix = !quality.empty() && at(NmeaValue::kFix) != 0;
  is_fix_ |= is_fix;
  is_void_ |= !is_fix;
  if (!add_number(s.field(7), NmeaValue::kSatellites, fault)) return false;
  if (!add_number(s.field(8), NmeaValue::kHdop, fault)) return false;
  return !is_fix ||
         (add_position(s, 2, fault) && add_number(s.field(9), NmeaValue::kAltitude, fault));
}

bool NmeaEpoch::add_gll(const NmeaSentence& s, std::string& fault) {
  bool is_fix = false;
  if (!add_status(s.field(6), s.field(7), is_fix, fault)) return false;
  return !is_fix || add_position(s, 1, fault);
}

bool NmeaEpoch::add_gns(const NmeaSentence& s, std::string& fault) {
  const auto mode = best_mode(s.field(6));
  is_fix_ |= mode.has_value();
  is_void_ |= !mode;
  if (!add_number(s.field(7), NmeaValue::kSatellites, fault)) return false;
  if (!add_number(s.field(8), NmeaValue::kHdop, fault)) return false;
  if (!mode) return true;
  mode_fix_ = fix_of_mode(*mode);
  return add_position(s, 2, fault) && add_number(s.field(9), NmeaValue::kAltitude, fault);
}

bool NmeaEpoch::add_rmc(const NmeaSentence& s, std::string& fault) {
  bool is_fix = false;
  if (!add_status(s.field(2), s.field(12), is_fix, fault)) return false;
  const auto day = short_day_of(s.field(9));
  if (day) day_ms_ = day;
  if (!is_fix) return true;
  if (!day && !s.field(9).empty()) return wrong(fault, "date ddmmyy", s.field(9));
  return add_position(s, 3, fault) && add_speed(s.field(7), fault, 1852, 3600) &&
         add_number(s.field(8), NmeaValue::kCourse, fault);
}

// Without a fix its date is empty or 0.
bool NmeaEpoch::add_zda(const NmeaSentence& s, std::string&) {
  const auto part = [&](size_t number) {
    return s.field(number).empty() ? std::nullopt : whole_of(s.field(number));
  };
  const auto day = day_of(part(2), part(3), part(4));
  if (day) day_ms_ = day;
  return true;
}

bool NmeaEpoch::add_gsa(const NmeaSentence& s, std::string& fault) {
  return add_number(s.field(2), NmeaValue::kFixMode, fault) &&
         add_number(s.field(15), NmeaValue::kPdop, fault) &&
         add_number(s.field(16), NmeaValue::kHdop, fault) &&
         add_number(s.field(17), NmeaValue::kVdop, fault);
}

// Each sentence of a talker says how many it sees in all; it may do so for each of its frequencies.
bool NmeaEpoch::add_gsv(const NmeaSentence& s, std::string& fault) {
  const std::string_view text = s.field(3);
  if (text.empty()) return true;
  const auto seen = number_of(text);
  if (!seen) return wrong(fault, "number", text);
  const auto begin = in_view_.begin(), end = begin + in_view_count_;
  auto found = std::find_if(begin, end, [&](const InView& v) {
    return std::string_view(v.talker, sizeof v.talker) == s.talker;
  });
  if (found == end) {
    if (in_view_count_ == in_view_.size()) return true;
    ++in_view_count_;
    *found = {{s.talker[0], s.talker[1]}, 0};
  }
  found->satellites = std::max(found->satellites, *seen);
  at(NmeaValue::kInView) = 0;
  for (size_t i = 0; i < in_view_count_; ++i) at(NmeaValue::kInView) += in_view_[i].satellites;
  return true;
}

bool NmeaEpoch::add_vtg(const NmeaSentence& s, std::string& fault) {
  const std::string_view knots = s.field(5), km_per_hour = s.field(7);
  return add_number(s.field(1), NmeaValue::kCourse, fault) &&
         add_speed(km_per_hour, fault, 1, 3.6) && add_speed(knots, fault, 1852, 3600);
}

}  // namespace wayside
