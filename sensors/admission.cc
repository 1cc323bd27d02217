#include "sensors/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/text.h"
#include "sensors/mqtt_packet.h"

namespace wayside {

Result<Schema> make_schema(const SourceOptions& source) {
  auto bad = [&](const std::string& why) {
    return Error{ErrorCode::kConfig, "source \"" + source.name + "\": " + why};
  };
  WS_ASSIGN(TopicPattern pattern, TopicPattern::parse(source.topic));
  Schema schema;
  for (const std::string& level : pattern.names()) {
    schema.fields.push_back({level, FieldType::kText});
  }
  for (const FieldOptions& field : source.fields) {
    if (schema.find(field.name) < schema.fields.size()) {
      return bad("field '" + field.name + "' is declared twice (a topic level counts)");
    }
    schema.fields.push_back({field.name, field.type});
  }
  for (const char* name : {kReplyTo, kCorrelation}) {
    if (!source.is_answered) break;
    if (schema.find(name) < schema.fields.size()) {
      return bad(std::string("'") + name + "' is what a command itself has; choose another name");
    }
    schema.fields.push_back({name, FieldType::kText});
  }
  schema.key = schema.find(source.key);
  if (schema.key == schema.fields.size()) {
    return bad("key \"" + source.key + "\" is neither a {level} of the topic nor a field");
  }
  if (schema.fields[schema.key].type != FieldType::kText) {
    return bad("key \"" + source.key + "\" must be a text: give the field type = \"text\"");
  }
  return schema;
}

namespace {

constexpr size_t kDetailBytes = 500;   // of what is wrong with a message
constexpr size_t kTopicBytes = 1'024;  // of its topic
constexpr size_t kBindingBytes = 250;  // that a topic takes beside its own
constexpr size_t kReadingsKept = 256;  // of a message, for the next one
constexpr size_t kOutgoingMax = 100;   // of a turn; who needs one asks again

// Nothing has come yet: the topic's levels, the fields and what answers need.
Row empty_row(const SourceOptions& source, size_t levels) {
  Row row;
  const size_t fields = levels + source.fields.size() + (source.is_answered ? 2 : 0);
  row.numbers.assign(fields, kNull);
  row.texts.assign(fields, {});
  for (size_t i = 0; i < source.fields.size(); ++i) {
    if (!source.fields[i].absent) continue;
    const Value& absent = *source.fields[i].absent;
    if (const auto* number = std::get_if<double>(&absent)) row.numbers[levels + i] = *number;
    if (const auto* flag = std::get_if<bool>(&absent)) row.numbers[levels + i] = *flag;
    if (const auto* text = std::get_if<std::string>(&absent)) row.texts[levels + i] = *text;
  }
  return row;
}

}  // namespace

Result<std::unique_ptr<Admission>> Admission::make(AdmissionOptions options) {
  std::unique_ptr<Admission> door(new Admission(std::move(options)));
  AdmissionOptions& o = door->options_;
  if (o.order_groups.empty()) {
    o.order_groups.resize(o.sources.size());
    std::iota(o.order_groups.begin(), o.order_groups.end(), 0u);
  }
  for (const SourceOptions& source : o.sources) {
    WS_ASSIGN(Schema schema, make_schema(source));
    WS_ASSIGN(TopicPattern pattern, TopicPattern::parse(source.topic));
    SourceState state;
    state.decoder = make_decoder(source, pattern.names().size());
    state.readings = Readings(empty_row(source, pattern.names().size()));
    for (const FieldOptions& f : source.fields) {
      if (!f.equals.empty()) state.equals.push_back({schema.find(f.name), schema.find(f.equals)});
    }
    if (source.devices && (source.known_only || source.devices->blocks())) {
      state.devices = source.devices.get();
    }
    state.pattern = std::move(pattern);
    for (size_t i = 0; i < o.connections.size(); ++i) {
      if (o.connections[i] == source.connection()) state.connection = static_cast<uint32_t>(i);
    }
    if (source.deduplicate != "off") {
      state.recent = std::make_unique<RecentReadings>(o.recent_readings);
      state.recent_field = schema.find(source.deduplicate);
    }
    door->schemas_.push_back(std::move(schema));
    door->states_.push_back(std::move(state));
  }
  door->redelivery_.resize(o.connections.size());
  door->bindings_.resize(o.connections.size() + 1);
  return door;
}

Group Admission::make_group() const {
  Group group;
  for (const Schema& schema : schemas_) group.batches.emplace_back(schema);
  group.duplicates.resize(schemas_.size());
  group.rows_before.resize(schemas_.size());
  return group;
}

void Admission::begin_turn(Now now, Group& group) { group.turns.push_back({now, {}}); }

void Admission::admit(const Chunk& chunk, Group& group) {
  if (chunk.new_session && chunk.connection < redelivery_.size()) {
    redelivery_[chunk.connection].forget_session();
    // Whoever reads the group back has to forget them, too.
    std::erase_if(group.publishes,
                  [&](const Publish& p) { return p.connection == chunk.connection; });
    group.notes.push_back({Note::Kind::kNewSession, static_cast<uint32_t>(group.turns.size() - 1),
                           options_.connections[chunk.connection], ""});
  }
  if (!chunk.news.empty()) {
    group.notes.push_back({Note::Kind::kConnection, static_cast<uint32_t>(group.turns.size() - 1),
                           options_.connections[chunk.connection], chunk.news});
  }
  for (const Frame& frame : chunk.frames) admit_frame(chunk, frame, group);
}

void Admission::admit_frame(const Chunk& chunk, const Frame& frame, Group& group) {
  if (frame.fault == Frame::Fault::kMalformed) {
    return reject(Rejected::kNoSource, frame, {"malformed_publish", ""}, group);
  }
  Binding& binding = bind(chunk.connection, frame.topic);
  const uint32_t source = binding.source;
  if (source == Rejected::kNoSource) {
    return reject(source, frame, {"no_source", "no source's topic matches"}, group);
  }
  if (is_redelivery(chunk.connection, frame, binding.topic_hash, group)) {
    ++group.duplicates[source];
    return;
  }
  if (frame.fault == Frame::Fault::kOversized) {
    return reject(source, frame, {"too_large", "over max_payload"}, group);
  }
  Refusal refusal;
  Now arrival = group.turns.back().now;
  arrival.wall_ms = chunk.arrival_ms;
  SourceState& state = states_[source];
  state.readings.clear();
  const bool good = state.decoder->decode(frame, arrival, state.readings, refusal);
  for (Outgoing& message : state.readings.outgoing) {
    if (outgoing_.size() < kOutgoingMax)
      outgoing_.push_back({chunk.connection, std::move(message)});
  }
  if (good) {
    admit_readings(chunk, frame, arrival, binding, group);
  } else {
    reject(source, frame, std::move(refusal), group);
  }
  // One large payload does not hold its room for ever.
  if (state.readings.size() > kReadingsKept) state.readings = Readings(state.readings.empty());
}

// What is refused of a message is told once: of a small payload there may be thousands.
void Admission::admit_readings(const Chunk& chunk, const Frame& frame, const Now& arrival,
                               Binding& binding, Group& group) {
  Readings& readings = states_[binding.source].readings;
  Refusal first;
  size_t refused = 0;
  for (size_t i = 0; i < readings.size(); ++i) {
    if (admit_reading(chunk, frame, arrival, binding, i, group) || ++refused > 1) continue;
    first = std::move(readings.refusal(i));
    if (readings.size() > 1) {
      first.detail = "reading " + std::to_string(i + 1) + ": " + first.detail;
    }
  }
  if (refused == 0) return;
  if (refused > 1) {
    first.detail += fmt::format(" ({} of {} were refused)", refused, readings.size());
  }
  reject(binding.source, frame, std::move(first), group);
}

bool Admission::admit_reading(const Chunk& chunk, const Frame& frame, const Now& arrival,
                              Binding& binding, size_t number, Group& group) {
  const SourceOptions& options = options_.sources[binding.source];
  SourceState& source = states_[binding.source];
  Row& row = source.readings.row(number);
  Refusal& refusal = source.readings.refusal(number);
  if (refusal.reason || !set_time(options, source, arrival, row, refusal) ||
      !check_key(schemas_[binding.source], binding, row, options.is_answered, refusal) ||
      !check_identity(source, schemas_[binding.source], binding, row, refusal) ||
      !check_device(source, options, schemas_[binding.source], binding, row, refusal)) {
    return false;
  }
  if (options.is_answered) take_reply(chunk, frame, row);
  append(binding, row, group);
  return true;
}

// The last two fields. Who asks for an answer where none can go gets it where all do. Only this
// process itself has other places for it than topics.
void Admission::take_reply(const Chunk& chunk, const Frame& frame, Row& row) {
  constexpr size_t kCorrelationMax = 1'024;
  const mqtt::ReplyTo reply = mqtt::reply_to(frame.properties);
  const bool local = chunk.connection == kAnyConnection;
  if (reply.topic.empty() || reply.correlation.size() > kCorrelationMax) return;
  if (!local && !mqtt::is_good_topic(reply.topic)) return;
  correlation_ = hex_of(reply.correlation);
  row.texts[row.texts.size() - 2] = reply.topic;
  if (!correlation_.empty()) row.texts.back() = correlation_;
}

// Of a topic that no source wants that is remembered, too.
Admission::Binding& Admission::bind(uint32_t connection, std::string_view topic) {
  Bindings& bindings = bindings_[std::min<size_t>(connection, options_.connections.size())];
  if (auto found = bindings.by_topic.find(topic); found != bindings.by_topic.end()) {
    return found->second;
  }
  const size_t bytes = 2 * topic.size() + kBindingBytes;  // its levels stand there once more
  if (bindings.bytes + bytes > options_.topic_cache) bindings = {};
  bindings.bytes += bytes;
  Binding& made = bindings.by_topic[std::string(topic)];
  made.topic_hash = hash64(topic);
  std::vector<std::string_view> levels;
  for (uint32_t i = 0; i < states_.size() && made.source == Rejected::kNoSource; ++i) {
    bool same = connection == kAnyConnection || states_[i].connection == connection;
    if (!same || !states_[i].pattern.match(topic, levels)) continue;
    made.source = i;
    made.levels.assign(levels.begin(), levels.end());
    const size_t key = schemas_[i].key;
    if (states_[i].devices && key < levels.size()) {
      made.device = states_[i].devices->find(levels[key]);
    }
  }
  return made;
}

bool Admission::is_redelivery(uint32_t connection, const Frame& frame, uint64_t topic_hash,
                              Group& group) {
  if (frame.packet_id == 0 || connection >= redelivery_.size()) return false;
  Redelivery& session = redelivery_[connection];
  uint32_t hash = Redelivery::fingerprint(topic_hash, frame.payload);
  if (frame.duplicate && session.is_known(frame.packet_id, hash)) return true;
  session.remember(frame.packet_id, hash);
  group.publishes.push_back({connection, frame.packet_id, hash});
  return false;
}

void Admission::append(Binding& binding, const Row& row, Group& group) {
  ReadingBatch& batch = group.batches[binding.source];
  SourceState& source = states_[binding.source];
  const Schema& schema = schemas_[binding.source];
  const size_t levels = binding.levels.size();
  if (binding.ids.size() != levels || binding.generation != batch.generation) {
    binding.ids.clear();
    for (const std::string& level : binding.levels)
      binding.ids.push_back(batch.texts.intern(level));
    binding.generation = batch.generation;
  }
  batch.times.push_back(row.time_ms);
  for (size_t i = 0; i < levels; ++i) batch.columns[i].texts.push_back(binding.ids[i]);
  for (size_t i = levels; i < schema.fields.size(); ++i) {
    if (schema.fields[i].type == FieldType::kText) {
      std::string_view text = row.texts[i];
      batch.columns[i].texts.push_back(text.data() ? batch.texts.intern(text) : Interner::kNone);
    } else {
      batch.columns[i].numbers.push_back(row.numbers[i]);
    }
  }
  const size_t added = batch.rows() - 1;
  if (is_repeated(source, batch, added)) {
    batch.times.pop_back();
    for (Column& c : batch.columns) {
      if (!c.texts.empty()) c.texts.pop_back();
      if (!c.numbers.empty()) c.numbers.pop_back();
    }
    ++group.duplicates[binding.source];
    return;
  }
  if (rolled_from_ms_) note_rollover(binding.source, row.time_ms, group);
  add_to_slice(binding.source, static_cast<uint32_t>(added), group);
}

// Remembers the reading. One that should hold a message id and does not is like no other.
bool Admission::is_repeated(SourceState& source, const ReadingBatch& batch, size_t row) {
  if (!source.recent) return false;
  if (source.recent_field < batch.columns.size()) {
    const Column& id = batch.columns[source.recent_field];
    if (id.texts.empty() ? is_null(id.numbers[row]) : id.texts[row] == Interner::kNone)
      return false;
  }
  return !source.recent->insert(content_hash(batch, row, source.recent_field));
}

// Extends the last slice of the source, unless a source whose order matters to it came between.
void Admission::add_to_slice(uint32_t source, uint32_t row, Group& group) {
  auto& slices = group.turns.back().slices;
  for (auto slice = slices.rbegin(); slice != slices.rend(); ++slice) {
    if (slice->source == source) {
      slice->end = row + 1;
      return;
    }
    if (options_.order_groups[slice->source] == options_.order_groups[source]) break;
  }
  slices.push_back({source, row, row + 1});
}

void Admission::reject(uint32_t source, const Frame& frame, Refusal refusal, Group& group) {
  // It may quote the payload.
  if (refusal.detail.size() > kDetailBytes) {
    refusal.detail = printable(std::string_view(refusal.detail).substr(0, kDetailBytes)) + "…";
  }
  group.rejected.push_back({source, refusal.reason, std::move(refusal.detail),
                            std::string(frame.topic.substr(0, kTopicBytes)),
                            std::string(frame.payload.substr(0, options_.quarantine_payload))});
}

uint64_t Admission::content_hash(const ReadingBatch& batch, size_t row, size_t field) const {
  auto text_hash = [&](uint32_t id, uint64_t seed) {
    return id == Interner::kNone ? seed * 31 + 1 : hash64(batch.texts.text(id), seed);
  };
  auto number_hash = [](double number, uint64_t seed) {
    return hash64({reinterpret_cast<const char*>(&number), sizeof number}, seed);
  };
  uint64_t hash = text_hash(batch.keys()[row], 0);
  if (field >= batch.columns.size()) {
    hash = hash64({reinterpret_cast<const char*>(&batch.times[row]), sizeof(int64_t)}, hash);
  }
  for (size_t i = 0; i < batch.columns.size(); ++i) {
    if (field < batch.columns.size() && i != field) continue;
    const Column& c = batch.columns[i];
    hash = c.texts.empty() ? number_hash(c.numbers[row], hash) : text_hash(c.texts[row], hash);
  }
  return hash;
}

void Admission::remember(const Group& group) {
  for (const Note& note : group.notes) {
    if (note.kind != Note::Kind::kNewSession) continue;
    for (size_t i = 0; i < options_.connections.size(); ++i) {
      if (options_.connections[i] == note.name) redelivery_[i].forget_session();
    }
  }
  for (const Publish& p : group.publishes) {
    if (p.connection < redelivery_.size()) redelivery_[p.connection].remember(p.packet_id, p.hash);
  }
  for (size_t s = 0; s < states_.size() && s < group.batches.size(); ++s) {
    for (size_t row = 0; row < group.batches[s].rows(); ++row) {
      is_repeated(states_[s], group.batches[s], row);
    }
  }
}

}  // namespace wayside
