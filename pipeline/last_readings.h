// The last readings of each pane, for windows that compute their results over those only: as
// Flink's CountEvictor the last so many in order of arrival, or as its TimeEvictor those later than
// so long before the newest one. What is evicted at a result can be evicted as soon as it comes: a
// window never becomes older, nor smaller.
//
// It keeps the arguments of the aggregates as rows, and brings them into accumulators when a result
// is asked for. Owned by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/aggregate.h"

namespace wayside {

class LastReadings {
 public:
  // At most so many of a pane; with a period those within it, in order of event time.
  LastReadings(uint32_t most, int64_t period_ms) : most_(most), period_ms_(period_ms) {}

  static constexpr size_t kFilter = AggregateInput::kColumnsMax;
  // What an aggregate reads: at one place of its input, a column or the filter, an item of the
  // batch's expressions.
  struct Argument {
    size_t place = 0;
    size_t item = 0;
    bool is_text = false;
  };
  void add_aggregate(std::unique_ptr<Aggregate> aggregate, const std::vector<Argument>& arguments);

  // As those of an Aggregate, over all of them.
  void resize(size_t count) { panes_.resize(count); }
  void reset(uint32_t pane);
  void add(const std::vector<AggregateInput>& inputs, const RowsIntoPanes& target);
  void merge(uint32_t into, uint32_t from);
  Value result(size_t aggregate, uint32_t pane, uint32_t output);
  void save(uint32_t pane, ByteWriter& out) const;
  void load(uint32_t pane, ByteReader& in);

  // Readings within the period that there was no room for.
  uint64_t evicted() const { return evicted_; }
  void set_evicted(uint64_t n) { evicted_ = n; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr size_t kKept = 64;  // rows; of a burst no more memory stays with a pane

  struct Column {  // of the rows that are kept
    size_t item;
    bool is_text;
    size_t aggregate, place;  // one of those that read it
    size_t cell;              // among the numbers, or the texts, of a row
  };
  struct Use {
    size_t place, column;
  };
  struct Row {
    int64_t time_ms;
    uint64_t number;  // in order of arrival
    uint32_t slot;    // where its cells are
  };
  struct Pane {
    std::vector<Row> rows;  // those before `first` are gone
    size_t first = 0;
    uint32_t slots = 0;
    std::vector<uint32_t> free;
    std::vector<double> numbers;
    std::vector<std::optional<std::string>> texts;
  };

  bool is_before(const Row& a, const Row& b) const {
    return period_ms_ > 0 && a.time_ms != b.time_ms ? a.time_ms < b.time_ms : a.number < b.number;
  }
  size_t column_of(const Argument& argument);
  uint32_t take_slot(Pane& pane) const;
  void insert(Pane& pane, const Row& row) const;
  void evict(Pane& pane);
  static void drop_first(Pane& pane);
  void fill(uint32_t pane);

  const uint32_t most_;
  const int64_t period_ms_;
  std::vector<std::unique_ptr<Aggregate>> aggregates_;  // each with one accumulator
  std::vector<std::vector<Use>> uses_;                  // by aggregate
  std::vector<Column> columns_;
  size_t numbers_ = 0, texts_ = 0;  // cells of a row
  std::vector<Pane> panes_;
  uint64_t last_number_ = 0;
  uint64_t evicted_ = 0;

  // What the accumulators hold: the rows of this pane.
  uint32_t filled_ = kNone;
  std::vector<int64_t> times_;
  std::vector<std::vector<double>> number_columns_;
  std::vector<std::vector<uint32_t>> text_columns_;
  Interner dictionary_;
  std::vector<uint32_t> into_, from_;
};

}  // namespace wayside
