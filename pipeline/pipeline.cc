#include "pipeline/pipeline.h"

#include <algorithm>

#include "pipeline/emission_codec.h"
#include "pipeline/pipeline_source.h"
#include "sensors/admission.h"

namespace wayside {

Pipeline::Pipeline(PipelineOptions options) : options_(std::move(options)) {}
Pipeline::~Pipeline() = default;

// ---- making

std::unique_ptr<Pipeline> Pipeline::make(PipelineOptions options, std::vector<BlockError>& errors) {
  std::unique_ptr<Pipeline> made(new Pipeline(std::move(options)));
  if (!made->add_sources(errors)) return nullptr;
  made->add_windows(errors);
  made->add_ordered_blocks(errors);
  if (!errors.empty()) return nullptr;
  made->list_components();
  return made;
}

bool Pipeline::add_sources(std::vector<BlockError>& errors) {
  for (const SourceOptions& source : options_.sources) {
    auto schema = make_schema(source);
    if (!schema.ok()) {
      errors.push_back({source.name, "key", 0, schema.error().message});
      continue;
    }
    sources_.push_back(std::make_unique<Source>(source, *schema, options_.engine.tick_ms));
  }
  return errors.empty();
}

size_t Pipeline::source_index(const std::string& name) const {
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i]->options.name == name) return i;
  }
  return sources_.size();
}

uint32_t Pipeline::bits(const std::vector<std::string>& uplinks, bool all_when_empty) const {
  uint32_t bits = 0;
  for (size_t u = 0; u < options_.uplinks.size(); ++u) {
    if (options_.uplinks[u].empty()) continue;  // a bit whose uplink is gone
    bool named = std::find(uplinks.begin(), uplinks.end(), options_.uplinks[u]) != uplinks.end();
    if (named || (uplinks.empty() && all_when_empty)) bits |= 1u << u;
  }
  return bits;
}

void Pipeline::add_windows(std::vector<BlockError>& errors) {
  for (const WindowOptions& options : options_.windows) {
    std::vector<Window::Input> inputs;
    for (const std::string& name : options.from) {
      const size_t s = source_index(name);
      if (s == sources_.size()) {
        errors.push_back({options.name, "from", 0, "there is no source '" + name + "'"});
        continue;
      }
      inputs.push_back({&sources_[s]->schema, &sources_[s]->watermarks});
    }
    if (inputs.size() != options.from.size() || inputs.empty()) continue;
    for (const Window::Input& input : inputs) {
      if (input.watermarks->by_key() == inputs.front().watermarks->by_key()) continue;
      errors.push_back({options.name, "from", 0, "its sources differ in `watermark`"});
    }
    BlockError error;
    auto window = Window::make(options, std::move(inputs), keys_, expressions_,
                               bits(options.to, true), bits(options.late_to, false), error);
    if (!window) {
      errors.push_back(std::move(error));
      continue;
    }
    for (size_t i = 0; i < options.from.size(); ++i) {
      sources_[source_index(options.from[i])]->windows.push_back({window.get(), i});
    }
    windows_.push_back(std::move(window));
  }
}

void Pipeline::add_ordered_blocks(std::vector<BlockError>& errors) {
  std::vector<std::vector<ColumnExpressions::Item>> rule_items(sources_.size());
  std::vector<std::vector<ColumnExpressions::Item>> detector_items(sources_.size());
  auto source_of = [&](const std::string& block, const std::string& from) {
    const size_t s = source_index(from);
    if (s == sources_.size()) {
      errors.push_back({block, "from", 0, "there is no source '" + from + "'"});
    }
    return s;
  };
  for (const RuleOptions& options : options_.rules) {
    const size_t s = source_of(options.name, options.from);
    if (s == sources_.size()) continue;
    rules_.push_back(std::make_unique<Rule>(options, bits(options.to, true), keys_));
    sources_[s]->rules.push_back(rules_.back().get());
    rule_items[s].push_back({options.name + ".when", options.when, 0});
  }
  for (const DetectorOptions& options : options_.detectors) {
    const size_t s = source_of(options.name, options.from);
    if (s == sources_.size()) continue;
    if (text_field(sources_[s]->schema, options.field)) {
      errors.push_back({options.name, "field", 0,
                        "'" + options.field + "' is a text; a detector takes numbers"});
      continue;
    }
    detectors_.push_back(std::make_unique<RobustZDetector>(options, bits(options.to, true), keys_));
    sources_[s]->detectors.push_back(detectors_.back().get());
    detector_items[s].push_back({options.name + ".field", options.field, 0});
  }
  for (size_t s = 0; s < sources_.size(); ++s) {
    auto items = std::move(rule_items[s]);
    items.insert(items.end(), detector_items[s].begin(), detector_items[s].end());
    if (items.empty()) continue;
    sources_[s]->ordered =
        std::make_unique<OrderedReadings>(items.size(), sources_[s]->options.watermark);
    for (const auto& item : items) {  // one by one, so that all faults are told
      ColumnExpressions alone;
      BlockError error;
      if (alone.compile(expressions_, sources_[s]->schema, {item}, error)) continue;
      const size_t dot = error.item.rfind('.');
      error.block = error.item.substr(0, dot);
      error.item = error.item.substr(dot + 1);
      errors.push_back(std::move(error));
    }
    BlockError ignored;
    if (errors.empty()) {
      (void)sources_[s]->ordered_values.compile(expressions_, sources_[s]->schema, items, ignored);
    }
  }
}

