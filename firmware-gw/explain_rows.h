// Rows as they go through a replay, for those who ask what something rests on.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/columns.h"
#include "pipeline/emission.h"
#include "pipeline/stream.h"

namespace wayside {

// A point of the journal: behind so many readings of an entry.
struct JournalPoint {
  uint64_t entry = 0;
  uint32_t readings = 0;
  auto operator<=>(const JournalPoint&) const = default;
};

// What a block has told, and when: an event, or a row of a stream.
struct ToldRow {
  std::string type;  // of an event; "row", or "reading" of a source
  std::string block;
  std::string key;
  int64_t time_ms = 0;
  std::vector<NamedValue> fields;
  Cause cause;
  JournalPoint at;
  int64_t arrived_ms = 0;
  uint64_t number = 0;  // of the row among all that blocks were given in a replay; 0: of an event

  const Value* find(const std::string& field) const;
};

bool is_said(const ToldRow& told, const Emission& emission);

// The same to a reader of rows, which have numbers for booleans.
bool is_same(const Value& a, const Value& b);

// A row that a block was given, in a replay.
struct SeenRow {
  const Stream& stream;
  const Rows& rows;  // one
  const Fates& fate;
  size_t input;
  uint64_t number;  // of the row in this replay, from 1
  Cause cause;
  JournalPoint at;
  int64_t arrived_ms;

  std::string_view key() const;
  int64_t time_ms() const { return rows.view.times[0]; }
  bool is_taken() const { return fate.taken[0] != 0; }
  // Made once, whoever asks.
  const std::shared_ptr<const ToldRow>& told() const;
  // Has it these values, but for its key? `told` may have more.
  bool has_fields_of(const ToldRow& told) const;
  mutable std::shared_ptr<const ToldRow> made{};  // by told()
};

// Expressions over single rows of one stream. Those who ask for the same row share what comes out.
class RowExpressions {
 public:
  explicit RowExpressions(std::vector<std::string> texts) : texts_(std::move(texts)) {}

  // False: they are not over what these rows have.
  bool evaluate(const SeenRow& row);
  // Of the row that was evaluated last.
  Value value(size_t item) const;
  bool is_true(size_t item) const;

 private:
  bool compile(const Schema& schema);

  std::vector<std::string> texts_;
  std::vector<FieldType> types_;  // empty: not compiled yet
  bool compiled_ = false;
  uint64_t evaluated_ = UINT64_MAX;
  ExpressionEngine engine_;
  ColumnExpressions columns_;
};

}  // namespace wayside
