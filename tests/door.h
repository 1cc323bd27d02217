// The door with frames put before it by hand, and what has come in written as texts.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "sensors/admission.h"
#include "tests/fields.h"

namespace wayside {

inline const std::string kTopic = "fleet/truck-1/climate";  // of climate_source()

// The source "climate" of connection "local", keyed by its topic's level {vehicle}.
inline SourceOptions climate_source(std::vector<FieldOptions> fields) {
  SourceOptions o;
  o.name = "climate";
  o.mqtt = "local";
  o.topic = "fleet/{vehicle}/climate";
  o.key = "vehicle";
  o.time_path = "ts";
  o.time.unit = TimeUnit::kMillis;
  o.fields = std::move(fields);
  return o;
}

class Door {
 public:
  static constexpr int64_t kArrivalMs = 1'700'000'000'000;
  Now now{kArrivalMs};  // of the next turn, and of arrivals

  explicit Door(AdmissionOptions options) {
    options.connections = {"local", "second"};
    auto made = Admission::make(std::move(options));
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
    door_ = std::move(*made);
    group_ = door_->make_group();
    next_turn();
  }
  explicit Door(std::vector<SourceOptions> sources) : Door(of(std::move(sources))) {}

  void admit(const std::string& topic, const std::string& payload, uint32_t connection = 0) {
    Frame frame;
    frame.topic = topic;
    frame.payload = payload;
    admit(frame, connection);
  }
  void admit(const Frame& frame, uint32_t connection = 0) {
    Chunk chunk(frame.topic.size() + frame.payload.size());
    Frame moved = frame;
    moved.topic = copy(frame.topic, chunk.bytes.get());
    moved.payload = copy(frame.payload, chunk.bytes.get() + frame.topic.size());
    chunk.frames.push_back(moved);
    chunk.connection = connection;
    chunk.arrival_ms = now.wall_ms;
    door_->admit(chunk, group_);
  }
  void lose_session(uint32_t connection = 0) {
    Chunk chunk(0);
    chunk.connection = connection;
    chunk.new_session = true;
    door_->admit(chunk, group_);
  }
  void next_turn() { door_->begin_turn(now, group_); }
  void next_group() {
    group_.clear();
    next_turn();
  }
  void remember(const Group& group) { door_->remember(group); }

  Admission& admission() { return *door_; }
  Group& group() { return group_; }
  const std::vector<Rejected>& rejected() const { return group_.rejected; }
  uint64_t duplicates(uint32_t source = 0) const { return group_.duplicates[source]; }

  // "@time field field …" of each reading of a source in the group, '-' for nothing.
  TextRows rows(const std::string& source) const {
    TextRows out;
    for (size_t s = 0; s < door_->sources().size(); ++s) {
      if (door_->sources()[s].name != source) continue;
      const ReadingBatch& batch = group_.batches[s];
      for (size_t row = 0; row < batch.rows(); ++row) {
        out.push_back("@" + std::to_string(batch.times[row]));
        for (size_t c = 0; c < batch.columns.size(); ++c) {
          out.back() += " " + value(batch, door_->schemas()[s].fields[c].type, c, row);
        }
      }
    }
    return out;
  }
  // "source:begin-end" of each slice, turns divided by '|'.
  std::string slices() const {
    std::string out;
    for (size_t t = 0; t < group_.turns.size(); ++t) {
      if (t > 0) out += "| ";
      for (const Slice& s : group_.turns[t].slices) {
        out +=
            std::to_string(s.source) + ":" + std::to_string(s.begin) + "-" + std::to_string(s.end);
        out += ' ';
      }
    }
    if (!out.empty()) out.pop_back();
    return out;
  }

 private:
  static AdmissionOptions of(std::vector<SourceOptions> sources) {
    AdmissionOptions options;
    options.sources = std::move(sources);
    return options;
  }
  static std::string_view copy(std::string_view from, char* to) {
    std::copy(from.begin(), from.end(), to);
    return {to, from.size()};
  }
  static std::string value(const ReadingBatch& batch, FieldType type, size_t column, size_t row) {
    if (type == FieldType::kText) {
      const uint32_t id = batch.columns[column].texts[row];
      return id == Interner::kNone ? "-" : std::string(batch.texts.text(id));
    }
    const double number = batch.columns[column].numbers[row];
    std::string out;
    if (is_null(number)) return "-";
    append_json_number(out, number);
    return out;
  }

  std::unique_ptr<Admission> door_;
  Group group_;
};

}  // namespace wayside
