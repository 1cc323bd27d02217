#include "sensors/nmea_decoder.h"

#include <algorithm>
#include <utility>

#include "sensors/nmea_epoch.h"
#include "sensors/row_writer.h"

namespace wayside {
namespace {

// The moment with this time of day that is nearest to `near_ms`.
int64_t nearest_ms(int64_t time_of_day_ms, int64_t near_ms) {
  int64_t into_day = near_ms % kDayMs;
  if (into_day < 0) into_day += kDayMs;
  const int64_t ms = near_ms - into_day + time_of_day_ms;
  if (ms - near_ms > kDayMs / 2) return ms - kDayMs;
  return near_ms - ms > kDayMs / 2 ? ms + kDayMs : ms;
}

class NmeaDecoder : public Decoder {
 public:
  NmeaDecoder(const SourceOptions& source, size_t first_field) : writer_(source, first_field) {
    for (size_t i = 0; i < source.fields.size(); ++i) {
      if (const auto value = find_nmea_value(source.fields[i].path)) wanted_.push_back({i, *value});
    }
  }

  bool decode(const Frame& message, const Now& arrival, Readings& out, Refusal& refusal) override {
    out_ = &out;
    arrival_ms_ = arrival.wall_ms;
    epoch_ = {};
    last_ms_.reset();
    size_t sentences = 0;
    for (std::string_view left = message.payload; !left.empty();) {
      const std::string_view line = take_line(left);
      if (line.empty()) continue;
      if (out.is_full()) return too_many_readings(out, refusal);
      take_sentence(line, ++sentences);
    }
    if (sentences == 0) {
      refusal = {"bad_nmea", "the payload holds no sentence"};
      return false;
    }
    end_epoch();
    if (out.size() > out.max()) return too_many_readings(out, refusal);
    if (!last_ms_) date_those_before(arrival_ms_);
    return true;
  }

 private:
  struct Wanted {
    size_t field;
    NmeaValue value;
  };

  // Without the blanks around it.
  static std::string_view take_line(std::string_view& left) {
    const auto is_end = [](char c) { return c == '\r' || c == '\n'; };
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    const auto size = std::find_if(left.begin(), left.end(), is_end) - left.begin();
    std::string_view line = left.substr(0, static_cast<size_t>(size));
    left.remove_prefix(std::min(line.size() + 1, left.size()));
    while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
    while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
    return line;
  }

  // One that is damaged is refused alone.
  void take_sentence(std::string_view line, size_t number) {
    if (parse_nmea(line, sentence_, fault_)) {
      NmeaEpoch::Taken taken = epoch_.take(sentence_, fault_);
      if (taken == NmeaEpoch::Taken::kOtherMoment) {
        end_epoch();
        taken = epoch_.take(sentence_, fault_);
      }
      if (taken != NmeaEpoch::Taken::kWrong) return;
    }
    out_->add();
    out_->refuse({"bad_nmea", "sentence " + std::to_string(number) + ": " + fault_});
  }

  // What only goes with a fix is no reading, if nobody wants it.
  void end_epoch() {
    const NmeaEpoch epoch = std::exchange(epoch_, {});
    const auto has_come = [&](const Wanted& w) { return !is_null(epoch.value(w.value)); };
    const bool any = std::any_of(wanted_.begin(), wanted_.end(), has_come);
    if (epoch.is_empty() || (!any && !epoch.has_fix_or_time())) return;
    Row& row = out_->add();
    set_time(epoch, row);
    Refusal refusal;
    for (const Wanted& w : wanted_) {
      const double value = epoch.value(w.value);
      if (is_null(value)) continue;
      const bool good = w.value == NmeaValue::kValid
                            ? writer_.flag(w.field, value != 0, row, refusal)
                            : writer_.number(w.field, value, row, *out_, refusal);
      if (!good) return out_->refuse(std::move(refusal));
    }
  }

  // Without a date it is of the day nearest to the last one in this payload, or to the first, or to
  // the arrival. Until a date has come the row keeps its time of day. Moments without a fix date no
  // others.
  void set_time(const NmeaEpoch& epoch, Row& row) {
    const auto time_ms = epoch.time_ms();
    row.has_time = !time_ms || epoch.day_ms() || last_ms_;
    if (!time_ms) {
      row.time_ms = arrival_ms_;
    } else if (epoch.day_ms()) {
      row.time_ms = *epoch.day_ms() + *time_ms;
      if (!last_ms_) date_those_before(row.time_ms);
    } else {
      row.time_ms = last_ms_ ? nearest_ms(*time_ms, *last_ms_) : *time_ms;
    }
    if (time_ms && row.has_time && !epoch.is_void()) last_ms_ = row.time_ms;
  }

  void date_those_before(int64_t near_ms) {
    for (size_t i = 0; i < out_->size(); ++i) {
      Row& row = out_->row(i);
      if (row.has_time || out_->refusal(i).reason) continue;
      row.time_ms = nearest_ms(row.time_ms, near_ms);
      row.has_time = true;
    }
  }

  RowWriter writer_;
  std::vector<Wanted> wanted_;
  // Of the message that is being read.
  Readings* out_ = nullptr;
  int64_t arrival_ms_ = 0;
  NmeaEpoch epoch_;
  std::optional<int64_t> last_ms_;  // the last time with a date
  NmeaSentence sentence_;
  std::string fault_;
};

}  // namespace

std::unique_ptr<Decoder> make_nmea_decoder(const SourceOptions& source, size_t first_field) {
  return std::make_unique<NmeaDecoder>(source, first_field);
}

}  // namespace wayside
