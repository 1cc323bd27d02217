// From the configuration to sources and blocks that know each other.
#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/hash.h"
#include "base/text.h"
#include "pipeline/command.h"
#include "pipeline/join.h"
#include "pipeline/map.h"
#include "pipeline/order.h"
#include "pipeline/pattern.h"
#include "pipeline/pipeline.h"
#include "pipeline/pipeline_source.h"
#include "pipeline/route.h"
#include "pipeline/running_state.h"
#include "sensors/admission.h"

namespace wayside {
namespace {

// State behind a source means something else when its keys do, or how its time runs. Of its fields
// each block says for itself what its state depends on: a new field ends no alarm, and no sum.
uint64_t meaning_of(const Schema& schema, bool by_key) {
  return hash64(schema.fields[schema.key].name + (by_key ? "/key" : "/source"));
}

}  // namespace

// Streams by name, and the sources that each is made of; blocks are added to it.
struct Pipeline::Graph {
  using Inputs = std::vector<const Stream*>;
  struct Node {
    Stream* stream;
    std::set<size_t> sources;
    std::set<Reach*> keys, times;  // whose keys and whose silence they are
    std::vector<Stream*> way;      // from the sources to here, this one too
    uint64_t meaning = 0;          // another number: its rows mean something else
  };
  // A block of the configuration. `make` gives null and says why in the error, which has the
  // block's name already.
  struct Wanted {
    std::string name;
    std::vector<std::string> from;
    std::function<std::unique_ptr<Block>(Inputs, BlockError&)> make;
    std::vector<std::string> streams = {name};  // that others can read
    const StateBounds* bounds = nullptr;        // of its keys
  };
  struct Edge {
    Block* block;
    std::set<size_t> sources;
    std::set<Reach*> keys, times;
  };

  Graph(Pipeline& made, std::vector<BlockError>& found) : pipeline(made), errors(found) {}
  void add_blocks();
  void add_watches();
  void connect();

  std::vector<Wanted> wanted_blocks();
  void add_processing_time(WindowOptions& window, std::vector<Wanted>& all);
  void add_state(StateOptions& state, std::vector<Wanted>& all);
  int64_t forget_after(const std::string& stream) const;
  int64_t least_future(const std::string& stream) const;
  bool is_readable(const std::string& name, const std::string& by);
  bool add_block(const Wanted& wanted);
  void read(const std::vector<std::string>& from, Block& block, Edge& edge);
  void add_outputs(const std::vector<std::string>& from, const Edge& edge);
  Watch* watch_of(const std::string& block, const std::string& from);
  std::string missing(const std::string& name) const;

