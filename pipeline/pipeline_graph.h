// The blocks of a pipeline, while it is made. For the pipeline's own files only.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "pipeline/pipeline_source.h"

namespace wayside {

// Streams by name, and the sources that each is made of; blocks are added to it.
struct Pipeline::Graph {
  using Inputs = std::vector<const Stream*>;
  struct Node {
    Stream* stream;
    std::set<size_t> sources;
    std::set<Reach*> keys, times;  // whose keys and whose silence they are
    std::vector<Stream*> way;      // from the sources to here, this one too
    uint64_t meaning = 0;          // another number: its rows mean something else
    bool of_commands = false;      // what it holds rests on what was decided
    bool of_results = false;       // a window is before it
  };
  // A block of the configuration. `make` gives null and says why in the error, which has the
  // block's name already.
  struct Wanted {
    std::string name;
    std::vector<std::string> from;
    std::function<std::unique_ptr<Block>(Inputs, BlockError&)> make;
    std::vector<std::string> streams = {name};  // that others can read
    const StateBounds* bounds = nullptr;        // of its keys
    bool is_command = false;
    bool is_window = false;
  };
  struct Edge {
    Block* block;
    std::set<size_t> sources;
    std::set<Reach*> keys, times;
  };

  Graph(Pipeline& made, std::vector<BlockError>& found) : pipeline(made), errors(found) {}
  void add_blocks();
  void add_watches();
  void add_detectors();
  void connect();

  std::vector<Wanted> wanted_blocks();
  void add_processing_time(WindowOptions& window, std::vector<Wanted>& all);
  void add(WindowOptions& window, std::vector<Wanted>& all);
  void add(const MapOptions& map, std::vector<Wanted>& all);
  void add(const JoinOptions& join, std::vector<Wanted>& all);
  void add(const RouteOptions& route, std::vector<Wanted>& all);
  void add(const OrderOptions& order, std::vector<Wanted>& all);
  void add(const LookupOptions& lookup, std::vector<Wanted>& all);
  void add(StateOptions& state, std::vector<Wanted>& all);
  void add(const PatternOptions& pattern, std::vector<Wanted>& all);
  void add_command(size_t command, std::vector<Wanted>& all);
  void add_view(size_t view, std::vector<Wanted>& all);
  int64_t forget_after(const std::string& stream) const;
  int64_t least_future(const std::string& stream) const;
  bool is_readable(const std::string& name, const std::string& by);
  bool add_block(const Wanted& wanted);
  void read(const std::vector<std::string>& from, Block& block, Edge& edge);
  void add_outputs(const Wanted& wanted, const Edge& edge);
  Watch* watch_of(const std::string& block, const std::string& from);
  std::string missing(const std::string& name) const;
  static bool leads_to(const std::string& name, const Wanted& block,
                       const std::vector<Wanted>& waiting);

  Pipeline& pipeline;
  std::vector<BlockError>& errors;
  std::map<std::string, Node> nodes;
  std::set<std::string> names;       // of all blocks that others can read
  std::set<std::string> retracting;  // windows that take results back
  std::set<std::string> silent;      // windows without final results: there is nothing to read
  std::set<std::string> failed;  // whose error is told; those that read them have none of their own
  std::vector<Edge> blocks;      // in the order in which they were made
  std::map<std::string, std::unique_ptr<Watch>> watches;
  std::map<std::string, const ProcessingTime*> times;  // by their stream
  std::list<StateBounds> of_orders;                    // of those that stand before running values
};

}  // namespace wayside
