// The command line. Exit codes follow sysexits(3).
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>

#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "config/config.h"
#include "firmware-gw/buffer.h"
#include "firmware-gw/command_line.h"
#include "firmware-gw/engine.h"
#include "firmware-gw/gateway.h"
#include "firmware-gw/replay.h"
#include "firmware-gw/restore.h"
#include "firmware-gw/simulate.h"
#include "firmware-gw/sql.h"
#include "firmware-gw/state_report.h"
#include "firmware-gw/view.h"

namespace wayside {
namespace {

constexpr const char* kDefaultConfig = "/etc/wayside/wayside.toml";

struct Arguments {
  std::string config = kDefaultConfig;
  bool json = false;
  std::vector<std::string> dumps;
  bool of_journal = false;
  std::string journal;
  std::string after;
  std::string until;
  std::string to;
  std::string out = "-";
  std::string uplink;
  bool watch = false;
  int64_t watch_seconds = 0;
  std::string sql;
  std::string view;
  std::string command;
  std::string payload;
  std::string answer_timeout = "10s";
  std::string timeout = "60s";
  std::string memory = "64MiB";
  std::string url;
  uint32_t vehicles = 10;
  uint64_t seed = 1;
  double rate = 0;
  double seconds = 0;
  int64_t start_ms = 0;
  int qos = 1;
};

int fail(const Error& error) {
  std::fprintf(stderr, "wayside: %s\n", error.message.c_str());
  return static_cast<int>(error.code);
}

std::optional<Config> load(const Arguments& a) {
  std::vector<ConfigError> errors;
  auto config = load_config(a.config, errors);
  for (const ConfigError& e : errors) std::fprintf(stderr, "%s\n", e.to_text().c_str());
  if (!config) return config;
  const std::string& level = config->gateway.log_level;
  set_log_level(level == "debug"   ? LogLevel::kDebug
                : level == "warn"  ? LogLevel::kWarn
                : level == "error" ? LogLevel::kError
                                   : LogLevel::kInfo);
  return config;
}

int run(const Arguments& a) {
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  Status status = run_gateway(*config);
  return status.ok() ? 0 : fail(status.error());
}

int check(const Arguments& a) {
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  std::printf(
      "%s: good. gateway %s, %zu connections, %zu sources, %zu windows, %zu rules, %zu detectors, "
      "%zu uplinks\n",
      a.config.c_str(), config->gateway.id.c_str(), config->mqtt.size(), config->sources.size(),
      config->windows.size(), config->rules.size(), config->detectors.size(),
      config->uplinks.size());
  auto report = state_report(*config);
  if (!report.ok()) {
    std::printf("%s: its state cannot be looked at: %s\n", config->gateway.state_dir.c_str(),
                report.error().message.c_str());
    return 0;
  }
  for (const std::string& line : *report) std::printf("%s\n", line.c_str());
  return 0;
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

int buffer_ls(const Arguments& a) {
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  auto json = list_buffer(*config);
  if (!json.ok()) return fail(json.error());
  std::printf("%s\n", json->c_str());
  return 0;
}

int buffer_verify(const Arguments& a) {
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  auto check = verify_buffer(*config);
  if (!check.ok()) return fail(check.error());
  std::fputs(check->damage.c_str(), stderr);
  std::printf("{\"entries\":%llu,\"readings\":%llu,\"damaged_entries\":%llu,\"sound\":%s}\n",
              (unsigned long long)check->entries, (unsigned long long)check->readings,
              (unsigned long long)check->damaged_entries, check->damage.empty() ? "true" : "false");
  return check->damage.empty() ? 0 : static_cast<int>(ErrorCode::kBadData);
}

int buffer_export(const Arguments& a) {
  auto config = load(a);
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
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  auto lines = import_buffer(*config, a.uplink, a.dumps.front());
  if (!lines.ok()) return fail(lines.error());
  std::printf("{\"imported\":%llu}\n", (unsigned long long)*lines);
  return 0;
}

Error no_moment(const std::string& text) {
  return {ErrorCode::kUsage, "'" + text +
                                 "': expected a time like 2026-03-01T12:00:00Z, or the number of a "
                                 "journal entry"};
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
  std::printf("{\"entry\":%llu,\"committed\":\"%s\",\"epoch\":\"%s\",\"pending\":%llu}\n",
              (unsigned long long)restored->entry, format_rfc3339(restored->committed_ms).c_str(),
              restored->epoch.c_str(), (unsigned long long)restored->pending);
  return 0;
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

int send(const Arguments& a) {
  const auto timeout_ms = parse_duration_ms(a.answer_timeout);
  if (!timeout_ms) return fail({ErrorCode::kUsage, "--timeout: expected a duration like 10s"});
  auto config = load(a);
  if (!config) return static_cast<int>(ErrorCode::kConfig);
  auto answer = run_command(*config, a.command, a.payload, *timeout_ms);
  if (!answer.ok()) return fail(answer.error());
  std::printf("%s\n", answer->json.c_str());
  return answer->accepted ? 0 : static_cast<int>(ErrorCode::kBadData);
}

int status(const Arguments& a) {
  auto config = load(a);
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
    constexpr std::string_view kScheme = "mqtt://";
    const size_t colon = a.url.rfind(':');
    if (!a.url.starts_with(kScheme) || colon < kScheme.size()) {
      return fail({ErrorCode::kUsage, "--url: expected mqtt://HOST:PORT"});
    }
    options.host = a.url.substr(kScheme.size(), colon - kScheme.size());
    options.port = static_cast<uint16_t>(std::atoi(a.url.c_str() + colon + 1));
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

int main_with(int argc, char** argv) {
  CLI::App app{"Event-time stream processing for vehicle and warehouse gateways"};
  app.require_subcommand(1);
  Arguments a;
  int code = 0;
  auto command = [&](const char* name, const char* help, int (*action)(const Arguments&)) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->callback([&, action] { code = action(a); });
    return sub;
  };
  auto with_config = [&](CLI::App* sub) {
    sub->add_option("--config", a.config, "configuration file")->capture_default_str();
    return sub;
  };
  with_config(command("run", "run the gateway", run));
  with_config(command("check", "check the configuration; exit 78 when it is wrong", check));
  CLI::App* sub = with_config(command("replay", "run recorded input through the pipeline", replay));
  auto* in = sub->add_option("--in", a.dumps, "dumps: lines of <arrival time> <topic> <payload>");
  auto* journal = sub->add_option("--journal", a.journal,
                                  "instead: the state folder of a gateway; without one that of the "
                                  "configuration")
                      ->expected(0, 1);
  sub->parse_complete_callback([&a, journal] { a.of_journal = journal->count() > 0; });
  in->excludes(journal);
  const char* moment = "of its journal: a time in RFC 3339, or an entry's number";
  sub->add_option("--after", a.after,
                  std::string("tell only what was said behind this point ") + moment)
      ->needs(journal);
  sub->add_option("--until", a.until, std::string("end at this point ") + moment)->needs(journal);
  sub->add_option("--view", a.view, "instead of emissions: the rows of this view at the end");
  sub->add_option("--out", a.out, "where the emissions go, - for standard output")
      ->capture_default_str();
  sub = with_config(
      command("restore", "a runnable store of the past in another folder", restore_past));
  sub->add_option("--until", a.until, std::string("its last point ") + moment)->required();
  sub->add_option("--to", a.to, "the folder, which must be empty or new")->required();
  sub = with_config(command("sql", "ask the journal, read-only; without SELECT: its tables", sql));
  sub->add_option("select", a.sql, "one SELECT");
  sub->add_option("--journal", a.journal, "the state folder, if not that of the configuration");
  sub->add_flag("--json", a.json, "a JSON object a row");
  sub->add_option("--timeout", a.timeout, "longest time for it")->capture_default_str();
  sub->add_option("--memory", a.memory, "most memory for it")->capture_default_str();
  sub = with_config(command("command", "send a command; exit 65 when it is refused", send));
  sub->add_option("name", a.command, "which [[command]]")->required();
  sub->add_option("json", a.payload, "a JSON object")->required();
  sub->add_option("--timeout", a.answer_timeout, "longest wait for the answer")
      ->capture_default_str();
  sub = with_config(command("status", "ask the running gateway", status));
  sub->add_flag("--json", a.json, "one JSON object (the default)");
  sub->add_flag("--watch", a.watch, "a live view");
  sub->add_option("--seconds", a.watch_seconds, "end the view after so long");
  sub = command("simulate", "a fleet of trucks", run_simulator);
  sub->add_option("--url", a.url, "broker, mqtt://HOST:PORT; without it a dump is printed");
  sub->add_option("--vehicles", a.vehicles, "how many")->capture_default_str();
  sub->add_option("--seed", a.seed, "the same seed, the same fleet")->capture_default_str();
  sub->add_option("--rate", a.rate, "messages a second of the whole fleet; 0: as trucks send");
  sub->add_option("--seconds", a.seconds, "how long; 0: until it is ended");
  sub->add_option("--start-ms", a.start_ms, "epoch ms at which the fleet starts; 0: now");
  sub->add_option("--qos", a.qos, "0 or 1")->capture_default_str();
  CLI::App* buffer = app.add_subcommand("buffer", "what a state folder holds");
  buffer->require_subcommand(1);
  auto of_buffer = [&](const char* name, const char* help, int (*action)(const Arguments&)) {
    CLI::App* made = with_config(buffer->add_subcommand(name, help));
    made->callback([&, action] { code = action(a); });
    return made;
  };
  of_buffer("ls", "journal files, and what waits for each uplink, as JSON", buffer_ls);
  of_buffer("verify", "read and check everything; exit 65 when something is damaged",
            buffer_verify);
  sub = of_buffer("export", "what is pending for an uplink, a JSON line each", buffer_export);
  sub->add_option("--uplink", a.uplink, "its name")->required();
  sub->add_option("--out", a.out, "where the lines go, - for standard output")
      ->capture_default_str();
  sub = of_buffer("import", "an export becomes events of this gateway, which must not be running",
                  buffer_import);
  sub->add_option("--uplink", a.uplink, "the uplink that they are for")->required();
  sub->add_option("--in", a.dumps, "the export")->required()->expected(1);
  sub = app.add_subcommand("config", "about the configuration file");
  sub->require_subcommand(1);
  sub->add_subcommand("sample", "print every key with its default and meaning")->callback([] {
    std::fputs(sample_config().c_str(), stdout);
  });
  app.add_subcommand("version", "print the version")->callback([] {
    std::printf("%s\n", version_text().c_str());
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int parsed = app.exit(error);
    return parsed == 0 ? 0 : static_cast<int>(ErrorCode::kUsage);
  }
  return code;
}

}  // namespace
}  // namespace wayside

int main(int argc, char** argv) {
  try {
    return wayside::main_with(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "wayside: %s\n", error.what());
    return static_cast<int>(wayside::ErrorCode::kInternal);
  }
}
