// Rows whose texts are JSON arrays become a row for each element, with columns `value` and
// `position` (from 0). What is no array, or one of more than kReadingsMax, yields none.
#pragma once

#include <vector>

#include "pipeline/one_dictionary.h"
#include "pipeline/stream.h"
#include "sensors/json_array.h"

namespace wayside {

class Explode {
 public:
  // What it gives: the fields of the input, and its own columns, which hide fields of their names.
  static Schema schema_of(const Schema& input);
  explicit Explode(const Schema& input);

  // Rows from `begin` on, as long as they are not too many at once; `begin` is then the next one.
  // `arrays` are ids of `texts`. Valid until the next call.
  Rows expand(const Rows& rows, const uint32_t* arrays, const Interner& texts, size_t& begin);

  uint64_t faults() const { return faults_; }  // texts that are no arrays, or too long ones

 private:
  static constexpr size_t kRowsMax = 4'096;  // and then the elements of the last reading
  void clear();
  void add(const Rows& rows, size_t row, const JsonElement& element, double position, bool present);
  Rows shown(const Rows& rows) const;

  size_t input_columns_;
  size_t value_, position_;  // columns
  std::vector<bool> is_text_;
  JsonArray array_;
  std::vector<JsonElement> elements_;
  OneDictionary dictionary_;
  std::vector<Column> columns_;
  std::vector<int64_t> times_, after_;
  std::vector<uint32_t> keys_, origins_;
  std::vector<uint8_t> present_;
  std::vector<uint32_t> places_;
  uint64_t faults_ = 0;
};

}  // namespace wayside
