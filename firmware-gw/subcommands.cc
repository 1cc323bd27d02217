#include "firmware-gw/subcommands.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>

#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "config/config.h"
#include "config/values.h"
#include "config/written.h"
#include "firmware-gw/buffer.h"
#include "firmware-gw/command_line.h"
#include "firmware-gw/decode.h"
#include "firmware-gw/engine.h"
#include "firmware-gw/explain.h"
#include "firmware-gw/gateway.h"
#include "firmware-gw/lookup_files.h"
#include "firmware-gw/replay.h"
#include "firmware-gw/restore.h"
#include "firmware-gw/simulate.h"
#include "firmware-gw/sql.h"
#include "firmware-gw/state_report.h"
#include "firmware-gw/view.h"

namespace wayside {
namespace {

int fail(const Error& error) {
  std::fprintf(stderr, "wayside: %s\n", error.message.c_str());
  return static_cast<int>(error.code);
}

std::optional<Config> load(const Arguments& a, Devices devices = Devices::kRead) {
  std::vector<ConfigError> errors;
  auto config = load_config(a.config, errors, devices);
  for (const ConfigError& e : errors) std::fprintf(stderr, "%s\n", e.to_text().c_str());
  if (!config) return config;
  const std::string& level = config->gateway.log_level;
  set_log_level(level == "debug"   ? LogLevel::kDebug
                : level == "warn"  ? LogLevel::kWarn
                : level == "error" ? LogLevel::kError
                                   : LogLevel::kInfo);
  return config;
}

// Where lines go: a file, or standard output for "-".
class LineFile {
 public:
  Status open(const std::string& path) {
    path_ = path;
    file_ = path == "-" ? stdout : std::fopen(path.c_str(), "w");
    return file_ ? Status() : failed();
  }
  ~LineFile() {
    if (file_ && file_ != stdout) std::fclose(file_);
  }
  void write(std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), file_);
    std::fputc('\n', file_);
  }
  Status flush() { return std::fflush(file_) == 0 && !std::ferror(file_) ? Status() : failed(); }

 private:
  Error failed() const { return {ErrorCode::kIo, path_ + ": cannot be written"}; }
  std::string path_;
  FILE* file_ = nullptr;
};

// Its bytes as they are, no more than `most` of them.
Result<std::string> read_payload(const std::string& path, size_t most) {
  const bool is_stdin = path == "-";
  FILE* file = is_stdin ? stdin : std::fopen(path.c_str(), "rb");
  if (!file) return Error{ErrorCode::kIo, path + ": cannot be read"};
  std::string payload(most, '\0');
  payload.resize(std::fread(payload.data(), 1, most, file));
  const bool good = !std::ferror(file);
  if (!is_stdin) std::fclose(file);
  if (!good) return Error{ErrorCode::kIo, path + ": cannot be read"};
  return payload;
}

Error no_moment(const std::string& text) {
  return {ErrorCode::kUsage, "'" + text +
                                 "': expected a time like 2026-03-01T12:00:00Z, or the number of a "
                                 "journal entry"};
}

}  // namespace

int run_daemon(const Arguments& a) {
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  Status status = run_gateway(*config);
  return status.ok() ? 0 : fail(status.error());
}

int init(const Arguments& a) {
  FirstAnswers answers = a.first;
  const Status known = complete(answers, a.no_questions ? nullptr : &std::cin, std::cerr);
  if (!known.ok()) return fail(known.error());
  auto text = first_config(answers);
  if (!text.ok()) return fail(text.error());
  if (Status written = write_new_file(a.config, *text); !written.ok()) return fail(written.error());
  std::printf("%s: written. Next: wayside run --config %s\n", a.config.c_str(), a.config.c_str());
  return 0;
}

