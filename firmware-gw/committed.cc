#include "firmware-gw/committed.h"

#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "firmware-gw/gateway.h"
#include "storage/journal.h"

namespace wayside {
namespace {

using Marks = std::map<std::string, Mark>;
namespace dom = simdjson::dom;

constexpr auto kPoll = std::chrono::milliseconds(50);
constexpr int kPolls = 40;  // its status is up to 1.3 s old

struct Running {
  uint64_t entry = 0;
  int64_t wall_ms = 0;
  Marks marks;
};

// Nothing: a gateway that begins answers without these.
std::optional<Running> parse_status(const std::string& text) {
  dom::parser parser;
  dom::element json;
  dom::array uplinks;
  Running running;
  if (parser.parse(text).get(json) || json.at_pointer("/journal/entry").get(running.entry) ||
      json["wall_ms"].get(running.wall_ms) || json["uplinks"].get(uplinks)) {
    return std::nullopt;
  }
  for (const dom::element uplink : uplinks) {
    std::string_view name, mark;
    if (uplink["name"].get(name) || uplink["mark"].get(mark)) return std::nullopt;
    const auto parsed = Mark::from_text(mark);
    if (!parsed) return std::nullopt;
    running.marks[std::string(name)] = *parsed;
  }
  return running;
}

// Nothing: none runs.
Result<std::optional<Running>> ask_running(const std::string& state_dir) {
  for (int polls = 0; polls < kPolls; ++polls) {
    const auto text = ask_status(state_dir);
    if (!text.ok() && text.error().code == ErrorCode::kUnavailable) return std::optional<Running>();
    if (!text.ok()) return text.error();
    if (auto running = parse_status(*text)) return running;
    std::this_thread::sleep_for(kPoll);
  }
  return Error{ErrorCode::kUnavailable,
               "the gateway that runs on " + state_dir +
                   " does not say how far it is: it is starting, or of another version; try again, "
                   "or stop it"};
}

Result<uint64_t> newest_entry(const std::string& journal_dir) {
  WS_ASSIGN(const auto files, first_sequences(posix_disk(), journal_dir));
  if (files.empty()) {
    return Error{ErrorCode::kUnavailable, "there is no journal in " + journal_dir};
  }
  uint64_t newest = files.back() - 1;  // the last one may have none yet
  uint64_t oldest = 0;
  JournalReader reader(posix_disk(), journal_dir);
  WS_TRY(reader.seek(files.back(), oldest));
  for (JournalEntry entry;; newest = entry.sequence) {
    WS_ASSIGN(const bool there, reader.next(entry));
    if (!there) return newest;
  }
}

}  // namespace

Result<uint64_t> committed_entry(const std::string& state_dir) {
  WS_ASSIGN(auto running, ask_running(state_dir));
  WS_ASSIGN(const uint64_t newest, newest_entry(state_dir + "/journal"));
  for (int polls = 0; running && running->entry < newest && polls < kPolls; ++polls) {
    std::this_thread::sleep_for(kPoll);
    WS_ASSIGN(running, ask_running(state_dir));
  }
  if (!running) return UINT64_MAX;  // or it has ended meanwhile
  return std::min(running->entry, newest);
}

Result<std::optional<Marks>> delivered_marks(const std::string& state_dir) {
  WS_ASSIGN(auto running, ask_running(state_dir));
  if (!running) return std::optional<Marks>();
  // What it says next it has looked at since.
  const int64_t asked_ms = running->wall_ms;
  for (int polls = 0; polls < kPolls; ++polls) {
    if (running->wall_ms != asked_ms) return std::optional(std::move(running->marks));
    std::this_thread::sleep_for(kPoll);
    WS_ASSIGN(running, ask_running(state_dir));
    if (!running) return std::optional<Marks>();
  }
  return Error{ErrorCode::kUnavailable, "the gateway that runs on " + state_dir +
                                            " does not say what it has delivered by now; try "
                                            "again, or stop it"};
}

}  // namespace wayside
