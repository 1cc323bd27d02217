// Readings in columns: the form in which they travel from the decoder to the last block.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/interner.h"
#include "base/time.h"
#include "base/value.h"

namespace wayside {

struct Field {
  std::string name;
  FieldType type = FieldType::kNumber;
  bool operator==(const Field&) const = default;
};

// The columns of a source: topic levels first, then its declared fields.
struct Schema {
  std::vector<Field> fields;
  size_t key = 0;  // which field is the key; a text

  size_t find(std::string_view name) const {
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].name == name) return i;
    }
    return fields.size();
  }
  bool operator==(const Schema&) const = default;
};

constexpr double kNull =
    std::numeric_limits<double>::quiet_NaN();  // JSON has no NaN, so it is free
inline bool is_null(double number) { return std::isnan(number); }
inline bool is_true(double number) { return number != 0 && !is_null(number); }

// Numbers and booleans (0, 1) in `numbers`; texts as ids of the batch's interner. The other one is
// empty.
struct Column {
  std::vector<double> numbers;
  std::vector<uint32_t> texts;
};

// A number that no batch of this process has had.
inline uint64_t new_generation() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

// Readings of one source in order of arrival. Owned by one thread.
struct ReadingBatch {
  ReadingBatch() = default;
  explicit ReadingBatch(const Schema& schema) : columns(schema.fields.size()), key(schema.key) {}

  size_t rows() const { return times.size(); }
  const std::vector<uint32_t>& keys() const { return columns[key].texts; }

  // Rows only; texts keep their ids, so that whoever maps them has to do so only once.
  void clear_rows() {
    times.clear();
    for (Column& c : columns) {
      c.numbers.clear();
      c.texts.clear();
    }
  }
  void clear_texts() {
    texts.clear();
    generation = new_generation();
  }

  std::vector<int64_t> times;  // event time, ms
  std::vector<Column> columns;
  size_t key = 0;
  Interner texts;
  uint64_t generation =
      new_generation();  // another number, in whichever batch: ids mean other texts
};

}  // namespace wayside
