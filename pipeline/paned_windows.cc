#include "pipeline/paned_windows.h"

#include <algorithm>

namespace wayside {

PanedWindows::PanedWindows(const WindowOptions& o, WindowGrid grid, Panes& panes,
                           WindowListener& listener)
    : grid_(std::move(grid)),
      is_session_(o.kind() == WindowKind::kSession),
      overlaps_(grid_.overlaps()),
      gap_(o.gap_ms),
      lateness_(o.kind() == WindowKind::kCount ? 0 : o.allowed_lateness_ms),
      early_ms_(o.early_ms),
      early_count_(o.early_count),
      at_end_(o.at_end),
      purge_(o.purge),
      retract_(o.retract),
      panes_(panes),
      listener_(listener) {}

// ---- time

int64_t PanedWindows::next_event(uint32_t pane) const {
  const Head& head = heads_[pane];
  const int64_t end = this->end(pane);
  if (head.complete) return cleanup_of(end);
  return early_ms_ > 0 ? std::min(early_[pane].next, last_of(end)) : last_of(end);
}

// Panes are in order of their ends, so that those that are complete come first.
uint32_t PanedWindows::first_open(const Key& key) const {
  const auto place = std::partition_point(key.panes.begin(), key.panes.end(),
                                          [&](uint32_t p) { return heads_[p].complete; });
  return static_cast<uint32_t>(place - key.panes.begin());
}

void PanedWindows::set_due(Key& key) {
  key.due = kTimeMax;
  if (key.panes.empty()) return;
  const uint32_t open = first_open(key);
  if (open > 0) key.due = next_event(key.panes[0]);
  // Early results alone are in no order.
  const uint32_t end = early_ms_ > 0 ? key.panes.size() : std::min(open + 1, key.panes.size());
  for (uint32_t i = open; i < end; ++i) key.due = std::min(key.due, next_event(key.panes[i]));
}

void PanedWindows::advance(uint32_t id, int64_t watermark) {
  Key& key = keys_[id];
  panes_.flush();
  while (key.due <= watermark && !key.panes.empty()) {
    const int64_t now = key.due;
    for (uint32_t i = first_open(key); i < key.panes.size(); ++i) {
      const uint32_t pane = key.panes[i];
      if (last(pane) <= now) {
        heads_[pane].complete = true;
        if (early_ms_ > 0) early_[pane].next = kTimeMax;
        if (at_end_) speak(id, pane, true);
      } else if (early_ms_ == 0) {
        break;
      } else if (early_[pane].next <= now) {
        early_[pane].next += early_ms_;
        speak(id, pane, false);
      }
    }
    drop_old(id, now);
    set_due(key);
    if (now == kTimeMax) break;
  }
}

// Those that no reading may revise any more.
void PanedWindows::drop_old(uint32_t id, int64_t now) {
  IdList& panes = keys_[id].panes;
  while (!panes.empty() && heads_[panes[0]].complete) {
    const int64_t end = this->end(panes[0]);
    if (cleanup_of(end) > now) return;
    if (retract_) listener_.on_gone(id, kTimeMin, end);
    panes_.release(panes[0]);
    panes.pop_front();
  }
}

// ---- readings

uint32_t PanedWindows::lower_bound(const Key& key, int64_t start) const {
  const auto place = std::lower_bound(key.panes.begin(), key.panes.end(), start,
                                      [&](uint32_t p, int64_t s) { return heads_[p].start < s; });
  return static_cast<uint32_t>(place - key.panes.begin());
}

uint32_t PanedWindows::make(Key& key, uint32_t at, int64_t start) {
  const uint32_t pane = panes_.make();
  if (pane >= heads_.size()) {
    heads_.resize(panes_.capacity());
    if (is_session_) ends_.resize(panes_.capacity());
    if (early_ms_ > 0 || early_count_ > 0) early_.resize(panes_.capacity());
  }
  heads_[pane] = {};
  heads_[pane].start = start;
  if (!early_.empty()) early_[pane] = {};
  key.panes.insert(at, pane);
  return pane;
}

void PanedWindows::drop_pane(Key& key, uint32_t at) {
  panes_.release(key.panes[at]);
  key.panes.erase(at);
}

Take PanedWindows::take(uint32_t id, int64_t time, uint32_t row, int64_t watermark) {
  if (id >= keys_.size()) keys_.resize(id + 1);
  if (is_session_) {
    return take_session(id, time, row, watermark) ? Take::kTaken : Take::kLate;
  }
  if (!overlaps_ && !keys_[id].panes.empty()) {  // mostly a reading is of the newest window
    const uint32_t pane = keys_[id].panes.back();
    const Head& head = heads_[pane];
    if (!head.complete && head.start <= time && time < grid_.end(head.start)) {
      count(id, pane, time, row, watermark);
      return Take::kTaken;
    }
  }
  bool taken = false;
  bool any = false;
  for (int64_t start = grid_.first_start(time); start <= time; start = grid_.next_start(start)) {
    any = true;
    taken |= take_fixed(id, start, time, row, watermark);
    if (!overlaps_) break;
  }
  if (taken) return Take::kTaken;
  return any || saturating_add(time, lateness_) <= watermark ? Take::kLate : Take::kNowhere;
}

bool PanedWindows::take_fixed(uint32_t id, int64_t start, int64_t time, uint32_t row,
                              int64_t watermark) {
  Key& key = keys_[id];
  const int64_t end = grid_.end(start);
  if (cleanup_of(end) <= watermark && end != kTimeMax) return false;
  const uint32_t at = lower_bound(key, start);
  if (at < key.panes.size() && heads_[key.panes[at]].start == start) {
    count(id, key.panes[at], time, row, watermark);
    return true;
  }
  const uint32_t pane = make(key, at, start);
  count(id, pane, time, row, watermark);
  key.due = std::min(key.due, next_event(pane));
  return true;
}

// A session is made of its reading alone and then grown together with all that it touches.
bool PanedWindows::take_session(uint32_t id, int64_t time, uint32_t row, int64_t watermark) {
  Key& key = keys_[id];
  // Sessions do not touch each other, so that they are in order of their ends, too.
  const auto begin = std::partition_point(key.panes.begin(), key.panes.end(),
                                          [&](uint32_t p) { return ends_[p] < time; });
  const auto first = static_cast<uint32_t>(begin - key.panes.begin());
  const int64_t own_end = saturating_add(time, gap_);
  const bool touches = first < key.panes.size() && heads_[key.panes[first]].start <= own_end;
  const int64_t end = touches ? std::max(ends_[key.panes[first]], own_end) : own_end;
  if (!touches && cleanup_of(end) <= watermark) return false;
  if (touches) {
    const uint32_t pane = key.panes[first];
    const bool longer = end != ends_[pane];
    heads_[pane].start = std::min(heads_[pane].start, time);
    ends_[pane] = end;
    if (longer) merge_sessions(key, first);
  } else {
    ends_[make(key, first, time)] = end;
  }
  const uint32_t pane = key.panes[first];
  // What had spoken and goes on is complete no longer.
  heads_[pane].complete = heads_[pane].complete && last(pane) <= watermark;
  count(id, pane, time, row, watermark);
  set_due(key);
  return true;
}

// The session at `at` has grown: those behind it that it touches now become a part of it.
void PanedWindows::merge_sessions(Key& key, uint32_t at) {
  const uint32_t pane = key.panes[at];
  while (at + 1 < key.panes.size() && heads_[key.panes[at + 1]].start <= ends_[pane]) {
    const uint32_t other = key.panes[at + 1];
    panes_.flush();
    panes_.merge(pane, other);
    ends_[pane] = std::max(ends_[pane], ends_[other]);
    Head& head = heads_[pane];
    head.revision = std::max(head.revision, heads_[other].revision);
    head.told |= heads_[other].told;
    if (!early_.empty()) {
      early_[pane].next = std::min(early_[pane].next, early_[other].next);
      early_[pane].readings += early_[other].readings;
    }
    drop_pane(key, at + 1);
  }
}

void PanedWindows::count(uint32_t id, uint32_t pane, int64_t time, uint32_t row,
                         int64_t watermark) {
  Head& head = heads_[pane];
  panes_.add(pane, row);
  head.changed = true;
  head.empty = false;
  const int64_t last = this->last(pane);
  const bool complete = last <= watermark && last != kTimeMax;
  bool now = complete && at_end_;
  head.complete |= complete;
  if (early_ms_ > 0 && !complete && early_[pane].next == kTimeMax) {
    int64_t rest = time % early_ms_;
    if (rest < 0) rest += early_ms_;
    early_[pane].next = time - rest + early_ms_;
  }
  if (early_count_ > 0 && ++early_[pane].readings >= early_count_) {
    early_[pane].readings = 0;
    now = true;
  }
  if (!now) return;
  panes_.flush();
  speak(id, pane, complete);
}

// ---- results

void PanedWindows::speak(uint32_t key, uint32_t pane, bool final) {
  Head& head = heads_[pane];
  if (head.empty) return;
  listener_.on_result({key, head.start, end(pane), head.revision, final, final && head.told, pane});
  ++head.revision;
  head.changed = false;
  head.told |= final;
  if (!purge_) return;
  panes_.reset(pane);
  head.empty = true;
}

void PanedWindows::tell(uint32_t id) {
  if (id >= keys_.size()) return;
  panes_.flush();
  for (const uint32_t pane : keys_[id].panes) {
    const Head& head = heads_[pane];
    if (overlaps_ && head.complete) continue;
    if (head.changed && at_end_) speak(id, pane, false);
    if (overlaps_) break;  // of these only the one that ends next
  }
}

void PanedWindows::drop(uint32_t id) {
  if (id >= keys_.size()) return;
  panes_.flush();
  Key& key = keys_[id];
  while (!key.panes.empty()) drop_pane(key, key.panes.size() - 1);
  key = Key();
}

void PanedWindows::close(uint32_t id) { close_ahead(id, kTimeMin); }

void PanedWindows::close_ahead(uint32_t id, int64_t limit) {
  if (id >= keys_.size()) return;
  Key& key = keys_[id];
  panes_.flush();
  uint32_t kept = 0;
  while (kept < key.panes.size() && limit != kTimeMin && heads_[key.panes[kept]].start <= limit) {
    ++kept;
  }
  for (uint32_t i = kept; i < key.panes.size(); ++i) {
    const Head& head = heads_[key.panes[i]];
    if (at_end_ && (!head.complete || head.changed)) speak(id, key.panes[i], true);
  }
  if (retract_ && kept < key.panes.size()) {
    listener_.on_gone(id, heads_[key.panes[kept]].start, kTimeMax);
  }
  while (key.panes.size() > kept) drop_pane(key, key.panes.size() - 1);
  if (kept == 0) key.panes.clear();
  set_due(key);
}

bool PanedWindows::missed(int64_t time, int64_t& start, int64_t& end) const {
  start = is_session_ ? time : grid_.last_start(time);
  end = is_session_ ? time + gap_ : grid_.end(start);
  return time < end;
}

int64_t PanedWindows::over_at(uint32_t id) const {
  return empty(id) ? kTimeMin : cleanup_of(end(keys_[id].panes.back()));
}

// ---- state

void PanedWindows::save(uint32_t id, ByteWriter& out) const {
  const Key& key = keys_[id];
  out.varint(key.panes.size());
  for (const uint32_t pane : key.panes) {
    const Head& head = heads_[pane];
    out.fixed(head.start);
    out.varint(head.revision);
    out.fixed(
        static_cast<uint8_t>(head.complete | head.changed << 1 | head.empty << 2 | head.told << 3));
    if (is_session_) out.fixed(ends_[pane]);
    if (!early_.empty()) {
      out.fixed(early_[pane].next);
      out.varint(early_[pane].readings);
    }
    panes_.save(pane, out);
  }
}

void PanedWindows::load(uint32_t id, ByteReader& in) {
  if (id >= keys_.size()) keys_.resize(id + 1);
  Key& key = keys_[id];
  const size_t panes = in.count(10);
  for (uint32_t i = 0; i < panes && in.ok(); ++i) {
    const uint32_t pane = make(key, i, in.fixed<int64_t>());
    Head& head = heads_[pane];
    head.revision = static_cast<uint32_t>(in.varint());
    const auto flags = in.fixed<uint8_t>();
    head.complete = flags & 1;
    head.changed = flags >> 1 & 1;
    head.empty = flags >> 2 & 1;
    head.told = flags >> 3 & 1;
    if (is_session_) ends_[pane] = in.fixed<int64_t>();
    if (!early_.empty()) {
      early_[pane].next = in.fixed<int64_t>();
      early_[pane].readings = static_cast<uint32_t>(in.varint());
      // State of an older version may have one.
      if (head.complete) early_[pane].next = kTimeMax;
    }
    panes_.load(pane, in);
  }
  set_due(key);
}

}  // namespace wayside
