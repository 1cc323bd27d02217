// What the pipeline holds of a source. For the pipeline's own files only.
#pragma once

#include <memory>
#include <vector>

#include "pipeline/command.h"
#include "pipeline/derived_keys.h"
#include "pipeline/pipeline.h"
#include "pipeline/quality.h"
#include "pipeline/watermark.h"

namespace wayside {

// Which blocks hear of the keys of a source, and of its silence. Behind a block that gives its rows
// keys or a time of their own the block's counts instead. Each block is behind those it reads.
struct Pipeline::Reach {
  KeyOrigin* keys = nullptr;  // null: it has no keys of its own
  const Block* block = nullptr;
  DerivedKeys* derived = nullptr;
  std::vector<Block*> keyed;
  std::vector<Block*> timed;
};

// A source as the pipeline sees it, with everything that hangs on it.
struct Pipeline::Source {
  Source(const SourceOptions& o, const Schema& s, int64_t tick_ms)
      : options(o),
        cleaner(o, s),
        quality(o),
        watermarks(o, tick_ms),
        stream(o.name, cleaned_schema(o, s), watermarks) {
    reach.keys = &watermarks;
  }

  // A reading with that text is coming.
  void prefetch(uint32_t text) const {
    if (text < key_of_text.size()) watermarks.prefetch(key_of_text[text]);
  }

  SourceOptions options;
  Cleaner cleaner;
  Quality quality;
  WatermarkTracker watermarks;
  Stream stream;
  Reach reach;
  Command* command = nullptr;  // that reads it; null: its readings are none
  // Some block sees its readings on two ways: they go one by one, so that it hears of both in the
  // same order however they came.
  bool one_by_one = false;
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
