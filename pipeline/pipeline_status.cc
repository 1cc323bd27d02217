// What the pipeline tells of itself.
#include <algorithm>

#include "pipeline/pipeline.h"
#include "pipeline/pipeline_source.h"

namespace wayside {

uint64_t Pipeline::sessions_lost(const std::string& connection) const {
  auto begun = sessions_.find(connection);
  return begun == sessions_.end() ? 0 : begun->second - 1;
}

Ledger Pipeline::total() const {
  Ledger sum = unrouted_;
  for (const auto& source : sources_) sum += source->ledger;
  return sum;
}

std::vector<Pipeline::SourceStatus> Pipeline::source_status() const {
  std::vector<SourceStatus> all;
  for (const auto& s : sources_) {
    size_t waiting = 0;
    for (const auto& watch : watches_) {
      if (watch->name() == s->options.name) waiting = watch->status().open;
    }
    all.push_back({s->options.name, s->ledger, s->cleaner.out_of_range(), s->rolled_over, waiting,
                   s->watermarks.known_keys()});
    SourceStatus& status = all.back();
    const std::vector<Field>& fields = s->stream.schema().fields;
    for (size_t c = 0; s->cleaner.counts() && c < s->cleaner.columns(); ++c) {
      for (size_t r = 0; r < kReasons; ++r) {
        const uint64_t n = s->cleaner.changed(c, Reason(r));
        if (n > 0) status.cleaned.push_back({fields[c].name, Reason(r), n});
      }
    }
    if (s->quality.is_on()) status.quality = s->quality.total();
  }
  return all;
}

std::vector<BlockStatus> Pipeline::block_status() const {
  std::vector<BlockStatus> all;
  for (const auto& block : blocks_) {
    all.push_back(block->status());
    all.back().faults += faults_of(*block);
  }
  auto add = [&](const auto& block, const char* kind, const std::string& from) {
    for (const auto& watch : watches_) {
      if (watch->name() != from) continue;
      all.push_back(watch->status());
      BlockStatus& told = all.back();
      told.name = block.name();
      told.kind = kind;
      told.emitted = block.raised();
      told.faults = faults_of(*watch);
    }
  };
  for (size_t i = 0; i < rules_.size(); ++i) {
    add(*rules_[i], "rule", options_.rules[i].from);
    for (const auto& watch : watches_) {
      if (watch->name() == options_.rules[i].from && watch->judges_late(*rules_[i])) {
        all.back().late = 0;
      }
    }
  }
  for (size_t i = 0; i < detectors_.size(); ++i)
    add(*detectors_[i], "detector", options_.detectors[i].from);
  return all;
}

std::vector<Pipeline::KeyLag> Pipeline::key_times(size_t limit) const {
  std::vector<uint32_t> named;
  for (uint32_t key = 0; key < keys_.capacity(); ++key) {
    const bool known = std::any_of(sources_.begin(), sources_.end(),
                                   [&](const auto& s) { return s->watermarks.knows(key); });
    if (known) named.push_back(key);
  }
  keys_.sort_by_text(named);
  std::vector<KeyLag> all;
  for (const uint32_t key : named) {
    if (all.size() == limit) break;
    int64_t newest = kTimeMin, active = kTimeMax, any = kTimeMax;
    std::optional<QualityFigures> quality;
    for (const auto& s : sources_) {
      const WatermarkTracker& w = s->watermarks;
      if (!w.knows(key)) continue;
      newest = std::max(newest, w.newest_ms(key));
      any = std::min(any, w.watermark(key));
      if (!w.is_idle(key)) active = std::min(active, w.watermark(key));
      if (s->quality.is_on()) {
        if (!quality) quality.emplace();
        *quality += s->quality.of_key(key);
      }
    }
    if (newest == kTimeMin) continue;
    all.push_back({keys_.text(key), newest, active != kTimeMax ? active : any, quality});
  }
  return all;
}

}  // namespace wayside
