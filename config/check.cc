#include "config/check.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <set>

#include "base/hash.h"
#include "base/text.h"
#include "sensors/admission.h"
#include "uplink/sink.h"

namespace wayside {
namespace {

class Checker {
 public:
  Checker(const Config& config, const std::string& file, std::vector<ConfigError>& errors)
      : config_(config), file_(file), errors_(errors) {
    remember_places();
  }

  void run() {
    check_gateway();
    check_names();
    for (const MqttOptions& m : config_.mqtt) check_mqtt(m);
    for (const SourceOptions& s : config_.sources) check_source(s);
    for (const WindowOptions& w : config_.windows) check_window(w);
    for (const RuleOptions& r : config_.rules) {
      known(r.name, "from", "source", r.from, source_names());
      uplinks_known(r.name, "to", r.to);
    }
    for (const DetectorOptions& d : config_.detectors) check_detector(d);
    for (const UplinkOptions& u : config_.uplinks) check_uplink(u);
    check_shared_places();
    remember_places();
    check_blocks();
  }

 private:
  void remember_places() {
    for (const ConfigError& e : errors_) told_.emplace(e.at.line, e.at.column);
  }
  bool told_at(const std::string& key) const {
    auto at = config_.positions.find(key);
    return at != config_.positions.end() && told_.contains({at->second.line, at->second.column});
  }
  // Whether an error of a former stage stands there: its value means nothing then.
  bool told(const std::string& block, const std::string& item) const {
    return told_at(block + "." + item);
  }

  void add(const std::string& block, const std::string& item, const std::string& message,
           size_t offset = 0) {
    if (told(block, item)) return;
    Position at;
    auto found = config_.positions.find(block + "." + item);
    if (found != config_.positions.end()) {
      at = found->second;
      at.column += static_cast<uint32_t>(offset);
    } else if (found = config_.positions.find(block); found != config_.positions.end()) {
      at = found->second;
    }
    errors_.push_back({file_, at, "'" + item + "': " + message});
  }

  void known(const std::string& block, const std::string& item, const std::string& kind,
             const std::string& name, const std::vector<std::string>& names) {
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    if (told_at(unread_key(kind == "connection" ? "mqtt" : kind))) return;
    std::string message = "there is no " + kind + " '" + name + "'";
    if (auto close = nearest(name, names)) message += "; did you mean '" + *close + "'?";
    add(block, item, message);
  }
  void uplinks_known(const std::string& block, const std::string& item,
                     const std::vector<std::string>& names) {
    std::vector<std::string> all;
    for (const UplinkOptions& u : config_.uplinks) all.push_back(u.name);
    for (const std::string& name : names) known(block, item, "uplink", name, all);
  }
  std::vector<std::string> source_names() const {
    std::vector<std::string> names;
    for (const SourceOptions& s : config_.sources) names.push_back(s.name);
    return names;
  }

  void check_gateway() {
    if (config_.gateway.id.empty() && !config_.positions.contains("gateway.id")) {
      add("gateway", "id", "is missing, and there is no /etc/machine-id to make one from");
    } else if (!is_name(config_.gateway.id)) {
      add("gateway", "id", "a name is made of letters, digits, '_' and '-', at most 64 of them");
    }
    static const std::vector<std::string> kLevels{"debug", "info", "warn", "error"};
    known("gateway", "log_level", "level", config_.gateway.log_level, kLevels);
    if (told("storage", "file_bytes")) return;
    if (config_.storage.max_bytes < 4 * config_.storage.file_bytes) {
      add("storage", "max_bytes", "must hold at least four files of file_bytes");
    }
    if (config_.storage.commit_bytes > config_.storage.file_bytes / 4) {
      return add("storage", "commit_bytes", "must be at most a quarter of file_bytes");
    }
    for (const MqttOptions& m : config_.mqtt) check_group(m);
  }

