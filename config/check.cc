#include "config/check.h"

#include <strings.h>

#include <algorithm>
#include <set>

#include "base/features.h"
#include "base/hash.h"
#include "base/text.h"
#include "config/check_bounds.h"
#include "config/check_inputs.h"
#include "config/check_names.h"
#include "config/check_payload.h"
#include "config/check_places.h"
#include "config/check_streams.h"
#include "config/check_uplinks.h"
#include "config/check_windows.h"
#include "config/findings.h"
#include "config/values.h"
#include "sensors/admission.h"

namespace wayside {
namespace {

// The path in `paths` that leads to an object in which `path` is; nothing if there is none.
std::string outer_path(const std::set<std::string>& paths, const std::string& path) {
  for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
    if (paths.contains(path.substr(0, dot))) return path.substr(0, dot);
  }
  return {};
}

// Paths go into what is nested there, and `each` may name an array.
bool has_nesting(PayloadFormat format) {
  return format == PayloadFormat::kJson || format == PayloadFormat::kProtobufNumbers ||
         format == PayloadFormat::kCbor;
}

class Checker {
 public:
  Checker(const Config& config, const std::string& file, std::vector<ConfigError>& errors)
      : config_(config), found_(config, file, errors) {}

  void run() {
    check_gateway();
    check_http();
    check_names();
    for (const MqttOptions& m : config_.mqtt) check_mqtt(m);
    for (const SourceOptions& s : config_.sources) check_source(s);
    check_windows(config_, found_, not_judged_);
    check_streams(config_, found_, not_judged_);
    for (const RuleOptions& r : config_.rules) {
      found_.streams_known(r.name, "from", {r.from});
      found_.uplinks_known(r.name, "to", r.to);
    }
    for (const DetectorOptions& d : config_.detectors) check_detector(d);
    for (const JoinOptions& j : config_.joins) check_join(j);
    for (const PatternOptions& o : config_.patterns) check_pattern(o);
    check_bounds(config_, found_);
    check_inputs(config_, found_);
    check_uplinks(config_, found_);
    check_shared_places(config_, found_);
    found_.remember_places();
    check_blocks();
  }

 private:
  void check_gateway() {
    if (config_.gateway.id.empty() && !config_.positions.contains("gateway.id")) {
      found_.add("gateway", "id", "is missing, and there is no /etc/machine-id to make one from");
    } else if (!is_name(config_.gateway.id)) {
      found_.add("gateway", "id",
                 "a name is made of letters, digits, '_' and '-', at most 64 of them");
    }
    static const std::vector<std::string> kLevels{"debug", "info", "warn", "error"};
    found_.known("gateway", "log_level", "level", config_.gateway.log_level, kLevels);
    if (found_.told("storage", "file_bytes")) return;
    if (config_.storage.max_bytes < 4 * config_.storage.file_bytes) {
      found_.add("storage", "max_bytes", "must hold at least four files of file_bytes");
    }
    if (config_.storage.commit_bytes > config_.storage.file_bytes / 4) {
      return found_.add("storage", "commit_bytes", "must be at most a quarter of file_bytes");
    }
    for (const MqttOptions& m : config_.mqtt) check_group(m);
  }

  // A group that is almost full takes another turn of commit_bytes, or of one chunk that holds the
  // largest message, and still has to fit into a journal file, with what tables of look-ups hold.
  void check_group(const MqttOptions& m) {
    constexpr uint64_t kOverhead = 64 << 10;  // of a group, beside its payloads
    const uint64_t file = config_.storage.file_bytes;
    uint64_t taken = 2 * config_.storage.commit_bytes + kOverhead;
    for (const LookupOptions& l : config_.lookups) taken += std::min(l.max_bytes, file);
    const std::string key = position_key("mqtt", m.name);
    if (m.max_payload_bytes <= file - std::min(file, taken)) return;
    if (found_.told(key, "max_payload") || found_.told("storage", "commit_bytes")) return;
    found_.add(
        key, "max_payload",
        "twice [storage] commit_bytes, max_payload, 64KiB and the max_bytes of look-ups must "
        "fit in its file_bytes");
  }

