#include "pipeline/aggregate_distinct.h"

#include <bit>

#include "base/hash.h"
#include "pipeline/aggregate_values.h"
#include "pipeline/distinct_sketch.h"

namespace wayside {
namespace {

// hash64 gives different numbers different hashes, so that small counts of numbers are exact; those
// of texts are but for an accident of one in 10^14. What is saved is made of its hashes.
struct CountDistinct : DistinctSketch {
  using DistinctSketch::add;

  void add(const AggregateInput& in, size_t row) {
    const AggregateInput::Column& column = in.columns[0];
    std::string_view text;
    double x;
    if (column.texts) {
      if (read(column, row, text)) add(hash64(text));
    } else if (read(column, row, x)) {
      const auto bytes = std::bit_cast<std::array<char, sizeof x>>(x);
      add(hash64({bytes.data(), bytes.size()}));
    }
  }
  Value result(const AggregateCall&, Stat) const { return count(); }
};

constexpr AggregateFunction kFunctions[] = {
    {"count_distinct", "count_distinct(x)", 1, 1, 0, 0, true, Stat::kNone, number_type,
     nothing_wrong, make_aggregate<CountDistinct>},
};

}  // namespace

std::span<const AggregateFunction> distinct_functions() { return kFunctions; }

}  // namespace wayside
