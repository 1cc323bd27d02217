#include "pipeline/rule.h"

#include <algorithm>

#include "base/hash.h"

namespace wayside {

uint64_t Rule::fingerprint() const {
  return hash64(options_.when + '/' + std::to_string(options_.for_ms) + '<' + options_.from);
}

Rule::Key& Rule::state(uint32_t key) {
  if (key >= states_.size()) states_.resize(key + 1);
  return states_[key];
}

void Rule::on_reading(uint32_t id, int64_t time, double condition, EmissionBuffer& out) {
  on_watermark(id, time, out);  // what held up to now may have held long enough
  if (is_null(condition)) return;
  Key& key = state(id);
  if (is_true(condition)) {
    if (key.holds) return;
    set(id, {true, false, time});
    on_watermark(id, time, out);
    return;
  }
  if (key.raised) emit(id, time, "cleared", key.since_ms, out);
  if (key.holds) set(id, {});
}

void Rule::on_late(uint32_t id, int64_t time, double condition, EmissionBuffer& out) {
  if (is_null(condition) || !is_true(condition) || state(id).raised) return;
  ++raised_;
  emit(id, time, "raised", time, out);
  emit(id, time, "cleared", time, out);
}

void Rule::on_watermark(uint32_t id, int64_t watermark, EmissionBuffer& out) {
  const Key key = state(id);
  if (!key.holds || key.raised || watermark < due_ms(key)) return;
  set(id, {true, true, key.since_ms});
  ++raised_;
  emit(id, due_ms(key), "raised", key.since_ms, out);
}

void Rule::set(uint32_t id, const Key& to) {
  Key& key = state(id);
  if (key.holds && !key.raised) due_.erase({due_ms(key), id});
  key = to;
  if (key.holds && !key.raised) due_.emplace(due_ms(key), id);
}

void Rule::add_due_keys(int64_t watermark, std::vector<uint32_t>& keys) const {
  for (const auto& [due, key] : due_) {
    if (due > watermark) break;
    keys.push_back(key);
  }
}

void Rule::emit(uint32_t key, int64_t time, const char* state, int64_t since_ms,
                EmissionBuffer& out) {
  static constexpr const char* kSeverities[] = {"info", "warning", "critical"};
  Emission e;
  e.lane = Lane::kAlarm;
  e.critical = options_.severity == Severity::kCritical;
  e.targets = targets_;
  e.type = "alarm";
  e.block = options_.name;
  e.key = keys_.text(key);
  e.time_ms = time;
  e.fields = {{"state", std::string(state)},
              {"severity", std::string(kSeverities[static_cast<size_t>(options_.severity)])},
              {"since", double(since_ms)}};
  out.add(std::move(e));
}

void Rule::forget_key(uint32_t id, int64_t newest_ms, EmissionBuffer& out) {
  if (id >= states_.size()) return;
  const Key key = states_[id];
  // In source mode another key's readings may have brought the time that raised it.
  if (key.raised) emit(id, std::max(newest_ms, due_ms(key)), "cleared", key.since_ms, out);
  set(id, {});
}

bool Rule::save_key(uint32_t id, ByteWriter& out) const {
  if (id >= states_.size() || !states_[id].holds) return false;
  out.fixed<uint8_t>(states_[id].raised);
  out.fixed(states_[id].since_ms);
  return true;
}

void Rule::load_key(uint32_t id, ByteReader& in) {
  const bool raised = in.fixed<uint8_t>();
  set(id, {true, raised, in.fixed<int64_t>()});
}

}  // namespace wayside
