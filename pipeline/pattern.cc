#include "pipeline/pattern.h"

#include <algorithm>

#include "base/hash.h"

namespace wayside {

std::unique_ptr<Pattern> Pattern::make(const PatternOptions& options, const Stream& input,
                                       KeyTable& keys, ExpressionEngine& engine, uint32_t targets,
                                       BlockError& error) {
  std::unique_ptr<Pattern> pattern(new Pattern(options, input, keys));
  if (!pattern->compile(engine, targets, error)) return nullptr;
  return pattern;
}

bool Pattern::compile(ExpressionEngine& engine, uint32_t targets, BlockError& error) {
  std::vector<ColumnExpressions::Item> items;
  for (const PatternStep& step : options_.steps) {
    items.push_back({"steps." + step.name + ".when", step.when});
  }
  if (!check_names(error)) return false;
  if (!plan_.make(options_, error) || !conditions_.compile(engine, input_.schema(), items, error)) {
    return false;
  }
  ordered_ = std::make_unique<OrderedReadings>(
      items.size(), by_key_ ? WatermarkMode::kKey : WatermarkMode::kSource);
  output_ = std::make_unique<StreamOutput>(
      StreamOutput::Shape{"pattern", options_.name, schema(), targets}, *this, keys_);
  return true;
}

// A match has the key of its readings beside what its steps are.
bool Pattern::check_names(BlockError& error) const {
  const Schema made = schema();
  for (const PatternStep& step : options_.steps) {
    for (const char* what : {"", "_first", "_last"}) {
      if (step.absent || step.name + what != made.fields[made.key].name) continue;
      error.item = "steps." + step.name + ".name";
      error.message = "a match has a '" + step.name + what + "' already, its key";
      return false;
    }
  }
  return true;
}

// The key, when the match began and ended, and of each step that comes how often, first and last.
Schema Pattern::schema() const {
  const Schema& in = input_.schema();
  Schema schema{{in.fields[in.key]}, 0};
  schema.fields.push_back({"match_start", FieldType::kNumber});
  schema.fields.push_back({"match_end", FieldType::kNumber});
  for (const PatternStep& step : options_.steps) {
    if (step.absent) continue;
    for (const char* what : {"", "_first", "_last"}) {
      schema.fields.push_back({step.name + what, FieldType::kNumber});
    }
  }
  return schema;
}

uint64_t Pattern::fingerprint() const {
  std::string text = options_.from + "/" + std::to_string(options_.within_ms) + "/" +
                     std::to_string(int(options_.after_match));
  for (const PatternStep& s : options_.steps) {
    text += "/" + s.name + "=" + s.when + "=" + s.times + "=" + std::to_string(s.for_ms) +
            (s.optional ? "?" : "") + (s.alternative ? "|" : "") + (s.absent ? "!" : "");
  }
  return hash64(text);
}

Pattern::Key& Pattern::state(uint32_t key) {
  if (key >= states_.size()) states_.resize(key + 1);
  return states_[key];
}

// ---- rows

void Pattern::process(size_t, const Rows& rows, EmissionBuffer& out) {
  const BatchView& view = rows.view;
  conditions_.evaluate(view, rows.present);
  values_.clear();
  for (size_t s = 0; s < options_.steps.size(); ++s) values_.push_back(conditions_.values(s));
  for (size_t row = 0; row < view.rows; ++row) {
    const uint32_t key = view.keys[row];
    output_->set_place(rows.place(row));
    if (rows.is_present(row)) {
      const bool taken = take(rows, row);
      taken ? rows.set_taken(row) : rows.set_late(row);
      late_ += !taken;
    }
    advance(key, rows.after[row]);
  }
  output_->flush(out);
}

bool Pattern::take(const Rows& rows, size_t row) {
  const uint32_t key = rows.view.keys[row];
  const int64_t time = rows.view.times[row];
  if (time <= watermark(key) || !ordered_->add(key, time, values_, row)) return false;
  if (ordered_->is_over_limit(key)) {
    ordered_->shorten(key, std::max(watermark(key), rows.after[row]), consumer(key));
    set_runs(key);
  }
  return true;
}

void Pattern::set_runs(uint32_t key) {
  Key& s = state(key);
  const int64_t due = s.runs.due;
  if (!by_key_ && due != s.due) {
    due_.erase({s.due, key});
    if (due != kTimeMax) due_.emplace(due, key);
  }
  s.due = due;
  for (const PatternMatcher::Match& match : matches_) {
    output_->begin_row(key, match.end_ms);
    output_->add_number(double(match.start_ms));
    output_->add_number(double(match.end_ms));
    for (size_t step = 0; step < match.taken.size(); ++step) {
      if (plan_.steps[step].absent) continue;
      const PatternMatcher::Taken& taken = match.taken[step];
      output_->add_number(taken.count);
      output_->add_number(taken.count > 0 ? double(taken.first_ms) : kNull);
      output_->add_number(taken.count > 0 ? double(taken.last_ms) : kNull);
    }
  }
  matches_.clear();
}

// ---- time

int64_t Pattern::watermark(uint32_t key) const {
  if (!by_key_) return watermark_;
  return key < states_.size() ? states_[key].watermark : kTimeMin;
}

void Pattern::advance(uint32_t key, int64_t to) {
  if (to <= watermark(key)) return;
  if (by_key_) {
    state(key).watermark = to;
    settle(key, to);
  } else {
    watermark_ = to;
    settle_all(to);
  }
  output_->on_watermark(key, to);
}

void Pattern::settle(uint32_t key, int64_t watermark) {
  ordered_->release(key, watermark, consumer(key));
  matcher_.pass(state(key).runs, watermark, matches_);
  set_runs(key);
}

// Not by key: one key's readings bring the time that releases those of all.
void Pattern::settle_all(int64_t watermark) {
  std::vector<uint32_t> keys;
  ordered_->add_due_keys(watermark, keys);
  for (auto at = due_.begin(); at != due_.end() && at->first <= watermark; ++at) {
    keys.push_back(at->second);
  }
  keys_.sort_by_text(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  for (const uint32_t key : keys) {
    settle(key, watermark);
    keys_.touch(key);
  }
}

// The readings that wait are seen; what is absent goes on to wait for the watermark.
void Pattern::on_idle(uint32_t key, EmissionBuffer& out) {
  if (!is_idle(key)) {  // one of several sources behind the stream
    if (!by_key_) advance(key, input_.time().watermark(key));
  } else {
    std::vector<uint32_t> keys{key};
    if (key == KeyTable::kNone) keys = ordered_->waiting_keys();
    keys_.sort_by_text(keys);
    for (const uint32_t waiting : keys) {
      ordered_->release_all(waiting, consumer(waiting));
      set_runs(waiting);
      keys_.touch(waiting);
    }
  }
  output_->flush(out);
}

// ---- the end

void Pattern::end(uint32_t key) {
  settle(key, kTimeMax);
  ordered_->forget_key(key);
  state(key).watermark = kTimeMin;
}

void Pattern::forget_key(uint32_t key, int64_t, EmissionBuffer& out) {
  output_->set_place(out.cause().place);
  end(key);
  output_->flush(out);
}

void Pattern::evict_key(uint32_t key, EmissionBuffer& out) {
  const int64_t passed = state(key).watermark;
  const int64_t released = ordered_->refused_until(key);
  forget_key(key, kTimeMin, out);
  if (!by_key_) return;
  state(key).watermark = passed;
  if (released != kTimeMin) ordered_->refuse_until(key, released);
}

std::vector<uint32_t> Pattern::keys_with_state() const {
  std::vector<uint32_t> keys = ordered_->waiting_keys();
  for (uint32_t key = 0; key < states_.size(); ++key) {
    if (!states_[key].runs.empty()) keys.push_back(key);
  }
  keys_.sort_by_text(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

void Pattern::begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms, EmissionBuffer& out) {
  if (!by_key_ && watermark_ <= limit_ms) return;
  for (const uint32_t key : by_key_ ? keys : keys_with_state()) {
    const bool seen_ahead = watermark(key) > limit_ms || ordered_->refused_until(key) > limit_ms;
    // Where another source has held it back, only what waits is ahead.
    seen_ahead ? end(key) : ordered_->drop_ahead(key, limit_ms);
    keys_.touch(key);
  }
  watermark_ = kTimeMin;
  output_->flush(out);
}

// What comes behind the newest reading nobody knows: no absence is told of that time.
void Pattern::finish(EmissionBuffer& out) {
  const int64_t newest = std::max(watermark_, ordered_->newest());
  for (const uint32_t key : keys_with_state()) {
    ordered_->release_all(key, consumer(key));
    settle(key, by_key_ ? std::max(watermark(key), ordered_->refused_until(key)) : newest);
  }
  output_->flush(out);
}

// ---- state

BlockStatus Pattern::status() const {
  BlockStatus status{options_.name, "pattern", output_->emitted(), ordered_->waiting(), late_};
  for (const Key& key : states_) status.open += key.runs.size();
  status.evicted = matcher_.evicted() + ordered_->evicted();
  return status;
}

bool Pattern::save_key(uint32_t key, ByteWriter& out) const {
  std::string waiting;
  ByteWriter writer(waiting);
  const bool waits = ordered_->save_key(key, writer);
  const Key none;
  const Key& s = key < states_.size() ? states_[key] : none;
  if (!waits && s.runs.empty() && s.watermark == kTimeMin) return false;
  out.fixed(s.watermark);
  matcher_.save(s.runs, out);
  out.fixed<uint8_t>(waits);
  out.raw(waiting);
  return true;
}

void Pattern::load_key(uint32_t key, ByteReader& in) {
  Key& s = state(key);
  s.watermark = in.fixed<int64_t>();
  matcher_.load(s.runs, in);
  set_runs(key);
  if (in.fixed<uint8_t>() != 0) ordered_->load_key(key, in);
}

void Pattern::save_totals(ByteWriter& out) const {
  out.fixed(watermark_);
  out.varint(output_->emitted());
  out.varint(late_);
  out.varint(matcher_.evicted());
  out.varint(ordered_->evicted());
}

void Pattern::load_totals(ByteReader& in) {
  watermark_ = in.fixed<int64_t>();
  output_->set_emitted(in.varint());
  late_ = in.varint();
  matcher_.set_evicted(in.varint());
  ordered_->set_evicted(in.varint());
}

}  // namespace wayside
