#include "firmware-gw/buffer.h"

#include <algorithm>
#include <fstream>
#include <functional>

#include "base/text.h"
#include "firmware-gw/loop.h"
#include "firmware-gw/state_lock.h"
#include "pipeline/emission_codec.h"
#include "sensors/json_object.h"
#include "storage/store_view.h"
#include "uplink/backlog.h"

namespace wayside {
namespace {

constexpr size_t kImportLines = 5'000;  // a journal entry, and so much is in memory at once
constexpr size_t kImportBytes = 4 << 20;
constexpr size_t kDamageLines = 100;

const UplinkOptions* find_uplink(const Config& config, const std::string& name) {
  for (const UplinkOptions& u : config.uplinks) {
    if (u.name == name) return &u;
  }
  return nullptr;
}

Error no_uplink(const Config& config, const std::string& name) {
  std::string names;
  for (const UplinkOptions& u : config.uplinks) names += (names.empty() ? "" : ", ") + u.name;
  return {ErrorCode::kUsage, "there is no uplink '" + name + "'; there are: " + names};
}

std::string journal_dir(const Config& config) { return config.gateway.state_dir + "/journal"; }

// An uplink's backlog as its worker would see it, and the mark it would begin with.
struct Pending {
  std::unique_ptr<Backlog> backlog;
  Mark mark;
};

Result<Pending> open_pending(const Config& config, const StoreView& view,
                             const UplinkOptions& uplink) {
  const auto bit = std::find(view.uplinks.begin(), view.uplinks.end(), uplink.name);
  if (bit == view.uplinks.end()) {
    return Error{ErrorCode::kUnavailable, "uplink '" + uplink.name + "' has never run here"};
  }
  WS_ASSIGN(auto engine, Engine::make(config, view.uplinks));
  BacklogOptions options;
  options.store_dir = config.gateway.state_dir;
  options.gateway = config.gateway.id;
  options.bit = static_cast<uint32_t>(bit - view.uplinks.begin());
  options.raw = {journal_dir(config), thinned_dir(config.gateway.state_dir), engine->schemas(),
                 engine->forwarded(options.bit)};
  Pending pending;
  WS_ASSIGN(pending.backlog, Backlog::open(posix_disk(), std::move(options)));
  const auto mark = view.marks.find(uplink.name);
  if (mark != view.marks.end()) pending.mark = mark->second;
  return pending;
}

Result<uint64_t> last_entry(const Config& config) {
  JournalReader reader(posix_disk(), journal_dir(config));
  uint64_t oldest = 0;
  WS_TRY(reader.seek(1, oldest));
  JournalEntry entry;
  uint64_t last = 0;
  while (true) {
    WS_ASSIGN(const bool there, reader.next(entry));
    if (!there) return last;
    last = entry.sequence;
  }
}

// {"id":…,"type":…,"block" or "source":…,"key":…,"time":…, fields…}
Result<Emission> parse_event(const std::string& line) {
  WS_ASSIGN(auto members, parse_json_object(line));
  Emission e;
  Value id;
  for (auto& [name, value] : members) {
    const auto* text = std::get_if<std::string>(&value);
    const auto* number = std::get_if<double>(&value);
    if (name == "id" && text) {
      id = *text;
    } else if (name == "type" && text) {
      e.type = *text;
    } else if ((name == "block" || name == "source") && text && e.block.empty()) {
      e.block = *text;
    } else if (name == "key" && text && e.key.empty()) {
      e.key = *text;
    } else if (name == "time" && number && e.time_ms == 0) {
      e.time_ms = static_cast<int64_t>(*number);
    } else if (name == "clock" && text) {
      e.clock_unset = *text == "unset";
    } else if ((name == "cause" || name == "config") && text && e.fields.empty()) {
      // Those of where it comes from, as its id; here the import is what made it be said.
    } else {
      e.fields.push_back({std::move(name), std::move(value)});
    }
  }
  if (e.type.empty() || e.block.empty() || std::holds_alternative<std::monostate>(id)) {
    return Error{ErrorCode::kBadData, "no event: it has no id, type or block"};
  }
  const bool has_words =
      !e.fields.empty() && std::holds_alternative<std::string>(e.fields.front().value);
  if (e.type == "incident" && !has_words) {
    return Error{ErrorCode::kBadData, "an incident whose first field is no text"};
  }
  e.fields.push_back({"origin", std::move(id)});
  return e;
}

// Gives the encoded emission of each line, until one is refused.
Status each_event(const std::string& path, const std::function<Status(std::string)>& take) {
  std::ifstream in(path);
  const auto unreadable = [&] { return Error{ErrorCode::kIo, path + ": cannot be read"}; };
  if (!in) return unreadable();
  uint64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    auto event = parse_event(line);
    if (!event.ok()) {
      return Error{ErrorCode::kBadData,
                   path + ":" + std::to_string(number) + ": " + event.error().message};
    }
    std::string encoded;
    encode_emission(*event, encoded);
    WS_TRY(take(std::move(encoded)));
  }
  return in.bad() ? Status(unreadable()) : Status();
}

// As one journal entry: all of them, or none.
Status import_notes(const Config& config, const std::vector<Note>& notes) {
  WS_ASSIGN(auto loop, Loop::recover(config, Surroundings::system(config)));
  const uint64_t before = loop->last_entry();
  std::vector<Note>& all = loop->engine().group().notes;
  all.insert(all.end(), notes.begin(), notes.end());
  loop->start({[](uint32_t, uint64_t) {}, [] {}});
  loop->stop();
  // What is in the journal counts: the next start brings it to the store.
  if (loop->halted() && loop->last_entry() == before) {
    return Error{ErrorCode::kIo, "the disk failed"};
  }
  return {};
}

Result<uint64_t> thinned_bytes(const Config& config) {
  const std::string dir = thinned_dir(config.gateway.state_dir);
  WS_ASSIGN(const std::vector<uint64_t> firsts, thinned_files(posix_disk(), dir));
  uint64_t bytes = 0;
  for (const uint64_t first : firsts) {
    WS_ASSIGN(auto file, posix_disk().open(thinned_path(dir, first), Disk::Mode::kRead));
    WS_ASSIGN(const uint64_t size, file->size());
    bytes += size;
  }
  return bytes;
}

// Blames files of it that are damaged.
Status verify_thinned(const Config& config, const std::vector<NamedSchema>& sources,
                      const std::function<void(const std::string&)>& blame) {
  const std::string dir = thinned_dir(config.gateway.state_dir);
  WS_ASSIGN(const std::vector<uint64_t> firsts, thinned_files(posix_disk(), dir));
  for (const uint64_t first : firsts) {
    const std::string path = thinned_path(dir, first);
    WS_ASSIGN(const std::string bytes, read_file(posix_disk(), path));
    const auto thinned = decode_thinned(bytes, sources);
    if (!thinned.ok()) blame(path + ": " + thinned.error().message);
  }
  return {};
}

}  // namespace

