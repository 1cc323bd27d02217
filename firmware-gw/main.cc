// The command line. Exit codes follow sysexits(3).
#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/features.h"
#include "config/config.h"
#include "firmware-gw/engine.h"
#include "firmware-gw/subcommands.h"

namespace wayside {
namespace {

using Action = int (*)(const Arguments&);

constexpr std::pair<const char*, bool> kOptions[] = {
    {"WAYSIDE_KAFKA", kHasKafka},     {"WAYSIDE_HTTP", kHasHttp},
    {"WAYSIDE_PAST", kHasPast},       {"WAYSIDE_TOOLS", kHasTools},
    {"WAYSIDE_FORMATS", kHasFormats}, {"WAYSIDE_INPUTS", kHasInputs},
    {"WAYSIDE_BLOCKS", kHasBlocks},   {"WAYSIDE_COMMANDS", kHasCommands},
    {"WAYSIDE_DEVICES", kHasDevices},
};
constexpr const char* kMoment = "of its journal: a time in RFC 3339, or an entry's number";

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    add_running();
    if constexpr (kHasPast) {
      add_past();
      add_questions();
    } else {
      for (const char* name : {"replay", "restore", "sql", "explain"})
        leave_out(name, "WAYSIDE_PAST");
    }
    if constexpr (kHasTools) {
      add_tools();
    } else {
      for (const char* name : {"init", "decode", "simulate"}) leave_out(name, "WAYSIDE_TOOLS");
    }
    add_buffer();
    add_texts();
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      const int parsed = app_.exit(error);
      return parsed == 0 ? 0 : static_cast<int>(ErrorCode::kUsage);
    }
    return code_;
  }

 private:
  CLI::App* command(CLI::App& of, const char* name, const char* help, Action action) {
    CLI::App* sub = of.add_subcommand(name, help);
    sub->callback([this, action] { code_ = action(a_); });
    return sub;
  }
  CLI::App* with_config(CLI::App* sub) {
    sub->add_option("--config", a_.config, "configuration file")->capture_default_str();
    return sub;
  }
  // A verb that says why it is not there.
  void leave_out(const char* name, const char* option) {
    CLI::App* sub = app_.add_subcommand(name)->group("")->prefix_command();
    sub->callback([this, name, option] {
      std::fprintf(stderr, "wayside: this build has no %s: %s was off\n", name, option);
      code_ = static_cast<int>(ErrorCode::kUsage);
    });
  }
  CLI::App* configured(const char* name, const char* help, Action action) {
    return with_config(command(app_, name, help, action));
  }

  void add_running() {
    configured("run", "run the gateway", run_daemon);
    configured("check", "check the configuration; exit 78 when it is wrong", check);
    CLI::App* sub = configured("status", "ask the running gateway", status);
    sub->add_flag("--json", a_.json, "one JSON object (the default)");
    sub->add_flag("--watch", a_.watch, "a live view");
    sub->add_option("--seconds", a_.watch_seconds, "end the view after so long");
    if constexpr (kHasCommands) {
      add_command();
    } else {
      leave_out("command", "WAYSIDE_COMMANDS");
    }
  }

  void add_command() {
    CLI::App* sub = configured("command", "send a command; exit 65 when it is refused", send);
    sub->add_option("name", a_.command, "which [[command]]")->required();
    sub->add_option("json", a_.payload, "a JSON object")->required();
    sub->add_option("--timeout", a_.answer_timeout, "longest wait for the answer")
        ->capture_default_str();
  }

  void add_past() {
    CLI::App* sub = configured("replay", "run recorded input through the pipeline", replay);
    auto* in =
        sub->add_option("--in", a_.dumps, "dumps: lines of <arrival time> <topic> <payload>");
    auto* journal = sub->add_option("--journal", a_.journal,
                                    "instead: the state folder of a gateway; without one that of "
                                    "the configuration")
                        ->expected(0, 1);
    sub->parse_complete_callback([this, journal] { a_.of_journal = journal->count() > 0; });
    in->excludes(journal);
    sub->add_option("--after", a_.after,
                    std::string("tell only what was said behind this point ") + kMoment)
        ->needs(journal);
    sub->add_option("--until", a_.until, std::string("end at this point ") + kMoment)
        ->needs(journal);
    sub->add_option("--view", a_.view, "instead of emissions: the rows of this view at the end");
    sub->add_option("--out", a_.out, "where the emissions go, - for standard output")
        ->capture_default_str();
    sub = configured("restore", "a runnable store of the past in another folder", restore_past);
    sub->add_option("--until", a_.until, std::string("its last point ") + kMoment)->required();
    sub->add_option("--to", a_.to, "the folder, which must be empty or new")->required();
  }

  void add_questions() {
    CLI::App* sub =
        configured("sql", "ask the journal, read-only; without SELECT: its tables", sql);
    sub->add_option("select", a_.sql, "one SELECT");
    sub->add_option("--journal", a_.journal, "the state folder, if not that of the configuration");
    sub->add_flag("--json", a_.json, "a JSON object a row");
    sub->add_option("--timeout", a_.timeout, "longest time for it")->capture_default_str();
    sub->add_option("--memory", a_.memory, "most memory for it")->capture_default_str();
    sub = configured("explain", "why an event was said: its rule and the readings behind it",
                     explain_event);
    sub->add_option("id", a_.id, "of the event: gateway/epoch/number")->required();
    sub->add_option("--journal", a_.journal, "the state folder, if not that of the configuration");
    sub->add_option("--limit", a_.limit,
                    "at most so many rows of each level, the last of each list")
        ->capture_default_str();
    sub->add_option("--timeout", a_.timeout, "longest time for it")->capture_default_str();
    sub->add_flag("--json", a_.json, "one JSON object");
  }

  void add_tools() {
    CLI::App* sub = configured("init", "write a first configuration, by flags and questions", init);
    for (const FirstQuestion& question : first_questions()) {
      sub->add_option(question.flag, a_.first.*question.answer, question.text)
          ->default_str(question.usual);
    }
    sub->add_flag("--yes", a_.no_questions, "ask nothing: what is not given is as usual");
    sub = configured("decode", "what a source makes of a payload; exit 65 when it is refused",
                     decode_payload);
    sub->add_option("--source", a_.source, "which [[source]]")->required();
    sub->add_option("--topic", a_.topic, "that it came by; by default that of the source");
    sub->add_option("--in", a_.in, "the payload, - for standard input")->capture_default_str();
    sub->add_flag("--json", a_.json, "one JSON object");
    sub = command(app_, "simulate", "a fleet of trucks", run_simulator);
    sub->add_option("--url", a_.url, "broker, mqtt://HOST:PORT; without it a dump is printed");
    sub->add_option("--vehicles", a_.vehicles, "how many")->capture_default_str();
    sub->add_option("--seed", a_.seed, "the same seed, the same fleet")->capture_default_str();
    sub->add_option("--rate", a_.rate, "messages a second of the whole fleet; 0: as trucks send");
    sub->add_option("--seconds", a_.seconds, "how long; 0: until it is ended");
    sub->add_option("--start-ms", a_.start_ms, "epoch ms at which the fleet starts; 0: now");
    sub->add_option("--qos", a_.qos, "0 or 1")->capture_default_str();
  }

  void add_buffer() {
    CLI::App& buffer = *app_.add_subcommand("buffer", "what a state folder holds");
    buffer.require_subcommand(1);
    const auto of_buffer = [&](const char* name, const char* help, Action action) {
      return with_config(command(buffer, name, help, action));
    };
    of_buffer("ls", "journal files, and what waits for each uplink, as JSON", buffer_ls);
    CLI::App* sub = of_buffer(
        "verify", "read and check everything; exit 65 when something is damaged", buffer_verify);
    sub->add_option("--anchor", a_.anchor,
                    "ENTRY:HASH of an anchor event: is this still the journal of then?");
    sub = of_buffer("export", "what is pending for an uplink, a JSON line each", buffer_export);
    sub->add_option("--uplink", a_.uplink, "its name")->required();
    sub->add_option("--out", a_.out, "where the lines go, - for standard output")
        ->capture_default_str();
    sub = of_buffer("import", "an export becomes events of this gateway, which must not be running",
                    buffer_import);
    sub->add_option("--uplink", a_.uplink, "the uplink that they are for")->required();
    sub->add_option("--in", a_.dumps, "the export")->required()->expected(1);
  }

  void add_texts() {
    CLI::App* sub = app_.add_subcommand("config", "about the configuration file");
    sub->require_subcommand(1);
    sub->add_subcommand("sample", "print every key with its default and meaning")->callback([] {
      std::fputs(sample_config().c_str(), stdout);
    });
    with_config(command(*sub, "effective", "print what is in force, defaults and presets included",
                        print_effective));
    app_.add_subcommand("version", "print the version")->callback([] {
      std::printf("%s\n", version_text().c_str());
      for (const auto& [option, is_built] : kOptions) {
        if (!is_built) std::printf("without %s\n", option);
      }
    });
  }

  CLI::App app_{"Event-time stream processing for vehicle and warehouse gateways"};
  Arguments a_;
  int code_ = 0;
};

}  // namespace
}  // namespace wayside

int main(int argc, char** argv) {
  try {
    return wayside::CommandLine().run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "wayside: %s\n", error.what());
    return static_cast<int>(wayside::ErrorCode::kInternal);
  }
}
