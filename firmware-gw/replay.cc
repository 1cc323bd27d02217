#include "firmware-gw/replay.h"

#include <charconv>
#include <fstream>

#include "base/log.h"
#include "firmware-gw/committed.h"
#include "firmware-gw/engine.h"
#include "firmware-gw/journal_replay.h"
#include "firmware-gw/lookup_files.h"
#include "firmware-gw/replayed_view.h"
#include "storage/snapshot.h"
#include "uplink/message.h"

namespace wayside {
namespace {

constexpr size_t kChunkLines = 4'000;

// Writes what a group has made the pipeline say, and the readings that an uplink would forward.
class Output {
 public:
  // `view`: its rows instead, at the end; "" for none.
  static Result<std::unique_ptr<Output>> make(Engine& engine, const LineWriter& write,
                                              const std::string& view,
                                              const std::string& snapshot = "") {
    std::unique_ptr<Output> output(new Output(engine, write));
    if (!view.empty()) {
      WS_ASSIGN(output->view_, ReplayedView::make(engine.pipeline(), view, snapshot));
    }
    return output;
  }
  // What the group has changed.
  Status end_group(uint64_t entry) {
    return view_ ? view_->take(engine_.emissions().views(), entry) : Status();
  }
  Status end() {
    return view_ ? view_->write([&](std::string_view line) { write_(line), ++written_; })
                 : Status();
  }

  void write_emissions(const std::function<std::string(const Emission&)>& id_of) {
    if (view_) return;
    for (const Emission& e : engine_.emissions().pending()) {
      line_.clear();
      append_json(e, id_of(e), Envelope::kInside, line_);
      write_(line_);
      ++written_;
    }
  }

  void write_readings(const Group& group, const std::function<std::string(size_t)>& id_of) {
    if (view_) return;
    std::vector<bool> any(engine_.schemas().size());
    for (size_t bit = 0; bit < engine_.uplinks().size(); ++bit) {
      const std::vector<bool> forwarded = engine_.forwarded(bit);
      for (size_t s = 0; s < any.size(); ++s) any[s] = any[s] || forwarded[s];
    }
    const std::vector<ReadingPlace> places = reading_places(group);
    for (const auto& [source, row, clock_unset, place] : places) {
      if (!any[source]) continue;
      const NamedSchema& named = engine_.schemas()[source];
      line_.clear();
      append_json(group.batches[source], named.schema, named.source, row, clock_unset, id_of(place),
                  Envelope::kInside, line_);
      write_(line_);
      ++written_;
    }
  }

  uint64_t written() const { return written_; }

 private:
  Output(Engine& engine, const LineWriter& write) : engine_(engine), write_(write) {}

  Engine& engine_;
  const LineWriter& write_;
  std::unique_ptr<ReplayedView> view_;
  std::string line_;
  uint64_t written_ = 0;
};

struct DumpLine {
  int64_t arrival_ms = 0;
  std::string_view topic;
  std::string_view payload;
};

// A topic may hold spaces (those of Helsinki's buses name their destination), so it ends before the
// first one that a JSON object follows.
bool parse_line(std::string_view line, DumpLine& out) {
  const size_t first = line.find(' ');
  size_t second = line.find(" {", first + 1);
  if (second == std::string_view::npos) second = line.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return false;
  const std::string_view time = line.substr(0, first);
  auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), out.arrival_ms);
  if (error != std::errc() || end != time.data() + time.size()) {
    auto parsed = parse_rfc3339_ms(time);
    if (!parsed) return false;
    out.arrival_ms = *parsed;
  }
  out.topic = line.substr(first + 1, second - first - 1);
  out.payload = line.substr(second + 1);
  return true;
}

// Feeds dumps to the engine: a turn for the lines of one arrival time, and a turn wherever a timer
// is due between.
class DumpReader {
 public:
  DumpReader(const Config& config, Engine& engine, Output& output)
      : gateway_(config.gateway.id), engine_(engine), output_(output) {}