namespace {

// Blocks see the first final result of a window: what it is told to revise reaches them nowhere.
void warn_of_unseen_revisions(const Config& config) {
  for (const WindowOptions& w : config.windows) {
    if (w.allowed_lateness_ms == 0 || w.purge) continue;
    const auto reads = [&](const WindowOptions& other) {
      return std::find(other.from.begin(), other.from.end(), w.name) != other.from.end();
    };
    for (const WindowOptions& other : config.windows) {
      if (!reads(other)) continue;
      std::printf(
          "window %s: warning: it reads '%s', and does not see what allowed_lateness revises "
          "there; a larger max_disorder of the source would wait for it\n",
          other.name.c_str(), w.name.c_str());
    }
  }
}

}  // namespace

int check(const Arguments& a) {
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  const Config& c = *config;
  const size_t others = c.maps.size() + c.routes.size() + c.states.size() + c.orders.size() +
                        c.lookups.size() + c.joins.size() + c.patterns.size() + c.views.size();
  std::printf(
      "%s: good. version %s, gateway %s, %zu connections, %zu sources, %zu windows, %zu rules, %zu "
      "detectors, "
      "%zu other blocks, %zu uplinks\n",
      a.config.c_str(), version_digits(config_version(c)).c_str(), c.gateway.id.c_str(),
      c.connection_names().size(), c.sources.size(), c.windows.size(), c.rules.size(),
      c.detectors.size(), others, c.uplinks.size());
  if (const size_t known = c.known_devices->size(); known > 0) {
    std::printf("registry: %zu devices\n", known);
  }
  for (const LookupOptions& l : c.lookups) {
    const auto contents = read_lookup(l);
    if (contents.ok()) continue;
    std::printf("warning: lookup %s: %s; without what was read before %s\n", l.name.c_str(),
                contents.error().message.c_str(),
                l.inner ? "all readings are left out" : "its columns are NULL");
  }
  warn_of_unseen_revisions(c);
  auto report = state_report(*config);
  if (!report.ok()) {
    std::printf("%s: its state cannot be looked at: %s\n", config->gateway.state_dir.c_str(),
                report.error().message.c_str());
    return 0;
  }
  for (const std::string& line : *report) std::printf("%s\n", line.c_str());
  return 0;
}

int buffer_ls(const Arguments& a) {
  auto config = load(a, Devices::kLeft);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  auto json = list_buffer(*config);
  if (!json.ok()) return fail(json.error());
  std::printf("%s\n", json->c_str());
  return 0;
}

int buffer_verify(const Arguments& a) {
  auto config = load(a, Devices::kLeft);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  const auto anchor = JournalAnchor::parse(a.anchor);
  if (!a.anchor.empty() && !anchor) {
    return fail(
        {ErrorCode::kUsage, "--anchor '" + a.anchor +
                                "': expected ENTRY:HASH, the two fields of an anchor event, "
                                "a number and 32 hex digits"});
  }
  auto check = verify_buffer(*config, anchor);
  if (!check.ok()) return fail(check.error());
  std::fputs(check->damage.c_str(), stderr);
  std::string told;
  if (anchor) told = ",\"anchor\":\"" + check->anchor + "\"";
  std::printf("{\"entries\":%llu,\"readings\":%llu,\"damaged_entries\":%llu,\"sound\":%s%s}\n",
              (unsigned long long)check->entries, (unsigned long long)check->readings,
              (unsigned long long)check->damaged_entries, check->damage.empty() ? "true" : "false",
              told.c_str());
  if (!check->damage.empty() || check->anchor.starts_with("differs")) {
    return static_cast<int>(ErrorCode::kBadData);
  }
  const bool unknown = anchor && check->anchor != "holds";
  return unknown ? static_cast<int>(ErrorCode::kUnavailable) : 0;
}

int buffer_export(const Arguments& a) {
  auto config = load(a, Devices::kLeft);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  LineFile out;
  if (Status opened = out.open(a.out); !opened.ok()) return fail(opened.error());
  auto lines = export_buffer(*config, a.uplink, [&](std::string_view line) { out.write(line); });
  if (!lines.ok()) return fail(lines.error());
  if (Status written = out.flush(); !written.ok()) return fail(written.error());
  std::fprintf(stderr, "{\"exported\":%llu}\n", (unsigned long long)*lines);
  return 0;
}

