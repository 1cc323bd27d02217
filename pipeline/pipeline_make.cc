// From the configuration to sources and blocks that know each other.
#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "pipeline/pipeline.h"
#include "pipeline/pipeline_source.h"
#include "sensors/admission.h"

namespace wayside {

// Streams by name, and the sources that each is made of.
struct Pipeline::Graph {
  struct Node {
    Stream* stream;
    std::set<size_t> sources;
  };
  std::map<std::string, Node> nodes;
  std::set<std::string> names;  // of all blocks that others can read
  struct Edge {
    Block* block;
    std::set<size_t> sources;
  };
  std::vector<Edge> blocks;  // in the order in which they were made

  // What is wrong with reading `name`; it is no stream yet.
  std::string missing(const std::string& name) const {
    if (names.contains(name)) return "'" + name + "' reads this block itself, over others perhaps";
    std::vector<std::string> known(names.begin(), names.end());
    for (const auto& [stream, node] : nodes) known.push_back(stream);
    const auto near = nearest(name, known);
    return "there is no source or block '" + name + "'" +
           (near ? "; did you mean '" + *near + "'?" : "");
  }
};

std::unique_ptr<Pipeline> Pipeline::make(PipelineOptions options, std::vector<BlockError>& errors) {
  std::unique_ptr<Pipeline> made(new Pipeline(std::move(options)));
  if (!made->add_sources(errors)) return nullptr;
  Graph graph;
  for (size_t s = 0; s < made->sources_.size(); ++s) {
    graph.nodes[made->sources_[s]->options.name] = {&made->sources_[s]->stream, {s}};
  }
  made->add_windows(graph, errors);
  made->add_watches(graph, errors);
  if (!errors.empty()) return nullptr;
  made->connect(graph);
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

// Each block as soon as all that it reads is there; what is left reads what is not there, or
// itself.
void Pipeline::add_windows(Graph& graph, std::vector<BlockError>& errors) {
  std::vector<const WindowOptions*> waiting;
  for (const WindowOptions& w : options_.windows) {
    waiting.push_back(&w);
    graph.names.insert(w.name);
  }
  auto is_ready = [&](const WindowOptions* w) {
    return std::all_of(w->from.begin(), w->from.end(),
                       [&](const std::string& name) { return graph.nodes.contains(name); });
  };
  while (true) {
    const auto next = std::find_if(waiting.begin(), waiting.end(), is_ready);
    if (next == waiting.end()) break;
    if (!add_window(graph, **next, errors)) graph.names.erase((*next)->name);
    waiting.erase(next);
  }
  for (const WindowOptions* w : waiting) {
    for (const std::string& name : w->from) {
      if (!graph.nodes.contains(name)) {
        errors.push_back({w->name, "from", 0, graph.missing(name)});
      }
    }
  }
}

bool Pipeline::add_window(Graph& graph, const WindowOptions& options,
                          std::vector<BlockError>& errors) {
  std::vector<const Stream*> inputs;
  Graph::Edge edge;
  std::set<size_t> twice;
  for (const std::string& name : options.from) {
    const Graph::Node& node = graph.nodes[name];
    inputs.push_back(node.stream);
    for (const size_t s : node.sources) {
      if (!edge.sources.insert(s).second) twice.insert(s);
    }
  }
  for (const Stream* input : inputs) {
    if (input->time().by_key() == inputs.front()->time().by_key()) continue;
    errors.push_back({options.name, "from", 0, "its sources differ in `watermark`"});
    return false;
  }
  BlockError error;
  auto window = Window::make(options, std::move(inputs), keys_, expressions_,
                             bits(options.to, true), bits(options.late_to, false), error);
  if (!window) {
    errors.push_back(std::move(error));
    return false;
  }
  for (size_t i = 0; i < options.from.size(); ++i) {
    graph.nodes[options.from[i]].stream->add_consumer(*window, i);
  }
  for (const size_t s : twice) sources_[s]->one_by_one = true;
  edge.block = window.get();
  graph.nodes[options.name] = {window->output(), edge.sources};
  graph.blocks.push_back(std::move(edge));
  blocks_.push_back(std::move(window));
  return true;
}

void Pipeline::add_watches(Graph& graph, std::vector<BlockError>& errors) {
  std::map<std::string, std::unique_ptr<Watch>> watches;
  auto watch_of = [&](const std::string& block, const std::string& from) -> Watch* {
    const auto node = graph.nodes.find(from);
    if (node == graph.nodes.end()) {
      errors.push_back({block, "from", 0, graph.missing(from)});
      return nullptr;
    }
    auto& watch = watches[from];
    if (!watch) watch = std::make_unique<Watch>(*node->second.stream, keys_);
    return watch.get();
  };
  for (const RuleOptions& options : options_.rules) {
    Watch* watch = watch_of(options.name, options.from);
    if (!watch) continue;
    rules_.push_back(std::make_unique<Rule>(options, bits(options.to, true), keys_));
    watch->add(*rules_.back(), options.when);
  }
  for (const DetectorOptions& options : options_.detectors) {
    Watch* watch = watch_of(options.name, options.from);
    if (!watch) continue;
    if (text_field(graph.nodes[options.from].stream->schema(), options.field)) {
      errors.push_back({options.name, "field", 0,
                        "'" + options.field + "' is a text; a detector takes numbers"});
      continue;
    }
    detectors_.push_back(std::make_unique<RobustZDetector>(options, bits(options.to, true), keys_));
    watch->add(*detectors_.back(), options.field);
  }
  for (auto& [from, watch] : watches) {
    if (watch->empty()) continue;
    watch->compile(expressions_, errors);
    Graph::Node& node = graph.nodes[from];
    node.stream->add_consumer(*watch, 0);
    graph.blocks.push_back({watch.get(), node.sources});
    watches_.push_back(std::move(watch));
  }
}

// Sources to the blocks that their readings reach, and to each other.
void Pipeline::connect(Graph& graph) {
  order_groups_.resize(sources_.size());
  for (uint32_t i = 0; i < order_groups_.size(); ++i) order_groups_[i] = i;
  for (const Graph::Edge& edge : graph.blocks) {
    const uint32_t to = order_groups_[*edge.sources.begin()];
    for (const size_t s : edge.sources) {
      std::replace(order_groups_.begin(), order_groups_.end(), uint32_t{order_groups_[s]}, to);
      sources_[s]->blocks.push_back(edge.block);
    }
  }
}

}  // namespace wayside
