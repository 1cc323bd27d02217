// How rows go from block to block. A source or a block pushes rows into its stream; each consumer
// takes them at once, in the order in which they were added. All on the pipeline's thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/emission.h"
#include "sensors/clean.h"

namespace wayside {

// What the blocks say of each reading of a slice: whether one took it, was passed by it (it came
// too late), or had no room for it. A block that only hands rows on says nothing: those behind it
// do.
struct Fates {
  std::vector<uint8_t> taken;
  std::vector<uint8_t> late;
  std::vector<uint8_t> dropped;
  // Of commands: what was decided before any block took one; empty: nothing.
  enum Verdict : uint8_t { kNone, kRepeated, kRefused };
  std::vector<uint8_t> verdicts;
};

// Rows, and how event time goes on with them. Views, valid during the call.
struct Rows {
  BatchView view;
  // By row: the watermark behind it, of its key or of the stream; kTimeMin: it moves nothing. In a
  // stream that is not by key a row without a reading may have no key, KeyTable::kNone.
  const int64_t* after = nullptr;
  const uint8_t* present = nullptr;  // by row: 0 for no reading, it only moves the watermark; null:
                                     // all are readings
  Fates* fates = nullptr;            // of the readings they were made of; null: of none
  const uint32_t* origins = nullptr;  // by row: its place there; null: it is the row's own
  // By row: 1 for a result that is taken back, where a stream has such; null: it has none.
  const uint8_t* taken_back = nullptr;
  // By row: the place in the journal entry of the reading that has brought it, see Cause; null: the
  // rows are readings themselves, the first one of this place.
  const uint32_t* places = nullptr;
  uint32_t first_place = Cause::kNoReading;

  bool is_present(size_t row) const { return !present || present[row]; }
  uint32_t place(size_t row) const {
    if (places) return places[row];
    if (first_place == Cause::kNoReading) return first_place;
    return first_place + (origins ? origins[row] : static_cast<uint32_t>(row));
  }
  void set_taken(size_t row) const {
    if (fates) fates->taken[origins ? origins[row] : row] = 1;
  }
  void set_late(size_t row) const {
    if (fates) fates->late[origins ? origins[row] : row] = 1;
  }
  void set_dropped(size_t row) const {
    if (fates) fates->dropped[origins ? origins[row] : row] = 1;
  }
  void set_verdict(size_t row, Fates::Verdict verdict) const {
    if (!fates) return;
    fates->verdicts.resize(fates->taken.size());
    fates->verdicts[origins ? origins[row] : row] = verdict;
  }
};

// Rows from `begin` to before `end`; `origins` holds their places among the readings, for as long
// as they are used.
Rows slice(const Rows& rows, size_t begin, size_t end, std::vector<uint32_t>& origins);

// How far the event time of a stream has come, between two pushes.
class EventTime {
 public:
  virtual ~EventTime() = default;
  virtual bool by_key() const = 0;                    // else over all keys
  virtual int64_t watermark(uint32_t key) const = 0;  // kTimeMin while nothing came
  virtual bool is_idle(uint32_t key) const = 0;       // then it holds back nobody
};

class Block;
class Stream;

// Sees each row that a block is given, behind it, and the end of its keys. For those who ask what
// something rests on.
class Witness {
 public:
  virtual ~Witness() = default;
  // A single row. `fate` is what this block, or those behind it, say of it.
  virtual void saw(const Stream& stream, const Block& block, size_t input, const Rows& row,
                   const Fates& fate) = 0;
  // The block has forgotten what it held of this key.
  virtual void ended(const Block& block, std::string_view key, const Cause& cause) = 0;
};

class Stream {
 public:
  Stream(std::string name, Schema schema, const EventTime& time)
      : name_(std::move(name)), schema_(std::move(schema)), time_(time) {}

  const std::string& name() const { return name_; }
  const Schema& schema() const { return schema_; }
  const EventTime& time() const { return time_; }

  struct Consumer {
    Block* block;
    size_t input;  // of the block's
  };
  void add_consumer(Block& block, size_t input) { consumers_.push_back({&block, input}); }
  const std::vector<Consumer>& consumers() const { return consumers_; }
  // Some block sees its rows on two ways: each goes to all consumers before the next one does.
  void set_one_by_one() { one_by_one_ = true; }
  // Rows go one by one then. It outlives the stream.
  void set_witness(Witness* witness) { witness_ = witness; }
  void push(const Rows& rows, EmissionBuffer& out) const;

 private:
  void give(const Consumer& consumer, const Rows& rows, EmissionBuffer& out) const;
  void give_before_witness(const Consumer& consumer, const Rows& rows, EmissionBuffer& out) const;

  std::string name_;
  Schema schema_;
  const EventTime& time_;
  std::vector<Consumer> consumers_;
  Witness* witness_ = nullptr;
  bool one_by_one_ = false;
};

}  // namespace wayside
