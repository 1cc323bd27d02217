// What goes out: an emission, or a reading that is forwarded, encoded for one uplink.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/emission.h"
#include "sensors/group.h"
#include "uplink/options.h"

namespace wayside {

struct Message {
  std::string id;
  std::string type;
  std::string block;  // for a forwarded reading its source
  std::string key;
  int64_t time_ms = 0;
  bool clock_unset = false;  // said, or read, while our clock was not set
  Cause cause;               // of emissions, see there; with `config`
  uint32_t config = 0;
  std::string value;
  bool waited = false;  // belongs to the backlog

  void clear();  // as a new one, but for the room of texts that are short
};

// Messages that go out together. The room of short texts is used again by the next ones.
class MessageBatch {
 public:
  // One more, with nothing in it. References to others end.
  Message& add();
  void clear();

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Message& operator[](size_t i) { return all_[i]; }
  const Message& operator[](size_t i) const { return all_[i]; }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.begin() + static_cast<ptrdiff_t>(size_); }
  operator std::span<const Message>() const { return {all_.data(), size_}; }

 private:
  std::vector<Message> all_;
  size_t size_ = 0;
};

// Where id, type, cause and configuration stand: in the JSON itself, or beside it (in Kafka's
// headers).
enum class Envelope { kInside, kOutside };

void append_json_value(const Value& value, std::string& out);
// {"id":…,"type":"window","block":…,"key":…,"time":…, fields…}; behind the time comes
// "clock":"unset" if that was so, "cause":"18.3" and "config":"1a2b3c4d" if they are known.
void append_json(const Emission& emission, std::string_view id, Envelope envelope,
                 std::string& out);
// A reading as the journal holds it: {"id":…,"type":"reading","source":…,"key":…,"time":…, fields…}
void append_json(const ReadingBatch& batch, const Schema& schema, std::string_view source,
                 size_t row, bool clock_unset, std::string_view id, Envelope envelope,
                 std::string& out);

// The readings of a journal entry in the order in which they came. A reading's place among all
// that the entry has is its number in ids, so that it has the same id wherever it goes, forwarded
// to whom it may be, whatever other sources are configured.
struct ReadingPlace {
  uint32_t source = 0;
  uint32_t row = 0;
  bool clock_unset = false;
  uint32_t place = 0;
};
std::vector<ReadingPlace> reading_places(const Group& group);
// The first one that is not among the entry's first `done`.
std::vector<ReadingPlace>::const_iterator place_behind(const std::vector<ReadingPlace>& places,
                                                       uint64_t done);
// Of the rows by source those that are forwarded.
uint64_t forwarded_rows(const std::vector<uint64_t>& rows, const std::vector<bool>& forwarded);
// gateway/epoch/entry.place: the readings of an entry have the same id up to their place.
std::string reading_id_head(std::string_view gateway, std::string_view epoch, uint64_t entry);
std::string reading_id(std::string_view gateway, std::string_view epoch, uint64_t entry,
                       size_t place);

Emission as_emission(const ReadingBatch& batch, const Schema& schema, std::string_view source,
                     size_t row, bool clock_unset);

}  // namespace wayside
