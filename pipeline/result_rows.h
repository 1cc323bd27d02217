// Results of a window block as rows of a stream, for the blocks that read it.
#pragma once

#include <string_view>
#include <vector>

#include "pipeline/stream.h"

namespace wayside {

class ResultRows {
 public:
  // So many columns: the key, window_start, window_end, then the values.
  explicit ResultRows(size_t columns) : has_texts_(columns) { batch_.columns.resize(columns); }

  // A result, then its values: a call for each, in the order of the columns. It moves no watermark.
  // `place` is that of the reading that has brought it, see Rows.
  void begin(uint32_t key, std::string_view key_text, int64_t time_ms, uint32_t place);
  void set_window(double start, double end);  // kNull: it has none
  // A text among numbers stays one: expressions see what the value is.
  void add(const Value& value, FieldType type);
  void take_back() {  // the result that was begun last
    taken_back_.back() = 1;
    takes_back_ = true;
  }
  // Behind the results so far the watermark is here. No text: of no key.
  void move(uint32_t key, std::string_view key_text, int64_t watermark, uint32_t place);
  // What has come since the last time.
  void push(const Stream& stream, EmissionBuffer& out);

 private:
  ReadingBatch batch_;
  size_t column_ = 0;               // the next one of the result
  std::vector<uint8_t> has_texts_;  // by column of numbers: there is one at least
  std::vector<uint32_t> keys_;
  std::vector<int64_t> after_;
  std::vector<uint8_t> present_;
  std::vector<uint32_t> places_;
  std::vector<uint8_t> taken_back_;
  bool takes_back_ = false;  // one of them at least
};

}  // namespace wayside