Result<std::string> list_buffer(const Config& config) {
  WS_ASSIGN(const StoreView view, view_store(posix_disk(), config.gateway.state_dir));
  WS_ASSIGN(const auto files, posix_disk().list(journal_dir(config)));
  std::string json = "{\"state_dir\":";
  append_json_string(json, config.gateway.state_dir);
  json += ",\"journal\":[";
  for (size_t i = 0; i < files.size(); ++i) {
    WS_ASSIGN(auto file,
              posix_disk().open(journal_dir(config) + '/' + files[i], Disk::Mode::kRead));
    WS_ASSIGN(const uint64_t bytes, file->size());
    json += i ? ",{\"file\":" : "{\"file\":";
    append_json_string(json, files[i]);
    json += ",\"bytes\":" + std::to_string(bytes) + '}';
  }
  WS_ASSIGN(const uint64_t thinned, thinned_bytes(config));
  json += "],\"thinned_bytes\":" + std::to_string(thinned) +
          ",\"store_bytes\":" + std::to_string(view.bytes) +
          ",\"quarantined\":" + std::to_string(view.quarantined) + ",\"uplinks\":[";
  bool first = true;
  for (size_t bit = 0; bit < view.uplinks.size(); ++bit) {
    if (view.uplinks[bit].empty()) continue;
    const auto mark = view.marks.find(view.uplinks[bit]);
    json += first ? "{\"name\":" : ",{\"name\":";
    first = false;
    append_json_string(json, view.uplinks[bit]);
    json += ",\"in_outbox\":" + std::to_string(view.outbox[bit]);
    if (mark != view.marks.end()) {
      json += ",\"delivered\":" + std::to_string(mark->second.delivered) +
              ",\"compacted\":" + std::to_string(mark->second.compacted) +
              ",\"dropped\":" + std::to_string(mark->second.dropped) +
              ",\"readings_up_to_entry\":" + std::to_string(mark->second.raw_upto().entry);
    }
    json += '}';
  }
  return json + "]}";
}

