// From the configuration to sources and blocks that know each other.
#include "base/hash.h"
#include "pipeline/pipeline_graph.h"
#include "sensors/admission.h"

namespace wayside {
namespace {

// State behind a source means something else when its keys do, or how its time runs. Of its fields
// each block says for itself what its state depends on: a new field ends no alarm, and no sum.
uint64_t meaning_of(const Schema& schema, bool by_key) {
  return hash64(schema.fields[schema.key].name + (by_key ? "/key" : "/source"));
}

}  // namespace

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
  for (auto& [name, node] : graph.nodes) node.stream->set_witness(made->options_.witness);
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

}  // namespace wayside
