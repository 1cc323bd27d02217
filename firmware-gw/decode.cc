#include "firmware-gw/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "sensors/admission.h"
#include "sensors/clean.h"
#include "uplink/message.h"

namespace wayside {
namespace {

Error usage(std::string message) { return {ErrorCode::kUsage, std::move(message)}; }

Result<size_t> find_source(const Config& config, const std::string& name) {
  std::vector<std::string> names;
  for (const SourceOptions& s : config.sources) names.push_back(s.name);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return size_t(found - names.begin());
  const auto near = nearest(name, names);
  return usage("there is no [[source]] '" + name + "'" +
               (near ? "; did you mean '" + *near + "'?" : ""));
}

// The checked configuration has a good pattern, and a connection if it has any.
Result<std::string> topic_of(const SourceOptions& source, const std::string& given) {
  const TopicPattern pattern = *TopicPattern::parse(source.topic);
  std::vector<std::string_view> levels;
  if (!given.empty() && !pattern.match(given, levels)) {
    return usage("topic '" + given + "' is none of source '" + source.name + "', which takes " +
                 source.topic);
  }
  const auto& names = pattern.names();
  const bool has_key = std::find(names.begin(), names.end(), source.key) != names.end();
  if (given.empty() && has_key) {
    return usage("source '" + source.name + "' takes its key from the topic: give --topic, as " +
                 source.topic + " with a device's name for {" + source.key + "}");
  }
  return given.empty() ? source.topic : given;
}

uint32_t connection_of(const Config& config, const SourceOptions& source) {
  const std::vector<std::string> names = config.connection_names();
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == source.connection()) return static_cast<uint32_t>(i);
  }
  return Admission::kAnyConnection;
}

// As docs/mqtt.md has it.
std::string how_to_mend(std::string_view reason, const SourceOptions& source) {
  if (reason == "wrong_type") {
    return "give the field the type that devices send, or mend what they send";
  }
  if (reason == "no_time") {
    return source.time_path.empty()
               ? "have the device send a time"
               : "'time' names a field that is not there; without 'time' the arrival counts";
  }
  if (reason == "bad_time") return "give 'time' the unit, or the pattern, that devices send";
  if (reason == "too_far_in_future") {
    return "mend the device's clock or the zone of 'time', or raise 'max_future'";
  }
  if (reason == "no_key") return "the key's field has to be in each payload; see 'key'";
  if (reason == "wrong_identity") {
    return "have the device send what its topic says, or mend 'equals' of the field";
  }
  if (reason == "unknown_device") {
    return "give a [[device]] this id, or a line to the file of [registry]; or leave 'known_only' "
           "out";
  }
  if (reason == "blocked_device") return "take 'blocked' off the device in the registry";
  if (reason == "too_large") return "raise 'max_payload' of the connection, or send less at once";
  if (reason == "not_born") return "the edge node has to be born anew, which is asked of it";
  return "see whether the source's 'format' is that of the payload, and whether all of it is there";
}

ColumnView as_came(const Column& column) { return {column.numbers.data(), column.texts.data()}; }

Value value_at(const ColumnView& column, const Field& field, size_t row, const Interner& texts) {
  if (field.type == FieldType::kText) {
    const uint32_t id = column.texts[row];
    return id == Interner::kNone ? Value() : Value(std::string(texts.text(id)));
  }
  const double number = column.numbers[row];
  if (is_null(number)) return {};
  return field.type == FieldType::kBool ? Value(number != 0) : Value(number);
}

// `sent`: what came, calibrated.
std::string why_changed(Reason reason, double sent, const DecodedField& field,
                        const SourceOptions& source) {
  const std::string name = name_of(reason);
  const auto& fields = source.fields;
  const auto options = std::find_if(fields.begin(), fields.end(),
                                    [&](const FieldOptions& f) { return f.name == field.name; });
  const PositionOptions& position = source.position;
  const bool of_position = field.name == position.lat || field.name == position.lon;
  switch (reason) {
    case Reason::kOutOfRange:
      if (options->min && sent < *options->min) {
        return fmt::format("{}: below min {}", name, *options->min);
      }
      if (options->max && sent > *options->max) {
        return fmt::format("{}: above max {}", name, *options->max);
      }
      return name + ": not on the earth";
    case Reason::kNullIsland:
      return name + ": as of a receiver without a fix";
    case Reason::kNoFix:
      return fmt::format("{}: {} is below min_fix {}", name, position.fix, position.min_fix);
    case Reason::kImprecise:
      return fmt::format("{}: {} is above max_hdop {}", name, position.hdop, position.max_hdop);
    case Reason::kFrozen:
      return fmt::format("{}: {} says that it moves", name, position.speed);
    case Reason::kIncomplete:
      return name + ": the other one of the position is out of range";
    case Reason::kTooFast:
      if (of_position && options->cleaning.max_rate == 0) {
        return fmt::format("{}: above max_speed {}", name, position.max_speed);
      }
      return fmt::format("{}: above max_rate {}", name, options->cleaning.max_rate);
    case Reason::kStuck:
      return fmt::format("{}: the same for {}", name,
                         format_duration(options->cleaning.stuck_after_ms));
    case Reason::kSmoothed:
      return name + ": " +
             (of_position && !position.smooth.empty() ? position.smooth : options->cleaning.smooth);
    case Reason::kFilled:
      break;
  }
  return fmt::format("{}: the last value of the key, at most {} old", name,
                     format_duration(options->cleaning.fill_ms));
}

