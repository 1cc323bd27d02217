// What a block tells row by row: an event for each, and rows for the blocks that read it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/keys.h"
#include "pipeline/stream.h"

namespace wayside {

class StreamOutput {
 public:
  struct Shape {
    std::string type;   // of its events
    std::string block;  // names the stream, too
    Schema schema;
    uint32_t targets = 0;
  };
  // Time and keys outlive it.
  StreamOutput(Shape shape, const EventTime& time, const KeyTable& keys);
  Stream& stream() { return stream_; }

  // Rows from here on, until the next flush but those of flush_full(), were brought by the reading
  // at this place.
  void set_place(uint32_t place) { place_ = place; }
  // A row, then its values: a call for each column but the key's, in their order.
  void begin_row(uint32_t key, int64_t time_ms);
  void add_number(double number) { add(number, Interner::kNone); }  // or a boolean; kNull for NULL
  void add_text(std::string_view text) { add(kNull, batch_.texts.intern(text)); }
  void add_null() { add(kNull, Interner::kNone); }  // whatever the column holds
  // Behind the rows so far the watermark is here. kNone: of no key.
  void on_watermark(uint32_t key, int64_t watermark_ms);
  size_t rows() const { return batch_.rows(); }  // since the last flush
  // Tells what has come since the last time.
  void flush(EmissionBuffer& out);
  // The same in the middle of a reading.
  void flush_full(EmissionBuffer& out);

  uint64_t emitted() const { return emitted_; }
  void set_emitted(uint64_t n) { emitted_ = n; }

 private:
  void add(double number, uint32_t text);
  void add_row(uint32_t key, int64_t time_ms, int64_t after_ms, bool present);
  void tell(size_t row, EmissionBuffer& out) const;
  Value value(size_t column, size_t row) const;
  void push(EmissionBuffer& out);

  Shape shape_;
  Stream stream_;
  const KeyTable& keys_;
  uint64_t emitted_ = 0;
  uint32_t place_ = Cause::kNoReading;
  size_t column_ = 0;  // the next one of the row that is being written

  ReadingBatch batch_;
  std::vector<uint32_t> batch_keys_;
  std::vector<int64_t> after_;
  std::vector<uint8_t> present_;
  std::vector<uint32_t> places_;
};

}  // namespace wayside
