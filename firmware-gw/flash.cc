#include "firmware-gw/flash.h"

#include "base/bytes.h"

namespace wayside {
namespace {

constexpr double kDayS = 86'400;
constexpr double kYearDays = 365.25;
constexpr int64_t kTellableMs = 60'000;

}  // namespace

void Growth::add(int64_t timer_ms, uint64_t total) {
  if (!samples_.empty() && timer_ms - samples_.back().timer_ms < kStepMs) return;
  samples_.push_back({timer_ms, total});
  if (samples_.size() > steps_ + 1) samples_.pop_front();
}

double Growth::per_s() const {
  if (samples_.empty()) return 0;
  const Sample& a = samples_.front();
  const Sample& b = samples_.back();
  if (b.timer_ms - a.timer_ms < kTellableMs || b.total <= a.total) return 0;
  return static_cast<double>(b.total - a.total) * 1000 /
         static_cast<double>(b.timer_ms - a.timer_ms);
}

double FlashStatus::bytes_per_payload_byte() const {
  return payload_bytes == 0
             ? 0
             : static_cast<double>(written_bytes) / static_cast<double>(payload_bytes);
}

double FlashStatus::years_left() const {
  if (endurance_bytes == 0 || gb_per_day == 0) return 0;
  if (written_bytes >= endurance_bytes) return 0;
  return static_cast<double>(endurance_bytes - written_bytes) / 1e9 / gb_per_day / kYearDays;
}

void FlashMeter::restore(std::string_view saved) {
  if (saved.empty()) return;
  ByteReader in(saved);
  const Disk::Use before{in.varint(), in.varint()};
  const uint64_t payload_bytes = in.varint();
  if (!in.ok()) return;  // figures for people: not worth a start that fails
  before_ = before;
  status_.payload_bytes = payload_bytes;
}

std::string FlashMeter::save() const {
  std::string saved;
  ByteWriter out(saved);
  out.varint(status_.written_bytes);
  out.varint(status_.flushes);
  out.varint(status_.payload_bytes);
  return saved;
}

void FlashMeter::look(int64_t timer_ms, const Disk::Use& use) {
  status_.written_bytes = before_.written_bytes + use.written_bytes;
  status_.flushes = before_.flushes + use.flushes;
  growth_.add(timer_ms, status_.written_bytes);
  status_.gb_per_day = growth_.per_s() * kDayS / 1e9;
}

}  // namespace wayside
