// Puts the values of a payload into the fields of a reading: one set of conversions for all
// formats.
//
// | sent    | number                    | bool                                   | text      |
// | number  | in the field's unit       | 0 and 1                                | as JSON   |
// | true    | refused                   | itself                                 | "true"    |
// | text    | if it is a number, wholly | true, false, on, off, 1, 0 in any case | itself    |
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sensors/options.h"
#include "sensors/readings.h"
#include "sensors/time_reader.h"

namespace wayside {

class RowWriter {
 public:
  RowWriter(const SourceOptions& source, size_t first_field);

  const std::vector<FieldOptions>& fields() const { return fields_; }
  // `field` is one of fields(). False: `refusal` names it and says what it should be.
  bool number(size_t field, double value, Row& row, Readings& out, Refusal& refusal) const;
  bool flag(size_t field, bool value, Row& row, Refusal& refusal) const;
  bool text(size_t field, std::string_view value, Row& row, Refusal& refusal) const;
  // The reading's time, in whichever form it came.
  template <class Value>
  bool time(Value value, Row& row, Refusal& refusal) const {
    const std::optional<int64_t> ms = time_.read(value);
    if (!ms) return wrong_time(refusal);
    row.time_ms = *ms;
    return row.has_time = true;
  }
  bool wrong_time(Refusal& refusal) const;
  // "field 'x' is not a number"
  bool wrong_type(size_t field, Refusal& refusal) const;
  size_t place(size_t field) const { return first_field_ + field; }

 private:
  std::vector<FieldOptions> fields_;
  size_t first_field_;
  TimeReader time_;
  std::string time_path_;
};

}  // namespace wayside
