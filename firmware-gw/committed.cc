#include "firmware-gw/committed.h"

#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "firmware-gw/gateway.h"
#include "storage/journal.h"

namespace wayside {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(50);
constexpr int kPolls = 40;  // its status is up to 1.3 s old

// Nothing: nobody answers.
std::optional<uint64_t> ask_entry(const std::string& state_dir) {
  const auto status = ask_status(state_dir);
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  uint64_t entry = 0;
  if (!status.ok() || parser.parse(*status).get(json)) return std::nullopt;
  if (json.at_pointer("/journal/entry").get(entry)) return std::nullopt;
  return entry;
}

Result<uint64_t> newest_entry(const std::string& journal_dir) {
  WS_ASSIGN(const auto files, first_sequences(posix_disk(), journal_dir));
  uint64_t newest = files.empty() ? 0 : files.back() - 1;  // the last one may have none yet
  uint64_t oldest = 0;
  JournalReader reader(posix_disk(), journal_dir);
  WS_TRY(reader.seek(files.empty() ? 1 : files.back(), oldest));
  for (JournalEntry entry;; newest = entry.sequence) {
    WS_ASSIGN(const bool there, reader.next(entry));
    if (!there) return newest;
  }
}

}  // namespace

Result<uint64_t> committed_entry(const std::string& state_dir) {
  auto entry = ask_entry(state_dir);
  if (!entry) return UINT64_MAX;
  WS_ASSIGN(const uint64_t newest, newest_entry(state_dir + "/journal"));
  for (int polls = 0; entry && *entry < newest && polls < kPolls; ++polls) {
    std::this_thread::sleep_for(kPoll);
    entry = ask_entry(state_dir);
  }
  // It has ended meanwhile.
  if (!entry) return UINT64_MAX;
  return std::min(*entry, newest);
}

}  // namespace wayside
