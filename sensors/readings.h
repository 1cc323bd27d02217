// The readings of one payload, as a decoder finds them.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "sensors/reading.h"

namespace wayside {

// The fields of one reading, by index in the source's schema.
struct Row {
  bool has_time = false;
  int64_t time_ms = 0;
  std::vector<double> numbers;          // kNull where nothing came
  std::vector<std::string_view> texts;  // data() == nullptr where nothing came
};

// Why a payload, or one of its readings, became none. `reason` is one of admission.h's, `detail`
// names field and fault.
struct Refusal {
  const char* reason = nullptr;
  std::string detail;
};

// A message that a device needs to get, or its next payloads cannot be read.
struct Outgoing {
  std::string topic;
  std::string payload;
};

// A payload with more of them is refused, as a bomb.
constexpr size_t kReadingsMax = 10'000;
// Readings times fields: a reading takes memory for each, whatever came of it.
constexpr size_t kCellsMax = 100'000;

// Texts are views into the payload, into the decoder or into this: they live until the next
// message. Memory is kept from message to message.
class Readings {
 public:
  // `empty`: a reading of which nothing has come yet.
  explicit Readings(Row empty = {}) : empty_(std::move(empty)) {}

  void clear();
  // The next reading; valid until the one after it.
  Row& add();
  // The one added last becomes none.
  void refuse(Refusal refusal) { items_[size_ - 1].refusal = std::move(refusal); }
  // For a text that stands nowhere else.
  std::string_view keep(std::string_view text);

  const Row& empty() const { return empty_; }
  size_t size() const { return size_; }
  // Of readings with so many fields.
  size_t max() const;
  bool is_full() const { return size_ >= max(); }
  Row& row(size_t i) { return items_[i].row; }
  Refusal& refusal(size_t i) { return items_[i].refusal; }  // no reason: it is a reading

  std::vector<Outgoing> outgoing;  // also of a payload that is refused

 private:
  struct Item {
    Row row;
    Refusal refusal;
  };
  Row empty_;
  std::vector<Item> items_;
  size_t size_ = 0;
  std::deque<std::string> texts_;  // each holds many, since a payload may be full of short ones
};

bool too_many_readings(const Readings& readings,
                       Refusal& refusal);  // false, for a decoder to return

}  // namespace wayside