Result<BufferCheck> verify_buffer(const Config& config,
                                  const std::optional<JournalAnchor>& anchor) {
  BufferCheck check;
  AnchorCheck anchored(anchor);
  size_t told = 0;
  const auto blame = [&](const std::string& what) {
    if (++told <= kDamageLines) check.damage += what + '\n';
  };
  WS_ASSIGN(const std::string store, check_store(posix_disk(), config.gateway.state_dir));
  if (!store.empty()) blame(store);
  WS_ASSIGN(auto engine, Engine::make(config, {}));
  WS_TRY(verify_thinned(config, engine->schemas(), blame));
  JournalReader reader(posix_disk(), journal_dir(config));
  // What the oldest file begins with is to be there.
  WS_ASSIGN(const std::vector<uint64_t> files, first_sequences(posix_disk(), journal_dir(config)));
  uint64_t expected = files.empty() ? 1 : files.front();
  uint64_t oldest = 0;
  WS_TRY(reader.seek(1, oldest));
  for (JournalEntry entry;; expected = entry.sequence + 1) {
    WS_ASSIGN(const bool there, reader.next(entry));
    if (!there) {
      check.anchor = anchored.verdict();
      return check;
    }
    anchored.see(entry, entry.sequence > expected);
    if (entry.sequence > expected) {
      check.damaged_entries += entry.sequence - expected;
      blame("journal entries " + std::to_string(expected) + " to " +
            std::to_string(entry.sequence - 1) + " are damaged or gone");
    }
    Group group = engine->admission().make_group();
    Status decoded = decode_group(entry.block, engine->schemas(), engine->connections(), group);
    ++check.entries;
    check.readings += group.rows();
    if (decoded.ok()) continue;
    ++check.damaged_entries;
    blame("journal entry " + std::to_string(entry.sequence) + ": " + decoded.error().message);
  }
}

Result<uint64_t> export_buffer(const Config& config, const std::string& uplink,
                               const LineTaker& take) {
  const UplinkOptions* options = find_uplink(config, uplink);
  if (!options) return no_uplink(config, uplink);
  WS_ASSIGN(const StoreView view, view_store(posix_disk(), config.gateway.state_dir));
  WS_ASSIGN(Pending pending, open_pending(config, view, *options));
  Committed committed;
  WS_ASSIGN(committed.entry, last_entry(config));
  uint64_t lines = 0;
  for (MessageBatch messages;;) {
    Mark after;
    WS_TRY(pending.backlog->next(pending.mark, committed, messages, after));
    // A gap is told by a mark alone, and more may follow it.
    if (messages.empty() && after.settled() == pending.mark.settled()) return lines;
    for (const Message& m : messages) take(m.value);
    lines += messages.size();
    pending.mark = after;
  }
}

Result<uint64_t> import_buffer(const Config& config, const std::string& uplink,
                               const std::string& path) {
  if (!find_uplink(config, uplink)) return no_uplink(config, uplink);
  // Once only to look: a file that is no good is not imported in part.
  if (Status good = each_event(path, [](const std::string&) { return Status(); }); !good.ok()) {
    return Error{good.error().code, good.error().message + "; nothing was imported"};
  }
  StateLock lock;
  WS_TRY(posix_disk().make_dirs(config.gateway.state_dir));
  WS_TRY(lock.take(config.gateway.state_dir));
  uint64_t imported = 0;
  uint64_t bytes = 0;
  std::vector<Note> notes;
  const auto import = [&]() -> Status {
    WS_TRY(import_notes(config, notes));
    imported += notes.size();
    notes.clear();
    bytes = 0;
    return {};
  };
  Status done = each_event(path, [&](std::string event) {
    bytes += event.size();
    notes.push_back({Note::Kind::kImport, 0, uplink, std::move(event)});
    return notes.size() < kImportLines && bytes < kImportBytes ? Status() : import();
  });
  if (done.ok() && !notes.empty()) done = import();
  if (done.ok()) return imported;
  return Error{done.error().code, done.error().message + "; the first " + std::to_string(imported) +
                                      " lines are imported, and none behind them"};
}

}  // namespace wayside