int buffer_import(const Arguments& a) {
  auto config = load(a, Devices::kLeft);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  auto lines = import_buffer(*config, a.uplink, a.dumps.front());
  if (!lines.ok()) return fail(lines.error());
  std::printf("{\"imported\":%llu}\n", (unsigned long long)*lines);
  return 0;
}

int replay(const Arguments& a) {
  if (a.dumps.empty() && !a.of_journal) {
    return fail({ErrorCode::kUsage, "replay: expected --in DUMP or --journal [STATE_DIR]"});
  }
  ReplaySpan span;
  for (const auto& [text, into] : {std::pair{&a.after, &span.after}, {&a.until, &span.until}}) {
    if (text->empty()) continue;
    const auto moment = Moment::parse(*text);
    if (!moment) return fail(no_moment(*text));
    *into = *moment;
  }
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  const std::string state_dir = a.journal.empty() ? config->gateway.state_dir : a.journal;
  LineFile out;
  if (Status opened = out.open(a.out); !opened.ok()) return fail(opened.error());
  const auto write = [&](std::string_view line) { out.write(line); };
  auto result = a.of_journal ? replay_journal(*config, state_dir, span, write, a.view)
                             : replay_dumps(*config, a.dumps, write, a.view);
  if (Status written = out.flush(); !written.ok()) return fail(written.error());
  if (!result.ok()) return fail(result.error());
  const Ledger& l = result->ledger;
  std::fprintf(stderr,
               "{\"in\":%llu,\"used\":%llu,\"late\":%llu,\"duplicate\":%llu,\"quarantined\":%llu,"
               "\"dropped\":%llu,\"balanced\":%s,\"emissions\":%llu}\n",
               (unsigned long long)l.in, (unsigned long long)l.used, (unsigned long long)l.late,
               (unsigned long long)l.duplicate, (unsigned long long)l.quarantined,
               (unsigned long long)l.dropped, l.balanced() ? "true" : "false",
               (unsigned long long)result->emissions);
  return 0;
}

int restore_past(const Arguments& a) {
  const auto until = Moment::parse(a.until);
  if (!until) return fail(no_moment(a.until));
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  auto restored = restore(*config, *until, a.to);
  if (!restored.ok()) return fail(restored.error());
  std::printf(
      "{\"entry\":%llu,\"committed\":\"%s\",\"epoch\":\"%s\",\"pending\":%llu,\"lost\":%llu}\n",
      (unsigned long long)restored->entry, format_rfc3339(restored->committed_ms).c_str(),
      restored->epoch.c_str(), (unsigned long long)restored->pending,
      (unsigned long long)restored->lost);
  if (restored->lost == 0) return 0;
  return fail({ErrorCode::kBadData,
               std::to_string(restored->lost) +
                   " events that the original has still to deliver are for uplinks that this "
                   "configuration does not have: no one delivers them from the copy; name these "
                   "uplinks, and restore into another folder, or let the original deliver them"});
}

int sql(const Arguments& a) {
  const auto timeout_ms = parse_duration_ms(a.timeout);
  const auto memory = parse_bytes(a.memory);
  if (!timeout_ms) return fail({ErrorCode::kUsage, "--timeout: expected a duration like 60s"});
  if (!memory) return fail({ErrorCode::kUsage, "--memory: expected a size like 64MiB"});
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  if (!a.journal.empty()) config->gateway.state_dir = a.journal;
  LineFile out;
  if (Status opened = out.open("-"); !opened.ok()) return fail(opened.error());
  const SqlQuestion question{a.sql, a.json, {std::chrono::milliseconds(*timeout_ms), *memory}};
  auto answer = answer_sql(*config, question, [&](std::string_view line) { out.write(line); });
  if (Status written = out.flush(); !written.ok()) return fail(written.error());
  if (!answer.ok()) return fail(answer.error());
  for (const std::string& line : answer->missing) {
    std::fprintf(stderr, "wayside: %s; its readings are not in the answer\n", line.c_str());
  }
  return 0;
}

