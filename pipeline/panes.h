// Panes: the accumulators of a window block, one set for each stretch of a key's time that windows
// are made of. Rows are noted first and brought into their panes together, aggregate by aggregate.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "pipeline/aggregate.h"
#include "pipeline/last_readings.h"

namespace wayside {

class Panes {
 public:
  void add_aggregate(std::unique_ptr<Aggregate> aggregate) {
    aggregates_.push_back(std::move(aggregate));
  }

  // Results are over the last readings; it has the aggregates then.
  void set_last(std::unique_ptr<LastReadings> last) { last_ = std::move(last); }
  LastReadings* last() const { return last_.get(); }  // null: results are over all

  uint32_t make();  // an empty one
  void release(uint32_t pane);
  void reset(uint32_t pane);
  size_t used() const { return count_ - free_.size(); }
  uint32_t capacity() const { return count_; }  // ids are below

  // What rows mean until the next begin(); one input an aggregate.
  void begin(const std::vector<AggregateInput>& inputs) { inputs_ = &inputs; }
  void add(uint32_t pane, uint32_t row) {
    pending_panes_.push_back(pane);
    pending_rows_.push_back(row);
  }
  // Before a pane is read, merged or released, and before the rows are gone.
  void flush();

  void prefetch(uint32_t pane) const {
    for (const auto& a : aggregates_) a->prefetch(pane);
  }
  void merge(uint32_t into, uint32_t from);
  void assign(uint32_t to, uint32_t from);
  Value result(size_t aggregate, uint32_t pane, uint32_t output) const {
    if (last_) return last_->result(aggregate, pane, output);
    return aggregates_[aggregate]->result(pane, output);
  }

  void save(uint32_t pane, ByteWriter& out) const;
  void load(uint32_t pane, ByteReader& in);

 private:
  std::vector<std::unique_ptr<Aggregate>> aggregates_;
  std::unique_ptr<LastReadings> last_;
  uint32_t count_ = 0;
  std::vector<uint32_t> free_;
  const std::vector<AggregateInput>* inputs_ = nullptr;
  std::vector<uint32_t> pending_panes_;
  std::vector<uint32_t> pending_rows_;
};

}  // namespace wayside
