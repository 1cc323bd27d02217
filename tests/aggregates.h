// A call of an aggregate, as a `select` item has it, over readings of the fields x and y (numbers)
// and name (a text).
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "pipeline/select_item.h"
#include "sensors/reading.h"

namespace wayside {

struct TestReading {
  int64_t time = 0;
  double x = kNull;
  double y = kNull;
  std::string name = {};  // empty: NULL
  double mask = 1;        // FILTER
};
using TestReadings = std::vector<TestReading>;
inline const Value null;

inline AggregateCall call_of(const SelectItem& item) {
  AggregateCall call{{}, item.parameters};
  for (const SelectItem::Text& column : item.columns) {
    call.columns.push_back(column.text == "name" ? FieldType::kText : FieldType::kNumber);
  }
  return call;
}

inline SelectItem parsed(const std::string& text) {
  SelectError error;
  SelectItem item = parse_select_item(text, error);
  EXPECT_NE(item.aggregate, nullptr) << text << ": " << error.message;
  return item;
}

// Accumulators of one call, a pane each.
class TestPanes {
 public:
  explicit TestPanes(const std::string& item, size_t panes = 1)
      : item_(parsed(item)), call_(call_of(item_)) {
    EXPECT_EQ(item_.aggregate->check(call_), "") << item;
    aggregate_ = item_.aggregate->make(call_);
    aggregate_->resize(panes);
  }

  void add(uint32_t pane, const TestReadings& readings) {
    add(readings, std::vector<uint32_t>(readings.size(), pane));
  }
  // Each batch has a dictionary of its own, so that its ids mean nothing to the next one.
  void add(const TestReadings& readings, const std::vector<uint32_t>& panes) {
    Interner dictionary;
    std::vector<int64_t> times;
    std::vector<double> x, y, mask;
    std::vector<uint32_t> names;
    for (const TestReading& r : readings) {
      times.push_back(r.time);
      x.push_back(r.x);
      y.push_back(r.y);
      mask.push_back(r.mask);
      names.push_back(r.name.empty() ? Interner::kNone : dictionary.intern(r.name));
    }
    std::vector<uint32_t> rows(readings.size());
    std::iota(rows.begin(), rows.end(), 0u);
    AggregateInput input;
    input.times = times.data();
    if (!item_.filter.text.empty()) input.mask = mask.data();
    for (size_t i = 0; i < item_.columns.size(); ++i) {
      const std::string& column = item_.columns[i].text;
      if (column == "name") {
        input.columns[i].texts = names.data();
        input.columns[i].dictionary = &dictionary;
      } else {
        input.columns[i].numbers = column == "x" ? x.data() : y.data();
      }
    }
    aggregate_->add(input, {panes.data(), rows.data(), rows.size()});
  }
  void merge(uint32_t into, uint32_t from) { aggregate_->merge(into, from); }
  void reset(uint32_t pane) { aggregate_->reset(pane); }
  Value result(uint32_t pane = 0) const { return aggregate_->result(pane, 0); }
  size_t bytes() const { return aggregate_->bytes(); }

  std::string saved(uint32_t pane = 0) const {
    std::string bytes;
    ByteWriter writer(bytes);
    aggregate_->save(pane, writer);
    return bytes;
  }
  // False: refused, or not read to the end.
  bool load(uint32_t pane, const std::string& bytes) {
    ByteReader reader(bytes);
    aggregate_->load(pane, reader);
    return reader.ok() && reader.left() == 0;
  }

 private:
  SelectItem item_;
  AggregateCall call_;
  std::unique_ptr<Aggregate> aggregate_;
};

inline Value aggregate(const std::string& item, const TestReadings& readings) {
  TestPanes panes(item);
  panes.add(0, readings);
  return panes.result();
}

// Values of x, a second apart.
inline TestReadings readings_of(const std::vector<double>& values) {
  TestReadings readings;
  for (const double x : values)
    readings.push_back({.time = 1000 * int64_t(readings.size()), .x = x});
  return readings;
}

inline double number_of(const Value& value) {
  const double* number = std::get_if<double>(&value);
  return number ? *number : kNull;
}

}  // namespace wayside
