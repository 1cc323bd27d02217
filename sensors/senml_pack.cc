#include "sensors/senml_pack.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/hash.h"
#include "base/release.h"

namespace wayside {
namespace {

constexpr int kFirstLabel = static_cast<int>(SenmlLabel::kBaseSum);
constexpr std::array<std::string_view, 15> kLabels{"bs", "bv", "bu", "bt", "bn", "bver", "n", "u",
                                                   "v",  "vs", "vb", "s",  "t",  "ut",   "vd"};
constexpr double kAbsoluteFrom = 268'435'456;  // seconds; what is less is relative (section 4.5.3)
constexpr double kVersionMax = 10;             // RFC 8428
constexpr double kVersionOfUnits = 26;         // and secondary units (RFC 9100)
constexpr size_t kSlots = 32;
constexpr size_t kSlotsKept = 1'024;  // from payload to payload

bool is_value(SenmlLabel label) {
  return label == SenmlLabel::kValue || label == SenmlLabel::kText || label == SenmlLabel::kFlag ||
         label == SenmlLabel::kData;
}

const char* type_of(SenmlLabel label) {
  switch (label) {
    case SenmlLabel::kBaseName:
    case SenmlLabel::kBaseUnit:
    case SenmlLabel::kName:
    case SenmlLabel::kUnit:
    case SenmlLabel::kText:
    case SenmlLabel::kData:
      return "a text";
    case SenmlLabel::kFlag:
      return "true or false";
    default:
      return "a number";
  }
}

}  // namespace

SenmlLabel senml_label(std::string_view name) {
  for (size_t i = 0; i < kLabels.size(); ++i) {
    if (kLabels[i] == name) return static_cast<SenmlLabel>(kFirstLabel + static_cast<int>(i));
  }
  return SenmlLabel::kUnknown;
}

SenmlLabel senml_label(int64_t number) {
  const bool known = number >= kFirstLabel && number < kFirstLabel + int64_t{kLabels.size()};
  return known ? static_cast<SenmlLabel>(number) : SenmlLabel::kUnknown;
}

SenmlPack::SenmlPack(const SourceOptions& source, size_t first_field)
    : writer_(source, first_field), seconds_({TimeUnit::kSeconds, {}, {}}) {
  for (const FieldOptions& f : source.fields) {
    paths_.push_back(parse_senml_path(f.path).value_or(SenmlPath()));
  }
}

void SenmlPack::begin(int64_t arrival_ms, Readings& out, Refusal& refusal) {
  arrival_ms_ = arrival_ms;
  out_ = &out;
  refusal_ = &refusal;
  base_ = {};
  records_ = 0;
  if (slots_.size() > kSlotsKept) {
    release(slots_);
    release(heads_);
  }
  heads_.clear();
  slots_.assign(kSlots, 0);
}

void SenmlPack::begin_record() {
  record_ = {};
  ++records_;
}

bool SenmlPack::end() {
  if (records_ > 0) return true;
  *refusal_ = {"bad_senml", "the pack has no record"};
  return false;
}

bool SenmlPack::bad(std::string_view fault) {
  *refusal_ = {"bad_senml", fmt::format("record {}: {}", records_, fault)};
  return false;
}

bool SenmlPack::wrong_type(SenmlLabel label) {
  const auto name = kLabels[static_cast<size_t>(static_cast<int>(label) - kFirstLabel)];
  return bad(fmt::format("'{}' is not {}", name, type_of(label)));
}

// ---- a record

bool SenmlPack::pass_over(std::string_view name) {
  if (!name.ends_with('_')) return true;
  return bad(fmt::format("'{}' must be understood, and is not", name));
}

bool SenmlPack::add(SenmlLabel label, const Scalar& value) {
  if (label >= SenmlLabel::kName) record_.is_base_only = false;
  if (std::holds_alternative<std::monostate>(value)) {
    record_.is_value_null |= is_value(label);
    return true;
  }
  if (label == SenmlLabel::kFlag) {
    return std::holds_alternative<bool>(value) ? take_value(value) : wrong_type(label);
  }
  const auto* text = std::get_if<std::string_view>(&value);
  double number;
  const bool good =
      text ? take_text(label, *text) : is_number(value, number) && take_number(label, number);
  if (!good) return refusal_->reason ? false : wrong_type(label);
  return label != SenmlLabel::kValue || take_value(value);
}

// False without a refusal: it should not be a text.
bool SenmlPack::take_text(SenmlLabel label, std::string_view text) {
  switch (label) {
    case SenmlLabel::kBaseName:
      base_.name = text;
      return true;
    case SenmlLabel::kBaseUnit:
      base_.unit = text;
      return true;
    case SenmlLabel::kName:
      record_.name = text;
      return true;
    case SenmlLabel::kUnit:
      record_.unit = text;
      return record_.has_unit = true;
    case SenmlLabel::kText:
    case SenmlLabel::kData:
      return take_value(text);
    default:
      return false;
  }
}

bool SenmlPack::take_number(SenmlLabel label, double number) {
  switch (label) {
    case SenmlLabel::kVersion:
      return check_version(number);
    case SenmlLabel::kBaseTime:
      base_.time = number;
      return true;
    case SenmlLabel::kBaseValue:
      base_.value = number;
      return true;
    case SenmlLabel::kBaseSum:
      base_.sum = number;
      return true;
    case SenmlLabel::kTime:
      record_.time = number;
      return true;
    case SenmlLabel::kSum:
      record_.sum = number;
      return true;
    case SenmlLabel::kValue:
    case SenmlLabel::kUpdateTime:
      return true;
    default:
      return false;
  }
}

bool SenmlPack::take_value(const Scalar& value) {
  record_.value = value;
  return ++record_.values == 1 || bad("has several values");
}

bool SenmlPack::check_version(double version) {
  if ((version >= 1 && version <= kVersionMax) || version == kVersionOfUnits) return true;
  return bad("'bver' is of a version that is not known: at most 10, or 26");
}

bool SenmlPack::end_record() {
  resolve();
  const bool has_value = !std::holds_alternative<std::monostate>(record_.value);
  if (!has_value && !record_.sum) return true;
  if (base_.name.empty() && record_.name.empty()) return bad("has no name");
  int64_t time_ms;
  size_t reading;
  if (!resolve_time(time_ms) || !find_reading(time_ms, reading)) return false;
  store_record(reading);
  return true;
}

// A value that is left out is 0 where there is a base value, and so is a sum.
void SenmlPack::resolve() {
  Record& r = record_;
  if (!r.has_unit) r.unit = base_.unit;
  if (r.is_base_only) return;
  double value = 0;
  const bool is_left_out = r.values == 0 && !r.is_value_null;
  if (base_.value && (is_left_out || is_number(r.value, value))) r.value = *base_.value + value;
  if (base_.sum) r.sum = *base_.sum + r.sum.value_or(0);
}

bool SenmlPack::resolve_time(int64_t& time_ms) {
  const double seconds = base_.time + record_.time;
  const auto read = seconds_.read(seconds);
  if (!read) {
    *refusal_ = {"bad_time", fmt::format("record {}: the time is none", records_)};
    return false;
  }
  time_ms = seconds < kAbsoluteFrom ? arrival_ms_ + *read : *read;
  return true;
}

// ---- readings

bool SenmlPack::find_reading(int64_t time_ms, size_t& reading) {
  const Head head{base_.name, time_ms};
  const auto is_same = [&](const Head& h) {
    return h.time_ms == time_ms && h.base_name == head.base_name;
  };
  if (!heads_.empty() && is_same(heads_.back())) {  // as it mostly is
    reading = heads_.size() - 1;
    return true;
  }
  if (const size_t slot = slot_of(head); slot > 0) {
    reading = slot - 1;
    return true;
  }
  return add_reading(time_ms, reading);
}

// The one that it has, or would have.
size_t& SenmlPack::slot_of(const Head& head) {
  const size_t mask = slots_.size() - 1;
  size_t at = hash64(head.base_name, static_cast<uint64_t>(head.time_ms)) & mask;
  for (;; at = (at + 1) & mask) {
    const size_t slot = slots_[at];
    if (slot == 0) return slots_[at];
    const Head& other = heads_[slot - 1];
    if (other.time_ms == head.time_ms && other.base_name == head.base_name) return slots_[at];
  }
}

void SenmlPack::grow() {
  slots_.assign(slots_.size() * 2, 0);
  for (size_t i = 0; i < heads_.size(); ++i) slot_of(heads_[i]) = i + 1;
}

bool SenmlPack::add_reading(int64_t time_ms, size_t& reading) {
  if (out_->is_full()) return too_many_readings(*out_, *refusal_);
  if (heads_.size() * 2 >= slots_.size()) grow();
  reading = heads_.size();
  slot_of({base_.name, time_ms}) = reading + 1;
  heads_.push_back({base_.name, time_ms});
  Row& row = out_->add();
  row.time_ms = time_ms;
  row.has_time = true;
  for (size_t i = 0; i < paths_.size(); ++i) {
    if (paths_[i].is_base_name && !base_.name.empty()) store_field(i, base_.name, reading);
  }
  return true;
}

// A reading with a value that does not fit is refused alone.
void SenmlPack::store_record(size_t reading) {
  for (size_t i = 0; i < paths_.size(); ++i) {
    const SenmlPath& path = paths_[i];
    if (path.is_base_name || path.name != record_.name) continue;
    if (!path.unit.empty() && path.unit != record_.unit) continue;
    if (path.is_sum && !record_.sum) continue;
    store_field(i, path.is_sum ? Scalar(*record_.sum) : record_.value, reading);
  }
}

void SenmlPack::store_field(size_t field, const Scalar& value, size_t reading) {
  Refusal refusal;
  const bool good = store(writer_, field, value, out_->row(reading), *out_, refusal);
  if (!good && !out_->refusal(reading).reason) out_->refusal(reading) = std::move(refusal);
}

}  // namespace wayside
