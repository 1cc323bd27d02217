// What it means to the pipeline that our clock was set, or that a device's was wrong.
#include <algorithm>

#include "pipeline/pipeline.h"
#include "pipeline/pipeline_source.h"

namespace wayside {

void Pipeline::on_clock(const Note& note, int64_t wall_ms, EmissionBuffer& out) {
  if (!note.text.empty()) {
    tell("clock_set", "", wall_ms,
         {{"text",
           "our clock is " + note.name + "; it was set by " + std::to_string(note.number) + " ms"},
          {"state", note.name},
          {"state_before", note.text},
          {"step_ms", double(note.number)},
          {"time_before", double(wall_ms - note.number)}},
         out);
  }
  if (note.name == to_text(ClockState::kSynced)) begin_anew_what_is_ahead(wall_ms, out);
}

// While our time was not sure, times may have passed that we now know to be of the future. What has
// come there would find all that follows late: it ends, and event time begins anew.
void Pipeline::begin_anew_what_is_ahead(int64_t wall_ms, EmissionBuffer& out) {
  for (ProcessingTime* time : processing_) {
    const int64_t limit_ms = time->limit_ms(wall_ms);
    if (time->watermark(KeyTable::kNone) <= limit_ms) continue;
    time->begin_anew({}, limit_ms, out);
    const auto own = std::find_if(reaches_.begin(), reaches_.end(),
                                  [&](const auto& reach) { return reach->block == time; });
    begin_anew((*own)->timed, {}, limit_ms, out);
  }
  for (auto& source : sources_) {
    const SourceOptions& o = source->options;
    if (!o.max_future_ms && o.has_own_time()) continue;
    const int64_t limit_ms = saturating_add(wall_ms, o.max_future_ms.value_or(0));
    const auto ahead = source->watermarks.take_ahead(limit_ms);
    // Keys that were ahead may be gone, and have left a stream's time behind.
    const auto is_ahead = [&](const Block* block) {
      return block->merged_time() && block->merged_time()->watermark(KeyTable::kNone) > limit_ms;
    };
    const auto& blocks = source->reach.keyed;
    if (!ahead && std::none_of(blocks.begin(), blocks.end(), is_ahead)) continue;
    std::vector<uint32_t> keys = ahead.value_or(std::vector<uint32_t>());
    keys_.sort_by_text(keys);
    begin_anew(source->reach.keyed, keys, limit_ms, out);
    for (uint32_t key : keys) {
      source->cleaner.forget_key(key);
      source->quality.forget_key(key);
      forget(source->reach, key, out);
    }
  }
}

void Pipeline::on_rollover(const Note& note, int64_t wall_ms, EmissionBuffer& out) {
  const size_t s = source_index(note.name);
  if (s == sources_.size()) return;  // no longer configured
  if (sources_[s]->rolled_over == 0) {
    tell("gps_rollover", note.name, wall_ms, {{"text", note.text}}, out);
  }
  sources_[s]->rolled_over += static_cast<uint64_t>(note.number);
}

int64_t Pipeline::newest_ms(size_t source) const {
  return sources_[source]->watermarks.newest_ms();
}

}  // namespace wayside