std::vector<uint32_t> Pipeline::order_groups() const {
  std::vector<uint32_t> groups(sources_.size());
  for (uint32_t i = 0; i < groups.size(); ++i) groups[i] = i;
  for (const WindowOptions& window : options_.windows) {
    const uint32_t to = groups[source_index(window.from.front())];
    for (const std::string& name : window.from) {
      const uint32_t from = groups[source_index(name)];
      std::replace(groups.begin(), groups.end(), from, to);
    }
  }
  return groups;
}

// ---- turns

void Pipeline::turn(Group& group, size_t turn, EmissionBuffer& out) {
  const Turn& t = group.turns[turn];
  out.set_clock(t.now.clock);
  take_notes(group, turn, out);
  advance_timers(t.now.timer_ms, out);
  for (const Slice& slice : t.slices) {
    process_slice(*sources_[slice.source], group.batches[slice.source], slice.begin, slice.end,
                  t.now.timer_ms, out);
  }
}

void Pipeline::take_notes(const Group& group, size_t turn, EmissionBuffer& out) {
  const int64_t wall_ms = group.turns[turn].now.wall_ms;
  for (const Note& note : group.notes) {
    if (note.turn != turn) continue;
    switch (note.kind) {
      case Note::Kind::kNewSession:
        if (++sessions_[note.name] == 1) break;  // the first one takes no other's place
        tell("session_lost", note.name, wall_ms,
             {{"text", "the broker has forgotten our session, and what it had queued for us"}},
             out);
        break;
      case Note::Kind::kNewEpoch:
        if (!note.text.empty()) tell("new_epoch", note.name, wall_ms, {{"text", note.text}}, out);
        break;
      case Note::Kind::kClock:
        on_clock(note, wall_ms, out);
        break;
      case Note::Kind::kRolledOver:
        on_rollover(note, wall_ms, out);
        break;
      case Note::Kind::kDamage:
        tell("damage", note.name, wall_ms, {{"text", note.text}}, out);
        break;
      case Note::Kind::kUplink:
        tell("uplink", note.name, wall_ms, {{"text", note.text}}, out);
        break;
      case Note::Kind::kImport:
        if (auto e = decode_emission(note.text); e.ok()) {
          e->lane = e->type == "alarm" || e->type == "incident" ? Lane::kAlarm : Lane::kResult;
          e->targets = bits({note.name}, false);
          out.add(std::move(*e));
        }
        break;
      case Note::Kind::kLost:
        tell("lost", note.name, wall_ms, {{"text", note.text}}, out);
    }
  }
}

void Pipeline::tell(const char* incident, const std::string& key, int64_t wall_ms,
                    std::vector<NamedValue> fields, EmissionBuffer& out) {
  Emission e;
  e.lane = Lane::kAlarm;
  e.targets = bits({}, true);
  e.type = "incident";
  e.block = incident;
  e.key = key;
  e.time_ms = wall_ms;
  e.fields = std::move(fields);
  out.add(std::move(e));
}

