// Which blocks the configuration wants, and of what each is made.
#include <algorithm>
#include <utility>

#include "base/features.h"
#include "pipeline/command.h"
#include "pipeline/join.h"
#include "pipeline/map.h"
#include "pipeline/order.h"
#include "pipeline/pattern.h"
#include "pipeline/pipeline_graph.h"
#include "pipeline/route.h"
#include "pipeline/running_state.h"

namespace wayside {

// Of each kind in its turn: what does not wait for others comes in this order.
std::vector<Pipeline::Graph::Wanted> Pipeline::Graph::wanted_blocks() {
  std::vector<Wanted> all;
  PipelineOptions& o = pipeline.options_;
  for (WindowOptions& window : o.windows) add(window, all);
  for (const MapOptions& map : o.maps) add(map, all);
  if constexpr (kHasBlocks) {
    for (const JoinOptions& join : o.joins) add(join, all);
  }
  for (const RouteOptions& route : o.routes) add(route, all);
  if constexpr (kHasBlocks) {
    for (const OrderOptions& order : o.orders) add(order, all);
    for (const LookupOptions& lookup : o.lookups) add(lookup, all);
    for (StateOptions& state : o.states) add(state, all);
  }
  if constexpr (kHasCommands) {
    for (size_t c = 0; c < o.commands.size(); ++c) add_command(c, all);
    for (size_t v = 0; v < o.views.size(); ++v) add_view(v, all);
  }
  if constexpr (kHasBlocks) {
    for (const PatternOptions& pattern : o.patterns) add(pattern, all);
  }
  return all;
}

void Pipeline::Graph::add(WindowOptions& o, std::vector<Wanted>& all) {
  if (!o.at_end) silent.insert(o.name);
  if (o.processing_time) add_processing_time(o, all);
  all.push_back({o.name, o.from, [this, &p = pipeline, &o](Inputs inputs, BlockError& error) {
                   auto made = Window::make(o, std::move(inputs), p.keys_, p.expressions_,
                                            p.bits(o.to, true), p.bits(o.late_to, false), error);
                   if (made && o.processing_time) {
                     p.by_processing_time_.emplace_back(times.at(o.from.front()), made.get());
                   }
                   return made;
                 }});
  all.back().bounds = &o.bounds;
  all.back().is_window = true;
  if (!o.retract) return;
  retracting.insert(o.name);
  all.back().streams.push_back(Window::changes_of(o.name));
}

void Pipeline::Graph::add(const MapOptions& o, std::vector<Wanted>& all) {
  all.push_back({o.name, {o.from}, [this, &o](Inputs inputs, BlockError& error) {
                   const int64_t forget_after_ms =
                       o.forget_after_ms > 0 ? o.forget_after_ms : forget_after(o.from);
                   return Map::make(o, *inputs[0], pipeline.keys_, pipeline.expressions_,
                                    forget_after_ms, pipeline.options_.engine.tick_ms, error);
                 }});
}

void Pipeline::Graph::add(const JoinOptions& o, std::vector<Wanted>& all) {
  all.push_back({o.name, {o.from, o.with}, [&p = pipeline, &o](Inputs inputs, BlockError& error) {
                   return Join::make(o, std::move(inputs), p.keys_, p.expressions_,
                                     p.bits(o.to, true), error);
                 }});
  all.back().bounds = &o.bounds;
}

void Pipeline::Graph::add(const RouteOptions& o, std::vector<Wanted>& all) {
  all.push_back({o.name,
                 {o.from},
                 [&p = pipeline, &o](Inputs inputs, BlockError& error) {
                   return Route::make(o, *inputs[0], p.expressions_, error);
                 },
                 Route::stream_names(o)});
}

void Pipeline::Graph::add(const OrderOptions& o, std::vector<Wanted>& all) {
  all.push_back({o.name, {o.from}, [&p = pipeline, &o](Inputs inputs, BlockError&) {
                   return std::make_unique<Order>(o, *inputs[0], p.keys_);
                 }});
  all.back().bounds = &o.bounds;
}

void Pipeline::Graph::add(const LookupOptions& o, std::vector<Wanted>& all) {
  all.push_back({o.name, {o.from}, [&p = pipeline, &o](Inputs inputs, BlockError& error) {
                   auto made = Lookup::make(o, *inputs[0], p.expressions_, error);
                   p.lookups_[o.name] = made.get();
                   return made;
                 }});
}

void Pipeline::Graph::add_command(size_t c, std::vector<Wanted>& all) {
  const CommandOptions& o = pipeline.options_.commands[c];
  all.push_back({o.name,
                 {o.name + CommandOptions::kReceived},
                 [&p = pipeline, &o, c](Inputs inputs, BlockError& error) {
                   const Command::Places places{c, p.options_.views.size()};
                   auto made = Command::make(o, *inputs[0], places, p.keys_, p.expressions_, error);
                   p.sources_[p.source_index(o.name)]->command = made.get();
                   return made;
                 }});
  all.back().is_command = true;
}

void Pipeline::Graph::add_view(size_t v, std::vector<Wanted>& all) {
  const ViewOptions& o = pipeline.options_.views[v];
  // A row of a window can be taken back; of several windows the key's row is not all its own.
  const bool follows = retracting.contains(o.from) && View::is_by_window(o);
  all.push_back({o.name,
                 {follows ? Window::changes_of(o.from) : o.from},
                 [&p = pipeline, &o, v, follows](Inputs inputs, BlockError& error) {
                   auto made = View::make(o, *inputs[0], v, p.expressions_, error);
                   if (made && follows && !made->names_key()) {
                     made = nullptr;
                     error.item = "by";
                     error.message =
                         "names a row of all keys: a result that the window takes back would "
                         "take it from the others; add \"key\", or leave retract out";
                   }
                   p.views_.emplace_back(made.get(), p.blocks_.size());
                   return made;
                 },
                 {}});
}

void Pipeline::Graph::add(const PatternOptions& o, std::vector<Wanted>& all) {
  all.push_back({o.name, {o.from}, [&p = pipeline, &o](Inputs inputs, BlockError& error) {
                   return Pattern::make(o, *inputs[0], p.keys_, p.expressions_, p.bits(o.to, true),
                                        error);
                 }});
  all.back().bounds = &o.bounds;
}

// By event time it reads its input through a block that puts it in order.
void Pipeline::Graph::add(StateOptions& state, std::vector<Wanted>& all) {
  if (state.by_event_time) {
    OrderOptions order;
    order.name = state.name + "/" + state.from;
    order.from = std::exchange(state.from, order.name);
    order.max_waiting = state.max_waiting;
    all.push_back({order.name, {order.from}, [&p = pipeline, order](Inputs inputs, BlockError&) {
                     return std::make_unique<Order>(order, *inputs[0], p.keys_);
                   }});
    // max_bytes is for the values alone, so that it counts once.
    StateBounds& bounds = of_orders.emplace_back();
    bounds.max_keys = state.bounds.max_keys;
    bounds.max_bytes = UINT64_MAX;
    all.back().bounds = &bounds;
  }
  all.push_back({state.name, {state.from}, [&p = pipeline, &state](Inputs in, BlockError& error) {
                   return RunningState::make(state, *in[0], p.keys_, p.expressions_,
                                             p.bits(state.to, false), error);
                 }});
  all.back().bounds = &state.bounds;
}

// The window reads its inputs through blocks that put the time of the turn in place of theirs.
void Pipeline::Graph::add_processing_time(WindowOptions& window, std::vector<Wanted>& all) {
  for (std::string& from : window.from) {
    const std::string name = window.name + "/" + from;
    all.push_back({name, {from}, [this, name, from = from](Inputs inputs, BlockError&) {
                     auto made = std::make_unique<ProcessingTime>(name, *inputs.front(),
                                                                  least_future(from));
                     pipeline.processing_.push_back(made.get());
                     times[name] = made.get();
                     return made;
                   }});
    from = name;
  }
}

// The longest of the sources of a stream.
int64_t Pipeline::Graph::forget_after(const std::string& stream) const {
  int64_t longest_ms = 0;
  for (const size_t s : nodes.at(stream).sources) {
    longest_ms = std::max(longest_ms, pipeline.sources_[s]->options.forget_after_ms);
  }
  return longest_ms;
}

// The smallest max_future of the sources of a stream.
int64_t Pipeline::Graph::least_future(const std::string& stream) const {
  int64_t least_ms = kTimeMax;
  for (const size_t s : nodes.at(stream).sources) {
    least_ms = std::min(least_ms, pipeline.sources_[s]->options.max_future_ms.value_or(0));
  }
  return least_ms;
}

}  // namespace wayside
