#include "sensors/sparkplug_decoder.h"

#include <array>
#include <unordered_map>

#include "base/hash.h"
#include "base/text.h"
#include "sensors/scalar.h"
#include "sensors/sparkplug_payload.h"
#include "sensors/sparkplug_state.h"

namespace wayside {
namespace {

using namespace sparkplug;

// Paths that are none of a metric.
constexpr const char* kIdPath = "$id";                  // group/node, or group/node/device
constexpr const char* kDevicePath = "$device";          // nothing for the node's own metrics
constexpr const char* kHistoricalPath = "$historical";  // true or false

constexpr const char* kBirthName = "bdSeq";

class SparkplugDecoder : public Decoder {
 public:
  SparkplugDecoder(const SourceOptions& source, size_t first_field) : writer_(source, first_field) {
    const std::vector<FieldOptions>& fields = writer_.fields();
    for (size_t i = 0; i < fields.size(); ++i) by_name_.emplace(fields[i].path, int32_t(i));
    id_ = field_of(kIdPath);
    device_ = field_of(kDevicePath);
    historical_ = field_of(kHistoricalPath);
  }

  bool decode(const Frame& message, const Now& now, Readings& out, Refusal& refusal) override {
    out_ = &out;
    refusal_ = &refusal;
    payload_ = message.payload;
    rows_.clear();
    id_text_ = {};
    const auto topic = parse_topic(message.topic);
    if (!topic) return bad("the topic is none of a birth, data or a death in spBv1.0/…");
    topic_ = *topic;
    if (!topic_.type) return true;  // for a node, or of a host
    if (topic_.group.size() > kIdBytesMax || topic_.node.size() > kIdBytesMax ||
        topic_.device.size() > kIdBytesMax) {
      return bad("a group, node or device has more than " + std::to_string(kIdBytesMax) + " bytes");
    }
    const Result<Head> head = read_head(payload_);
    if (!head.ok()) return bad(head.error().message);
    if (head->is_compressed) return bad("compressed payloads are not read");
    head_ = *head;
    return take(state_.node(topic_.group, topic_.node, now.timer_ms), now);
  }

 private:
  struct Stamp {
    std::optional<uint64_t> time_ms;
    bool is_historical = false;
    bool operator==(const Stamp&) const = default;
  };
  struct StampHash {
    size_t operator()(const Stamp& s) const {
      const uint64_t time_ms = s.time_ms.value_or(0);
      return hash64({reinterpret_cast<const char*>(&time_ms), sizeof time_ms}, s.is_historical);
    }
  };

  bool bad(std::string detail) {
    *refusal_ = {"bad_sparkplug", std::move(detail)};
    return false;
  }

  int32_t field_of(std::string_view path) const {
    const auto found = by_name_.find(path);
    return found == by_name_.end() ? -1 : found->second;
  }

  // ---- messages

  bool take(Node& node, const Now& now) {
    if (*topic_.type == MessageType::kNodeDeath) return take_node_death(node);
    if (!head_.sequence || *head_.sequence >= kSequences) {
      return bad("there is no sequence number from 0 to 255");
    }
    if (*topic_.type == MessageType::kNodeBirth) return take_node_birth(node);
    if (!node.is_born) return not_born(node, "edge node " + of(topic_.node) + " is not born", now);
    if (*head_.sequence != node.next_sequence) {
      return not_born(node,
                      "sequence number " + std::to_string(*head_.sequence) + " where " +
                          std::to_string(node.next_sequence) + " of edge node " + of(topic_.node) +
                          " is next: messages are missing",
                      now);
    }
    ++node.next_sequence;
    if (*topic_.type == MessageType::kDeviceDeath) {
      state_.bury(node, topic_.device);
      return true;
    }
    if (*topic_.type == MessageType::kDeviceBirth) {
      state_.bury(node, topic_.device);
      return take_birth(node);
    }
    return take_data(node, now);
  }

  // A death of an earlier session may come behind the birth of this one.
  bool take_node_death(Node& node) {
    const std::optional<uint64_t> died = number_of_birth();
    if (!died || !node.birth || *died == *node.birth) state_.bury(node);
    return true;
  }

  std::optional<uint64_t> number_of_birth() const {
    MetricReader reader(payload_);
    Metric metric;
    while (reader.next(metric)) {
      if (metric.name == kBirthName && metric.kind == Metric::Kind::kWhole) return metric.whole;
    }
    return std::nullopt;
  }