void Pipeline::end_group(const Group& group) {
  for (const Rejected& r : group.rejected) {
    Ledger& ledger = r.source < sources_.size() ? sources_[r.source]->ledger : unrouted_;
    ++ledger.in;
    ++ledger.quarantined;
  }
  for (size_t s = 0; s < group.duplicates.size() && s < sources_.size(); ++s) {
    sources_[s]->ledger.in += group.duplicates[s];
    sources_[s]->ledger.duplicate += group.duplicates[s];
  }
}

void Pipeline::advance_timers(int64_t timer_ms, EmissionBuffer& out) {
  std::vector<uint32_t> idle;
  std::vector<uint32_t> forgotten;
  for (auto& source : sources_) {
    WatermarkTracker& watermarks = source->watermarks;
    watermarks.start(timer_ms);
    if (watermarks.next_timer() > timer_ms) continue;
    const bool was_idle = watermarks.is_idle(KeyTable::kNone);
    watermarks.expire(timer_ms, idle, forgotten);
    keys_.sort_by_text(idle);
    keys_.sort_by_text(forgotten);
    for (uint32_t key : idle) go_idle(*source, key, out);
    if (!watermarks.by_key() && !was_idle && watermarks.is_idle(KeyTable::kNone)) {
      release_waiting(*source, out);
      for (auto& w : source->windows) w.window->on_idle(KeyTable::kNone, out);
    }
    for (uint32_t key : forgotten) forget(*source, key, out);
  }
}

uint32_t Pipeline::key_of(Source& source, const ReadingBatch& batch, size_t row) {
  if (source.batch_generation != batch.generation || source.key_releases != keys_.releases()) {
    source.key_of_text.clear();
    source.batch_generation = batch.generation;
    source.key_releases = keys_.releases();
  }
  const uint32_t text = batch.keys()[row];
  if (text >= source.key_of_text.size())
    source.key_of_text.resize(batch.texts.size(), KeyTable::kNone);
  uint32_t& key = source.key_of_text[text];
  if (key == KeyTable::kNone) key = keys_.find(batch.texts.text(text));
  return key;
}

// Rows of keys that there is no room for are dropped; the rest goes on in runs.
void Pipeline::process_slice(Source& source, ReadingBatch& batch, size_t begin, size_t end,
                             int64_t timer_ms, EmissionBuffer& out) {
  source.keys.clear();
  size_t run = begin;
  size_t new_keys = 0;
  auto flush = [&](size_t upto) {
    if (upto > run) process_rows(source, batch, run, upto, source.keys.data(), timer_ms, out);
    source.keys.clear();
    run = upto;
    new_keys = 0;
  };
  source.ledger.in += end - begin;
  for (size_t row = begin; row < end; ++row) {
    if (batch.keys()[row] == Interner::kNone) {  // journaled when another field was the key
      flush(row);
      ++source.ledger.dropped;
      run = row + 1;
      continue;
    }
    uint32_t key = key_of(source, batch, row);
    auto is_known = [&] { return key != KeyTable::kNone && source.watermarks.knows(key); };
    if (!is_known()) {
      const uint32_t max = source.options.max_keys;
      if (source.watermarks.known_keys() + new_keys >= max) flush(row);
      if (!is_known() && source.watermarks.known_keys() >= max) {
        ++source.ledger.dropped;
        run = row + 1;
        continue;
      }
      ++new_keys;
      const std::string_view text = batch.texts.text(batch.keys()[row]);
      if (key == KeyTable::kNone) key = source.key_of_text[batch.keys()[row]] = keys_.intern(text);
    }
    source.keys.push_back(key);
  }
  flush(end);
}

void Pipeline::process_rows(Source& source, ReadingBatch& batch, size_t begin, size_t end,
                            const uint32_t* keys, int64_t timer_ms, EmissionBuffer& out) {
  BatchView view;
  source.cleaner.clean(batch, begin, end, keys, view);
  source.watermarks.advance(view, timer_ms, source.after);
  for (size_t i = 0; i < view.rows; ++i) keys_.touch(keys[i]);
  source.fates.taken.assign(view.rows, 0);
  source.fates.late.assign(view.rows, 0);
  for (auto& w : source.windows) {
    w.window->process(w.input, view, source.after, source.fates, out);
  }
  if (source.ordered) process_ordered(source, view, out);
  for (size_t i = 0; i < view.rows; ++i) {
    const bool late = source.fates.late[i] && !source.fates.taken[i];
    ++(late ? source.ledger.late : source.ledger.used);
  }
}

