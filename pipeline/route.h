// `[[route]]`: each reading goes to the streams whose condition it meets: the first one, or all of
// them. It keeps none, so that what becomes of a reading is for the blocks behind it to say.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/block.h"
#include "pipeline/columns.h"
#include "pipeline/options.h"

namespace wayside {

class Route final : public Block {
 public:
  // Null: `error` says why. Input and engine outlive it.
  static std::unique_ptr<Route> make(const RouteOptions& options, const Stream& input,
                                     ExpressionEngine& engine, BlockError& error);
  static std::vector<std::string> stream_names(const RouteOptions& options);
  // What is wrong with reading the route itself.
  static std::string not_a_stream(const RouteOptions& options);

  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  std::vector<Stream*> outputs() override;

  const std::string& name() const override { return options_.name; }
  BlockStatus status() const override;
  uint64_t faults() const override { return conditions_.faults(); }
  uint64_t fingerprint() const override;
  void save_totals(ByteWriter& out) const override { out.varint(passed_); }
  void load_totals(ByteReader& in) override { passed_ = in.varint(); }

 private:
  Route(const RouteOptions& options, const Stream& input);
  void choose(const Rows& rows);

  RouteOptions options_;
  ColumnExpressions conditions_;
  std::vector<std::unique_ptr<Stream>> streams_;  // by condition, then that of the rest
  uint64_t passed_ = 0;                           // readings that went somewhere
  std::vector<std::vector<uint8_t>> present_;     // of a batch, by stream
};

}  // namespace wayside
