// Decoders turn one payload into one row. A decoder belongs to one source and one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sensors/options.h"
#include "sensors/reading.h"

namespace wayside {

// The fields of one reading, by index in the source's schema. Texts are views that live until the
// next decode.
struct Row {
  bool has_time = false;
  int64_t time_ms = 0;
  std::vector<double> numbers;          // kNull where nothing came
  std::vector<std::string_view> texts;  // data() == nullptr where nothing came
};

// Why a payload became no reading. `reason` is one of admission.h's, `detail` names field and
// fault.
struct Refusal {
  const char* reason = nullptr;
  std::string detail;
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  // False: `refusal` says why. Fields that the payload does not name stay as they are in `row`.
  virtual bool decode(std::string_view payload, Row& row, Refusal& refusal) = 0;
};

// `first_field`: where the declared fields begin in the schema, behind the topic's levels.
std::unique_ptr<Decoder> make_decoder(const SourceOptions& source, size_t first_field);

// A number of a payload, in the unit that the field is kept in; false when that is infinite.
bool number_of(const FieldOptions& field, double value, double& number);

// A time as a number in `unit`; false when it does not fit.
bool time_from_number(double value, TimeUnit unit, int64_t& time_ms);
bool time_from_integer(int64_t value, TimeUnit unit, int64_t& time_ms);

}  // namespace wayside
