// What the configuration says about sources. Defaults fit a board with 512 MiB.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace wayside {

class Registry;

// Files in PEM.
struct TlsOptions {
  bool on = false;
  std::string ca;    // whom we trust; empty: whom the system trusts
  std::string cert;  // ours, with those that signed it; empty: none
  std::string key;   // of ours, without a password
};

struct MqttOptions {
  std::string name;
  std::string host;
  uint16_t port = 1883;
  TlsOptions tls;
  std::string client_id;  // default: "wayside-" + gateway id + "-" + name
  std::string user;
  std::string password;
  std::string version = "5";  // or "3.1.1"
  int qos = 1;
  int64_t keep_alive_ms = 60'000;
  int64_t session_expiry_ms = 7LL * 86'400'000;
  int64_t reconnect_min_ms = 1'000;
  int64_t reconnect_max_ms = 15'000;
  int64_t coalesce_ms = 10;
  uint32_t inflight_window = 1000;
  uint64_t max_payload_bytes = 256 << 10;
  std::string drops_topic;  // where the broker tells how many messages it has dropped; "": nowhere
};

// How a stream of bytes becomes messages. kAll: what comes at once is one.
enum class Split { kLine, kBurst, kAll };

// Another way than MQTT by which messages come, see input.h.
struct InputOptions {
  std::string name;
  std::string url;    // see input_url.h
  std::string topic;  // that its messages have; of http empty: the path of a request says it
  Split split = Split::kLine;
  int64_t quiet_ms = 100;  // the pause that ends a burst
  uint32_t baud = 9'600;
  int64_t retry_ms = 5'000;
  uint64_t max_payload_bytes = 64 << 10;
  int64_t timeout_ms = 10'000;  // of http, and of what is polled
  // Of http and http-poll.
  std::string token;
  // Of http.
  bool async = false;
  uint32_t connections = 16;
  uint64_t max_header_bytes = 8 << 10;
  // Of what is polled.
  int64_t every_ms = 10'000;
  uint64_t max_output_bytes = 1 << 20;
  std::vector<std::string> args;  // of exec
  // Of modbus.
  uint32_t unit_id = 1;
  uint32_t function = 3;
  uint32_t address = 0;
  uint32_t count = 1;
};

// What contradicts the last good value is right after all once so many readings, or readings for so
// long, agree with each other. Neither: never.
struct AcceptOptions {
  uint32_t readings = 3;
  int64_t ms = 0;  // in place of them
};

enum class OnStuck { kMark, kRemove };
// What a number's own past, of its key, does to it; see clean_number.h.
struct FieldCleaning {
  double max_rate = 0;  // change a second, in the unit that is held; 0: any
  AcceptOptions accept;
  int64_t stuck_after_ms = 0;  // 0: never
  OnStuck on_stuck = OnStuck::kMark;
  std::string smooth;   // "median:5"; empty: off
  int64_t fill_ms = 0;  // of texts, too; 0: off

  // Whether it knows a number's past.
  bool judges() const { return max_rate > 0 || stuck_after_ms > 0 || !smooth.empty(); }
  bool is_on() const { return judges() || fill_ms > 0; }
};
constexpr uint32_t kMedianMax = 63;  // readings
// Of "median:5", how many; nothing where it reads otherwise, or as no odd number up to kMedianMax.
std::optional<uint32_t> median_of(std::string_view smooth);

// Fields that are a position, by their names, and what is plausible; see clean_position.h.
struct PositionOptions {
  std::string lat;  // empty, as lon: there is no position
  std::string lon;
  std::string fix;  // its quality; empty: not known
  double min_fix = 1;
  std::string hdop;  // empty: not known
  double max_hdop = 10;
  double max_speed = 0;  // m/s; 0: any
  AcceptOptions accept;
  std::string speed;  // m/s, as the device says it; empty: not known
  double moving = 2;  // at or above this speed the position changes
  int64_t frozen_after_ms = 60'000;
  std::string smooth;       // "kalman", see position_filter.h; empty: off
  double accuracy = 3;      // m, one sigma, where hdop is 1 or not known
  double acceleration = 2;  // m/s², one sigma

