// What the pipeline holds of a source. For the pipeline's own files only.
#pragma once

#include <memory>
#include <vector>

#include "pipeline/pipeline.h"

namespace wayside {

// A source as the pipeline sees it, with everything that hangs on it.
struct Pipeline::Source {
  Source(const SourceOptions& o, Schema s, int64_t tick_ms)
      : options(o), schema(std::move(s)), cleaner(o, schema), watermarks(o, tick_ms) {}

  SourceOptions options;
  Schema schema;
  Cleaner cleaner;
  WatermarkTracker watermarks;
  struct WindowInput {
    Window* window;
    size_t input;
  };
  std::vector<WindowInput> windows;
  std::vector<Rule*> rules;                 // values: first one a rule,
  std::vector<RobustZDetector*> detectors;  // then one a detector
  ColumnExpressions ordered_values;
  std::unique_ptr<OrderedReadings> ordered;  // null: no rule and no detector
  Ledger ledger;
  uint64_t rolled_over = 0;

  // Texts of the batch to keys, for as long as neither forgets any.
  std::vector<uint32_t> key_of_text;
  uint64_t batch_generation = UINT64_MAX;
  uint64_t key_releases = 0;
  // Scratch of one slice.
  std::vector<uint32_t> keys;
  std::vector<int64_t> after;
  Fates fates;
};

}  // namespace wayside