  // What it answers is for this machine: it asks nobody who they are.
  void check_http() {
    if (config_.http.listen.empty()) return;
    if (!kHasHttp) {
      return found_.add("http", "listen", "this build has no HTTP: WAYSIDE_HTTP was off");
    }
    const auto listen = parse_listen(config_.http.listen);
    if (!listen.ok()) return found_.add("http", "listen", listen.error().message);
    if (listen->is_loopback) return;
    found_.add("http", "listen",
               "is not an address of this machine alone, such as 127.0.0.1 or [::1]; to ask from "
               "elsewhere put a server before it that knows whom to let in");
  }

  // State is kept, and results are told apart, under a block's name.
  void check_names() {
    std::set<std::string> connections, blocks, uplinks;
    for (const auto& o : config_.mqtt) check_name("mqtt", o.name, connections);
    for (const auto& o : config_.inputs) check_name("input", o.name, connections);
    for (const auto& o : config_.sources) check_name("source", o.name, blocks);
    for (const auto& o : config_.windows) check_name("window", o.name, blocks);
    for (const auto& o : config_.maps) check_name("map", o.name, blocks);
    for (const auto& o : config_.routes) check_name("route", o.name, blocks);
    for (const auto& o : config_.states) check_name("state", o.name, blocks);
    for (const auto& o : config_.orders) check_name("order", o.name, blocks);
    for (const auto& o : config_.lookups) check_name("lookup", o.name, blocks);
    for (const auto& o : config_.views) check_view_name(o.name, blocks);
    for (const auto& o : config_.rules) check_name("rule", o.name, blocks);
    for (const auto& o : config_.detectors) check_name("detector", o.name, blocks);
    for (const auto& o : config_.joins) check_name("join", o.name, blocks);
    for (const auto& o : config_.patterns) check_name("pattern", o.name, blocks);
    for (const auto& o : config_.uplinks) check_name("uplink", o.name, uplinks);
  }

  void check_name(const std::string& section, const std::string& name,
                  std::set<std::string>& seen) {
    const std::string key = position_key(section, name);
    if (!is_name(name)) {
      found_.add(key, "name", "a name is made of letters, digits, '_' and '-', at most 64 of them");
    } else if (!seen.insert(name).second) {
      found_.add(key, "name", "another block has the name '" + name + "'");
      not_judged_.insert(key);
    }
  }

  // A view is a table, whose name SQL reads in upper and in lower case.
  void check_view_name(const std::string& name, std::set<std::string>& blocks) {
    check_name("view", name, blocks);
    if (!config_.commands.empty() && strcasecmp(name.c_str(), "commands") == 0) {
      found_.add(name, "name", "this is the table of what was decided about commands");
    }
    const auto same = [&](const ViewOptions& v) {
      return strcasecmp(v.name.c_str(), name.c_str()) == 0;
    };
    const auto first = std::find_if(config_.views.begin(), config_.views.end(), same);
    if (first->name == name) return;
    found_.add(name, "name", "for SQL this is the name of view '" + first->name + "', too");
  }

  void check_sql_name(const std::string& block, const std::string& item, const std::string& name) {
    const std::string wrong = wrong_sql_name(name);
    if (wrong.empty()) return;
    found_.add(block, item, wrong);
    not_judged_.insert(block);
  }

  void check_not_taken(const std::string& block, const std::string& item, const std::string& name) {
    if (const std::string wrong = taken_name(name); !wrong.empty()) found_.add(block, item, wrong);
  }