  bool take_node_birth(Node& node) {
    state_.bury(node);
    if (!take_birth(node)) return false;
    node.bear(number_of_birth(), static_cast<uint8_t>(*head_.sequence));
    return true;
  }

  bool take_birth(Node& node) {
    Device device;
    device.types.assign(writer_.fields().size(), 0);
    MetricReader reader(payload_);
    Metric metric;
    while (reader.next(metric)) {
      if (!metric.name) return bad("a metric of a birth has no name");
      const int32_t field = field_of(*metric.name);
      if (field >= 0) device.types[size_t(field)] = static_cast<uint8_t>(metric.type);
      if (metric.alias) {
        if (device.aliases.size() == kMetricsMax) return too_large();
        device.aliases.push_back({*metric.alias, field, static_cast<uint8_t>(metric.type)});
      }
      if (field >= 0 && !take_metric(metric, field, metric.type)) return false;
    }
    if (reader.error()) return bad(reader.error());
    uint64_t twice = 0;
    if (!device.sort(twice)) return bad("alias " + std::to_string(twice) + " is of two metrics");
    const auto too_much = state_.bear(node, topic_.device, std::move(device));
    if (!too_much) return true;
    *refusal_ = {"too_large", *too_much};
    return false;
  }

  bool too_large() {
    *refusal_ = {"too_large", "more than " + std::to_string(kMetricsMax) + " metrics in a birth"};
    return false;
  }

  bool take_data(Node& node, const Now& now) {
    Device* device = node.find(topic_.device);
    if (!device) return not_born(node, "device " + of(topic_.device) + " is not born", now);
    MetricReader reader(payload_);
    Metric metric;
    while (reader.next(metric)) {
      int32_t field = -1;
      uint32_t type = metric.type;
      if (metric.name) {
        field = field_of(*metric.name);
        if (field >= 0 && type == 0) type = device->types[size_t(field)];
      } else if (!metric.alias) {
        return bad("a metric has neither a name nor an alias");
      } else if (const Device::Alias* known = device->find(*metric.alias)) {
        field = known->field;
        if (type == 0) type = known->type;
      } else {
        return not_born(node,
                        "alias " + std::to_string(*metric.alias) + " of " + of(topic_.id) +
                            " is of no metric that was born",
                        now);
      }
      if (field >= 0 && !take_metric(metric, field, type)) return false;
    }
    return !reader.error() || bad(reader.error());
  }

  // Nothing that the node sends can be trusted before it is born.
  bool not_born(Node& node, std::string why, const Now& now) {
    state_.bury(node);
    const bool asks = node.ask();
    if (asks) {
      std::string topic("spBv1.0/");
      topic.append(topic_.group).append("/NCMD/").append(topic_.node);
      out_->outgoing.push_back({std::move(topic), rebirth_request(now.wall_ms)});
    }
    why += asks ? "; its rebirth is asked for" : "; its rebirth was asked for";
    *refusal_ = {"not_born", std::move(why)};
    return false;
  }

  static std::string of(std::string_view name) { return "'" + shortened(name) + "'"; }

  // ---- readings

  // A value that does not fit takes its reading with it, and no other. False: the payload has too
  // many readings.
  bool take_metric(const Metric& metric, int32_t field, uint32_t type) {
    size_t place = 0;
    const Stamp stamp{metric.time_ms ? metric.time_ms : head_.time_ms, metric.is_historical};
    if (!find_row(stamp, place)) return too_many_readings(*out_, *refusal_);
    Refusal refusal;
    const bool good = put(metric, size_t(field), type, out_->row(place), refusal);
    if (!good && !out_->refusal(place).reason) out_->refusal(place) = std::move(refusal);
    return true;
  }

  // Metrics of one time are one reading, wherever they stand.
  bool find_row(const Stamp& stamp, size_t& place) {
    const size_t rows = out_->size();
    if (rows > 0 && stamp == last_stamp_) {
      place = last_row_;
      return true;
    }
    if (rows == 1) rows_.try_emplace(last_stamp_, 0);
    const auto found = rows_.find(stamp);
    if (found == rows_.end() && out_->is_full()) return false;
    place = found == rows_.end() ? rows : found->second;
    if (found == rows_.end()) {
      begin_row(stamp);
      if (rows > 0) rows_.emplace(stamp, rows);
    }
    last_stamp_ = stamp;
    last_row_ = place;
    return true;
  }

