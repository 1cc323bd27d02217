// Aggregates: what becomes of the readings of a window. An accumulator a pane; two panes merge into
// one as if their readings had come into one, up to rounding, so that windows share what they have
// in common. Nothing is ever subtracted. Owned by one thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/interner.h"
#include "base/value.h"

namespace wayside {

// What an aggregate reads of a batch, by row.
struct AggregateInput {
  struct Column {  // one of the pointers is set
    const double* numbers = nullptr;
    const uint32_t* texts = nullptr;  // ids of the dictionary, Interner::kNone for NULL
    const Interner* dictionary = nullptr;
  };
  static constexpr size_t kColumnsMax = 3;
  const int64_t* times = nullptr;  // event time, ms
  const double* mask = nullptr;    // FILTER; null: every row
  std::array<Column, kColumnsMax> columns;
};

// Where rows meet panes: row `rows[i]` goes into pane `panes[i]`, in this order.
struct RowsIntoPanes {
  const uint32_t* panes = nullptr;
  const uint32_t* rows = nullptr;
  size_t count = 0;
};

class Aggregate {
 public:
  virtual ~Aggregate() = default;
  // Panes 0 … count − 1 have an accumulator; new ones are empty.
  virtual void resize(size_t count) = 0;
  virtual void reset(uint32_t pane) = 0;  // to empty
  virtual void prefetch(uint32_t pane) const = 0;
  // NULL arguments do not count, as in SQL.
  virtual void add(const AggregateInput& input, const RowsIntoPanes& target) = 0;
  // Order of the two does not matter but for rounding; `from` keeps what it has.
  virtual void merge(uint32_t into, uint32_t from) = 0;
  // `output`: for accumulators that several items share, see Stat; else 0.
  virtual Value result(uint32_t pane, uint32_t output) const = 0;
  virtual void save(uint32_t pane, ByteWriter& out) const = 0;
  virtual void load(uint32_t pane, ByteReader& in) = 0;
  virtual size_t bytes() const = 0;  // of all accumulators, with what they own
};

// A call as a `select` item has it.
struct AggregateCall {
  std::vector<FieldType> columns;  // of its arguments over the fields
  std::vector<double> parameters;  // its constants, behind them
};

// Functions whose accumulators are one and the same, if they are asked for the same argument and
// filter.
enum class Stat : uint32_t { kCount, kSum, kMin, kMax, kAvg, kNone };

struct AggregateFunction {
  std::string_view name;
  std::string_view usage;  // for errors: "quantile(x, share)"
  uint8_t min_columns, max_columns;
  uint8_t min_parameters, max_parameters;
  bool takes_text;  // as its first column
  Stat stat;
  FieldType (*type)(const AggregateCall& call);  // of the result
  // What is wrong with the parameters; "" for nothing.
  std::string (*check)(const AggregateCall& call);
  std::unique_ptr<Aggregate> (*make)(const AggregateCall& call);
};

const AggregateFunction* find_aggregate(std::string_view name);  // in any case; null: none
std::vector<const AggregateFunction*> aggregate_functions();
bool is_aggregate_left_out(std::string_view name);  // of this build, while others have it

// One accumulator for several stats of one argument: outputs are Stat.
std::unique_ptr<Aggregate> make_shared_stats();

}  // namespace wayside