  void check_mqtt(const MqttOptions& m) {
    static const std::vector<std::string> kVersions{"5", "3.1.1"};
    const std::string key = position_key("mqtt", m.name);
    found_.known(key, "version", "version", m.version, kVersions);
    const TlsOptions& tls = m.tls;
    for (const auto& [item, file] :
         {std::pair{"ca", &tls.ca}, {"cert", &tls.cert}, {"key", &tls.key}}) {
      if (!tls.on && !file->empty()) found_.add(key, item, "is for a url with mqtts://");
    }
    if (tls.cert.empty() != tls.key.empty()) {
      found_.add(key, tls.cert.empty() ? "key" : "cert", "cert and key go together");
    }
    constexpr int64_t kLongestMs = 65'535'000;  // MQTT sends 16 bits of seconds
    if (m.keep_alive_ms > kLongestMs) found_.add(key, "keep_alive", "must be at most 65535s");
    if (m.reconnect_max_ms < m.reconnect_min_ms && !found_.told(key, "reconnect_min"))
      found_.add(key, "reconnect_max", "is below reconnect_min");
  }

  void check_source(const SourceOptions& s) {
    check_connection(config_, s, found_);
    check_each(s);
    std::set<std::string> paths;
    if (!s.time_path.empty()) paths.insert(path_of(s, s.time_path));
    if (!s.each.empty()) paths.insert("/" + s.each);
    for (const FieldOptions& f : s.fields) {
      if (f.name != s.key) check_not_taken(s.name, "fields." + f.name, f.name);
      check_not_of_late(s, f.name);
      check_sql_name(s.name, "fields." + f.name, f.name);
      if (!paths.insert(path_of(s, f.path)).second) {
        found_.add(s.name, "fields." + f.name, "path \"" + f.path + "\" is read twice");
      }
      if (f.min && f.max && *f.min > *f.max)
        found_.add(s.name, "fields." + f.name, "min is above max");
      if (f.json && s.format != PayloadFormat::kJson && s.format != PayloadFormat::kCbor)
        found_.add(s.name, "fields." + f.name, "type = \"json\" is for JSON and CBOR payloads");
    }
    if (has_nesting(s.format)) check_nesting(s, paths);
    check_payload(s, found_);
    if (s.forget_after_ms < s.idle_after_ms && !found_.told(s.name, "idle_after"))
      found_.add(s.name, "forget_after", "is below idle_after");
    if (!has_schema(s)) not_judged_.insert(s.name);
  }

  // What comes late is told with the window that it missed.
  void check_not_of_late(const SourceOptions& s, const std::string& field) {
    if (field != "window_start" && field != "window_end") return;
    const bool told =
        std::any_of(config_.windows.begin(), config_.windows.end(), [&](const WindowOptions& w) {
          return !w.late_to.empty() &&
                 std::find(w.from.begin(), w.from.end(), s.name) != w.from.end();
        });
    if (!told) return;
    found_.add(
        s.name, "fields." + field,
        "late_to tells each late reading with a '" + field + "' of its own; choose another name");
  }

  void check_each(const SourceOptions& s) {
    if (s.each.empty()) return;
    if (!has_nesting(s.format)) {
      found_.add(s.name, "each", "is for payloads with arrays: JSON, protobuf-numbers and CBOR");
    }
    if (s.each.starts_with('/')) {
      found_.add(s.name, "each", "begins at the payload anyway: leave the '/' out");
    }
    check_each_reading_is_known(s);
    if (s.each != kWholePayload) return;
    auto check = [&](const std::string& item, const std::string& path) {
      if (!path.starts_with('/')) return;
      found_.add(s.name, item,
                 "path \"" + path + "\": with each = \".\" nothing is beside the array");
    };
    check("time", s.time_path);
    for (const FieldOptions& f : s.fields) check("fields." + f.name, f.path);
  }

  // Readings of one payload must not be taken for one another.
  void check_each_reading_is_known(const SourceOptions& s) {
    const bool one_time = s.time_path.empty() || s.time_path.starts_with('/');
    bool one_id = false;
    for (const FieldOptions& f : s.fields) {
      one_id |= f.name == s.deduplicate && f.path.starts_with('/');
    }
    if (one_id || (s.deduplicate == "content" && one_time)) {
      found_.add(s.name, "deduplicate",
                 "would take readings of one payload for one another: with each it needs an id, or "
                 "for \"content\" a time, in the element");
    }
  }