  // A group that is almost full takes another turn of commit_bytes, or of one chunk that holds the
  // largest message, and still has to fit into a journal file.
  void check_group(const MqttOptions& m) {
    constexpr uint64_t kOverhead = 64 << 10;  // of a group, beside its payloads
    const uint64_t file = config_.storage.file_bytes;
    const uint64_t taken = 2 * config_.storage.commit_bytes + kOverhead;
    const std::string key = position_key("mqtt", m.name);
    if (m.max_payload_bytes <= file - std::min(file, taken)) return;
    if (told(key, "max_payload") || told("storage", "commit_bytes")) return;
    add(key, "max_payload",
        "twice [storage] commit_bytes, max_payload and 64KiB must fit in its file_bytes");
  }

  // State is kept, and results are told apart, under a block's name.
  void check_names() {
    std::set<std::string> connections, blocks, uplinks;
    for (const auto& o : config_.mqtt) check_name("mqtt", o.name, connections);
    for (const auto& o : config_.sources) check_name("source", o.name, blocks);
    for (const auto& o : config_.windows) check_name("window", o.name, blocks);
    for (const auto& o : config_.rules) check_name("rule", o.name, blocks);
    for (const auto& o : config_.detectors) check_name("detector", o.name, blocks);
    for (const auto& o : config_.uplinks) check_name("uplink", o.name, uplinks);
  }

  void check_name(const std::string& section, const std::string& name,
                  std::set<std::string>& seen) {
    const std::string key = position_key(section, name);
    if (!is_name(name)) {
      add(key, "name", "a name is made of letters, digits, '_' and '-', at most 64 of them");
    } else if (!seen.insert(name).second) {
      add(key, "name", "another block has the name '" + name + "'");
      not_judged_.insert(key);
    }
  }

  // Fields and aliases appear in SQL without quotes.
  void check_sql_name(const std::string& block, const std::string& item, const std::string& name) {
    const bool good = is_name(name) && name.find('-') == std::string::npos &&
                      !std::isdigit(static_cast<unsigned char>(name.front()));
    if (good) return;
    add(block, item, "'" + name + "' does not work in SQL: letters, digits and '_' only");
    not_judged_.insert(block);
  }

  // Events hold fields beside what they all have.
  void check_not_taken(const std::string& block, const std::string& item, const std::string& name) {
    static const std::set<std::string> kTaken{"id",  "type", "source", "block",
                                              "key", "time", "clock"};
    if (!kTaken.contains(name)) return;
    add(block, item, "each event has a '" + name + "' of its own; choose another name");
  }

  void check_mqtt(const MqttOptions& m) {
    static const std::vector<std::string> kVersions{"5", "3.1.1"};
    const std::string key = position_key("mqtt", m.name);
    known(key, "version", "version", m.version, kVersions);
    constexpr int64_t kLongestMs = 65'535'000;  // MQTT sends 16 bits of seconds
    if (m.keep_alive_ms > kLongestMs) add(key, "keep_alive", "must be at most 65535s");
    if (m.reconnect_max_ms < m.reconnect_min_ms && !told(key, "reconnect_min"))
      add(key, "reconnect_max", "is below reconnect_min");
  }

  void check_source(const SourceOptions& s) {
    if (s.mqtt.empty() && config_.mqtt.size() > 1) {
      add(s.name, "mqtt", "there are several connections: name one");
    } else if (!s.mqtt.empty()) {
      std::vector<std::string> names;
      for (const MqttOptions& m : config_.mqtt) names.push_back(m.name);
      known(s.name, "mqtt", "connection", s.mqtt, names);
    }
    std::set<std::string> paths;
    if (!s.time_path.empty()) paths.insert(s.time_path);
    for (const FieldOptions& f : s.fields) {
      if (f.name != s.key) check_not_taken(s.name, "fields." + f.name, f.name);
      check_sql_name(s.name, "fields." + f.name, f.name);
      if (!paths.insert(f.path).second) {
        add(s.name, "fields." + f.name, "path \"" + f.path + "\" is read twice");
      }
      if (f.min && f.max && *f.min > *f.max) add(s.name, "fields." + f.name, "min is above max");
    }
    if (s.forget_after_ms < s.idle_after_ms && !told(s.name, "idle_after"))
      add(s.name, "forget_after", "is below idle_after");
    if (!has_schema(s)) not_judged_.insert(s.name);
  }

