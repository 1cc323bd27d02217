#include "firmware-gw/replay.h"

#include <charconv>
#include <fstream>

#include "base/log.h"
#include "firmware-gw/engine.h"
#include "storage/journal.h"
#include "storage/store.h"
#include "uplink/message.h"

namespace wayside {
namespace {

constexpr size_t kChunkLines = 4'000;

std::vector<std::string> uplink_names(const Config& config) {
  std::vector<std::string> names;
  for (const UplinkOptions& u : config.uplinks) names.push_back(u.name);
  return names;
}

// Writes what the group has made the pipeline say, and the readings that an uplink would forward.
class Output {
 public:
  Output(const Config& config, Engine& engine, const LineWriter& write)
      : gateway_(config.gateway.id), engine_(engine), write_(write) {}

  // Those of the journal. An epoch may begin before the entry that tells of it.
  void set_epochs(std::vector<Epoch> epochs) { epochs_ = std::move(epochs); }
  // The journal tells of it now.
  void enter_epoch(const std::string& name) {
    for (Epoch& e : epochs_) {
      if (e.name == name)
        e.first_sequence = std::min(e.first_sequence, engine_.emissions().last_sequence() + 1);
    }
  }

  void write_emissions() {
    for (const Emission& e : engine_.emissions().pending()) {
      line_.clear();
      const std::string epoch = epoch_of(&Epoch::first_sequence, e.sequence);
      append_json(e, gateway_ + '/' + epoch + '/' + std::to_string(e.sequence), Envelope::kInside,
                  line_);
      write_(line_);
      ++written_;
    }
  }

  void write_readings(const Group& group, uint64_t entry) {
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
      append_json(group.batches[source], named.schema, named.source, row, clock_unset,
                  reading_id(gateway_, epoch_of(&Epoch::first_entry, entry), entry, place),
                  Envelope::kInside, line_);
      write_(line_);
      ++written_;
    }
  }

  uint64_t written() const { return written_; }

 private:
  std::string epoch_of(uint64_t Epoch::*first, uint64_t number) const {
    const std::string name = epoch_at(epochs_, first, number);
    return name.empty() ? "replay" : name;
  }

  std::string gateway_;
  std::vector<Epoch> epochs_;
  Engine& engine_;
  const LineWriter& write_;
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
  DumpReader(Engine& engine, Output& output) : engine_(engine), output_(output) {}

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

  void finish() {
    flush();
    end_group();
    engine_.pipeline().finish(engine_.emissions());
    output_.write_emissions();
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
    output_.write_emissions();
    output_.write_readings(engine_.group(), ++groups_);
    engine_.next_group();
    lines_ = 0;
  }

  Engine& engine_;
  Output& output_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  int64_t timer_ms_ = kTimeMin;
  int64_t wall_ms_ = 0;
  size_t lines_ = 0;
  uint64_t groups_ = 0;
};

}  // namespace

Result<ReplayResult> replay_dumps(const Config& config, const std::vector<std::string>& paths,
                                  const LineWriter& write) {
  WS_ASSIGN(auto engine, Engine::make(config, uplink_names(config)));
  Output output(config, *engine, write);
  DumpReader reader(*engine, output);
  for (const std::string& path : paths) WS_TRY(reader.read(path));
  reader.finish();
  return ReplayResult{engine->pipeline().total(), output.written()};
}

namespace {

using EntryTaker = std::function<void(uint64_t sequence, Group& group)>;

// The oldest entry's number, 0 for an empty journal. What is damaged is left out.
Result<uint64_t> for_each_entry(Engine& engine, const std::string& state_dir,
                                const EntryTaker& take) {
  JournalReader reader(posix_disk(), state_dir + "/journal");
  uint64_t oldest = 1;
  WS_ASSIGN(const bool first, reader.seek(1, oldest));
  if (first) oldest = 1;
  uint64_t entries = 0;
  for (JournalEntry entry;; ++entries) {
    WS_ASSIGN(const bool there, reader.next(entry));
    if (!there) return entries == 0 ? 0 : oldest;
    Group group = engine.admission().make_group();
    if (decode_group(entry.block, engine.schemas(), engine.connections(), group).ok()) {
      take(entry.sequence, group);
    }
  }
}

}  // namespace

Result<ReplayResult> replay_journal(const Config& config, const std::string& state_dir,
                                    const LineWriter& write) {
  WS_ASSIGN(auto engine, Engine::make(config, uplink_names(config)));
  Output output(config, *engine, write);
  std::vector<Epoch> epochs;
  WS_ASSIGN(const uint64_t oldest, for_each_entry(*engine, state_dir, [&](uint64_t at, Group& g) {
              for (const Note& note : g.notes) {
                if (note.kind != Note::Kind::kNewEpoch) continue;
                const bool earlier = note.first_sequence > 0;
                epochs.push_back({note.name, earlier ? note.first_sequence : UINT64_MAX,
                                  earlier ? note.first_entry : at});
              }
            }));
  if (oldest > 1) {
    log_warn(
        "journal entries before {} are gone: this begins without the state they led to, so results "
        "and ids differ from what was sent",
        oldest);
  }
  output.set_epochs(std::move(epochs));
  uint64_t expected = oldest;
  WS_TRY(for_each_entry(*engine, state_dir, [&](uint64_t at, Group& group) {
    if (at != expected) {
      log_warn("journal entries {} to {} are damaged or gone: results and ids differ from here on",
               expected, at - 1);
    }
    expected = at + 1;
    for (const Note& note : group.notes) {
      if (note.kind == Note::Kind::kNewEpoch) output.enter_epoch(note.name);
    }
    engine->replay(group);
    output.write_emissions();
    output.write_readings(group, at);
  }));
  return ReplayResult{engine->pipeline().total(), output.written()};
}

}  // namespace wayside
