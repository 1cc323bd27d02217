// Where messages come from: brokers, and all else.
#include "base/features.h"
#include "config/describe_values.h"
#include "sensors/input_url.h"

namespace wayside {
namespace {

constexpr std::array<Choice, 3> kSplits{{{"line", static_cast<int>(Split::kLine)},
                                         {"burst", static_cast<int>(Split::kBurst)},
                                         {"all", static_cast<int>(Split::kAll)}}};
// Of the sample: what a build can do.
constexpr const char* kInputUrl = kHasHttp ? "http://127.0.0.1:8088/in" : "serial:/dev/ttyS1";

}  // namespace

void describe(ConfigVisitor& v, MqttOptions& o) {
  v.text({"name", "names the connection", "local", true}, o.name);
  v.url({"url", "the broker; mqtts:// with TLS", "mqtt://127.0.0.1:1883", true}, o);
  v.text({"ca",
          "with TLS: PEM file of who may have signed the broker's certificate; else the system's"},
         o.tls.ca);
  v.text({"cert",
          "with TLS: PEM file of our certificate, if the broker wants one, with who signed it"},
         o.tls.cert);
  v.text({"key", "PEM file of its key, without a password"}, o.tls.key);
  v.text({"client_id", "by default wayside-<gateway id>-<name>", "wayside-truck-17"}, o.client_id);
  v.text({"user", "user name, if the broker asks for one", "gateway"}, o.user);
  v.secret({"password",
            "never in this file: { file = \"…\" }, { env = \"…\" } or { credential = \"…\" }",
            "/etc/wayside/mqtt.password"},
           o.password);
  v.text({"version", "of MQTT: \"5\" or \"3.1.1\""}, o.version);
  whole(v, {"qos", "of the subscriptions, 0 or 1"}, o.qos, 0, 1);
  v.duration({"keep_alive", "silence after which we ask whether the broker is there"},
             o.keep_alive_ms, 1000);
  v.duration({"session_expiry", "how long the broker keeps our session (MQTT 5)"},
             o.session_expiry_ms, 0);
  v.duration({"reconnect_min", "first pause before a new connection; it doubles, with jitter"},
             o.reconnect_min_ms, 1000);
  v.duration({"reconnect_max", "longest such pause"}, o.reconnect_max_ms, 1000);
  v.duration(
      {"coalesce", "reads may be put off this long, so that one wake-up serves many messages"},
      o.coalesce_ms, 0);
  whole(v,
        {"inflight_window",
         "unacknowledged messages that the broker sends; with MQTT 3.1.1 it must "
         "be the broker's own limit (mosquitto: max_inflight_messages)"},
        o.inflight_window, 1, 65'535);
  v.bytes({"max_payload", "larger messages are acknowledged, counted and skipped"},
          o.max_payload_bytes, 16);
  v.text({"drops_topic", "where the broker tells how many messages it has dropped, for the status",
          "$SYS/broker/publish/messages/dropped"},
         o.drops_topic);
}

void describe(ConfigVisitor& v, InputOptions& o) {
  v.text({"name", "names the input", "gps", true}, o.name);
  v.text({"url", kInputUrlForms, kInputUrl, true}, o.url);
  v.text({"topic", "that its messages have, for sources; http takes it from the path without it",
          "vehicle/nmea"},
         o.topic);
  choose(v,
         {"split",
          "\"line\": each is a message; \"burst\": those without a pause between are one; "
          "\"all\": a request, an answer or an output is, as by default with http and http-poll"},
         o.split, kSplits);
  v.duration({"quiet", "the pause that ends a burst"}, o.quiet_ms, 1);
  whole(v, {"baud", "bits a second of a serial port"}, o.baud, 1'200, 460'800);
  v.duration({"retry", "pause before what failed or ended is opened again"}, o.retry_ms, 100);
  v.bytes({"max_payload", "larger messages are counted and skipped, larger requests refused"},
          o.max_payload_bytes, 16);
  v.duration({"timeout",
              "of http: a connection without a whole request is closed; of what is "
              "polled: the longest time for an answer"},
             o.timeout_ms, 10);
  v.secret({"token",
            "that http asks for and http-poll shows (Authorization: Bearer), never in this file",
            "/etc/wayside/input.token"},
           o.token);
  v.flag({"async", "http answers before the commit, with 202 in place of 200"}, o.async);
  whole(v, {"connections", "of http at a time; further ones wait"}, o.connections, 1, 1'000);
  v.bytes({"max_header", "of a request, without its body"}, o.max_header_bytes, 1024);
  v.duration({"every", "exec, http-poll and modbus are asked so often"}, o.every_ms, 100);
  v.bytes({"max_output", "of one answer or output, which else is not used"}, o.max_output_bytes,
          16);
  v.texts({"args", "of the program that exec runs, as [\"-j\", \"all\"]; there is no shell"},
          o.args);
  whole(v, {"unit_id", "of the modbus device"}, o.unit_id, 0, 255);
  whole(v, {"function", "of modbus: 3 for holding registers, 4 for input registers"}, o.function, 3,
        4);
  whole(v, {"address", "of the first register, from 0"}, o.address, 0, 65'535);
  whole(v, {"count", "of registers"}, o.count, 1, 125);
}

}  // namespace wayside
