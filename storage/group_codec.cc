#include "storage/group_codec.h"

#include <utility>

#include "storage/column_codec.h"

namespace wayside {
namespace {

constexpr uint8_t kGroupVersion = 2;     // 1: integers as differences only
constexpr uint64_t kCellsMax = 1 << 26;  // rows times fields
constexpr uint8_t kEarlierEpoch = 7;     // a note of an epoch that began before it

// Times may be any 64 bits, so their differences wrap around.
int64_t difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

bool has_number(Note::Kind kind) {
  return kind == Note::Kind::kClock || kind == Note::Kind::kRolledOver;
}

// ---- writing

void encode_texts(const Column& column, const Interner& texts, ByteWriter& out) {
  std::vector<uint32_t> local(texts.size(), 0);  // 0: not used here yet, else index + 1
  std::vector<uint32_t> used;
  for (uint32_t id : column.texts) {
    if (id == Interner::kNone || local[id] != 0) continue;
    used.push_back(id);
    local[id] = static_cast<uint32_t>(used.size());
  }
  out.varint(used.size());
  for (uint32_t id : used) out.text(texts.text(id));
  std::vector<int64_t> places;
  for (uint32_t id : column.texts) places.push_back(id == Interner::kNone ? 0 : local[id]);
  encode_integers(places, out);
}

void encode_batch(const ReadingBatch& batch, const NamedSchema& source, ByteWriter& out) {
  out.text(source.source);
  out.varint(source.schema.fields.size());
  for (const Field& f : source.schema.fields) {
    out.text(f.name);
    out.fixed(static_cast<uint8_t>(f.type));
  }
  out.varint(batch.rows());
  encode_integers(batch.times, out);
  for (size_t i = 0; i < source.schema.fields.size(); ++i) {
    if (source.schema.fields[i].type == FieldType::kText) {
      encode_texts(batch.columns[i], batch.texts, out);
    } else {
      encode_numbers(batch.columns[i].numbers, out);
    }
  }
}

void encode_turns(const Group& group, const std::vector<uint32_t>& place, ByteWriter& out) {
  Now previous;
  out.varint(group.turns.size());
  for (const Turn& t : group.turns) {
    out.signed_varint(difference(t.now.wall_ms, previous.wall_ms));
    out.signed_varint(difference(t.now.timer_ms, previous.timer_ms));
    previous = t.now;
    out.varint(t.slices.size());
    for (const Slice& s : t.slices) {  // rows of a source follow each other: their number is enough
      out.varint(place[s.source]);
      out.varint(s.end - s.begin);
    }
  }
}

// ---- reading

size_t schema_index(const std::vector<NamedSchema>& sources, std::string_view name) {
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].source == name) return i;
  }
  return sources.size();
}

// Of a block of this version.
void decode_integers_of(uint8_t version, ByteReader& in, size_t count,
                        std::vector<int64_t>& values) {
  (version == 1 ? decode_differences : decode_integers)(in, count, values);
}

void decode_texts(uint8_t version, ByteReader& in, size_t rows, ReadingBatch* batch,
                  Column* column) {
  std::vector<uint32_t> ids{Interner::kNone};
  const size_t texts = in.count();
  for (size_t i = 0; i < texts; ++i) {
    std::string_view text = in.text();
    ids.push_back(batch ? batch->texts.intern(text) : 0);
  }
  std::vector<int64_t> places;
  if (version > 1) decode_integers(in, rows, places);
  for (size_t i = 0; version == 1 && i < rows && in.ok(); ++i) {
    places.push_back(static_cast<int64_t>(in.varint()));
  }
  for (int64_t place : places) {
    const auto index = static_cast<uint64_t>(place);
    if (index >= ids.size()) in.fail();
    if (column) column->texts.push_back(index < ids.size() ? ids[index] : Interner::kNone);
  }
}

