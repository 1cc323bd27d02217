// What a reading has to be to come in: its time, its key, its device.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sensors/admission.h"
#include "sensors/gps_era.h"

namespace wayside {
namespace {

// A level of the topic, or a field.
std::string_view key_of(const Schema& schema, const std::vector<std::string>& levels,
                        const Row& row) {
  return schema.key < levels.size() ? levels[schema.key] : row.texts[schema.key];
}

}  // namespace

// ---- time

bool Admission::set_time(const SourceOptions& options, SourceState& source, const Now& arrival,
                         Row& row, Refusal& refusal) {
  rolled_from_ms_.reset();
  if (options.has_own_time()) return check_time(options, arrival, row, refusal);
  source.last_arrival_ms = std::max(source.last_arrival_ms, arrival.wall_ms);
  row.time_ms = source.last_arrival_ms;
  return true;
}

bool Admission::check_time(const SourceOptions& options, const Now& arrival, Row& row,
                           Refusal& refusal) {
  if (!row.has_time) {
    refusal = {"no_time", "the payload holds no time"};
    return false;
  }
  if (row.time_ms < kPossibleMin || row.time_ms > kPossibleMax) {
    refusal = {"bad_time", "before the year 1 or after 9999"};
    return false;
  }
  if (!options.max_future_ms) return true;
  if (options.gps_rollover) {
    if (const auto moved = in_our_gps_era(row.time_ms, arrival.wall_ms, arrival.may_lag_ms)) {
      rolled_from_ms_ = std::exchange(row.time_ms, *moved);
    }
  }
  const int64_t now_at_most = saturating_add(arrival.wall_ms, arrival.may_lag_ms);
  if (row.time_ms > saturating_add(now_at_most, *options.max_future_ms)) {
    refusal = {"too_far_in_future", format_rfc3339(row.time_ms)};
    return false;
  }
  return true;
}

void Admission::note_rollover(uint32_t source, int64_t time_ms, Group& group) const {
  const auto turn = static_cast<uint32_t>(group.turns.size() - 1);
  const std::string& name = options_.sources[source].name;
  for (auto note = group.notes.rbegin(); note != group.notes.rend() && note->turn == turn; ++note) {
    if (note->kind != Note::Kind::kRolledOver || note->name != name) continue;
    ++note->number;
    return;
  }
  const ReadingBatch& batch = group.batches[source];
  group.notes.push_back({Note::Kind::kRolledOver, turn, name,
                         std::string(batch.texts.text(batch.keys().back())) + " says " +
                             format_rfc3339(*rolled_from_ms_) + ", taken as " +
                             format_rfc3339(time_ms),
                         1});
}

void Admission::begin_arrivals_at(size_t source, int64_t time_ms) {
  states_[source].last_arrival_ms = time_ms;
}

void Admission::clock_was_set(int64_t wall_ms) {
  for (size_t i = 0; i < states_.size(); ++i) {
    const int64_t ahead_ms = options_.sources[i].max_future_ms.value_or(0);
    states_[i].last_arrival_ms =
        std::min(states_[i].last_arrival_ms, saturating_add(wall_ms, ahead_ms));
  }
}

// ---- key and device

bool Admission::check_key(const Schema& schema, const Binding& binding, const Row& row,
                          bool is_answered, Refusal& refusal) const {
  constexpr size_t kKeyMax = 1'024;  // bytes: keys are kept for as long as `forget_after`
  const std::string_view key = key_of(schema, binding.levels, row);
  if (key.size() > kKeyMax && !is_answered) {  // a command is told so itself
    refusal = {"long_key", fmt::format("'{}' has {} bytes, {} are possible",
                                       schema.fields[schema.key].name, key.size(), kKeyMax)};
    return false;
  }
  if (!key.empty()) return true;
  refusal = {"no_key", "'" + schema.fields[schema.key].name + "' is missing or empty"};
  return false;
}

// A device speaks for nobody else.
bool Admission::check_identity(const SourceState& source, const Schema& schema,
                               const Binding& binding, const Row& row, Refusal& refusal) const {
  for (const Equal& e : source.equals) {
    const std::string_view said = row.texts[e.field];
    if (said.data() && said == binding.levels[e.level]) continue;
    refusal = {
        "wrong_identity",
        fmt::format("the topic says {} '{}', the payload's '{}' {}", schema.fields[e.level].name,
                    binding.levels[e.level], schema.fields[e.field].name,
                    said.data() ? fmt::format("says '{}'", said) : "is missing")};
    return false;
  }
  return true;
}

// Whether the registry lets it in.
bool Admission::check_device(const SourceState& source, const SourceOptions& options,
                             const Schema& schema, const Binding& binding, const Row& row,
                             Refusal& refusal) const {
  if (!source.devices) return true;
  const std::string_view key = key_of(schema, binding.levels, row);
  const bool is_level = schema.key < binding.levels.size();
  const uint32_t device = is_level ? binding.device : source.devices->find(key);
  if (source.devices->is_blocked(device)) {
    refusal = {"blocked_device", fmt::format("device '{}' is blocked", key)};
    return false;
  }
  if (device != Registry::kUnknown || !options.known_only) return true;
  refusal = {"unknown_device", fmt::format("device '{}' is not in the registry", key)};
  return false;
}

}  // namespace wayside
