// Arrays and maps of CBOR as JSON text, for fields of type = "json".
#pragma once

#include <string>

#include "sensors/cbor_reader.h"
#include "sensors/readings.h"

namespace wayside {

// Of all such fields of a payload; a byte of a text counts for the 6 that it may take.
constexpr size_t kCborJsonMax = 1 << 20;

class CborJson {
 public:
  // One text of at most `room` bytes. `out` keeps texts that come in pieces.
  CborJson(CborReader& reader, Readings& out, size_t room)
      : reader_(reader), out_(out), room_(room) {}

  // The rest of `item`. False without a fault of the reader's: why() says what JSON does not know,
  // or that it is too large. Bytes become hex digits; a simple value or a number without a meaning
  // null.
  bool append(const CborItem& item);

  std::string& text() { return text_; }
  const char* why() const { return why_; }

 private:
  bool refuse(const char* why);
  bool has_room(size_t bytes);
  void append_whole(const CborItem& item);
  bool append_bytes(const CborItem& item);
  bool append_scalar(const CborItem& item);
  bool append_text(std::string_view text);
  bool append_key(const CborItem& key);
  bool append_members(const CborItem& item);

  CborReader& reader_;
  Readings& out_;
  size_t room_;
  std::string text_;
  const char* why_ = nullptr;
};

}  // namespace wayside