  // Without `each` all paths begin at the payload, with a '/' and without.
  static std::string path_of(const SourceOptions& s, const std::string& path) {
    const bool has_kind = s.format == PayloadFormat::kProtobufNumbers;
    const size_t begin = s.each.empty() && path.starts_with('/');
    return path.substr(begin, has_kind ? path.find(':') - begin : std::string::npos);
  }

  // What is read as a value holds no values.
  void check_nesting(const SourceOptions& s, const std::set<std::string>& paths) {
    auto check = [&](const std::string& item, const std::string& path) {
      const std::string outer = outer_path(paths, path_of(s, path));
      if (outer.empty()) return;
      found_.add(s.name, item,
                 "path \"" + path + "\" is in \"" + outer + "\", which is read itself");
    };
    check("time", s.time_path);
    if (!s.each.empty()) check("each", "/" + s.each);
    for (const FieldOptions& f : s.fields) check("fields." + f.name, f.path);
  }

  // Without a schema nothing that reads the source can be judged.
  bool has_schema(const SourceOptions& s) {
    if (found_.told(s.name, "fields") || found_.told(s.name, "fields." + s.key)) return false;
    auto pattern = TopicPattern::parse(s.topic);
    if (!pattern.ok()) {
      found_.add(s.name, "topic", pattern.error().message);
      return false;
    }
    const std::vector<std::string>& levels = pattern->names();
    for (const std::string& level : levels) {
      if (level == s.key) continue;  // events call it "key", and SQL may do without it
      check_not_taken(s.name, "topic", level);
      check_sql_name(s.name, "topic", level);
    }
    for (const FieldOptions& f : s.fields) {
      if (std::find(levels.begin(), levels.end(), f.name) == levels.end()) continue;
      found_.add(s.name, "fields." + f.name, "the topic has a level of this name");
      return false;
    }
    for (const FieldOptions& f : s.fields) check_equals(s, f, levels);
    auto schema = make_schema(s);
    if (!schema.ok()) {
      found_.add(s.name, "key", schema.error().message);
      return false;
    }
    std::vector<std::string> names;
    for (const Field& f : schema->fields) names.push_back(f.name);
    for (const std::string& keep : s.keep) found_.known(s.name, "keep", "field", keep, names);
    if (s.deduplicate != "off" && s.deduplicate != "content") {
      found_.known(s.name, "deduplicate", "field", s.deduplicate, names);
    }
    return true;
  }

  void check_equals(const SourceOptions& s, const FieldOptions& f,
                    const std::vector<std::string>& levels) {
    if (f.equals.empty()) return;
    found_.known(s.name, "fields." + f.name, "level of the topic", f.equals, levels);
    if (f.type != FieldType::kText || f.json) {
      found_.add(s.name, "fields." + f.name, "equals is for texts: give it type = \"text\"");
    }
  }

  void check_detector(const DetectorOptions& d) {
    found_.streams_known(d.name, "from", {d.from});
    static const std::vector<std::string> kMethods{"auto", "robust_z"};
    found_.known(d.name, "method", "method", d.method, kMethods);
    found_.uplinks_known(d.name, "to", d.to);
    for (const SourceOptions& s : config_.sources) {
      if (s.name != d.from || found_.told(s.name, "fields")) continue;
      std::vector<std::string> numbers;
      for (const FieldOptions& f : s.fields) {
        if (f.type == FieldType::kNumber) numbers.push_back(f.name);
      }
      found_.known(d.name, "field", "number field", d.field, numbers);
    }
  }