int explain_event(const Arguments& a) {
  const auto timeout_ms = parse_duration_ms(a.timeout);
  if (!timeout_ms) return fail({ErrorCode::kUsage, "--timeout: expected a duration like 60s"});
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  if (!a.journal.empty()) config->gateway.state_dir = a.journal;
  using Clock = std::chrono::steady_clock;
  const auto expired = [end = Clock::now() + std::chrono::milliseconds(*timeout_ms)] {
    return Clock::now() > end;
  };
  auto explained = explain(*config, a.id, a.limit, expired);
  if (!explained.ok()) return fail(explained.error());
  std::fputs(a.json ? (to_json(*explained) + "\n").c_str() : to_text(*explained).c_str(), stdout);
  return 0;
}

int send(const Arguments& a) {
  const auto timeout_ms = parse_duration_ms(a.answer_timeout);
  if (!timeout_ms) return fail({ErrorCode::kUsage, "--timeout: expected a duration like 10s"});
  auto config = load(a, Devices::kLeft);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  auto answer = run_command(*config, a.command, a.payload, *timeout_ms);
  if (!answer.ok()) return fail(answer.error());
  std::printf("%s\n", answer->json.c_str());
  return answer->accepted ? 0 : static_cast<int>(ErrorCode::kBadData);
}

int print_effective(const Arguments& a) {
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  std::fputs(effective_config(*config).c_str(), stdout);
  return 0;
}

int decode_payload(const Arguments& a) {
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  const auto max_payload = max_payload_of(*config, a.source);
  if (!max_payload.ok()) return fail(max_payload.error());
  auto payload = read_payload(a.in, *max_payload + 1);
  if (!payload.ok()) return fail(payload.error());
  using namespace std::chrono;
  Now now;
  now.wall_ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  auto decoded = decode(*config, {a.source, a.topic, std::move(*payload)}, now);
  if (!decoded.ok()) return fail(decoded.error());
  std::fputs((a.json ? to_json(*decoded) + "\n" : to_text(*decoded)).c_str(), stdout);
  return decoded->refusal ? static_cast<int>(ErrorCode::kBadData) : 0;
}

int status(const Arguments& a) {
  auto config = load(a, Devices::kLeft);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  if (a.watch) {
    Status watched = watch_status(config->gateway.state_dir, a.watch_seconds);
    return watched.ok() ? 0 : fail(watched.error());
  }
  auto text = ask_status(config->gateway.state_dir);
  if (!text.ok()) return fail(text.error());
  std::printf("%s\n", text->c_str());
  return 0;
}

int run_simulator(const Arguments& a) {
  SimulateOptions options;
  options.fleet.vehicles = a.vehicles;
  options.fleet.seed = a.seed;
  options.fleet.messages_per_second = a.rate;
  options.seconds = a.seconds;
  options.qos = a.qos;
  options.fleet.start_ms = a.start_ms;
  if (!a.url.empty()) {
    const auto broker = parse_broker_url(a.url);
    if (!broker.ok()) return fail({ErrorCode::kUsage, "--url: " + broker.error().message});
    if (broker->tls) return fail({ErrorCode::kUsage, "--url: simulate speaks mqtt:// only"});
    options.host = broker->host;
    options.port = broker->port;
  }
  if (options.fleet.start_ms == 0) {
    using namespace std::chrono;
    options.fleet.start_ms =
        duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }
  uint64_t sent = 0;
  Status simulated = simulate(options, sent);
  if (!simulated.ok()) return fail(simulated.error());
  if (!options.host.empty()) std::printf("{\"sent\":%llu}\n", (unsigned long long)sent);
  return 0;
}

}  // namespace wayside
