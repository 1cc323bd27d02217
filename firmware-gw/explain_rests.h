// What an event, or a row that one block tells another, rests on: which rows of its inputs the
// block has used for it. A replay shows them all; here those are kept that count.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "firmware-gw/explain_rows.h"

namespace wayside {

class Rests {
 public:
  using Kept = std::shared_ptr<const ToldRow>;
  virtual ~Rests() = default;

  // Whose rows count: those that this block was given, or the rules and detectors over a stream.
  struct Given {
    std::string name;
    bool watch = false;
    auto operator<=>(const Given&) const = default;
  };
  virtual Given given() const { return {told_.block, false}; }
  // Rows of its own cause alone, whatever their key; else of its key alone, whatever their cause.
  virtual bool is_by_cause() const { return false; }
  const ToldRow& told() const { return told_; }

  // Such a row, in the order of the replay.
  void see(const SeenRow& row) {
    if (row.at <= told_.at) take(row);
  }
  // The block has forgotten its key: what comes later does not rest on what was before.
  void end(const JournalPoint& at);
  // At the end of the replay, once.
  virtual void finish() {}

  // Those that it rests on, the last `limit` of them, and how many there are.
  const std::deque<Kept>& rows() const { return rows_; }
  uint64_t total() const { return total_; }
  // What there is to say about their choice, "" for nothing.
  const std::string& note() const { return note_; }

 protected:
  Rests(const ToldRow& told, size_t limit) : told_(told), limit_(limit) {}
  virtual void take(const SeenRow& row) = 0;
  virtual void clear();
  // Its own end has made the block say it.
  virtual void said_at_end() {}
  void keep(const SeenRow& row) { keep(row.told()); }
  void keep(Kept row);
  bool has_key(const SeenRow& row) const { return row.key() == told_.key; }

  const ToldRow& told_;
  const size_t limit_;
  uint64_t last_ = UINT64_MAX;  // it rests on so many at most, the last ones
  std::string note_;

 private:
  std::deque<Kept> rows_;
  uint64_t total_ = 0;
};

// What the explanations of one replay have in common.
struct RestsContext {
  const Config& config;
  size_t limit;                                                        // rows kept for each
  std::map<std::string, std::shared_ptr<RowExpressions>> expressions;  // by block
};

// Null: no block has told it. `told` and the configuration outlive it.
std::unique_ptr<Rests> make_rests(const ToldRow& told, RestsContext& context);

// The block of the configuration that makes a stream of this name; a source is its own.
std::string maker_of(const Config& config, const std::string& stream);

}  // namespace wayside