  void check_join(const JoinOptions& j) {
    found_.streams_known(j.name, "from", {j.from});
    found_.streams_known(j.name, "with", {j.with});
    for (const auto& [alias, expression] : j.select) {
      check_not_taken(j.name, "select." + alias, alias);
      check_sql_name(j.name, "select." + alias, alias);
    }
    if (j.is_interval()) {
      const char* kAsOf =
          "goes with the last reading up to the left one, not with before and after";
      if (j.within_ms > 0) found_.add(j.name, "within", kAsOf);
      if (j.inner) found_.add(j.name, "inner", kAsOf);
      if (j.max_wait_ms != JoinOptions().max_wait_ms) found_.add(j.name, "max_wait", kAsOf);
    }
    found_.uplinks_known(j.name, "to", j.to);
  }

  void check_pattern(const PatternOptions& p) {
    found_.streams_known(p.name, "from", {p.from});
    std::set<std::string> fields{"match_start", "match_end"};
    for (const PatternStep& s : p.steps) {
      const std::string item = "steps." + s.name + ".name";
      check_not_taken(p.name, item, s.name);
      check_sql_name(p.name, item, s.name);
      for (const char* what : {"", "_first", "_last"}) {
        if (fields.insert(s.name + what).second) continue;
        found_.add(p.name, item, "a match has a '" + s.name + what + "' already");
        not_judged_.insert(p.name);
        break;
      }
    }
    if (found_.told(p.name, "steps")) not_judged_.insert(p.name);
    found_.uplinks_known(p.name, "to", p.to);
  }

  // The expressions: the pipeline is made of what can be judged, and thrown away.
  void check_blocks() {
    PipelineOptions options = config_.pipeline_options();
    keep_what_can_be_judged(options, not_judged_);
    std::vector<BlockError> wrong;
    if (Pipeline::make(std::move(options), wrong)) return;
    for (const BlockError& e : wrong) found_.add(e.block, e.item, e.message, e.offset + 1);
  }

  const Config& config_;
  Findings found_;
  std::set<std::string> not_judged_;  // blocks that are not clear enough to compile
};

}  // namespace

std::string ConfigError::to_text() const {
  std::string text = file;
  if (at.line > 0) text += ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
  return text + ": " + message;
}

std::string position_key(const std::string& section, const std::string& name) {
  const bool is_apart = section == "mqtt" || section == "input" || section == "uplink";
  return is_apart ? section + ":" + name : name;
}

std::string unread_key(const std::string& section) { return "[" + section + "]"; }

std::vector<std::string> Config::connection_names() const {
  std::vector<std::string> names;
  for (const MqttOptions& m : mqtt) names.push_back(m.name);
  for (const InputOptions& i : inputs) names.push_back(i.name);
  return names;
}

PipelineOptions Config::pipeline_options() const {
  PipelineOptions o{engine, sources, windows, rules,  detectors, joins, patterns, {},
                    maps,   routes,  states,  orders, lookups,   views, commands};
  for (const UplinkOptions& u : uplinks) o.uplinks.push_back(u.name);
  return o;
}

std::string gateway_id_of(const std::string& machine) {
  if (machine.empty() || machine == "uninitialized") return {};
  return "gw-" + to_hex(sha256_16({"wayside", machine})).substr(0, 8);
}

void complete_config(Config& config, const std::string& machine) {
  if (!config.positions.contains("gateway.id")) config.gateway.id = gateway_id_of(machine);
  if (config.uplinks.empty()) config.uplinks.emplace_back().name = "local";
  for (UplinkOptions& u : config.uplinks) {
    if (u.dir.empty()) u.dir = config.gateway.state_dir + "/out/" + u.name;
  }
  for (MqttOptions& m : config.mqtt) {
    if (m.client_id.empty()) m.client_id = "wayside-" + config.gateway.id + "-" + m.name;
  }
  for (const CommandOptions& c : config.commands) config.sources.push_back(c);
  for (SourceOptions& s : config.sources) {
    if (s.connection().empty() && config.mqtt.size() == 1) s.mqtt = config.mqtt.front().name;
  }
}

void check_config(const Config& config, const std::string& file, std::vector<ConfigError>& errors) {
  Checker(config, file, errors).run();
}

}  // namespace wayside
