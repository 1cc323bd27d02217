// How blocks come to read each other.
#include "pipeline/pipeline_graph.h"

#include <algorithm>

#include "base/features.h"
#include "base/hash.h"
#include "base/text.h"
#include "pipeline/route.h"

namespace wayside {

// What is wrong with reading `name`, which no block gives.
std::string Pipeline::Graph::missing(const std::string& name) const {
  for (const RouteOptions& route : pipeline.options_.routes) {
    if (route.name == name) return Route::not_a_stream(route);
  }
  std::vector<std::string> known(names.begin(), names.end());
  for (const auto& [stream, node] : nodes) known.push_back(stream);
  const auto near = nearest(name, known);
  return "there is no source or block '" + name + "'" +
         (near ? "; did you mean '" + *near + "'?" : "");
}

// What gives `name`, or something that it reads, reads the block.
bool Pipeline::Graph::leads_to(const std::string& name, const Wanted& block,
                               const std::vector<Wanted>& waiting) {
  std::vector<std::string> ahead{name};
  std::set<std::string> seen;
  while (!ahead.empty()) {
    const std::string next = std::move(ahead.back());
    ahead.pop_back();
    if (!seen.insert(next).second) continue;
    if (std::find(block.streams.begin(), block.streams.end(), next) != block.streams.end()) {
      return true;
    }
    for (const Wanted& w : waiting) {
      if (std::find(w.streams.begin(), w.streams.end(), next) == w.streams.end()) continue;
      ahead.insert(ahead.end(), w.from.begin(), w.from.end());
    }
  }
  return false;
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
      if (nodes.contains(name) || failed.contains(name)) continue;
      if (!names.contains(name)) {
        errors.push_back({w.name, "from", 0, missing(name)});
      } else if (leads_to(name, w, waiting)) {
        errors.push_back(
            {w.name, "from", 0, "'" + name + "' reads this block itself, over others perhaps"});
      }  // else what it waits for is told already
    }
  }
  for (const Wanted& w : waiting) {
    failed.insert(w.streams.begin(), w.streams.end());
  }
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
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i]->time().by_key() == inputs[0]->time().by_key()) continue;
    const size_t at = inputs[0]->time().by_key() ? 0 : i;
    const auto quoted = [](const std::string& stream) {  // as the configuration has it
      return '\'' + stream.substr(stream.rfind('/') + 1) + '\'';
    };
    const std::string by_key = quoted(wanted.from[at]);
    errors.push_back({wanted.name, "from", 0,
                      by_key + " has a watermark by key, and " + quoted(wanted.from[i - at]) +
                          " one as a whole; watermark = \"source\" of its source, or an [[order]] "
                          "per = \"stream\" between, gives " +
                          by_key + " one as a whole, too"});
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
  add_outputs(wanted, edge);
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
  limit->set_witness(options_.witness);
  limits_.emplace_back(limit.get(), blocks_.size());
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

void Pipeline::Graph::add_outputs(const Wanted& wanted, const Edge& edge) {
  Block& block = *edge.block;
  Node made{nullptr, edge.sources,        edge.keys,         edge.times,
            {},      block.fingerprint(), wanted.is_command, wanted.is_window};
  for (const std::string& name : wanted.from) {
    const Node& node = nodes[name];
    made.of_commands |= node.of_commands;
    made.of_results |= node.of_results;
    made.way.insert(made.way.end(), node.way.begin(), node.way.end());
    if (node.meaning != 0) made.meaning = hash64(std::to_string(node.meaning), made.meaning);
  }
  pipeline.meanings_.push_back(made.meaning);
  if (made.of_commands) pipeline.of_commands_.insert(wanted.name);
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
  if (node->second.of_commands) pipeline.of_commands_.insert(block);
  auto& watch = watches[from];
  if (!watch) {
    watch = std::make_unique<Watch>(*node->second.stream, pipeline.keys_, node->second.of_results);
  }
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
  if constexpr (kHasBlocks) add_detectors();
  for (auto& [from, watch] : watches) {
    if (watch->empty()) continue;
    watch->compile(p.expressions_, errors);
    Node& node = nodes[from];
    node.stream->add_consumer(*watch, 0);
    blocks.push_back({watch.get(), node.sources, node.keys, node.times});
    p.watches_.push_back(std::move(watch));
  }
}

void Pipeline::Graph::add_detectors() {
  Pipeline& p = pipeline;
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
