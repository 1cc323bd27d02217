#include "pipeline/aggregate_histogram.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/text.h"
#include "pipeline/aggregate_values.h"

namespace wayside {
namespace {

constexpr uint8_t kEdgesMax = 64;

// How many values lie below the first edge, from each edge to below the next, and from the last one
// on.
class Histogram {
 public:
  explicit Histogram(const AggregateCall& call) : edges_(&call.parameters) {}

  void add(const AggregateInput& in, size_t row) {
    const double x = in.columns[0].numbers[row];
    if (is_null(x)) return;
    counts_.resize(edges_->size() + 1);
    ++counts_[std::upper_bound(edges_->begin(), edges_->end(), x) - edges_->begin()];
  }
  void merge(const Histogram& other) {
    if (other.counts_.empty()) return;
    counts_.resize(edges_->size() + 1);
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }
  Value result(const AggregateCall&, Stat) const {
    std::string json = "[";
    for (size_t i = 0; i <= edges_->size(); ++i) {
      if (i > 0) json += ',';
      append_json_number(json, counts_.empty() ? 0.0 : static_cast<double>(counts_[i]));
    }
    return json + ']';
  }
  void save(ByteWriter& out) const {
    out.varint(counts_.size());
    for (const uint64_t n : counts_) out.varint(n);
  }
  void load(ByteReader& in) {
    counts_.resize(in.count());
    for (uint64_t& n : counts_) n = in.varint();
    if (counts_.empty() || counts_.size() == edges_->size() + 1) return;
    counts_.clear();
    in.fail();
  }
  size_t heap_bytes() const { return counts_.size() * sizeof(uint64_t); }

 private:
  const std::vector<double>* edges_;
  std::vector<uint64_t> counts_;  // none: all are 0
};

std::string check_edges(const AggregateCall& call) {
  const std::vector<double>& edges = call.parameters;
  const auto out_of_order =
      std::adjacent_find(edges.begin(), edges.end(), [](double a, double b) { return !(a < b); });
  if (out_of_order == edges.end() && std::isfinite(edges.front()) && std::isfinite(edges.back())) {
    return "";
  }
  return "the edges of a histogram have to be finite and ascending, each one once, as in "
         "histogram(x, 0, 10, 20)";
}

constexpr AggregateFunction kFunctions[] = {
    {"histogram", "histogram(x, edge1, edge2, ...), with up to 64 edges", 1, 1, 1, kEdgesMax, false,
     Stat::kNone, text_type, check_edges, make_aggregate<Histogram>},
};

}  // namespace

std::span<const AggregateFunction> histogram_functions() { return kFunctions; }

}  // namespace wayside
