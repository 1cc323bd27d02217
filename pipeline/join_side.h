// What a join keeps of the readings of one of its inputs. A reading is kept as bytes, so that one
// that waits costs little, and is saved as it is.
//
// The bytes: of each number 8, little-endian; of each text a varint, 0 for NULL or else its length
// and one, and its bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/columns.h"
#include "pipeline/stream_output.h"

namespace wayside {

class JoinSide {
 public:
  // False: `error` (without its block) says why.
  bool compile(ExpressionEngine& engine, const Schema& schema,
               const std::vector<ColumnExpressions::Item>& items, BlockError& error);

  void evaluate(const BatchView& view, const uint8_t* present) {
    expressions_.evaluate(view, present);
  }
  std::string pack(size_t row) const;  // of the view that was evaluated
  void unpack(std::string_view bytes, StreamOutput& out) const;
  void add_nulls(StreamOutput& out) const;  // in the place of a reading that is not there
  uint64_t faults() const { return expressions_.faults(); }

 private:
  ColumnExpressions expressions_;
  std::vector<bool> is_text_;  // by item
};

}  // namespace wayside