  bool is_set() const { return !lat.empty() || !lon.empty(); }
};

struct FieldOptions {
  std::string name;
  std::string path;  // dotted: "VP.spd"
  FieldType type = FieldType::kNumber;
  bool json = false;  // with kText: an object or array, as its JSON text
  double scale = 1;   // from `unit`: value = sent * scale + shift
  double shift = 0;
  std::optional<Value> absent;  // what it is where nothing came
  std::string equals;           // the topic's level that it has to be equal to; empty: none
  std::optional<double> min;    // in the unit that is held; beyond it the value is removed
  std::optional<double> max;
  FieldCleaning cleaning;
};

enum class TimeUnit { kRfc3339, kSeconds, kMillis, kMicros, kNanos, kAuto, kPattern };
struct TimeForm {
  TimeUnit unit = TimeUnit::kRfc3339;
  std::string pattern;   // with kPattern, as of strptime
  std::string zone;      // IANA name; whose time it is when the text does not say; empty: UTC
  std::string of_day{};  // of CSV: the column of the time of day, where the path's has the date
};
enum class PayloadFormat {
  kJson,
  kProtobuf,
  kProtobufNumbers,
  kCbor,
  kSenmlJson,
  kSenmlCbor,
  kSparkplug,
  kCayenne,
  kNmea,
  kCsv,
  kStruct,
};
enum class WatermarkMode { kKey, kSource };

// Where the answer goes, and the correlation data of MQTT 5 in hex digits.
constexpr const char* kReplyTo = "reply_to";
constexpr const char* kCorrelation = "correlation";

constexpr const char* kWholePayload = ".";  // as a path

struct SourceOptions {
  std::string name;
  std::string mqtt;
  std::string input;  // instead of mqtt
  std::string topic;
  PayloadFormat format = PayloadFormat::kJson;
  std::string key;
  std::string time_path;  // empty: the arrival time counts
  TimeForm time;
  std::string each;  // path of an array, each element of which is a reading; empty: the payload is
  std::string delimiter = ",";       // of CSV
  std::string decimal = ".";         // of CSV: before a number's fraction
  std::vector<std::string> columns;  // of CSV; empty: the first line names them
  uint32_t record_bytes = 0;         // of struct: each so many bytes are a reading; 0: the payload
  int64_t max_disorder_ms = 5'000;
  int64_t idle_after_ms = 30'000;
  int64_t forget_after_ms = 12LL * 3'600'000;
  std::optional<int64_t> max_future_ms = 120'000;  // none: "off"
  bool gps_rollover = true;
  WatermarkMode watermark = WatermarkMode::kKey;
  std::vector<std::string> keep;
  PositionOptions position;
  std::string mark = "cleaned";  // the text field that says what cleaning has changed; empty: none
  int64_t expect_every_ms = 0;   // of each key a reading; 0: not known, and no quality is told
  std::string deduplicate = "off";  // "content", or the name of a field that holds a message id
  uint32_t max_keys = 10'000;
  bool known_only = false;              // readings of other devices are refused
  std::vector<std::string> attributes;  // of the devices: text fields behind the others
  std::vector<FieldOptions> fields;
  // That say something of its keys; null: nobody knows any. Of commands always null.
  std::shared_ptr<const Registry> devices;
  // Its messages are answered: two texts of each are kept, kReplyTo and kCorrelation.
  bool is_answered = false;

  const std::string& connection() const { return input.empty() ? mqtt : input; }
  // Else the arrival is a reading's time.
  bool has_own_time() const {
    return !time_path.empty() || format == PayloadFormat::kProtobuf ||
           format == PayloadFormat::kSenmlJson || format == PayloadFormat::kSenmlCbor ||
           format == PayloadFormat::kNmea || format == PayloadFormat::kSparkplug;
  }
};

}  // namespace wayside
