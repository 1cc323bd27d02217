// A pack of SenML records (RFC 8428) behind its encodings: what is base is resolved, and the
// records of one base name and one time are one reading.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sensors/row_writer.h"
#include "sensors/scalar.h"
#include "sensors/senml_path.h"
#include "sensors/time_reader.h"

namespace wayside {

enum class SenmlLabel : int8_t {  // the numbers are those of CBOR
  kBaseSum = -6,
  kBaseValue,
  kBaseUnit,
  kBaseTime,
  kBaseName,
  kVersion,
  kName,
  kUnit,
  kValue,
  kText,
  kFlag,
  kSum,
  kTime,
  kUpdateTime,
  kData,
  kUnknown,
};

SenmlLabel senml_label(std::string_view name);
SenmlLabel senml_label(int64_t number);

class SenmlPack {
 public:
  SenmlPack(const SourceOptions& source, size_t first_field);

  // A payload, whose times may be relative to its arrival. Texts are borrowed until end().
  void begin(int64_t arrival_ms, Readings& out, Refusal& refusal);
  // Its records. False, from here on: the payload is refused, and `refusal` says why.
  void begin_record();
  bool add(SenmlLabel label, const Scalar& value);
  // One that is not in the specification.
  bool pass_over(std::string_view name);
  bool end_record();
  bool end();

  // Of the record at hand.
  bool wrong_type(SenmlLabel label);
  bool bad(std::string_view fault);

 private:
  // Values of the records from here on.
  struct Base {
    std::string_view name, unit;
    double time = 0;
    std::optional<double> value, sum;
  };
  struct Record {
    std::string_view name, unit;
    bool has_unit = false;
    double time = 0;
    Scalar value;
    std::optional<double> sum;
    int values = 0;
    bool is_value_null = false;
    bool is_base_only = true;
  };
  struct Head {  // of a reading
    std::string_view base_name;
    int64_t time_ms;
  };

  bool take_text(SenmlLabel label, std::string_view text);
  bool take_number(SenmlLabel label, double number);
  bool take_value(const Scalar& value);
  bool check_version(double version);
  void resolve();
  bool resolve_time(int64_t& time_ms);
  // The reading of the record; false: there are too many.
  bool find_reading(int64_t time_ms, size_t& reading);
  size_t& slot_of(const Head& head);
  void grow();
  bool add_reading(int64_t time_ms, size_t& reading);
  void store_record(size_t reading);
  void store_field(size_t field, const Scalar& value, size_t reading);

  RowWriter writer_;
  TimeReader seconds_;
  std::vector<SenmlPath> paths_;  // of each field
  // Of the payload at hand.
  int64_t arrival_ms_ = 0;
  Readings* out_ = nullptr;
  Refusal* refusal_ = nullptr;
  Base base_;
  Record record_;
  size_t records_ = 0;
  std::vector<Head> heads_;
  std::vector<size_t> slots_;  // a hash table of them: 0, or 1 + the number of the reading
};

}  // namespace wayside