void Pipeline::process_ordered(Source& source, const BatchView& view, EmissionBuffer& out) {
  source.ordered_values.evaluate(view);
  std::vector<const double*> values;
  for (size_t v = 0; v < source.rules.size() + source.detectors.size(); ++v) {
    values.push_back(source.ordered_values.values(v));
  }
  for (size_t row = 0; row < view.rows; ++row) {
    const bool late = view.times[row] <= source.after[row] ||
                      !source.ordered->add(view.keys[row], view.times[row], values, row);
    (late ? source.fates.late : source.fates.taken)[row] = 1;
    if (late || !source.ordered->is_over_limit(view.keys[row])) continue;
    source.ordered->shorten(view.keys[row], source.after[row],
                            consumer_of(source, view.keys[row], out));
  }
  // Source mode: one key's readings release those of all, and bring the time that raises an alarm
  // of another.
  std::vector<uint32_t> keys;
  if (source.watermarks.by_key()) {
    keys.assign(view.keys, view.keys + view.rows);
  } else {
    const int64_t watermark = source.watermarks.watermark(KeyTable::kNone);
    source.ordered->add_due_keys(watermark, keys);
    for (const Rule* rule : source.rules) rule->add_due_keys(watermark, keys);
  }
  keys_.sort_by_text(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  for (uint32_t key : keys) {
    const int64_t watermark = source.watermarks.watermark(key);
    source.ordered->release(key, watermark, consumer_of(source, key, out));
    for (Rule* rule : source.rules) rule->on_watermark(key, watermark, out);
    keys_.touch(key);
  }
}

void Pipeline::consume_ordered(Source& source, uint32_t key, EmissionBuffer& out, int64_t time,
                               const double* values) {
  for (Rule* rule : source.rules) rule->on_reading(key, time, *values++, out);
  for (RobustZDetector* detector : source.detectors)
    detector->on_reading(key, time, *values++, out);
}

OrderedReadings::Consumer Pipeline::consumer_of(Source& source, uint32_t key, EmissionBuffer& out) {
  return [this, &source, key, &out](int64_t time, const double* values) {
    consume_ordered(source, key, out, time, values);
  };
}

void Pipeline::release_waiting(Source& source, EmissionBuffer& out) {
  if (!source.ordered) return;
  std::vector<uint32_t> keys = source.ordered->waiting_keys();
  keys_.sort_by_text(keys);
  for (uint32_t key : keys) {
    keys_.touch(key);
    source.ordered->release_all(key, consumer_of(source, key, out));
  }
}

void Pipeline::go_idle(Source& source, uint32_t key, EmissionBuffer& out) {
  keys_.touch(key);
  if (source.ordered) source.ordered->release_all(key, consumer_of(source, key, out));
  for (auto& w : source.windows) w.window->on_idle(key, out);
}

void Pipeline::forget(Source& source, uint32_t key, EmissionBuffer& out) {
  const int64_t newest_ms = source.watermarks.newest_ms(key);
  source.watermarks.forget_key(key);
  source.cleaner.forget_key(key);
  if (source.ordered) {
    source.ordered->release_all(key, consumer_of(source, key, out));
    source.ordered->forget_key(key);
  }
  for (Rule* rule : source.rules) rule->forget_key(key, newest_ms, out);
  for (RobustZDetector* detector : source.detectors) detector->forget_key(key);
  auto knows = [&](const std::unique_ptr<Source>& s) { return s->watermarks.knows(key); };
  for (auto& w : source.windows) {
    const bool elsewhere = std::any_of(sources_.begin(), sources_.end(), [&](const auto& s) {
      return knows(s) && std::any_of(s->windows.begin(), s->windows.end(),
                                     [&](const auto& other) { return other.window == w.window; });
    });
    if (!elsewhere) w.window->forget_key(key, out);
  }
  if (std::none_of(sources_.begin(), sources_.end(), knows)) {
    forgotten_.push_back(keys_.text(key));
    keys_.release(key);
  } else {
    keys_.touch(key);
  }
}

void Pipeline::finish(EmissionBuffer& out) {
  for (auto& source : sources_) release_waiting(*source, out);
  for (auto& window : windows_) window->finish(out);
}

int64_t Pipeline::next_timer() const {
  int64_t next = kTimeMax;
  for (const auto& source : sources_) next = std::min(next, source->watermarks.next_timer());
  return next;
}

}  // namespace wayside
