#include "firmware-gw/learn.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/bytes.h"
#include "base/log.h"
#include "storage/journal.h"

namespace wayside {
namespace {

struct Kind {
  const char* prefix;
  bool learns;
};
// What people have named in the configuration; other parts belong to these.
constexpr Kind kKinds[] = {{"source:", false}, {"command:", false}, {"window:", true},
                           {"map:", true},     {"route:", false},   {"state:", true},
                           {"ordered:", true}, {"lookup:", false},  {"join:", true},
                           {"pattern:", true}, {"view:", false},    {"rule:", false},
                           {"detector:", true}};

constexpr std::string_view kTable = "table:";  // contents of a look-up

const Kind* kind_of(const std::string& part) {
  const auto at = std::find_if(std::begin(kKinds), std::end(kKinds),
                               [&](const Kind& kind) { return part.starts_with(kind.prefix); });
  return at == std::end(kKinds) ? nullptr : at;
}

std::set<std::string> fresh_parts(const Pipeline& pipeline, const std::vector<StateRow>& saved) {
  std::map<std::string, uint64_t> known;
  for (const StateRow& row : saved) {
    if (!row.key.empty()) continue;
    ByteReader bytes(row.bytes);
    known[row.component] = bytes.fixed<uint64_t>();
  }
  std::set<std::string> fresh;
  for (const Pipeline::StatePart& part : pipeline.state_parts()) {
    const auto at = known.find(part.name);
    const bool same = at != known.end() && at->second == part.fingerprint;
    if (!same && learns(part)) fresh.insert(part.name);
  }
  return fresh;
}

}  // namespace

bool is_block(const std::string& part) { return kind_of(part) != nullptr; }

bool learns(const Pipeline::StatePart& part) {
  const Kind* kind = kind_of(part.name);
  return kind && kind->learns && !part.of_commands;
}

Result<std::vector<StateRow>> learn_state(const Config& config,
                                          const std::vector<std::string>& uplinks, Disk& disk,
                                          const std::vector<StateRow>& saved, uint64_t upto) {
  std::vector<StateRow> rows;
  if (config.engine.learn_ms == 0 || upto == 0) return rows;
  WS_ASSIGN(auto engine, Engine::make(config, uplinks));
  const std::set<std::string> fresh = fresh_parts(engine->pipeline(), saved);
  if (fresh.empty()) return rows;
  for (const StateRow& row : saved) {  // what they held a day ago may be told nowhere
    if (!row.component.starts_with(kTable)) continue;
    ByteReader bytes(row.bytes);
    (void)bytes.fixed<uint64_t>();
    engine->pipeline().set_lookup_contents(row.component.substr(kTable.size()),
                                           bytes.raw(bytes.left()));
  }
  const std::string dir = config.gateway.state_dir + "/journal";
  JournalReader reader(disk, dir);
  JournalEntry entry;
  uint64_t oldest = 0;
  WS_TRY(reader.seek(upto, oldest));
  WS_ASSIGN(bool there, reader.next(entry));
  const int64_t from_ms = there ? entry.wall_ms - config.engine.learn_ms : INT64_MIN;
  uint64_t learnt = 0;
  WS_TRY(reader.seek(1, oldest));
  while (true) {
    WS_ASSIGN(there, reader.next(entry));
    if (!there || entry.sequence > upto) break;
    if (entry.wall_ms < from_ms) continue;
    Group group = engine->admission().make_group();
    if (!decode_group(entry.block, engine->schemas(), engine->connections(), group).ok()) continue;
    engine->replay(group, entry.sequence);
    ++learnt;
  }
  for (StateRow& row : engine->pipeline().save_changes()) {
    if (fresh.contains(row.component)) rows.push_back(std::move(row));
  }
  for (const std::string& part : fresh) {
    log_info("{} has no state of its own yet: learnt from {} journal entries", part, learnt);
  }
  return rows;
}

Result<Store::Recovered> load_state(const Config& config, const std::vector<std::string>& uplinks,
                                    Disk& disk, Engine& engine, const ReadState& read) {
  Pipeline& pipeline = engine.pipeline();
  std::vector<StateRow> totals;
  WS_ASSIGN(Store::Recovered from, read([&](StateRow row) -> Status {
              WS_TRY(pipeline.load_row(row));
              if (row.key.empty()) totals.push_back(std::move(row));
              return {};
            }));
  pipeline.loaded();
  const Reached& at = from.checkpoint.at;
  WS_ASSIGN(const std::vector<StateRow> learnt,
            learn_state(config, uplinks, disk, totals, at.entry));
  WS_TRY(pipeline.learn(learnt));
  engine.set_digest(at.emissions);
  return from;
}

}  // namespace wayside