  Status read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error{ErrorCode::kIo, path + ": cannot be read"};
    std::string line;
    for (uint64_t number = 1; std::getline(in, line); ++number) {
      if (line.empty()) continue;
      DumpLine parsed;
      if (!parse_line(line, parsed)) {
        return Error{ErrorCode::kBadData, path + ":" + std::to_string(number) +
                                              ": expected <arrival time> <topic> <payload>"};
      }
      add(parsed);
    }
    return {};
  }

  Status finish() {
    flush();
    end_group();
    while (!engine_.pipeline().finish(engine_.emissions())) {
      write_emissions();
      engine_.emissions().clear();
    }
    write_emissions();
    keep(output_.end_group(groups_ + 1));
    keep(output_.end());
    return failed_;
  }

 private:
  void add(const DumpLine& line) {
    // Arrival times that go back count as the time before: the timer clock never does.
    const int64_t timer_ms = std::max(timer_ms_, line.arrival_ms);
    if (!chunks_.empty() && timer_ms != timer_ms_) flush();
    run_timers(timer_ms);
    timer_ms_ = timer_ms;
    wall_ms_ = line.arrival_ms;
    auto chunk = std::make_unique<Chunk>(line.topic.size() + line.payload.size());
    char* bytes = chunk->bytes.get();
    std::copy(line.topic.begin(), line.topic.end(), bytes);
    std::copy(line.payload.begin(), line.payload.end(), bytes + line.topic.size());
    Frame frame;
    frame.topic = {bytes, line.topic.size()};
    frame.payload = {bytes + line.topic.size(), line.payload.size()};
    chunk->frames.push_back(frame);
    chunk->connection = Admission::kAnyConnection;
    chunk->arrival_ms = line.arrival_ms;
    chunks_.push_back(std::move(chunk));
  }

  void run_timers(int64_t until_ms) {
    while (engine_.pipeline().next_timer() < until_ms) {
      const int64_t due_ms = engine_.pipeline().next_timer();
      flush();
      engine_.turn({due_ms, due_ms}, {});
    }
  }

  void flush() {
    if (chunks_.empty()) return;
    engine_.turn({wall_ms_, timer_ms_}, chunks_);
    lines_ += chunks_.size();
    chunks_.clear();
    if (lines_ >= kChunkLines) end_group();
  }

  void end_group() {
    engine_.end_group();
    write_emissions();
    ++groups_;
    output_.write_readings(engine_.group(), [&](size_t place) {
      return reading_id(gateway_, kEpoch, groups_, place);
    });
    keep(output_.end_group(groups_));
    engine_.next_group();
    lines_ = 0;
  }

  // The first one of those that fail.
  void keep(Status status) {
    if (failed_.ok()) failed_ = std::move(status);
  }

  void write_emissions() {
    output_.write_emissions([&](const Emission& e) {
      return gateway_ + '/' + kEpoch + '/' + std::to_string(e.sequence);
    });
  }

  static constexpr const char* kEpoch = "replay";

  const std::string gateway_;
  Engine& engine_;
  Output& output_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  int64_t timer_ms_ = kTimeMin;
  int64_t wall_ms_ = 0;
  size_t lines_ = 0;
  uint64_t groups_ = 0;
  Status failed_;
};

}  // namespace

Result<ReplayResult> replay_dumps(const Config& config, const std::vector<std::string>& paths,
                                  const LineWriter& write, const std::string& view) {
  WS_ASSIGN(auto engine, Engine::make(config, uplink_names(config)));
  for (const LookupOptions& lookup : config.lookups) {
    WS_ASSIGN(const LookupContents contents, read_lookup(lookup));
    engine->group().notes.push_back({Note::Kind::kLookup, 0, lookup.name, contents.encode()});
  }
  WS_ASSIGN(const auto output, Output::make(*engine, write, view));
  DumpReader reader(config, *engine, *output);
  for (const std::string& path : paths) WS_TRY(reader.read(path));
  WS_TRY(reader.finish());
  return ReplayResult{engine->pipeline().total(), output->written()};
}

Result<ReplayResult> replay_journal(const Config& config, const std::string& state_dir,
                                    const ReplaySpan& span, const LineWriter& write,
                                    const std::string& view) {
  const auto never = [] { return false; };
  Moment until = span.until;
  WS_ASSIGN(const uint64_t committed, committed_entry(state_dir));
  until.entry = std::min(until.entry, committed);
  WS_ASSIGN(auto past, JournalReplay::look_at(state_dir, committed, never));
  WS_ASSIGN(const auto replay,
            JournalReplay::open(config, state_dir, std::move(past), until, never));
  const uint64_t snapshot = replay->snapshot();
  WS_ASSIGN(const auto output,
            Output::make(replay->engine(), write, view,
                         snapshot > 0 ? snapshot_path(state_dir, snapshot) : ""));
  bool behind = false;  // once and for all: the clock may be set back later
  while (true) {
    WS_ASSIGN(const bool there, replay->next());
    if (!there) break;
    WS_TRY(output->end_group(replay->entry()));
    behind = behind || span.after.is_before(replay->entry(), replay->committed_ms());
    if (!behind) continue;
    output->write_emissions([&](const Emission& e) { return replay->id_of(e); });
    output->write_readings(replay->group(),
                           [&](size_t place) { return replay->id_of_reading(place); });
  }
  WS_TRY(output->end());
  for (const std::string& line : replay->left_out()) log_warn("{}", line);
  return ReplayResult{replay->engine().pipeline().total(), output->written()};
}

}  // namespace wayside
