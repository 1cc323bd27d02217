// A pipeline on a stage: readings in by hand, emissions out as one line each, so that a test reads
// as a table.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "pipeline/pipeline.h"
#include "sensors/admission.h"

namespace wayside {

// A reading of climate(): event time, key, temperature, state of the door ("" is no state).
struct Reading {
  int64_t time_ms;
  std::string key;
  double temp_c = kNull;
  std::string door = "";
  uint32_t source = 0;
};

// A source with a number and a text, 5 s of disorder, idle after 30 s, forgotten after an hour.
inline SourceOptions climate(const std::string& name = "climate") {
  SourceOptions source;
  source.name = name;
  source.topic = "fleet/{vehicle}/" + name;
  source.key = "vehicle";
  source.forget_after_ms = 3'600'000;
  source.fields.resize(2);
  source.fields[0].name = "temp_c";
  source.fields[1].name = "door";
  source.fields[1].type = FieldType::kText;
  return source;
}

inline PipelineOptions over(WindowOptions window) {
  PipelineOptions options;
  options.uplinks = {"out"};
  options.sources = {climate()};
  options.windows = {std::move(window)};
  return options;
}

inline std::string to_text(const Value& value) {
  std::string text = "NULL";
  if (const double* number = std::get_if<double>(&value)) {
    text.clear();
    append_json_number(text, *number);
  } else if (const bool* flag = std::get_if<bool>(&value)) {
    text = *flag ? "true" : "false";
  } else if (const std::string* string = std::get_if<std::string>(&value)) {
    text = *string;
  }
  return text;
}

// "cold a [0,10000) #0 final n=2" for a window, "name key @time field=value …" for the rest.
inline std::string to_line(const Emission& e) {
  std::string line = e.block + ' ' + e.key;
  size_t shown = 0;
  if (e.type == "window") {
    const auto field = [&](size_t i) { return to_text(e.fields.at(i).value); };
    line += " [" + field(0) + ',' + field(1) + ") #" + field(2);
    line += field(3) == "true" ? " final" : " open";
    shown = 4;
  } else {
    line += " @" + std::to_string(e.time_ms);
    if (e.type == "late") line += " late";
  }
  for (; shown < e.fields.size(); ++shown) {
    line += ' ' + e.fields[shown].name + '=' + to_text(e.fields[shown].value);
  }
  return line;
}

using Lines = std::vector<std::string>;

inline Lines to_lines(std::span<const Emission> emissions) {
  Lines lines;
  for (const Emission& e : emissions) lines.push_back(to_line(e));
  return lines;
}

// The state as a store keeps it: rows by component and key.
class SavedState {
 public:
  void apply(const std::vector<StateRow>& rows) {
    for (const StateRow& row : rows) {
      if (row.component.empty()) {
        std::erase_if(rows_, [&](const auto& r) { return r.first.second == row.key; });
      } else if (row.bytes.empty()) {
        rows_.erase({row.component, row.key});
      } else {
        rows_[{row.component, row.key}] = row.bytes;
      }
    }
  }
  std::vector<StateRow> rows() const {
    std::vector<StateRow> rows;
    for (const auto& [name, bytes] : rows_) rows.push_back({name.first, name.second, bytes});
    return rows;
  }
  // Null: there is no such row.
  const std::string* find(const std::string& component, const std::string& key) const {
    const auto row = rows_.find({component, key});
    return row == rows_.end() ? nullptr : &row->second;
  }
  bool operator==(const SavedState&) const = default;

 private:
  std::map<std::pair<std::string, std::string>, std::string> rows_;
};

// All of `options.uplinks` get everything that names no target; by default there is one.
class Stage {
 public:
  // `pages`: of blocks whose keys may leave memory; what is loaded has to be in them.
  explicit Stage(PipelineOptions options, StatePages* pages = nullptr)
      : options_(std::move(options)), pages_(pages) {
    if (options_.uplinks.empty()) options_.uplinks = {"out"};
    reopen({});
  }

  // One turn over `readings`, in their order of arrival.
  Lines turn(const std::vector<Reading>& readings, int64_t timer_ms = 0,
             std::vector<Note> notes = {}) {
    Group group = make_group(readings, timer_ms);
    group.notes = std::move(notes);
    pipeline_->turn(group, 0, emissions_);
    pipeline_->end_group(group);
    return take();
  }
  Lines finish() {
    while (!pipeline_->finish(emissions_)) {
    }
    return take();
  }
  // What the readings cause, the end of the input included.
  Lines all(const std::vector<Reading>& readings) {
    Lines lines = turn(readings);
    for (std::string& line : finish()) lines.push_back(std::move(line));
    return lines;
  }

  // A group object of its own, as the journal yields one at each entry.
  Group make_group(const std::vector<Reading>& readings, int64_t timer_ms) const {
    Group group;
    for (const SourceOptions& source : options_.sources) {
      group.batches.emplace_back(*make_schema(source));
    }
    group.duplicates.resize(group.batches.size());
    group.rows_before.resize(group.batches.size());
    group.turns.push_back({{timer_ms, timer_ms}, {}});
    for (const Reading& reading : readings) append(reading, group);
    return group;
  }

  // A new pipeline that knows `saved` only.
  void reopen(const SavedState& saved) {
    std::vector<BlockError> errors;
    pipeline_ = Pipeline::make(options_, errors);
    for (const BlockError& e : errors)
      ADD_FAILURE() << e.block << "." << e.item << ": " << e.message;
    if (!pipeline_) return;
    if (pages_) pipeline_->set_pages(*pages_);
    const Status loaded = pipeline_->load(saved.rows());
    EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().message);
  }

  Pipeline& pipeline() { return *pipeline_; }
  Ledger ledger() const { return pipeline_->total(); }
  // Of the last turn, whole.
  const std::vector<Emission>& emissions() const { return last_; }

 private:
  static void append(const Reading& reading, Group& group) {
    ReadingBatch& batch = group.batches[reading.source];
    const auto row = static_cast<uint32_t>(batch.rows());
    batch.times.push_back(reading.time_ms);
    batch.columns[0].texts.push_back(batch.texts.intern(reading.key));
    batch.columns[1].numbers.push_back(reading.temp_c);
    batch.columns[2].texts.push_back(reading.door.empty() ? Interner::kNone
                                                          : batch.texts.intern(reading.door));
    auto& slices = group.turns.back().slices;
    if (slices.empty() || slices.back().source != reading.source) {
      slices.push_back({reading.source, row, row});
    }
    slices.back().end = row + 1;
  }
  Lines take() {
    last_.assign(emissions_.pending().begin(), emissions_.pending().end());
    emissions_.clear();
    return to_lines(last_);
  }

  PipelineOptions options_;
  StatePages* pages_;
  std::unique_ptr<Pipeline> pipeline_;
  EmissionBuffer emissions_;
  std::vector<Emission> last_;
};

}  // namespace wayside
