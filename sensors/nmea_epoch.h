// What the sentences of a receiver say of one moment, together.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sensors/nmea_sentence.h"
#include "sensors/reading.h"

namespace wayside {

enum class NmeaValue : uint8_t {
  kLat,
  kLon,
  kAltitude,
  kSpeed,
  kCourse,
  kHeading,
  kFix,
  kFixMode,
  kSatellites,
  kInView,
  kHdop,
  kPdop,
  kVdop,
  kValid,
};
constexpr std::array<std::string_view, 14> kNmeaValues{
    "lat",      "lon",        "altitude", "speed", "course", "heading", "fix",
    "fix_mode", "satellites", "in_view",  "hdop",  "pdop",   "vdop",    "valid"};
std::optional<NmeaValue> find_nmea_value(std::string_view name);

class NmeaEpoch {
 public:
  NmeaEpoch() { values_.fill(kNull); }

  enum class Taken {
    kYes,
    kPassedOver,   // it says nothing that is known here
    kOtherMoment,  // it belongs to another epoch
    kWrong,        // `fault` says why; nothing of it is taken
  };
  Taken take(const NmeaSentence& sentence, std::string& fault);

  // Degrees, m, m/s, as the decoder's table says; kNull where nothing came. Where any of its
  // sentences said that there is no fix, there is no position.
  double value(NmeaValue value) const;

  bool is_empty() const { return seen_ == 0; }
  bool has_fix_or_time() const;                                // not only what goes with it
  std::optional<int32_t> time_ms() const { return time_ms_; }  // of the day, UTC
  // Midnight of its date. Without a fix the clock may not have been set yet: then it has none.
  std::optional<int64_t> day_ms() const { return is_void_ ? std::nullopt : day_ms_; }
  bool is_void() const { return is_void_; }  // one of its sentences says that there is no fix

 private:
  enum class Kind : uint8_t { kGga, kGll, kGns, kRmc, kZda, kGsa, kGsv, kHdt, kVtg };
  struct Form;
  struct InView {
    char talker[2];
    double satellites;
  };

  static const Form* form_of(std::string_view type);
  bool is_other_moment(Kind kind, std::optional<int32_t> time_ms) const;
  bool add(Kind kind, const NmeaSentence& s, std::string& fault);
  bool add_gga(const NmeaSentence& s, std::string& fault);
  bool add_gll(const NmeaSentence& s, std::string& fault);
  bool add_gns(const NmeaSentence& s, std::string& fault);
  bool add_rmc(const NmeaSentence& s, std::string& fault);
  bool add_zda(const NmeaSentence& s, std::string& fault);
  bool add_gsa(const NmeaSentence& s, std::string& fault);
  bool add_gsv(const NmeaSentence& s, std::string& fault);
  bool add_vtg(const NmeaSentence& s, std::string& fault);
  bool add_number(std::string_view text, NmeaValue value, std::string& fault, double times = 1,
                  double by = 1);
  bool add_speed(std::string_view text, std::string& fault, double times, double by);
  bool add_position(const NmeaSentence& s, size_t first, std::string& fault);
  bool add_status(std::string_view status, std::string_view mode, bool& is_fix, std::string& fault);
  double& at(NmeaValue value) { return values_[static_cast<size_t>(value)]; }

  std::array<double, kNmeaValues.size()> values_;
  std::array<InView, 8> in_view_{};  // by talker: each numbers its own satellites
  uint8_t in_view_count_ = 0;
  uint16_t seen_ = 0;  // kinds of sentences, as bits
  bool is_void_ = false;
  bool is_fix_ = false;
  double mode_fix_ = kNull;  // of sentences that say it by a letter
  std::optional<int32_t> time_ms_;
  std::optional<int64_t> day_ms_;
};

}  // namespace wayside