  Pipeline& pipeline;
  std::vector<BlockError>& errors;
  std::map<std::string, Node> nodes;
  std::set<std::string> names;   // of all blocks that others can read
  std::set<std::string> silent;  // windows without final results: there is nothing to read
  std::set<std::string> failed;  // whose error is told; those that read them have none of their own
  std::vector<Edge> blocks;      // in the order in which they were made
  std::map<std::string, std::unique_ptr<Watch>> watches;
  std::map<std::string, const ProcessingTime*> times;  // by their stream
};

std::unique_ptr<Pipeline> Pipeline::make(PipelineOptions options, std::vector<BlockError>& errors) {
  std::unique_ptr<Pipeline> made(new Pipeline(std::move(options)));
  if (!made->add_sources(errors)) return nullptr;
  Graph graph(*made, errors);
  for (size_t s = 0; s < made->sources_.size(); ++s) {
    Source& source = *made->sources_[s];
    std::string name = source.options.name;
    if (source.options.is_answered) name += CommandOptions::kReceived;
    Graph::Node& node = graph.nodes[name] = {
        &source.stream, {s}, {&source.reach}, {&source.reach}, {&source.stream}};
    node.meaning = meaning_of(source.stream.schema(), source.watermarks.by_key());
  }
  graph.add_blocks();
  graph.add_watches();
  if (!errors.empty()) return nullptr;
  graph.connect();
  made->list_components();
  return made;
}

bool Pipeline::add_sources(std::vector<BlockError>& errors) {
  for (const SourceOptions& source : options_.sources) {
    auto schema = make_schema(source);
    if (!schema.ok()) {
      errors.push_back({source.name, "key", 0, schema.error().message});
      continue;
    }
    sources_.push_back(std::make_unique<Source>(source, *schema, options_.engine.tick_ms));
  }
  return errors.empty();
}

// What is wrong with reading `name`; it is no stream yet.
std::string Pipeline::Graph::missing(const std::string& name) const {
  if (names.contains(name)) return "'" + name + "' reads this block itself, over others perhaps";
  std::vector<std::string> known(names.begin(), names.end());
  for (const auto& [stream, node] : nodes) known.push_back(stream);
  const auto near = nearest(name, known);
  return "there is no source or block '" + name + "'" +
         (near ? "; did you mean '" + *near + "'?" : "");
}

// Each block as soon as all that it reads is there; what is left reads what is not there, or
// itself.
void Pipeline::Graph::add_blocks() {
  std::vector<Wanted> waiting = wanted_blocks();
  for (const Wanted& w : waiting) names.insert(w.streams.begin(), w.streams.end());
  auto is_ready = [&](const Wanted& w) {
    return std::all_of(w.from.begin(), w.from.end(), [&](const std::string& name) {
      return nodes.contains(name) || failed.contains(name);
    });
  };
  while (true) {
    const auto next = std::find_if(waiting.begin(), waiting.end(), is_ready);
    if (next == waiting.end()) break;
    if (!add_block(*next)) failed.insert(next->streams.begin(), next->streams.end());
    waiting.erase(next);
  }
  for (const Wanted& w : waiting) {
    for (const std::string& name : w.from) {
      if (!nodes.contains(name)) errors.push_back({w.name, "from", 0, missing(name)});
    }
  }
}

// One entry a kind of block.
std::vector<Pipeline::Graph::Wanted> Pipeline::Graph::wanted_blocks() {
  std::vector<Wanted> all;
  for (WindowOptions& o : pipeline.options_.windows) {
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
  }
  for (const MapOptions& o : pipeline.options_.maps) {
    all.push_back({o.name, {o.from}, [this, &o](Inputs inputs, BlockError& error) {
                     const int64_t forget_after_ms =
                         o.forget_after_ms > 0 ? o.forget_after_ms : forget_after(o.from);
                     return Map::make(o, *inputs[0], pipeline.keys_, pipeline.expressions_,
                                      forget_after_ms, pipeline.options_.engine.tick_ms, error);
                   }});
  }
  for (const JoinOptions& o : pipeline.options_.joins) {
    all.push_back({o.name, {o.from, o.with}, [&p = pipeline, &o](Inputs inputs, BlockError& error) {
                     return Join::make(o, std::move(inputs), p.keys_, p.expressions_,
                                       p.bits(o.to, true), error);
                   }});
    all.back().bounds = &o.bounds;
  }
  for (const RouteOptions& o : pipeline.options_.routes) {
    all.push_back({o.name,
                   {o.from},
                   [&p = pipeline, &o](Inputs inputs, BlockError& error) {
                     return Route::make(o, *inputs[0], p.expressions_, error);
                   },
                   Route::stream_names(o)});
  }
  for (const OrderOptions& o : pipeline.options_.orders) {
    all.push_back({o.name, {o.from}, [&p = pipeline, &o](Inputs inputs, BlockError&) {
                     return std::make_unique<Order>(o, *inputs[0], p.keys_);
                   }});
    all.back().bounds = &o.bounds;
  }
  for (const LookupOptions& o : pipeline.options_.lookups) {
    all.push_back({o.name, {o.from}, [&p = pipeline, &o](Inputs inputs, BlockError& error) {
                     auto made = Lookup::make(o, *inputs[0], p.expressions_, error);
                     p.lookups_[o.name] = made.get();
                     return made;
                   }});
  }
  for (StateOptions& o : pipeline.options_.states) add_state(o, all);
  for (size_t c = 0; c < pipeline.options_.commands.size(); ++c) {
    const CommandOptions& o = pipeline.options_.commands[c];
    all.push_back({o.name,
                   {o.name + CommandOptions::kReceived},
                   [&p = pipeline, &o, c](Inputs inputs, BlockError& error) {
                     const Command::Places places{c, p.options_.views.size()};
                     return Command::make(o, *inputs[0], places, p.keys_, p.expressions_, error);
                   }});
  }
  for (size_t v = 0; v < pipeline.options_.views.size(); ++v) {
    const ViewOptions& o = pipeline.options_.views[v];
    all.push_back({o.name,
                   {o.from},
                   [&p = pipeline, &o, v](Inputs inputs, BlockError& error) {
                     auto made = View::make(o, *inputs[0], v, p.expressions_, error);
                     p.views_.emplace_back(made.get(), p.blocks_.size());
                     return made;
                   },
                   {}});
  }
  for (const PatternOptions& o : pipeline.options_.patterns) {
    all.push_back({o.name, {o.from}, [&p = pipeline, &o](Inputs inputs, BlockError& error) {
                     return Pattern::make(o, *inputs[0], p.keys_, p.expressions_,
                                          p.bits(o.to, true), error);
                   }});
    all.back().bounds = &o.bounds;
  }
  return all;
}

// By event time it reads its input through a block that puts it in order.
void Pipeline::Graph::add_state(StateOptions& state, std::vector<Wanted>& all) {
  if (state.by_event_time) {
    OrderOptions order;
    order.name = state.name + "/" + state.from;
    order.from = std::exchange(state.from, order.name);
    all.push_back({order.name, {order.from}, [&p = pipeline, order](Inputs inputs, BlockError&) {
                     return std::make_unique<Order>(order, *inputs[0], p.keys_);
                   }});
    all.back().bounds = &state.bounds;
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

// Others see final results of a window only. A block that stands between, "v/w", is not one of the
// configuration: the error is v's.
bool Pipeline::Graph::is_readable(const std::string& name, const std::string& by) {
  if (!silent.contains(name)) return true;
  errors.push_back({by.substr(0, by.find('/')), "from", 0,
                    "'" + name +
                        "' has at_end = false and so no final results; what reads a "
                        "window sees only those"});
  return false;
}

bool Pipeline::Graph::add_block(const Wanted& wanted) {
  Inputs inputs;
  for (const std::string& name : wanted.from) {
    if (failed.contains(name) || !is_readable(name, wanted.name)) return false;
    inputs.push_back(nodes[name].stream);
  }
  for (const Stream* input : inputs) {
    if (input->time().by_key() == inputs.front()->time().by_key()) continue;
    errors.push_back({wanted.name, "from", 0,
                      "what it reads differs in `watermark`: some "
                      "run by key, some as a whole"});
    return false;
  }
  BlockError error;
  error.block = wanted.name;
  std::unique_ptr<Block> block = wanted.make(std::move(inputs), error);
  if (!block) {
    errors.push_back(std::move(error));
    return false;
  }
  if (wanted.bounds && block->is_by_key())
    block = pipeline.bounded(*wanted.bounds, std::move(block));
  Edge edge;
  read(wanted.from, *block, edge);
  add_outputs(wanted.from, edge);
  blocks.push_back(std::move(edge));
  pipeline.blocks_.push_back(std::move(block));
  return true;
}

std::unique_ptr<Block> Pipeline::bounded(const StateBounds& bounds, std::unique_ptr<Block> block) {
  if (bounds.on_disk && block->can_unload()) {
    auto paged = std::make_unique<PagedBlock>(bounds, keys_, std::move(block));
    paged_.push_back(paged.get());
    block = std::move(paged);
  }
  auto limit = std::make_unique<KeyLimit>(bounds, keys_, std::move(block));
  limits_.push_back(limit.get());
  return limit;
}

void Pipeline::Graph::read(const std::vector<std::string>& from, Block& block, Edge& edge) {
  edge.block = &block;
  std::set<size_t> twice;
  for (size_t i = 0; i < from.size(); ++i) {
    const Node& node = nodes[from[i]];
    node.stream->add_consumer(block, i);
    for (const size_t s : node.sources) {
      if (!edge.sources.insert(s).second) twice.insert(s);
    }
    edge.keys.insert(node.keys.begin(), node.keys.end());
    edge.times.insert(node.times.begin(), node.times.end());
  }
  for (const size_t s : twice) pipeline.sources_[s]->one_by_one = true;
  if (twice.empty()) return;
  for (const std::string& name : from) {
    for (Stream* stream : nodes[name].way) stream->set_one_by_one();
  }
}

void Pipeline::Graph::add_outputs(const std::vector<std::string>& from, const Edge& edge) {
  Block& block = *edge.block;
  Node made{nullptr, edge.sources, edge.keys, edge.times, {}, block.fingerprint()};
  for (const std::string& name : from) {
    const Node& node = nodes[name];
    made.way.insert(made.way.end(), node.way.begin(), node.way.end());
    if (node.meaning != 0) made.meaning = hash64(std::to_string(node.meaning), made.meaning);
  }
  pipeline.meanings_.push_back(made.meaning);
  if (block.derived_keys() || block.merged_time()) {
    Reach& own = *pipeline.reaches_.emplace_back(std::make_unique<Reach>());
    own.block = &block;
    own.keys = own.derived = block.derived_keys();
    if (own.keys) made.keys = {&own};
    if (block.merged_time()) made.times = {&own};
  }
  for (Stream* output : block.outputs()) {
    Node& node = nodes[output->name()] = made;
    node.stream = output;
    node.way.push_back(output);
    pipeline.streams_[output->name()] = node.meaning = hash64(output->name(), made.meaning);
  }
}

Watch* Pipeline::Graph::watch_of(const std::string& block, const std::string& from) {
  const auto node = nodes.find(from);
  if (failed.contains(from)) return nullptr;
  if (node == nodes.end()) {
    errors.push_back({block, "from", 0, missing(from)});
    return nullptr;
  }
  if (!is_readable(from, block)) return nullptr;
  auto& watch = watches[from];
  if (!watch) watch = std::make_unique<Watch>(*node->second.stream, pipeline.keys_);
  return watch.get();
}

void Pipeline::Graph::add_watches() {
  Pipeline& p = pipeline;
  for (const RuleOptions& options : p.options_.rules) {
    Watch* watch = watch_of(options.name, options.from);
    if (!watch) continue;
    p.rules_.push_back(std::make_unique<Rule>(options, p.bits(options.to, true), p.keys_));
    watch->add(*p.rules_.back(), options.when);
  }
  for (const DetectorOptions& options : p.options_.detectors) {
    Watch* watch = watch_of(options.name, options.from);
    if (!watch) continue;
    if (text_field(nodes[options.from].stream->schema(), options.field)) {
      errors.push_back({options.name, "field", 0,
                        "'" + options.field + "' is a text; a detector takes numbers"});
      continue;
    }
    p.detectors_.push_back(
        std::make_unique<RobustZDetector>(options, p.bits(options.to, true), p.keys_));
    watch->add(*p.detectors_.back(), options.field);
  }
  for (auto& [from, watch] : watches) {
    if (watch->empty()) continue;
    watch->compile(p.expressions_, errors);
    Node& node = nodes[from];
    node.stream->add_consumer(*watch, 0);
    blocks.push_back({watch.get(), node.sources, node.keys, node.times});
    p.watches_.push_back(std::move(watch));
  }
}

// Sources to the blocks that their readings reach, and to each other.
void Pipeline::Graph::connect() {
  std::vector<uint32_t>& groups = pipeline.order_groups_;
  groups.resize(pipeline.sources_.size());
  for (uint32_t i = 0; i < groups.size(); ++i) groups[i] = i;
  for (const Edge& edge : blocks) {
    const uint32_t to = groups[*edge.sources.begin()];
    for (const size_t s : edge.sources) {
      std::replace(groups.begin(), groups.end(), uint32_t{groups[s]}, to);
    }
    for (Reach* reach : edge.keys) reach->keyed.push_back(edge.block);
    for (Reach* reach : edge.times) reach->timed.push_back(edge.block);
  }
}

}  // namespace wayside
