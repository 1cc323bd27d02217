// From a window's options to what it runs on.
#include <algorithm>

#include "base/hash.h"
#include "pipeline/paned_windows.h"
#include "pipeline/select_item.h"
#include "pipeline/sliced_windows.h"
#include "pipeline/window.h"
#include "pipeline/window_plan.h"

namespace wayside {
namespace {

uint64_t fingerprint_of(const WindowOptions& o) {
  std::string text = "2";
  for (const int64_t n :
       {int64_t(o.kind()), o.size_ms, o.every_ms, o.offset_ms, o.gap_ms, int64_t{o.count},
        int64_t{o.every_count}, int64_t(o.calendar), int64_t{o.processing_time}, o.early_ms,
        int64_t{o.early_count}, int64_t{o.purge}, int64_t{o.allowed_lateness_ms > 0}}) {
    text.append("/").append(std::to_string(n));
  }
  text.append(o.zone).append("/").append(o.where);
  for (const auto& [alias, expression] : o.select) {
    text.append("/").append(alias).append("=").append(expression);
  }
  for (const std::string& source : o.from) text.append("<").append(source);
  // What is kept of windows without these is what it was before there were any.
  if (o.keeps_last()) {
    text += "/last/" + std::to_string(o.last_count) + '/' + std::to_string(o.last_ms);
  }
  if (o.retract) text.append("/retract");
  return hash64(text);
}

}  // namespace

std::unique_ptr<Window> Window::make(const WindowOptions& options,
                                     std::vector<const Stream*> inputs, KeyTable& keys,
                                     ExpressionEngine& engine, uint32_t targets,
                                     uint32_t late_targets, BlockError& error) {
  std::unique_ptr<Window> window(new Window(options, std::move(inputs), keys));
  window->by_key_ = window->inputs_.front()->time().by_key();
  window->late_targets_ = late_targets;
  window->fingerprint_ = fingerprint_of(options);
  error.block = options.name;
  if (!window->compile(engine, targets, error) || !window->make_windows(error)) return nullptr;
  return window;
}

bool Window::compile(ExpressionEngine& engine, uint32_t targets, BlockError& error) {
  const Schema& schema = inputs_.front()->schema();
  WindowPlan plan;
  if (!plan.make(options_, schema, error)) return false;
  for (const Stream* input : inputs_) {
    auto& made = expressions_.emplace_back(std::make_unique<ColumnExpressions>());
    if (!made->compile(engine, input->schema(), plan.items, error)) return false;
  }
  where_ = plan.where;
  if (options_.keeps_last()) {
    const uint32_t most = options_.last_ms > 0 ? options_.max_last : options_.last_count;
    panes_.set_last(std::make_unique<LastReadings>(most, options_.last_ms));
  }
  for (WindowPlan::Accumulator& a : plan.accumulators) {
    Reads& reads = reads_.emplace_back();
    std::copy(a.columns.begin(), a.columns.end(), reads.columns);
    for (const size_t item : a.columns) {
      fingerprint_ = hash64(std::to_string(int(plan.items[item].type)), fingerprint_);
    }
    reads.filter = a.filter;
    if (!panes_.last()) {
      panes_.add_aggregate(std::move(a.aggregate));
      continue;
    }
    std::vector<LastReadings::Argument> arguments;
    for (size_t c = 0; c < a.columns.size(); ++c) {
      const FieldType type = plan.items[a.columns[c]].type;
      arguments.push_back({c, a.columns[c], type == FieldType::kText});
    }
    if (a.filter != kNo) arguments.push_back({LastReadings::kFilter, a.filter, false});
    panes_.last()->add_aggregate(std::move(a.aggregate), arguments);
  }
  results_ = std::make_unique<WindowResults>(
      WindowResults::Shape{options_.name, schema.fields[schema.key].name, has_times(), targets,
                           std::move(plan.results), options_.having, options_.purge,
                           options_.retract, options_.kind() == WindowKind::kSession},
      panes_, keys_);
  if (!results_->compile(engine, error)) return false;
  output_ = std::make_unique<Stream>(options_.name, results_->schema(), *this);
  if (options_.retract) {
    changes_ = std::make_unique<Stream>(changes_of(options_.name), results_->schema(), *this);
  }
  return true;
}

bool Window::make_windows(BlockError& error) {
  auto grid = WindowGrid::make(options_);
  if (!grid.ok()) {
    error.item = "zone";
    error.message = grid.error().message;
    return false;
  }
  const bool speaks_at_end_only =
      options_.early_ms == 0 && options_.early_count == 0 && options_.at_end && !options_.purge;
  // What is kept of the last readings is of a window: slices of it cannot be shared.
  if (grid->overlaps() && speaks_at_end_only && !options_.keeps_last()) {
    windows_ = std::make_unique<SlicedWindows>(options_, *grid, panes_, *results_);
  } else {
    windows_ = std::make_unique<PanedWindows>(options_, *grid, panes_, *results_);
  }
  return true;
}

}  // namespace wayside
