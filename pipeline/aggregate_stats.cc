#include "pipeline/aggregate_stats.h"

#include <cmath>

#include "pipeline/aggregate_of.h"
#include "pipeline/aggregate_values.h"

namespace wayside {
namespace {

// A sum that is compensated (Neumaier 1974), so that the order of its terms hardly counts.
struct Sum {
  double total = 0;
  double lost = 0;  // what rounding has taken from it

  void add(double x) {
    const double next = total + x;
    lost += std::abs(total) >= std::abs(x) ? (total - next) + x : (x - next) + total;
    total = next;
  }
  void merge(const Sum& other) {
    add(other.total);
    lost += other.lost;
  }
  // Beyond the largest number the correction means nothing; inf − inf is no number at all.
  double value() const { return std::isfinite(total) ? total + lost : total; }
};

struct RowCount : PlainState<RowCount> {
  double n = 0;
  void add(const AggregateInput&, size_t) { ++n; }
  void merge(const RowCount& other) { n += other.n; }
  Value result(const AggregateCall&, Stat) const { return n; }
};

struct ValueCount : PlainState<ValueCount> {
  double n = 0;
  void add(const AggregateInput& in, size_t row) { n += is_there(in.columns[0], row); }
  void merge(const ValueCount& other) { n += other.n; }
  Value result(const AggregateCall&, Stat) const { return n; }
};

struct SumAndCount : PlainState<SumAndCount> {
  Sum sum;
  double n = 0;
  void add(const AggregateInput& in, size_t row) {
    const double x = in.columns[0].numbers[row];
    if (is_null(x)) return;
    sum.add(x);
    ++n;
  }
  void merge(const SumAndCount& other) {
    sum.merge(other.sum);
    n += other.n;
  }
};

struct SumOnly : SumAndCount {
  Value result(const AggregateCall&, Stat) const { return n > 0 ? number(sum.value()) : Value(); }
};

struct Average : SumAndCount {
  Value result(const AggregateCall&, Stat) const {
    return n > 0 ? number(sum.value() / n) : Value();
  }
};

struct Min : PlainState<Min> {
  double least = kNull;
  void take(double x) {
    if (!(least <= x) && !is_null(x)) least = x;  // also when there is none yet
  }
  void add(const AggregateInput& in, size_t row) {
    double x;
    if (read(in.columns[0], row, x)) take(x);
  }
  void merge(const Min& other) { take(other.least); }
  Value result(const AggregateCall&, Stat) const { return number(least); }
};

struct Max : PlainState<Max> {
  double most = kNull;
  void take(double x) {
    if (!(most >= x) && !is_null(x)) most = x;
  }
  void add(const AggregateInput& in, size_t row) {
    double x;
    if (read(in.columns[0], row, x)) take(x);
  }
  void merge(const Max& other) { take(other.most); }
  Value result(const AggregateCall&, Stat) const { return number(most); }
};

struct Stats : PlainState<Stats> {
  double n = 0;
  Sum sum;
  // Infinities let the first value in without a question; with n = 0 nobody sees them.
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();

  void add(const AggregateInput& in, size_t row) {
    const double x = in.columns[0].numbers[row];
    if (is_null(x)) return;
    ++n;
    sum.add(x);
    least = x < least ? x : least;
    most = x > most ? x : most;
  }
  void merge(const Stats& other) {
    n += other.n;
    sum.merge(other.sum);
    least = other.least < least ? other.least : least;
    most = other.most > most ? other.most : most;
  }
  Value result(const AggregateCall&, Stat stat) const {
    if (stat == Stat::kCount) return n;
    if (n == 0) return Value();
    switch (stat) {
      case Stat::kSum:
        return number(sum.value());
      case Stat::kAvg:
        return number(sum.value() / n);
      case Stat::kMin:
        return least + 0.0;  // of two zeros it is not told which came first
      default:
        return most + 0.0;
    }
  }
};

std::unique_ptr<Aggregate> make_count(const AggregateCall& call) {
  return call.columns.empty() ? make_aggregate<RowCount>(call) : make_aggregate<ValueCount>(call);
}

constexpr AggregateFunction stat(std::string_view name, std::string_view usage, Stat stat,
                                 std::unique_ptr<Aggregate> (*make)(const AggregateCall&)) {
  return {name, usage, 1, 1, 0, 0, false, stat, number_type, nothing_wrong, make};
}

constexpr AggregateFunction kFunctions[] = {
    {"count", "count() or count(x)", 0, 1, 0, 0, true, Stat::kCount, number_type, nothing_wrong,
     make_count},
    stat("sum", "sum(x)", Stat::kSum, make_aggregate<SumOnly>),
    stat("min", "min(x)", Stat::kMin, make_aggregate<Min>),
    stat("max", "max(x)", Stat::kMax, make_aggregate<Max>),
    stat("avg", "avg(x)", Stat::kAvg, make_aggregate<Average>),
};

}  // namespace

std::span<const AggregateFunction> stats_functions() { return kFunctions; }

std::unique_ptr<Aggregate> make_shared_stats() { return make_aggregate<Stats>({}); }

}  // namespace wayside
