#include "pipeline/paged_block.h"

#include <algorithm>

namespace wayside {

PagedBlock::PagedBlock(const StateBounds& bounds, const KeyTable& keys,
                       std::unique_ptr<Block> block)
    : WrappedBlock(std::move(block)),
      keys_(keys),
      most_(bounds.resident_keys > 0 ? bounds.resident_keys
                                     : std::max<size_t>(bounds.max_keys / 10, 1)) {
  inner().set_pager(this);
}

void PagedBlock::name_rows(std::string component, uint64_t fingerprint) {
  component_ = std::move(component);
  fingerprint_ = fingerprint;
}

// ---- what happens to keys

void PagedBlock::process(size_t input, const Rows& rows, EmissionBuffer& out) {
  ++calls_;
  for (size_t row = 0; row < rows.view.rows; ++row) {
    if (rows.view.keys[row] != KeyTable::kNone) need(rows.view.keys[row]);
  }
  inner().process(input, rows, out);
}

void PagedBlock::on_idle(uint32_t key, EmissionBuffer& out) {
  if (key != KeyTable::kNone) need(key);
  inner().on_idle(key, out);
}

void PagedBlock::forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) {
  need(key);
  inner().forget_key(key, newest_ms, out);
  states_[key].place = Place::kNowhere;
}

void PagedBlock::evict_key(uint32_t key, EmissionBuffer& out) {
  need(key);
  inner().evict_key(key, out);
}

int64_t PagedBlock::open_for(uint32_t key, int64_t time_ms) {
  need(key);
  return inner().open_for(key, time_ms);
}

// A clock that is set back is rare, and may concern any key.
void PagedBlock::begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms,
                            EmissionBuffer& out) {
  need_all();
  inner().begin_anew(keys, limit_ms, out);
}

void PagedBlock::finish(EmissionBuffer& out) {
  need_all();
  inner().finish(out);
}

void PagedBlock::need_all() {
  for (uint32_t key = 0; key < states_.size(); ++key) {
    if (is(key, Place::kAway)) need(key);
  }
}

// ---- where they are

void PagedBlock::need(uint32_t key) {
  if (is(key, Place::kAway)) read(key);
  settle(key);
}

void PagedBlock::settle(uint32_t key) {
  if (key >= states_.size()) states_.resize(key + 1);
  Key& state = states_[key];
  state.place = Place::kHere;
  state.used = calls_;
  if (state.is_listed) return;
  state.is_listed = true;
  resident_.push_back(key);
}

void PagedBlock::read(uint32_t key) {
  if (!trouble_.ok()) return;
  auto page = pages_->read(component_, keys_.text(key));
  if (!page.ok()) {
    trouble_ = page.error();
    return;
  }
  ByteReader in(*page);
  const bool is_ours = in.fixed<uint64_t>() == fingerprint_;
  if (is_ours) inner().load_key(key, in);
  if (is_ours && in.ok() && in.left() == 0) return;
  trouble_ = Error{ErrorCode::kBadData, "state of " + component_ + ", key '" + keys_.text(key) +
                                            "', is damaged or gone"};
}

void PagedBlock::leave(uint32_t key, size_t bytes) {
  inner().unload_key(key);
  states_[key].bytes = static_cast<uint32_t>(std::min<size_t>(bytes, UINT32_MAX));
  states_[key].place = Place::kAway;
}

void PagedBlock::saved() {
  if (!pages_) return;
  std::erase_if(resident_, [&](uint32_t key) {
    scratch_.clear();
    ByteWriter writer(scratch_);
    Key& state = states_[key];
    state.is_listed = state.place == Place::kHere && inner().save_key(key, writer);
    state.bytes = static_cast<uint32_t>(std::min<size_t>(scratch_.size(), UINT32_MAX));
    if (!state.is_listed) state.place = Place::kNowhere;
    return !state.is_listed;
  });
  keep_most();
}

void PagedBlock::keep_most() {
  if (resident_.size() <= most_) return;
  const auto warm = resident_.begin() + static_cast<ptrdiff_t>(most_);
  std::nth_element(resident_.begin(), warm, resident_.end(),
                   [&](uint32_t a, uint32_t b) { return states_[a].used > states_[b].used; });
  for (auto key = warm; key != resident_.end(); ++key) {
    leave(*key, states_[*key].bytes);
    states_[*key].is_listed = false;
  }
  resident_.erase(warm, resident_.end());
}

// ---- state

BlockStatus PagedBlock::status() const {
  BlockStatus status = inner().status();
  status.resident_keys = resident_.size();
  return status;
}

// What there is no room for is read, so that it is known when something happens to it, and leaves.
void PagedBlock::load_key(uint32_t key, ByteReader& in) {
  const size_t before = in.left();
  inner().load_key(key, in);
  const bool has_room = !pages_ || resident_.size() < most_;
  if (has_room) return settle(key);
  if (key >= states_.size()) states_.resize(key + 1);
  leave(key, before - in.left());
}

}  // namespace wayside
