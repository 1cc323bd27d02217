// From the configuration to sources and blocks that know each other.
#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/text.h"
#include "pipeline/join.h"
#include "pipeline/pattern.h"
#include "pipeline/pipeline.h"
#include "pipeline/pipeline_source.h"
#include "sensors/admission.h"

namespace wayside {

// Streams by name, and the sources that each is made of; blocks are added to it.
struct Pipeline::Graph {
  using Inputs = std::vector<const Stream*>;
  struct Node {
    Stream* stream;
    std::set<size_t> sources;
  };
  // A block of the configuration. `make` gives null and says why in the error, which has the
  // block's name already.
  struct Wanted {
    std::string name;
    std::vector<std::string> from;
    std::function<std::unique_ptr<Block>(Inputs, BlockError&)> make;
  };
  struct Edge {
    Block* block;
    std::set<size_t> sources;
  };

  Graph(Pipeline& made, std::vector<BlockError>& found) : pipeline(made), errors(found) {}
  void add_blocks();
  void add_watches();
  void connect();

  std::vector<Wanted> wanted_blocks();
  void add_processing_time(WindowOptions& window, std::vector<Wanted>& all);
  bool add_block(const Wanted& wanted);
  Watch* watch_of(const std::string& block, const std::string& from);
  std::string missing(const std::string& name) const;

  Pipeline& pipeline;
  std::vector<BlockError>& errors;
  std::map<std::string, Node> nodes;
  std::set<std::string> names;   // of all blocks that others can read
  std::set<std::string> failed;  // whose error is told; those that read them have none of their own
  std::vector<Edge> blocks;      // in the order in which they were made
  std::map<std::string, std::unique_ptr<Watch>> watches;
};

std::unique_ptr<Pipeline> Pipeline::make(PipelineOptions options, std::vector<BlockError>& errors) {
  std::unique_ptr<Pipeline> made(new Pipeline(std::move(options)));
  if (!made->add_sources(errors)) return nullptr;
  Graph graph(*made, errors);
  for (size_t s = 0; s < made->sources_.size(); ++s) {
    graph.nodes[made->sources_[s]->options.name] = {&made->sources_[s]->stream, {s}};
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
  for (const Wanted& w : waiting) names.insert(w.name);
  auto is_ready = [&](const Wanted& w) {
    return std::all_of(w.from.begin(), w.from.end(), [&](const std::string& name) {
      return nodes.contains(name) || failed.contains(name);
    });
  };
  while (true) {
    const auto next = std::find_if(waiting.begin(), waiting.end(), is_ready);
    if (next == waiting.end()) break;
    if (!add_block(*next)) failed.insert(next->name);
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
    if (o.processing_time) add_processing_time(o, all);
    all.push_back({o.name, o.from, [&p = pipeline, &o](Inputs inputs, BlockError& error) {
                     auto made = Window::make(o, std::move(inputs), p.keys_, p.expressions_,
                                              p.bits(o.to, true), p.bits(o.late_to, false), error);
                     if (made && o.processing_time) p.by_processing_time_.push_back(made.get());
                     return made;
                   }});
  }
  for (const JoinOptions& o : pipeline.options_.joins) {
    all.push_back({o.name, {o.from, o.with}, [&p = pipeline, &o](Inputs inputs, BlockError& error) {
                     return Join::make(o, std::move(inputs), p.keys_, p.expressions_,
                                       p.bits(o.to, true), error);
                   }});
  }
  for (const PatternOptions& o : pipeline.options_.patterns) {
    all.push_back({o.name, {o.from}, [&p = pipeline, &o](Inputs inputs, BlockError& error) {
                     return Pattern::make(o, *inputs[0], p.keys_, p.expressions_,
                                          p.bits(o.to, true), error);
                   }});
  }
  return all;
}

// The window reads its inputs through blocks that put the time of the turn in place of theirs.
void Pipeline::Graph::add_processing_time(WindowOptions& window, std::vector<Wanted>& all) {
  for (std::string& from : window.from) {
    const std::string name = window.name + "/" + from;
    all.push_back({name, {from}, [&p = pipeline, name](Inputs inputs, BlockError&) {
                     auto made = std::make_unique<ProcessingTime>(name, *inputs.front(), p.keys_);
                     p.processing_.push_back(made.get());
                     return made;
                   }});
    from = name;
  }
}

bool Pipeline::Graph::add_block(const Wanted& wanted) {
  Inputs inputs;
  Edge edge;
  std::set<size_t> twice;
  for (const std::string& name : wanted.from) {
    if (failed.contains(name)) return false;
    const Node& node = nodes[name];
    inputs.push_back(node.stream);
    for (const size_t s : node.sources) {
      if (!edge.sources.insert(s).second) twice.insert(s);
    }
  }
  for (const Stream* input : inputs) {
    if (input->time().by_key() == inputs.front()->time().by_key()) continue;
    errors.push_back({wanted.name, "from", 0, "its sources differ in `watermark`"});
    return false;
  }
  BlockError error;
  error.block = wanted.name;
  std::unique_ptr<Block> block = wanted.make(std::move(inputs), error);
  if (!block) {
    errors.push_back(std::move(error));
    return false;
  }
  for (size_t i = 0; i < wanted.from.size(); ++i) {
    nodes[wanted.from[i]].stream->add_consumer(*block, i);
  }
  for (const size_t s : twice) pipeline.sources_[s]->one_by_one = true;
  edge.block = block.get();
  for (Stream* output : block->outputs()) nodes[output->name()] = {output, edge.sources};
  blocks.push_back(std::move(edge));
  pipeline.blocks_.push_back(std::move(block));
  return true;
}

Watch* Pipeline::Graph::watch_of(const std::string& block, const std::string& from) {
  const auto node = nodes.find(from);
  if (failed.contains(from)) return nullptr;
  if (node == nodes.end()) {
    errors.push_back({block, "from", 0, missing(from)});
    return nullptr;
  }
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
    blocks.push_back({watch.get(), node.sources});
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
      pipeline.sources_[s]->blocks.push_back(edge.block);
    }
  }
}

}  // namespace wayside