  // Without a schema nothing that reads the source can be judged.
  bool has_schema(const SourceOptions& s) {
    if (told(s.name, "fields") || told(s.name, "fields." + s.key)) return false;
    auto pattern = TopicPattern::parse(s.topic);
    if (!pattern.ok()) {
      add(s.name, "topic", pattern.error().message);
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
      add(s.name, "fields." + f.name, "the topic has a level of this name");
      return false;
    }
    auto schema = make_schema(s);
    if (!schema.ok()) {
      add(s.name, "key", schema.error().message);
      return false;
    }
    std::vector<std::string> names;
    for (const Field& f : schema->fields) names.push_back(f.name);
    for (const std::string& keep : s.keep) known(s.name, "keep", "field", keep, names);
    if (s.deduplicate != "off" && s.deduplicate != "content") {
      known(s.name, "deduplicate", "field", s.deduplicate, names);
    }
    return true;
  }

  void check_window(const WindowOptions& w) {
    for (const std::string& from : w.from) known(w.name, "from", "source", from, source_names());
    if (w.from.empty()) add(w.name, "from", "is empty");
    for (const auto& [alias, expression] : w.select) check_alias(w, alias);
    if (told(w.name, "select")) not_judged_.insert(w.name);
    if (w.select.empty()) add(w.name, "select", "is empty");
    uplinks_known(w.name, "to", w.to);
    uplinks_known(w.name, "late_to", w.late_to);
  }

  void check_alias(const WindowOptions& w, const std::string& alias) {
    const std::string item = "select." + alias;
    static const std::set<std::string> kTaken{"window_start", "window_end", "revision", "final"};
    if (kTaken.contains(alias)) {
      add(w.name, item, "each result has a '" + alias + "' of its own; choose another name");
      not_judged_.insert(w.name);
    }
    check_not_taken(w.name, item, alias);
    check_sql_name(w.name, item, alias);
    if (told(w.name, item)) not_judged_.insert(w.name);
  }

  void check_detector(const DetectorOptions& d) {
    known(d.name, "from", "source", d.from, source_names());
    static const std::vector<std::string> kMethods{"auto", "robust_z"};
    known(d.name, "method", "method", d.method, kMethods);
    uplinks_known(d.name, "to", d.to);
    for (const SourceOptions& s : config_.sources) {
      if (s.name != d.from || told(s.name, "fields")) continue;
      std::vector<std::string> numbers;
      for (const FieldOptions& f : s.fields) {
        if (f.type == FieldType::kNumber) numbers.push_back(f.name);
      }
      known(d.name, "field", "number field", d.field, numbers);
    }
  }

  void check_uplink(const UplinkOptions& u) {
    const std::string key = position_key("uplink", u.name);
    for (const std::string& source : u.raw) known(key, "raw", "source", source, source_names());
    if (u.retry_max_ms < u.retry_min_ms && !told(key, "retry_min"))
      add(key, "retry_max", "is below retry_min");
    constexpr uint64_t kLargestBatch = 64 << 20;
    if (u.batch_bytes > kLargestBatch)
      add(key, "batch_bytes", "must be at most " + format_bytes(kLargestBatch));
    if (told(key, "type")) return;
    if (u.type == UplinkType::kKafka && u.brokers.empty()) {
      add(key, "brokers", "is missing: brokers = [\"HOST:PORT\"]");
    }
    if (u.type == UplinkType::kFile && u.max_bytes < 2 * u.file_bytes && !told(key, "file_bytes")) {
      add(key, "max_bytes", "must hold at least two files of file_bytes");
    }
    if (u.type == UplinkType::kFile && u.format != ValueFormat::kJson) {
      add(key, "format", "a file holds JSON lines; protobuf is for kafka");
    }
    if (u.type != UplinkType::kKafka) return;
    check_kafka_topic(key, u.topic);
    for (const auto& [name, value] : u.options) {
      const Status good = check_kafka_option(name, value);
      if (good.ok()) continue;
      const std::string item = "options." + name;
      std::string place = key;
      place.append(".").append(item);
      const bool repeats = config_.secrets.contains(place) && !value.empty() &&
                           good.error().message.find(value) != std::string::npos;
      add(key, item, repeats ? "librdkafka does not take this value" : good.error().message);
    }
  }

