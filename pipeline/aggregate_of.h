// How an aggregate is made of the state of one pane. A State is empty when it is made, from nothing
// or from the call (which outlives it), and has
//   void add(const AggregateInput&, size_t row)      nothing where its argument is NULL
//   void merge(const State&)
//   Value result(const AggregateCall&, Stat) const   the call has its parameters
//   void save(ByteWriter&) const, void load(ByteReader&)
//   size_t heap_bytes() const                        what it owns outside itself, by its content:
//                                                    the same after a restart
// or, where it is plain data, derives the last three from PlainState.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "pipeline/aggregate.h"
#include "sensors/reading.h"

namespace wayside {

// Save and load as the bytes that the state consists of; it must have no padding.
template <class State>
struct PlainState {
  void save(ByteWriter& out) const { out.fixed(static_cast<const State&>(*this)); }
  void load(ByteReader& in) { static_cast<State&>(*this) = in.fixed<State>(); }
  size_t heap_bytes() const { return 0; }
};

template <class State>
class AggregateOf final : public Aggregate {
 public:
  explicit AggregateOf(AggregateCall call) : call_(std::move(call)) {}

  void resize(size_t count) override {
    if (count < states_.size()) states_.erase(states_.begin() + count, states_.end());
    // Of the many that there are, twice as much would leave half of it unused.
    if (count > states_.capacity()) states_.reserve(count + count / 16);
    while (states_.size() < count) states_.push_back(empty());
  }
  void reset(uint32_t pane) override { states_[pane] = empty(); }
  void prefetch(uint32_t pane) const override {
    const State* state = states_.data() + pane;
    __builtin_prefetch(state);
    if constexpr (sizeof(State) > 32) __builtin_prefetch(state + 1);  // it may lie on two lines
  }
  void add(const AggregateInput& input, const RowsIntoPanes& target) override {
    for (size_t i = 0; i < target.count; ++i) {
      const uint32_t row = target.rows[i];
      if (!input.mask || is_true(input.mask[row])) states_[target.panes[i]].add(input, row);
    }
  }
  void merge(uint32_t into, uint32_t from) override { states_[into].merge(states_[from]); }
  Value result(uint32_t pane, uint32_t output) const override {
    return states_[pane].result(call_, static_cast<Stat>(output));
  }
  void save(uint32_t pane, ByteWriter& out) const override { states_[pane].save(out); }
  void load(uint32_t pane, ByteReader& in) override { states_[pane].load(in); }
  size_t bytes() const override {
    size_t sum = states_.capacity() * sizeof(State);
    for (const State& s : states_) sum += s.heap_bytes();
    return sum;
  }

 private:
  State empty() const {
    if constexpr (std::is_constructible_v<State, const AggregateCall&>) {
      return State(call_);
    } else {
      return State();
    }
  }

  AggregateCall call_;
  std::vector<State> states_;
};

template <class State>
std::unique_ptr<Aggregate> make_aggregate(const AggregateCall& call) {
  return std::make_unique<AggregateOf<State>>(call);
}

}  // namespace wayside
