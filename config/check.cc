#include "config/check.h"

#include <strings.h>

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "base/text.h"
#include "config/check_bounds.h"
#include "config/check_devices.h"
#include "config/check_features.h"
#include "config/check_inputs.h"
#include "config/check_names.h"
#include "config/check_places.h"
#include "config/check_sources.h"
#include "config/check_streams.h"
#include "config/check_uplinks.h"
#include "config/check_windows.h"
#include "config/findings.h"
#include "config/values.h"
#include "sensors/mqtt_packet.h"

namespace wayside {
namespace {

class Checker {
 public:
  Checker(const Config& config, const std::string& file, std::vector<ConfigError>& errors)
      : config_(config), found_(config, file, errors) {}

  void run() {
    check_features(config_, found_);
    check_gateway();
    if constexpr (kHasHttp) check_http();
    check_names();
    for (const MqttOptions& m : config_.mqtt) check_mqtt(m);
    check_sources(config_, found_, not_judged_);
    if constexpr (kHasDevices) check_devices(config_, found_, not_judged_);
    check_windows(config_, found_, not_judged_);
    check_streams(config_, found_, not_judged_);
    for (const RuleOptions& r : config_.rules) {
      found_.streams_known(r.name, "from", {r.from});
      found_.uplinks_known(r.name, "to", r.to);
    }
    if constexpr (kHasBlocks) {
      for (const DetectorOptions& d : config_.detectors) check_detector(d);
      for (const JoinOptions& j : config_.joins) check_join(j);
      for (const PatternOptions& o : config_.patterns) check_pattern(o);
    }
    check_bounds(config_, found_);
    if constexpr (kHasInputs) check_inputs(config_, found_);
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
    for (const MqttOptions& m : config_.mqtt) {
      check_group(position_key("mqtt", m.name), "max_payload", m.max_payload_bytes);
    }
    for (const InputOptions& i : config_.inputs) {
      const std::string key = position_key("input", i.name);
      check_group(key, "max_payload", i.max_payload_bytes);
      if (has_output(i)) check_group(key, "max_output", i.max_output_bytes);
    }
  }

  // A group that is almost full takes another turn of commit_bytes, or of one chunk that holds the
  // largest message or output, and still has to fit into a journal file, with what tables of
  // look-ups hold.
  void check_group(const std::string& key, const std::string& item, uint64_t bytes) {
    constexpr uint64_t kOverhead = 64 << 10;  // of a group, beside its payloads
    const uint64_t file = config_.storage.file_bytes;
    uint64_t taken = 2 * config_.storage.commit_bytes + kOverhead;
    for (const LookupOptions& l : config_.lookups) taken += std::min(l.max_bytes, file);
    if (bytes <= file - std::min(file, taken)) return;
    if (found_.told(key, item) || found_.told("storage", "commit_bytes")) return;
    found_.add(key, item,
               "twice [storage] commit_bytes, " + item +
                   ", 64KiB and the max_bytes of look-ups must fit in its file_bytes");
  }

  // What it answers is for this machine: it asks nobody who they are.
  void check_http() {
    if (config_.http.listen.empty()) return;
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
    if (!m.drops_topic.empty() && !mqtt::is_good_topic(m.drops_topic))
      found_.add(key, "drops_topic", "must be one topic, without '+' and '#'");
    if (m.reconnect_max_ms < m.reconnect_min_ms && !found_.told(key, "reconnect_min"))
      found_.add(key, "reconnect_max", "is below reconnect_min");
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
  if (at.line > 0) text += ":" + std::to_string(at.line);
  if (at.column > 0) text += ":" + std::to_string(at.column);
  return text + ": " + message;
}

std::string position_key(const std::string& section, const std::string& name) {
  const bool is_apart =
      section == "mqtt" || section == "input" || section == "uplink" || section == "device";
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
  complete_inputs(config);
  for (const CommandOptions& c : config.commands) config.sources.push_back(c);
  for (SourceOptions& s : config.sources) {
    if (s.connection().empty() && config.mqtt.size() == 1) s.mqtt = config.mqtt.front().name;
  }
}

void check_config(const Config& config, const std::string& file, std::vector<ConfigError>& errors) {
  Checker(config, file, errors).run();
}

}  // namespace wayside
