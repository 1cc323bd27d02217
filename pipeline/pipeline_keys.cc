// What becomes of keys: they fall silent, are forgotten, or begin anew.
#include <algorithm>

#include "pipeline/pipeline.h"
#include "pipeline/pipeline_source.h"

namespace wayside {
namespace {

constexpr int64_t kMeasureMs = 10'000;

bool contains(const std::vector<Block*>& blocks, const Block* block) {
  return std::find(blocks.begin(), blocks.end(), block) != blocks.end();
}

}  // namespace

std::vector<const Pipeline::Reach*> Pipeline::all_reaches() const {
  std::vector<const Reach*> all;
  for (const auto& source : sources_) all.push_back(&source->reach);
  for (const auto& reach : reaches_) {
    if (reach->keys) all.push_back(reach.get());
  }
  return all;
}

// Behind blocks with a time of their own silence is told once all is silent there.
void Pipeline::go_idle(const Reach& reach, uint32_t key, EmissionBuffer& out) {
  std::vector<const Reach*> silent;
  for (Block* block : reach.timed) {
    const EventTime* merged = block->merged_time();
    const bool was_idle = merged && merged->is_idle(KeyTable::kNone);
    block->on_idle(key, out);
    if (!merged || was_idle || !merged->is_idle(KeyTable::kNone)) continue;
    for (const auto& own : reaches_) {
      if (own->block == block) silent.push_back(own.get());
    }
  }
  for (const Reach* own : silent) go_idle(*own, KeyTable::kNone, out);
}

bool Pipeline::is_known(uint32_t key, const Block* block) const {
  const std::vector<const Reach*> all = all_reaches();
  return std::any_of(all.begin(), all.end(), [&](const Reach* r) {
    return r->keys->knows(key) && contains(r->keyed, block);
  });
}

bool Pipeline::is_known(uint32_t key) const {
  const std::vector<const Reach*> all = all_reaches();
  return std::any_of(all.begin(), all.end(), [&](const Reach* r) { return r->keys->knows(key); });
}

// At once, whatever is open.
void Pipeline::forget(Reach& reach, uint32_t key, EmissionBuffer& out) {
  const int64_t newest_ms = reach.keys->newest_ms(key);
  reach.keys->forget_key(key);
  for (Block* block : reach.keyed) {
    if (!is_known(key, block)) end_key(*block, key, newest_ms, out);
  }
  release_if_unknown(key);
}

void Pipeline::end_key(Block& block, uint32_t key, int64_t newest_ms, EmissionBuffer& out) {
  block.forget_key(key, newest_ms, out);
  if (options_.witness) options_.witness->ended(block, keys_.text(key), out.cause());
}

void Pipeline::release_if_unknown(uint32_t key) {
  if (is_known(key) || lingering_.knows(key)) return keys_.touch(key);
  forgotten_.push_back(keys_.text(key));
  keys_.release(key);
}

// By its silence: where a window is open it goes on, so that no window is told as final twice.
void Pipeline::expire(Reach& reach, uint32_t key, int64_t timer_ms, EmissionBuffer& out) {
  const int64_t newest_ms = reach.keys->newest_ms(key);
  const int64_t behind_ms = reach.keys->heard_ms(key) - newest_ms;
  reach.keys->forget_key(key);
  std::vector<LingeringKeys::Stay> stays;
  for (size_t b = 0; b < keeping_.size(); ++b) {
    if (contains(reach.keyed, keeping_[b])) stays.push_back({b, newest_ms, behind_ms});
  }
  lingering_.add(key, stays);
  let_go(key, timer_ms, out);
}

// Blocks in which nothing is open end the key, but for those that read one in which something is:
// they have its results still to come.
void Pipeline::let_go(uint32_t key, int64_t timer_ms, EmissionBuffer& out) {
  std::vector<LingeringKeys::Stay> kept;
  std::set<const Block*> readers;
  int64_t due_ms = kTimeMax;
  for (const LingeringKeys::Stay& stay : lingering_.stays(key)) {
    Block* block = keeping_[stay.block];
    if (is_known(key, block)) continue;  // its silence counts anew
    const int64_t open_ms = block->open_for(key, timer_ms - stay.behind_ms);
    if (open_ms == 0 && !readers.contains(block)) {
      end_key(*block, key, stay.newest_ms, out);
      continue;
    }
    kept.push_back(stay);
    if (open_ms > 0) due_ms = std::min(due_ms, saturating_add(timer_ms, open_ms));
    for (const Stream* output : block->outputs()) {
      for (const Stream::Consumer& reader : output->consumers()) readers.insert(reader.block);
    }
  }
  lingering_.keep(key, std::move(kept), due_ms);
  release_if_unknown(key);
}

void Pipeline::expire_lingering_keys(int64_t timer_ms, EmissionBuffer& out) {
  std::vector<uint32_t> keys = lingering_.due(timer_ms);
  keys_.sort_by_text(keys);
  for (const uint32_t key : keys) let_go(key, timer_ms, out);
}

void Pipeline::expire_derived_keys(int64_t timer_ms, EmissionBuffer& out) {
  for (auto& reach : reaches_) {
    if (!reach->derived || reach->derived->next_timer() > timer_ms) continue;
    std::vector<uint32_t> keys = reach->derived->expired(timer_ms);
    keys_.sort_by_text(keys);
    for (const uint32_t key : keys) expire(*reach, key, timer_ms, out);
  }
}

// On a grid, so that it is at the same turns in a replay and behind a restart.
void Pipeline::keep_limits(int64_t timer_ms, EmissionBuffer& out) {
  if (limits_.empty() || (measured_ms_ != kTimeMin && timer_ms < measured_ms_ + kMeasureMs)) return;
  const int64_t rest = timer_ms % kMeasureMs;
  measured_ms_ = timer_ms - (rest < 0 ? rest + kMeasureMs : rest);
  if (std::none_of(limits_.begin(), limits_.end(),
                   [](const auto& made) { return made.first->wants_measuring(); })) {
    return;
  }
  const std::vector<uint32_t> changed = keys_.take_changed();
  // What one closes may change another: that counts the next time, for all of them.
  for (const auto& made : limits_) made.first->measure(changed);
  for (const auto& made : limits_) made.first->shrink(out);
}

// Derived keys have times of their own: those that are ahead end, too.
void Pipeline::begin_anew(const std::vector<Block*>& blocks, const std::vector<uint32_t>& keys,
                          int64_t limit_ms, EmissionBuffer& out) {
  // A window over several sources keeps its keys when one of them forgets.
  for (Block* block : blocks) block->begin_anew(keys, limit_ms, out);
  for (auto& own : reaches_) {
    if (!own->derived || !contains(blocks, own->block)) continue;
    std::vector<uint32_t> ahead = own->derived->ahead(limit_ms);
    keys_.sort_by_text(ahead);
    begin_anew(own->keyed, ahead, limit_ms, out);
    for (const uint32_t key : ahead) forget(*own, key, out);
  }
}

}  // namespace wayside