  void begin_row(const Stamp& stamp) {
    Row& row = out_->add();
    if (stamp.time_ms) {
      row.time_ms = static_cast<int64_t>(*stamp.time_ms);
      row.has_time = true;
    }
    if (id_ >= 0) row.texts[writer_.place(size_t(id_))] = id_text();
    if (device_ >= 0 && !topic_.device.empty()) {
      row.texts[writer_.place(size_t(device_))] = topic_.device;
    }
    if (historical_ >= 0) row.numbers[writer_.place(size_t(historical_))] = stamp.is_historical;
  }

  // A node's name is its group's own. Written once for a message.
  std::string_view id_text() {
    if (id_text_.empty()) {
      id_text_ = out_->keep(std::string(topic_.group).append("/").append(topic_.id));
    }
    return id_text_;
  }

  bool put(const Metric& metric, size_t field, uint32_t type, Row& row, Refusal& refusal) {
    if (metric.is_null) return true;
    switch (metric.kind) {
      case Metric::Kind::kNone:
        return true;
      case Metric::Kind::kWhole:
        return put_whole(metric.whole, field, type, row, refusal);
      case Metric::Kind::kNumber:
        return is_null(metric.number) || writer_.number(field, metric.number, row, *out_, refusal);
      case Metric::Kind::kFlag:
        return writer_.flag(field, metric.number != 0, row, refusal);
      case Metric::Kind::kText:
        if (is_valid_utf8(metric.text)) return writer_.text(field, metric.text, row, refusal);
        refusal = {"bad_sparkplug", "field '" + writer_.fields()[field].name + "' is not UTF-8"};
        return false;
      case Metric::Kind::kOther:
        return writer_.wrong_type(field, refusal);
    }
    return false;
  }

  bool put_whole(uint64_t value, size_t field, uint32_t type, Row& row, Refusal& refusal) {
    const auto whole = whole_of(type, value);
    const FieldOptions& f = writer_.fields()[field];
    if (!whole) {
      refusal = {"wrong_type", "field '" + f.name + "' is no whole number of its datatype " +
                                   std::to_string(type)};
      return false;
    }
    Scalar number = whole->size;
    if (whole->is_negative) number = static_cast<int64_t>(0 - whole->size);
    return store(writer_, field, number, row, *out_, refusal);
  }

  RowWriter writer_;
  std::unordered_map<std::string_view, int32_t> by_name_;  // views into the writer's fields
  int32_t id_, device_, historical_;                       // fields, or -1
  State state_;
  // Of the message that is being read.
  Readings* out_ = nullptr;
  Refusal* refusal_ = nullptr;
  std::string_view payload_;
  Topic topic_;
  std::string_view id_text_;  // empty: not written yet
  Head head_;
  Stamp last_stamp_;
  size_t last_row_ = 0;
  std::unordered_map<Stamp, size_t, StampHash> rows_;  // once there are two of them
};

}  // namespace

std::unique_ptr<Decoder> make_sparkplug_decoder(const SourceOptions& source, size_t first_field) {
  return std::make_unique<SparkplugDecoder>(source, first_field);
}

std::string wrong_sparkplug_field(const FieldOptions& field) {
  if (field.path.empty()) return "the path is a metric's name, such as \"input/Temperature\"";
  if (!field.path.starts_with('$')) return {};
  const FieldType type = field.path == kHistoricalPath ? FieldType::kBool : FieldType::kText;
  for (const char* known : {kIdPath, kDevicePath, kHistoricalPath}) {
    if (field.path != known) continue;
    if (field.type == type) return {};
    return "path \"" + field.path + "\" is of type = \"" +
           (type == FieldType::kBool ? "bool" : "text") + "\"";
  }
  return "path \"" + field.path +
         "\": beside metrics' names, such as \"input/Temperature\", there are $id, $device and "
         "$historical";
}

// Sequence numbers run over a node and its devices: it takes the messages of both, or none.
std::string wrong_sparkplug_topic(const std::string& topic) {
  constexpr size_t kTypeLevel = 2, kDeviceLevel = 4;
  size_t level = 0, begin = 0;
  bool good = topic.starts_with("spBv1.0/");
  for (; begin <= topic.size() && good; ++level) {
    const size_t end = std::min(topic.find('/', begin), topic.size());
    const std::string_view text = std::string_view(topic).substr(begin, end - begin);
    const bool is_any = text == "#" || text == "+" || text.starts_with('{');
    good = level != kTypeLevel || is_any;
    begin = end + 1;
  }
  if (good && topic.ends_with("/#") && level <= kDeviceLevel + 1) return {};
  return "births, data and deaths of edge nodes and their devices belong together: "
         "\"spBv1.0/{plant}/+/{node}/#\", where names may stand for {plant} and {node}";
}

}  // namespace wayside
