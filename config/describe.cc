#include "config/describe.h"

#include "config/describe_values.h"

namespace wayside {
namespace {

constexpr std::array<Choice, 6> kTimeUnits{{{"rfc3339", static_cast<int>(TimeUnit::kRfc3339)},
                                            {"s", static_cast<int>(TimeUnit::kSeconds)},
                                            {"ms", static_cast<int>(TimeUnit::kMillis)},
                                            {"us", static_cast<int>(TimeUnit::kMicros)},
                                            {"ns", static_cast<int>(TimeUnit::kNanos)},
                                            {"auto", static_cast<int>(TimeUnit::kAuto)}}};
constexpr std::array<Choice, 4> kFieldTypes{{{"number", static_cast<int>(FieldType::kNumber)},
                                             {"text", static_cast<int>(FieldType::kText)},
                                             {"bool", static_cast<int>(FieldType::kBool)},
                                             {"json", kJsonField}}};
constexpr std::array kFormats{
    Choice{"json", static_cast<int>(PayloadFormat::kJson)},
    Choice{"protobuf", static_cast<int>(PayloadFormat::kProtobuf)},
    Choice{"protobuf-numbers", static_cast<int>(PayloadFormat::kProtobufNumbers)},
    Choice{"cbor", static_cast<int>(PayloadFormat::kCbor)},
    Choice{"senml-json", static_cast<int>(PayloadFormat::kSenmlJson)},
    Choice{"senml-cbor", static_cast<int>(PayloadFormat::kSenmlCbor)},
    Choice{"sparkplug", static_cast<int>(PayloadFormat::kSparkplug)},
    Choice{"cayenne", static_cast<int>(PayloadFormat::kCayenne)},
    Choice{"nmea", static_cast<int>(PayloadFormat::kNmea)},
    Choice{"csv", static_cast<int>(PayloadFormat::kCsv)},
    Choice{"struct", static_cast<int>(PayloadFormat::kStruct)}};
constexpr std::array<Choice, 4> kCalendarUnits{{{"none", static_cast<int>(CalendarUnit::kNone)},
                                                {"day", static_cast<int>(CalendarUnit::kDay)},
                                                {"week", static_cast<int>(CalendarUnit::kWeek)},
                                                {"month", static_cast<int>(CalendarUnit::kMonth)}}};
constexpr uint32_t kLastMax = 100'000;  // readings that a window may keep
constexpr std::array<Choice, 2> kWindowTimes{{{"event", 0}, {"processing", 1}}};
constexpr std::array<Choice, 2> kWatermarks{{{"key", static_cast<int>(WatermarkMode::kKey)},
                                             {"source", static_cast<int>(WatermarkMode::kSource)}}};
constexpr std::array<Choice, 3> kSeverities{{{"info", static_cast<int>(Severity::kInfo)},
                                             {"warning", static_cast<int>(Severity::kWarning)},
                                             {"critical", static_cast<int>(Severity::kCritical)}}};
constexpr std::array<Choice, 2> kAfterMatches{
    {{"past_last", static_cast<int>(AfterMatch::kPastLast)},
     {"next", static_cast<int>(AfterMatch::kNext)}}};
constexpr std::array<Choice, 2> kUplinkTypes{{{"file", static_cast<int>(UplinkType::kFile)},
                                              {"kafka", static_cast<int>(UplinkType::kKafka)}}};
constexpr std::array<Choice, 2> kValueFormats{
    {{"json", static_cast<int>(ValueFormat::kJson)},
     {"protobuf", static_cast<int>(ValueFormat::kProtobuf)}}};

}  // namespace

std::span<const Choice> time_units() { return kTimeUnits; }
std::span<const Choice> field_types() { return kFieldTypes; }

void describe(ConfigVisitor& v, GatewayOptions& o) {
  v.text({"id", "names this gateway in every id; by default made from the machine id", "truck-17"},
         o.id);
  v.text({"state_dir", "where journal, store and file uplinks live"}, o.state_dir);
  v.text({"log_level", "debug, info, warn or error"}, o.log_level);
  v.bytes({"queue", "messages that may wait to be decoded; then reading stops"}, o.queue_bytes,
          64 << 10);
}

void describe(ConfigVisitor& v, HttpOptions& o) {
  v.text(
      {"listen", "answers read-only questions over HTTP on this loopback address; without it none",
       "127.0.0.1:8787"},
      o.listen);
  whole(v, {"max_rows", "of an answer; a request may ask for fewer with limit"}, o.max_rows, 1,
        1'000'000);
  v.bytes({"max_answer", "of its JSON; what would be more is left out"}, o.max_answer_bytes, 4096);
  v.duration({"query_time", "longest time for a question"}, o.query_time_ms, 1);
  v.bytes({"query_memory", "most memory for one"}, o.query_memory_bytes, 1 << 20);
  whole(v, {"connections", "at a time; further ones wait"}, o.connections, 1, 1'000);
  v.bytes({"max_request", "of a request, its SELECT included"}, o.request_bytes, 1024);
  v.duration({"timeout", "a connection on which nothing moves is closed"}, o.timeout_ms, 100);
}

void describe(ConfigVisitor& v, SourceOptions& o) {
  describe_source(v, o, "climate", "fleet/{vehicle}/climate");
  v.position(
      {"position", "fields that are a position: what cannot be becomes nothing, lat and lon both",
       "{ lat = \"lat\", lon = \"lon\" }"},
      o.position);
  v.duration({"expect_every", "of each key a reading, for the quality in the status; \"0s\": none"},
             o.expect_every_ms, 0);
  v.flag({"known_only", "readings of devices that are not in the registry are quarantined"},
         o.known_only);
  v.texts({"attributes", "of the devices in the registry: text fields behind the others",
           "[\"trailer\"]"},
          o.attributes);
  describe_fields(v, o);
}

void describe_fields(ConfigVisitor& v, SourceOptions& o) {
  v.fields({"fields",
            "name = \"path\", or { path, type = number | text | bool | json, unit, scale, shift, "
            "default, min, max, max_rate, accept_after, stuck_after, stuck, smooth, fill }"},
           o.fields);
}

void describe_source(ConfigVisitor& v, SourceOptions& o, const char* name, const char* topic) {
  v.text({"name", "names the source", name, true}, o.name);
  v.text({"mqtt", "the connection; may be left out when there is one", "local"}, o.mqtt);
  v.text({"input", "an [[input]] instead of a connection"}, o.input);
  v.text({"topic", "{x} takes a level into a text field, + and # as in MQTT", topic, true},
         o.topic);
  choose(v,
         {"format",
          "json, protobuf (Reading of proto/wayside.proto), protobuf-numbers (any message), cbor, "
          "senml-json, senml-cbor, sparkplug, cayenne, nmea, csv, struct, or preset:NAME"},
         o.format, kFormats);
  v.text(
      {"key", "what readings belong to: a {level} of the topic or a text field", "vehicle", true},
      o.key);
  v.text({"each", "path of an array of readings; \".\": the payload is that array", "readings"},
         o.each);
  v.text({"delimiter", "of csv: one character"}, o.delimiter);
  v.text({"decimal", "of csv: \".\" or \",\""}, o.decimal);
  v.texts({"columns",
           "of csv: their names, as [\"ts\", \"t\"], \"\" for none; else the first line has them"},
          o.columns);
  whole(v, {"record_bytes", "of struct: each so many bytes are a reading; 0: the payload is one"},
        o.record_bytes, 0, 65'536);
  v.time({"time",
          "event time; without it the arrival counts. unit: s | ms | us | ns | rfc3339 | auto | "
          "pattern, zone; of_day: of csv, the column with the time, if field has the date",
          "{ field = \"ts\", unit = \"ms\" }"},
         o.time_path, o.time);
  v.duration({"max_disorder", "how much later than a newer one a reading may come"},
             o.max_disorder_ms, 0);
  v.duration({"idle_after", "silence after which a key's open windows are told, not yet final"},
             o.idle_after_ms, 1);
  v.duration({"forget_after", "silence after which they are final and the key's state is dropped"},
             o.forget_after_ms, 1);
  v.duration_or_off(
      {"max_future", "readings further ahead of the clock are quarantined; or \"off\""},
      o.max_future_ms);
  v.flag({"gps_rollover", "times off by a multiple of 1,024 weeks, as GPS counts, are corrected"},
         o.gps_rollover);
  choose(v, {"watermark", "event time runs per \"key\", or for the whole \"source\""}, o.watermark,
         kWatermarks);
  v.texts({"keep", "fields whose last known value is carried into later readings of the key",
           "[\"door\"]"},
          o.keep);
  v.text({"mark", "the text field that tells what cleaning has changed; \"\": none"}, o.mark);
  v.text({"deduplicate", "\"off\", \"content\", or a field that holds a message id"},
         o.deduplicate);
  whole(v, {"max_keys", "readings of further keys are dropped and counted"}, o.max_keys, 1,
        10'000'000);
}

void describe(ConfigVisitor& v, WindowOptions& o) {
  v.text({"name", "names the window", "cold_5m", true}, o.name);
  v.texts({"from", "a source or block, or several with the same key", "\"climate\"", true}, o.from);
  v.duration({"size", "windows of this length", "\"5m\""}, o.size_ms, 1);
  v.duration({"every", "with size: one begins each …; without it where the last one ends"},
             o.every_ms, 0);
  v.duration({"offset", "with size: shifts their borders from 1970-01-01T00:00Z"}, o.offset_ms, 0);
  v.duration({"gap", "or sessions: windows of readings that are never further apart"}, o.gap_ms, 0);
  whole(v, {"count", "or windows of so many readings of the key"}, o.count, 0, 1'000'000'000);
  whole(v, {"every_count", "with count: one ends at each so many readings"}, o.every_count, 0,
        1'000'000'000);
  choose(v, {"calendar", "or each \"day\", \"week\" (from Monday) or \"month\""}, o.calendar,
         kCalendarUnits);
  v.text({"zone", "with calendar: whose days, by IANA name, as in Europe/Berlin"}, o.zone);
  v.flag({"global", "or one window for all times; see early_count"}, o.global);
  choose(v, {"time", "\"event\", or \"processing\": the time at which a reading was read"},
         o.processing_time, kWindowTimes);
  v.text({"where", "SQL over the fields: which readings count", "door = 'closed'"}, o.where);
  v.items({"select",
           "alias = aggregate, as sum(x) or count() FILTER (WHERE …), or SQL over the other "
           "aliases",
           "{ n = \"count()\", avg_c = \"avg(temp_c)\", max_c = \"max(temp_c)\" }", true},
          o.select);
  v.text({"having", "SQL over the aliases: which results leave", "n >= 3"}, o.having);
  v.duration({"allowed_lateness", "later readings still revise the result this long"},
             o.allowed_lateness_ms, 0);
  v.duration({"early_every", "also a result each … of its time before it ends; 0: none"},
             o.early_ms, 0);
  whole(v, {"early_count", "also a result at each so many readings; 0: none"}, o.early_count, 0,
        1'000'000'000);
  v.flag({"at_end", "a result when the watermark passes its end"}, o.at_end);
  v.flag({"purge", "each result clears what it told"}, o.purge);
  v.count_or_duration(
      {"last", "results over the last so many readings, or those of \"10s\"; 0: all"}, o.last_count,
      o.last_ms, kLastMax);
  whole(v, {"max_last", "with a period as last: readings that are kept of a window"}, o.max_last, 1,
        kLastMax);
  v.flag({"retract",
          "a result that is told again is taken back first: it comes with retracted = true"},
         o.retract);
  v.texts({"to", "uplinks; by default all", "[\"centre\"]"}, o.to);
  v.texts({"late_to", "uplinks for readings that are later still; by default none", "[\"centre\"]"},
          o.late_to);
  describe_bounds(v, o.bounds);
}

void describe(ConfigVisitor& v, RuleOptions& o) {
  v.text({"name", "names the rule", "door_open_moving", true}, o.name);
  v.text({"from", "a source or block", "climate", true}, o.from);
  v.text({"when", "SQL over the fields", "door = 'open' AND speed > 5", true}, o.when);
  v.duration({"for", "how long it must hold"}, o.for_ms, 0);
  choose(v, {"severity", "info, warning or critical; critical alarms are committed at once"},
         o.severity, kSeverities);
  v.texts({"to", "uplinks; by default all", "[\"centre\"]"}, o.to);
}

void describe(ConfigVisitor& v, DetectorOptions& o) {
  v.text({"name", "names the detector", "temp_drift", true}, o.name);
  v.text({"from", "a source or block", "climate", true}, o.from);
  v.text({"field", "the number that is watched", "temp_c", true}, o.field);
  v.text({"method", "\"auto\" or \"robust_z\""}, o.method);
  v.number({"threshold", "score from which on a value is an anomaly"}, o.threshold);
  whole(v, {"history", "last values of the key that it is compared with"}, o.history, 8, 100'000);
  v.texts({"to", "uplinks; by default all", "[\"centre\"]"}, o.to);
}

void describe(ConfigVisitor& v, JoinOptions& o) {
  v.text({"name", "names the join", "beside_last_5m", true}, o.name);
  v.text({"from", "left: a source or block; each of its readings …", "climate", true}, o.from);
  v.text({"with", "right: another one with the same key; … with what it says", "cold_5m", true},
         o.with);
  v.items({"select", "alias = SQL over the fields of the right one; by default all of them",
           "{ warmest_c = \"max_c\" }"},
          o.select);
  v.duration({"within", "the last right reading up to the left one, if not older; 0s: of any age"},
             o.within_ms, 0);
  v.duration({"max_wait", "a left reading waits for the right ones, in event time, at most …"},
             o.max_wait_ms, 0);
  v.flag({"inner", "left readings without a right one are left out, instead of told with NULLs"},
         o.inner);
  v.duration_or_off(
      {"before", "or all right readings from this long before the left one …; \"off\": none given"},
      o.before_ms);
  v.duration_or_off({"after", "… to this long after it"}, o.after_ms);
  whole(v, {"max_rows", "kept of a key and an input; more push the oldest out"}, o.max_rows, 1,
        10'000'000);
  v.texts({"to", "uplinks; by default all", "[\"centre\"]"}, o.to);
  describe_bounds(v, o.bounds);
}

void describe(ConfigVisitor& v, PatternStep& o) {
  v.text({"name", "names the step, and its fields of a match", "opened", true}, o.name);
  v.text({"when", "SQL over the fields", "door = 'open'", true}, o.when);
  v.text({"times", "how often it comes: \"2\", \"2+\" or \"2-5\""}, o.times);
  v.flag({"optional", "it may be left out"}, o.optional);
  v.flag({"or", "it comes instead of the step before it"}, o.alternative);
  v.flag({"absent", "it does not come"}, o.absent);
  v.duration({"for", "absent: for so long; 0s: until the next step, or the end of within"},
             o.for_ms, 0);
}

void describe(ConfigVisitor& v, PatternOptions& o) {
  v.text({"name", "names the pattern", "left_open", true}, o.name);
  v.text({"from", "a source or block", "climate", true}, o.from);
  v.steps({"steps",
           "{ name, when, times = \"1\" (\"2+\", \"2-5\"), optional, or, absent, for }: what "
           "comes one after the other",
           "[{ name = \"opened\", when = \"door = 'open'\" }, { name = \"moved\", when = "
           "\"speed > 5\", times = \"2+\" }, { name = \"closed\", when = \"door = 'closed'\", "
           "absent = true, for = \"5m\" }]",
           true},
          o.steps);
  v.duration({"within", "from the first reading of a match to its last one", "\"10m\"", true},
             o.within_ms, 1);
  choose(v,
         {"after_match",
          "\"past_last\": what had begun by its end is dropped; \"next\": each reading may begin "
          "one"},
         o.after_match, kAfterMatches);
  whole(v, {"max_partial", "matches of a key that have begun; more push the oldest out"},
        o.max_partial, 1, 2'000);
  v.texts({"to", "uplinks; by default all", "[\"centre\"]"}, o.to);
  describe_bounds(v, o.bounds);
}

void describe(ConfigVisitor& v, UplinkOptions& o) {
  v.text({"name", "names the uplink", "centre", true}, o.name);
  choose(v, {"type", "file or kafka"}, o.type, kUplinkTypes);
  v.texts({"raw", "sources whose readings are forwarded, too", "[\"climate\"]"}, o.raw);
  v.duration({"linger", "how long results wait for company; alarms never do"}, o.linger_ms, 0);
  whole(v, {"batch_messages", "of a transaction, or of a write"}, o.batch_messages, 1, 100'000);
  v.bytes({"batch_bytes", "of a transaction, or of a write"}, o.batch_bytes, 1024);
  v.duration({"batch_time", "batches are made so small that none takes longer"}, o.batch_time_ms,
             100);
  v.duration({"retry_min", "first pause after a failure; it doubles, with jitter"}, o.retry_min_ms,
             10);
  v.duration({"retry_max", "longest such pause"}, o.retry_max_ms, 10);
  v.text({"dir", "file: by default <state_dir>/out/<name>", "/var/lib/wayside/out/centre"}, o.dir);
  v.bytes({"file_bytes", "file: size of one"}, o.file_bytes, 64 << 10);
  v.bytes({"max_bytes", "file: size of all; the oldest goes first"}, o.max_bytes, 128 << 10);
  v.texts({"brokers", "kafka: where to begin", "[\"kafka-1:9092\"]"}, o.brokers);
  v.text({"topic", "kafka: {block}, {key} and {gateway} are replaced"}, o.topic);
  v.text(
      {"backlog_topic", "kafka: for what waited while the link was away; default <topic>.backlog",
       "wayside.{block}.backlog"},
      o.backlog_topic);
  whole(v, {"backlog_after", "kafka: more events than that are a backlog when the link is back"},
        o.backlog_after, 1, 1'000'000'000);
  v.text({"mark_topic", "kafka: how far each uplink is; compacted, one partition"}, o.mark_topic);
  choose(v, {"format", "kafka: json or protobuf (Emission of proto/wayside.proto)"}, o.format,
         kValueFormats);
  v.settings({"options", "kafka: librdkafka's own settings; secrets as in mqtt's password",
              "{ \"security.protocol\" = \"ssl\", \"ssl.ca.location\" = \"/etc/wayside/ca.pem\" }"},
             o.options);
}

}  // namespace wayside