std::string how_calibrated(const Calibration& c, double sent, double calibrated) {
  return fmt::format("calibrated: {} * {} {} {} = {}", sent, c.scale, c.offset < 0 ? '-' : '+',
                     std::abs(c.offset), calibrated);
}

// All reasons, of a row's field.
std::string why_changed(size_t row, size_t column, const DecodedField& field,
                        const SourceOptions& source, const Cleaner& cleaner) {
  std::string why;
  double sent = field.sent.index() == 1 ? std::get<double>(field.sent) : kNull;
  const Calibration* calibration = cleaner.calibration(row, column);
  if (calibration && !is_null(sent)) {
    const double calibrated = calibration->apply(sent);
    why = how_calibrated(*calibration, sent, calibrated);
    sent = calibrated;
  }
  for (const Cleaner::Change& change : cleaner.changes()) {
    if (change.row != row || change.column != column) continue;
    why += (why.empty() ? "" : "; ") + why_changed(change.reason, sent, field, source);
  }
  if (!why.empty() || field.value == field.sent) return why;
  return "kept: the last value of the key";
}

// A reading whose attributes are nothing for want of its device.
void note_unknown(const std::string& key, const SourceOptions& source, Decoded& out) {
  if (source.attributes.empty() || !source.devices) return;
  if (source.devices->find(key) != Registry::kUnknown) return;
  std::string note = "device '" + key + "' is not in the registry";
  if (std::find(out.notes.begin(), out.notes.end(), note) != out.notes.end()) return;
  out.notes.push_back(std::move(note));
}

void take_readings(const SourceOptions& source, const Schema& schema, ReadingBatch& batch,
                   Decoded& out) {
  Cleaner cleaner(source, schema);
  BatchView view;
  const std::vector<uint32_t> keys = batch.keys();  // dense enough
  cleaner.clean(batch, 0, batch.rows(), keys.data(), view);
  for (size_t row = 0; row < batch.rows(); ++row) {
    DecodedReading& reading = out.readings.emplace_back();
    reading.key = batch.texts.text(keys[row]);
    reading.time_ms = batch.times[row];
    for (size_t i = 0; i < schema.fields.size(); ++i) {
      const Field& field = schema.fields[i];
      DecodedField& decoded = reading.fields.emplace_back();
      decoded.name = field.name;
      decoded.sent = value_at(as_came(batch.columns[i]), field, row, batch.texts);
      decoded.value = value_at(view.columns[i], field, row, batch.texts);
      decoded.why = why_changed(row, i, decoded, source, cleaner);
    }
    // What is known of the device came with no payload.
    for (size_t i = 0; i < source.attributes.size(); ++i) {
      const ColumnView& column = view.columns[schema.fields.size() + i];
      const Field field{source.attributes[i], FieldType::kText};
      const Value value = value_at(column, field, row, batch.texts);
      reading.fields.push_back({field.name, value, value, ""});
    }
    note_unknown(reading.key, source, out);
  }
}

void take_notes(const Group& group, size_t source, Admission& door, Decoded& out) {
  if (const uint64_t n = group.duplicates[source]) {
    out.notes.push_back(fmt::format("{} of its readings came twice, and count once", n));
  }
  for (const Note& note : group.notes) {
    if (note.kind == Note::Kind::kRolledOver) out.notes.push_back("GPS time: " + note.text);
  }
  for (const auto& asked : door.take_outgoing()) {
    out.notes.push_back("a gateway that runs publishes to " + asked.message.topic);
  }
}

std::string text_of(const Value& value) {
  std::string text;
  append_json_value(value, text);
  return printable(text);
}

