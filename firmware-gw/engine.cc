#include "firmware-gw/engine.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "base/hash.h"
#include "config/written.h"
#include "pipeline/decided.h"
#include "pipeline/emission_codec.h"

namespace wayside {

Result<std::unique_ptr<Engine>> Engine::make(const Config& config, std::vector<std::string> uplinks,
                                             Witness* witness) {
  std::unique_ptr<Engine> engine(new Engine(config));
  PipelineOptions options = config.pipeline_options();
  options.uplinks = uplinks;
  options.witness = witness;
  std::vector<BlockError> errors;
  engine->pipeline_ = Pipeline::make(std::move(options), errors);
  if (!engine->pipeline_) {
    return Error{ErrorCode::kConfig, errors.front().block + ": " + errors.front().message};
  }
  AdmissionOptions door;
  door.sources = config.sources;
  door.connections = config.connection_names();
  door.order_groups = engine->pipeline_->order_groups();
  door.quarantine_payload = config.storage.quarantine_payload;
  WS_ASSIGN(engine->admission_, Admission::make(std::move(door)));
  engine->group_ = engine->admission_->make_group();
  engine->config_version_ = wayside::config_version(config);
  for (size_t i = 0; i < config.sources.size(); ++i) {
    engine->schemas_.push_back({config.sources[i].name, engine->admission_->schemas()[i]});
  }
  engine->connections_ = config.connection_names();
  engine->uplinks_ = std::move(uplinks);
  for (const std::string& name : engine->uplinks_) {
    engine->forwarded_.push_back(engine->forwarded_by(name));
  }
  return engine;
}

void Engine::tell_clock(const Now& last, const Now& next, bool first) {
  const int64_t step_ms = step_between(last, next);
  const bool unset = next.clock == ClockState::kUnset && group_.turns.empty();
  if (step_ms == 0 && !became_synced(last, next) && !unset && !first) return;
  group_.notes.push_back({Note::Kind::kClock, static_cast<uint32_t>(group_.turns.size()),
                          to_text(next.clock), step_ms != 0 ? to_text(last.clock) : "", step_ms});
  if (next.clock == ClockState::kSynced) admission_->clock_was_set(next.wall_ms);
}

void Engine::resume() {
  for (size_t s = 0; s < schemas_.size(); ++s) {
    admission_->begin_arrivals_at(s, pipeline_->newest_ms(s));
  }
}

void Engine::begin_group(uint64_t entry) {
  group_.notes.insert(group_.notes.begin(),
                      {Note::Kind::kConfig, 0, version_digits(config_version_), ""});
  emissions_.begin_entry(entry, 0);
}

void Engine::turn(Now now, std::span<const std::unique_ptr<Chunk>> chunks) {
  auto place = static_cast<uint32_t>(group_.rows());
  emissions_.begin_turn(place);
  admission_->begin_turn(now, group_);
  for (const auto& chunk : chunks) admission_->admit(*chunk, group_);
  for (Slice& slice : group_.turns.back().slices) {
    slice.place = std::exchange(place, place + (slice.end - slice.begin));
  }
  pipeline_->turn(group_, group_.turns.size() - 1, emissions_);
}

void Engine::end_group() {
  finish_group(group_);
  note_decisions();
}

// Also where there are none: then none of its commands had room.
void Engine::note_decisions() {
  for (size_t c = 0; c < config_.commands.size(); ++c) {
    const std::string& name = config_.commands[c].name;
    const auto at = std::find_if(schemas_.begin(), schemas_.end(),
                                 [&](const NamedSchema& s) { return s.source == name; });
    if (at == schemas_.end() || group_.batches[at - schemas_.begin()].rows() == 0) continue;
    group_.notes.push_back(
        {Note::Kind::kDecided, 0, name, encode_decided(emissions_.answers(), c)});
  }
}

void Engine::next_group() {
  group_.clear();
  clear_said();
}

void Engine::clear_said() {
  emissions_.clear();
  emissions_.views().clear();
  emissions_.answers().clear();
}

void Engine::replay(Group& group, uint64_t entry) {
  clear_said();
  emissions_.begin_entry(entry, 0);
  uint32_t readings = 0;
  for (size_t t = 0; t < group.turns.size(); ++t) {
    emissions_.begin_turn(readings);
    pipeline_->turn(group, t, emissions_);
    for (const Slice& s : group.turns[t].slices) readings = s.place + (s.end - s.begin);
  }
  finish_group(group);
}

void Engine::finish_group(const Group& group) {
  pipeline_->end_group(group);
  for (size_t bit = 0; bit < uplinks_.size(); ++bit) {
    uint64_t readings = 0;
    for (size_t s = 0; s < schemas_.size(); ++s)
      readings += forwarded_[bit][s] ? group.batches[s].rows() : 0;
    if (readings > 0) emissions_.count_forwarded(static_cast<uint32_t>(bit), readings);
  }
  digest_ = digest_of(emissions_.pending());
}

bool Engine::has_said(const Digest& recorded) const {
  return recorded == digest_ || recorded == digest_with_targets(emissions_.pending());
}

std::vector<bool> Engine::forwarded_by(const std::string& uplink) const {
  std::vector<bool> sources(schemas_.size());
  for (const UplinkOptions& u : config_.uplinks) {
    if (u.name != uplink) continue;
    for (size_t s = 0; s < schemas_.size(); ++s) {
      sources[s] = std::find(u.raw.begin(), u.raw.end(), schemas_[s].source) != u.raw.end();
    }
  }
  return sources;
}

namespace {

// Of the rules of time zones, which are read once in a life; days of a zone depend on them.
std::string zones_version() {
  const char* set = std::getenv("TZDIR");
  std::ifstream file(std::string(set ? set : "/usr/share/zoneinfo") + "/tzdata.zi");
  std::string line;
  constexpr std::string_view kHead = "# version ";
  if (!std::getline(file, line) || !line.starts_with(kHead)) return "unknown";
  return line.substr(kHead.size());
}

}  // namespace

std::string version_text() {
  static const std::string text =
      std::string("wayside " WAYSIDE_VERSION " (gcc " __VERSION__ ", SQLite ") +
      sqlite3_libversion() + ", time zones " + zones_version() + ")";
  return text;
}

uint64_t engine_stamp() { return hash64(version_text()); }

}  // namespace wayside
