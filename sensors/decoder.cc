#include "sensors/decoder.h"

#include <cmath>

#include "sensors/json_decoder.h"
#include "sensors/protobuf_decoder.h"

namespace wayside {
namespace {

int64_t per_ms_divisor(TimeUnit unit) {
  return unit == TimeUnit::kMicros ? 1'000 : unit == TimeUnit::kNanos ? 1'000'000 : 1;
}

}  // namespace

std::unique_ptr<Decoder> make_decoder(const SourceOptions& source, size_t first_field) {
  return source.format == PayloadFormat::kProtobuf ? make_protobuf_decoder(source, first_field)
                                                   : make_json_decoder(source, first_field);
}

bool number_of(const FieldOptions& field, double value, double& number) {
  number = value * field.scale + field.shift;
  return !std::isinf(number);
}

bool time_from_integer(int64_t value, TimeUnit unit, int64_t& time_ms) {
  if (unit == TimeUnit::kRfc3339) return false;
  if (unit == TimeUnit::kSeconds) {
    if (value > kPossibleMax / 1000 || value < kPossibleMin / 1000) return false;
    time_ms = value * 1000;
    return true;
  }
  int64_t divisor = per_ms_divisor(unit);
  time_ms = value / divisor - (value % divisor < 0);  // towards the past, as for numbers below
  return true;
}

bool time_from_number(double value, TimeUnit unit, int64_t& time_ms) {
  if (unit == TimeUnit::kRfc3339) return false;
  double ms = unit == TimeUnit::kSeconds ? value * 1000 : value / double(per_ms_divisor(unit));
  // A decimal second such as 1.001 is a little less in binary: half a microsecond is forgiven.
  ms = std::floor(ms + 5e-4);
  if (!(std::abs(ms) < 9e15)) return false;
  time_ms = static_cast<int64_t>(ms);
  return true;
}

}  // namespace wayside