void append_json(const DecodedReading& reading, std::string& json) {
  json += '{';
  append_json_member(json, "key", reading.key);
  append_json_member(json, "time", format_rfc3339(reading.time_ms));
  json += ",\"fields\":{";
  std::string cleaned;
  for (const DecodedField& field : reading.fields) {
    if (json.back() != '{') json += ',';
    append_json_string(json, field.name);
    json += ':';
    append_json_value(field.value, json);
    if (field.why.empty()) continue;
    cleaned += cleaned.empty() ? "{" : ",{";
    append_json_member(cleaned, "field", field.name);
    cleaned += ",\"sent\":";
    append_json_value(field.sent, cleaned);
    append_json_member(cleaned, "why", field.why);
    cleaned += '}';
  }
  json += "},\"cleaned\":[" + cleaned + "]}";
}

}  // namespace

Result<uint64_t> max_payload_of(const Config& config, const std::string& source) {
  WS_ASSIGN(const size_t found, find_source(config, source));
  const uint32_t connection = connection_of(config, config.sources[found]);
  if (connection < config.mqtt.size()) return config.mqtt[connection].max_payload_bytes;
  const size_t input = connection - config.mqtt.size();
  return input < config.inputs.size() ? config.inputs[input].max_payload_bytes
                                      : MqttOptions().max_payload_bytes;
}

Result<Decoded> decode(const Config& config, const DecodeQuestion& question, const Now& now) {
  WS_ASSIGN(const size_t source, find_source(config, question.source));
  const SourceOptions& options = config.sources[source];
  WS_ASSIGN(const std::string topic, topic_of(options, question.topic));
  WS_ASSIGN(const uint64_t max_payload, max_payload_of(config, question.source));
  AdmissionOptions door_options;
  door_options.sources = config.sources;
  door_options.connections = config.connection_names();
  WS_ASSIGN(const auto door, Admission::make(std::move(door_options)));
  Chunk chunk = chunk_of(topic, question.payload);
  if (question.payload.size() > max_payload) {
    chunk.frames.front().fault = Frame::Fault::kOversized;
    chunk.frames.front().payload = {};
  }
  chunk.connection = connection_of(config, options);
  chunk.arrival_ms = now.wall_ms;
  Group group = door->make_group();
  door->begin_turn(now, group);
  door->admit(chunk, group);

  Decoded out{options.name, topic, question.payload.size(), !options.has_own_time(), {}, {}, {}};
  for (size_t s = 0; s < group.batches.size(); ++s) {
    const bool refused = !group.rejected.empty() && group.rejected.front().source == s;
    if (s == source || (group.batches[s].rows() == 0 && !refused)) continue;
    return usage("topic '" + topic + "' goes to source '" + config.sources[s].name +
                 "', which stands before '" + options.name + "'");
  }
  if (!group.rejected.empty()) {
    const Rejected& r = group.rejected.front();
    out.refusal = {r.reason, r.detail, how_to_mend(r.reason, options)};
  }
  take_readings(options, door->schemas()[source], group.batches[source], out);
  take_notes(group, source, *door, out);
  return out;
}

std::string to_text(const Decoded& d) {
  std::string text =
      fmt::format("source {}, topic {}, {} bytes\n", d.source, printable(d.topic), d.bytes);
  size_t number = 0;
  for (const DecodedReading& reading : d.readings) {
    text += fmt::format("reading {}: key {}, time {}{}\n", ++number, printable(reading.key),
                        format_rfc3339(reading.time_ms), d.by_arrival ? " (its arrival)" : "");
    for (const DecodedField& field : reading.fields) {
      text += "  " + field.name + " = " + text_of(field.value);
      const std::string was = field.value == field.sent ? "" : "was " + text_of(field.sent) + "; ";
      if (!field.why.empty()) text += "   " + was + field.why;
      text += '\n';
    }
  }
  if (d.readings.empty() && !d.refusal) text += "good, and no reading\n";
  for (const std::string& note : d.notes) text += printable(note) + "\n";
  if (d.refusal) {
    const auto& [reason, detail, mend] = *d.refusal;
    text += "refused: " + reason + (detail.empty() ? "" : ": " + printable(detail)) +
            "\n  to mend it: " + mend + "\n";
  }
  return text;
}

std::string to_json(const Decoded& d) {
  std::string json = "{";
  append_json_member(json, "source", d.source);
  append_json_member(json, "topic", d.topic);
  json += fmt::format(",\"bytes\":{},\"readings\":[", d.bytes);
  for (const DecodedReading& reading : d.readings) {
    if (json.back() != '[') json += ',';
    append_json(reading, json);
  }
  json += "],\"notes\":[";
  for (const std::string& note : d.notes) {
    if (json.back() != '[') json += ',';
    append_json_string(json, note);
  }
  json += "],\"refusal\":";
  if (!d.refusal) return json + "null}";
  json += '{';
  append_json_member(json, "reason", d.refusal->reason);
  append_json_member(json, "detail", d.refusal->detail);
  append_json_member(json, "mend", d.refusal->mend);
  return json + "}}";
}

}  // namespace wayside