// Reads one batch into the group, or past it when its source is unknown. `times` are its event
// times in any case. Returns the source, or sources.size().
size_t decode_batch(uint8_t version, ByteReader& in, const std::vector<NamedSchema>& sources,
                    Group& group, std::vector<int64_t>& times,
                    std::vector<JournaledSource>* journaled = nullptr) {
  const std::string_view name = in.text();
  const size_t source = schema_index(sources, name);
  ReadingBatch* batch = source < sources.size() ? &group.batches[source] : nullptr;
  if (batch && batch->rows() > 0) in.fail();  // a source comes once
  std::vector<Field> fields(in.count(2));
  for (Field& f : fields) {
    f.name = in.text();
    const auto type = in.fixed<uint8_t>();
    if (type > static_cast<uint8_t>(FieldType::kBool)) in.fail();
    f.type = static_cast<FieldType>(type);
  }
  const size_t rows = in.varint();
  if (rows > kCellsMax / (fields.size() + 1)) in.fail();
  if (!in.ok()) return source;
  if (journaled) journaled->push_back({std::string(name), fields, rows});
  times.clear();
  decode_integers_of(version, in, rows, times);
  if (batch) batch->times = times;
  std::vector<double> ignored;
  for (const Field& f : fields) {
    Column* column = nullptr;
    if (batch) {
      const Schema& schema = sources[source].schema;
      const size_t at = schema.find(f.name);
      if (at < schema.fields.size() && schema.fields[at].type == f.type)
        column = &batch->columns[at];
    }
    if (column && column->numbers.size() + column->texts.size() > 0) in.fail();  // so does a field
    if (!in.ok()) return source;
    if (f.type == FieldType::kText) {
      decode_texts(version, in, rows, batch, column);
    } else {
      ignored.clear();
      decode_numbers(in, rows, column ? column->numbers : ignored);
    }
  }
  if (!batch) return source;
  for (size_t i = 0; i < batch->columns.size(); ++i) {
    const bool text = sources[source].schema.fields[i].type == FieldType::kText;
    if (text) batch->columns[i].texts.resize(rows, Interner::kNone);
    if (!text) batch->columns[i].numbers.resize(rows, kNull);
  }
  return source;
}

void decode_turns(ByteReader& in, const std::vector<size_t>& source_at, size_t source_count,
                  Group& group) {
  std::vector<uint32_t> done(source_count + 1, 0);
  uint32_t next_place = 0;
  Now now;
  const size_t turns = in.count(3);
  for (size_t t = 0; t < turns && in.ok(); ++t) {
    now.wall_ms = sum(now.wall_ms, in.signed_varint());
    now.timer_ms = sum(now.timer_ms, in.signed_varint());
    Turn turn{now, {}};
    const size_t slices = in.count(2);
    for (size_t i = 0; i < slices && in.ok(); ++i) {
      const uint64_t place = in.varint();
      const auto rows = static_cast<uint32_t>(in.varint());
      const size_t source = place < source_at.size() ? source_at[place] : source_count;
      const uint32_t first = std::exchange(next_place, next_place + rows);
      if (source >= source_count) continue;
      const uint32_t begin = done[source];
      turn.slices.push_back({static_cast<uint32_t>(source), begin, begin + rows, first});
      done[source] += rows;
    }
    group.turns.push_back(std::move(turn));
  }
}

bool slices_fit(const Group& group) {
  for (const Turn& t : group.turns) {
    for (const Slice& s : t.slices) {
      if (s.end < s.begin || s.end > group.batches[s.source].rows()) return false;
    }
  }
  return true;
}

// Turns know what their time rests on by the notes.
void take_clock(Group& group) {
  for (const Note& n : group.notes) {
    if (n.kind != Note::Kind::kClock) continue;
    const bool unset = n.name == to_text(ClockState::kUnset);
    for (size_t t = n.turn; t < group.turns.size(); ++t) {
      group.turns[t].now.clock = unset ? ClockState::kUnset : ClockState::kSynced;
    }
  }
}

std::string_view name_at(const std::vector<std::string>& names, size_t i) {
  return i < names.size() ? std::string_view(names[i]) : std::string_view();
}

}  // namespace

Group make_group(const std::vector<NamedSchema>& sources) {
  Group group;
  for (const NamedSchema& s : sources) group.batches.emplace_back(s.schema);
  group.duplicates.resize(sources.size());
  group.rows_before.resize(sources.size());
  return group;
}

void encode_group(const Group& group, const std::vector<NamedSchema>& sources,
                  const std::vector<std::string>& connections, std::string& bytes) {
  ByteWriter out(bytes);
  out.fixed(kGroupVersion);
  std::vector<uint32_t> place(sources.size(), 0);  // of a source among those written
  uint32_t written = 0;
  for (const ReadingBatch& b : group.batches) written += b.rows() > 0;
  out.varint(written);
  written = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (group.batches[i].rows() == 0) continue;
    place[i] = written++;
    encode_batch(group.batches[i], sources[i], out);
  }
  encode_turns(group, place, out);

  out.varint(group.rejected.size());
  for (const Rejected& r : group.rejected) {
    out.text(r.source < sources.size() ? std::string_view(sources[r.source].source) : "");
    out.text(r.reason);
    out.text(r.detail);
    out.text(r.topic);
    out.text(r.payload);
  }
  out.varint(sources.size());
  for (size_t i = 0; i < sources.size(); ++i) {
    out.text(sources[i].source);
    out.varint(group.duplicates[i]);
    out.varint(group.rows_before[i]);
  }
  out.varint(group.publishes.size());
  std::vector<int64_t> ids;
  for (const Publish& p : group.publishes) ids.push_back(p.packet_id);
  encode_integers(ids, out);
  for (const Publish& p : group.publishes) out.fixed(p.hash);
  for (const Publish& p : group.publishes) out.varint(p.connection);
  if (!group.publishes.empty()) {
    out.varint(connections.size());
    for (const std::string& name : connections) out.text(name);
  }
  out.varint(group.notes.size());
  for (const Note& n : group.notes) {
    const bool earlier = n.first_sequence > 0;
    out.fixed(earlier ? kEarlierEpoch : static_cast<uint8_t>(n.kind));
    out.varint(n.turn);
    out.text(n.name);
    out.text(n.text);
    if (has_number(n.kind)) out.signed_varint(n.number);
    if (!earlier) continue;
    out.varint(n.first_sequence);
    out.varint(n.first_entry);
  }
}