  void check_kafka_topic(const std::string& key, const std::string& topic) {
    static const std::vector<std::string> kNames{"{block}", "{key}", "{gateway}"};
    for (size_t at = 0; (at = topic.find_first_of("{}", at)) != std::string::npos;) {
      const std::string name = topic.substr(at, topic.find('}', at) - at + 1);
      known(key, "topic", "placeholder", name, kNames);
      if (topic.find(name) != at) add(key, "topic", "'" + name + "' stands twice");
      at += name.size();
    }
  }

  // What two blocks would take from each other.
  void check_shared_places() {
    std::map<std::string, std::string> clients, filters, dirs;
    for (const MqttOptions& m : config_.mqtt) {
      const std::string key = position_key("mqtt", m.name);
      if (told(key, "url") || told(key, "client_id")) continue;
      taken_once(clients, m.host + " " + std::to_string(m.port) + " " + m.client_id, m.name, key,
                 "client_id", "is that of connection '{}' to the same broker, which would end it");
    }
    for (const SourceOptions& s : config_.sources) {
      const auto pattern = TopicPattern::parse(s.topic);
      if (!pattern.ok() || told(s.name, "mqtt")) continue;
      taken_once(filters, s.mqtt + " " + pattern->filter(), s.name, s.name, "topic",
                 "source '{}' takes the same topics, and nothing would be left");
    }
    for (const UplinkOptions& u : config_.uplinks) {
      const std::string key = position_key("uplink", u.name);
      if (u.type != UplinkType::kFile || told(key, "type") || told(key, "dir")) continue;
      const std::string dir = (std::filesystem::path(u.dir) / "").lexically_normal();
      taken_once(dirs, dir, u.name, key, "dir", "uplink '{}' writes there");
    }
  }

  // `what` with the name of the block that had `place` before, if there is one.
  void taken_once(std::map<std::string, std::string>& owners, const std::string& place,
                  const std::string& name, const std::string& key, const std::string& item,
                  std::string what) {
    const auto [owner, first] = owners.emplace(place, name);
    if (first || owner->second == name) return;  // twice one name is an error of its own
    add(key, item, what.replace(what.find("{}"), 2, owner->second));
  }

  // The expressions: the pipeline is made of what can be judged, and thrown away.
  void check_blocks() {
    PipelineOptions options = config_.pipeline_options();
    auto not_judged = [&](const auto& o) { return not_judged_.contains(o.name); };
    std::erase_if(options.sources, not_judged);
    auto unread = [&](const std::string& from) {
      return std::none_of(options.sources.begin(), options.sources.end(),
                          [&](const SourceOptions& s) { return s.name == from; });
    };
    auto one_unread = [&](const auto& o) { return not_judged(o) || unread(o.from); };
    std::erase_if(options.windows, [&](const WindowOptions& w) {
      return not_judged(w) || std::any_of(w.from.begin(), w.from.end(), unread);
    });
    std::erase_if(options.rules, one_unread);
    std::erase_if(options.detectors, one_unread);
    std::vector<BlockError> wrong;
    if (Pipeline::make(std::move(options), wrong)) return;
    for (const BlockError& e : wrong) add(e.block, e.item, e.message, e.offset + 1);
  }

  const Config& config_;
  const std::string& file_;
  std::vector<ConfigError>& errors_;
  std::set<std::pair<uint32_t, uint32_t>> told_;  // lines and columns of former stages' errors
  std::set<std::string> not_judged_;              // blocks that are not clear enough to compile
};

}  // namespace

std::string ConfigError::to_text() const {
  std::string text = file;
  if (at.line > 0) text += ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
  return text + ": " + message;
}

std::string position_key(const std::string& section, const std::string& name) {
  return section == "mqtt" || section == "uplink" ? section + ":" + name : name;
}

std::string unread_key(const std::string& section) { return "[" + section + "]"; }

PipelineOptions Config::pipeline_options() const {
  PipelineOptions o{engine, sources, windows, rules, detectors, {}};
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
  for (SourceOptions& s : config.sources) {
    if (s.mqtt.empty() && config.mqtt.size() == 1) s.mqtt = config.mqtt.front().name;
  }
}

void check_config(const Config& config, const std::string& file, std::vector<ConfigError>& errors) {
  Checker(config, file, errors).run();
}

}  // namespace wayside