Status decode_group(std::string_view block, const std::vector<NamedSchema>& sources,
                    const std::vector<std::string>& connections, Group& group,
                    std::vector<JournaledSource>* journaled) {
  auto broken = [](const char* part) {
    return Error{ErrorCode::kBadData, std::string("journal block: broken ") + part};
  };
  ByteReader in(block);
  const auto version = in.fixed<uint8_t>();
  if (version < 1 || version > kGroupVersion) return broken("version");
  std::vector<size_t> source_at(in.count());
  std::vector<int64_t> times;
  for (size_t& source : source_at) {
    source = decode_batch(version, in, sources, group, times, journaled);
    if (!in.ok()) return broken("readings");
  }
  decode_turns(in, source_at, sources.size(), group);
  if (!in.ok() || !slices_fit(group)) return broken("turns");

  const size_t rejected = in.count(5);
  for (size_t i = 0; i < rejected; ++i) {
    Rejected r;
    const size_t source = schema_index(sources, in.text());
    if (source < sources.size()) r.source = static_cast<uint32_t>(source);
    r.reason = in.text();
    r.detail = in.text();
    r.topic = in.text();
    r.payload = in.text();
    group.rejected.push_back(std::move(r));
  }
  for (size_t n = in.count(3); n > 0 && in.ok(); --n) {
    const size_t s = schema_index(sources, in.text());
    const uint64_t duplicates = in.varint();
    const uint64_t rows_before = in.varint();
    if (s >= sources.size()) continue;
    group.duplicates[s] = duplicates;
    group.rows_before[s] = rows_before;
  }
  const size_t publishes = in.count(5);  // a hash and a connection
  std::vector<int64_t> ids;
  decode_integers_of(version, in, publishes, ids);
  if (!in.ok()) return broken("messages");
  group.publishes.resize(publishes);
  for (size_t i = 0; i < publishes; ++i)
    group.publishes[i].packet_id = static_cast<uint16_t>(ids[i]);
  for (Publish& p : group.publishes) p.hash = in.fixed<uint32_t>();
  for (Publish& p : group.publishes) p.connection = static_cast<uint32_t>(in.varint());
  if (publishes > 0) {  // connections by name, since their order may have changed
    std::vector<std::string> then(in.count());
    for (std::string& name : then) name = in.text();
    for (Publish& p : group.publishes) {
      const std::string_view name = name_at(then, p.connection);
      p.connection = UINT32_MAX;
      for (uint32_t c = 0; c < connections.size(); ++c) {
        if (connections[c] == name) p.connection = c;
      }
    }
  }
  const size_t notes = in.count(4);
  for (size_t i = 0; i < notes; ++i) {
    Note n;
    const auto kind = in.fixed<uint8_t>();
    n.kind = kind == kEarlierEpoch ? Note::Kind::kNewEpoch : static_cast<Note::Kind>(kind);
    n.turn = static_cast<uint32_t>(in.varint());
    n.name = in.text();
    n.text = in.text();
    if (has_number(n.kind)) n.number = in.signed_varint();
    if (kind == kEarlierEpoch) {
      n.first_sequence = in.varint();
      n.first_entry = in.varint();
    }
    group.notes.push_back(std::move(n));
  }
  take_clock(group);
  if (!in.ok() || in.left() != 0) return broken("end");
  return {};
}

Status event_times(std::string_view block, std::vector<int64_t>& times) {
  ByteReader in(block);
  const auto version = in.fixed<uint8_t>();
  bool good = version >= 1 && version <= kGroupVersion;
  Group none;
  std::vector<int64_t> some;
  for (size_t n = in.count(); n > 0 && good; --n) {
    decode_batch(version, in, {}, none, some);
    good = in.ok();
    times.insert(times.end(), some.begin(), some.end());
  }
  if (good && in.ok()) return {};
  return Error{ErrorCode::kBadData, "journal block: broken readings"};
}

}  // namespace wayside
