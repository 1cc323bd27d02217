#!/usr/bin/env python3
"""The gateway and a real mosquitto. WAYSIDE_BINARY: the gateway."""

import json
import os
import re
import signal
import time
import unittest
from pathlib import Path

from proxy import MqttProxy
from system import DEFAULT_BINARY, QUICK_GATEWAY, VEHICLE_READINGS, Stand, fill, free_port, wait_for, watch_syncs

BINARY = os.environ.get("WAYSIDE_BINARY", DEFAULT_BINARY)
SETTLE_S = 30

GATEWAY = QUICK_GATEWAY + """\
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1:{port}"
version = "{version}"
reconnect_max = "1s"
max_payload = "64KiB"
[[uplink]]
name = "centre"
raw = {raw}
linger = "20ms"
"""

READINGS = VEHICLE_READINGS + """\
mqtt = "local"
topic = "t/{vehicle}"
max_disorder = "100ms"
[source.fields]
seq = "seq"
note = { path = "note", type = "text" }
[[window]]
name = "w"
from = "readings"
size = "1s"
select = { n = "count()", total = "sum(seq)" }
"""

SECOND_BROKER = """\
[[mqtt]]
name = "second"
url = "mqtt://127.0.0.1:{port}"
reconnect_max = "1s"
"""

OTHER_READINGS = """\
[[source]]
name = "others"
mqtt = "second"
topic = "u/{vehicle}"
format = "json"
key = "vehicle"
time = { field = "ts", unit = "ms" }
[source.fields]
seq = "seq"
"""

def now_ms():
    return time.time_ns() // 1_000_000


class MqttTest(unittest.TestCase):
    def setUp(self):
        self.stand = self.enterContext(Stand("mqtt"))
        self.broker = self.stand.mosquitto()
        self.proxy = self.stand.add(MqttProxy(self.broker.port))
        self.next_seq = 0

    def make_gateway(self, version="5", blocks=READINGS, port=None, env=None):
        raw = re.findall(r'\[\[source\]\]\nname = "(\w+)"', blocks)
        config = fill(GATEWAY + blocks, id="g", raw=json.dumps(raw), port=port or self.proxy.port, version=version)
        self.gateway = self.stand.daemon(BINARY, config, env=env)
        self.gateway.check()
        return self.gateway

    def start_all(self, **options):
        """Broker, gateway, publisher; the gateway's session is there, so nothing that is published can get lost."""
        self.broker.start()
        self.make_gateway(**options).start()
        wait_for("the subscription", self.proxy.subscribed.is_set)
        self.publisher = self.stand.publisher(self.broker.port)

    def publish(self, count, vehicles=3):
        """Readings with consecutive `seq`."""
        for seq in range(self.next_seq, self.next_seq + count):
            self.publisher.publish(f"t/v{seq % vehicles}", json.dumps({"ts": now_ms(), "seq": seq}))
        self.next_seq += count

    def settle(self, messages):
        """The status once so many messages have their fate and all is delivered; every ledger balances."""
        status = self.gateway.await_status(f"{messages} messages to have their fate", lambda s: (
            s["readings"]["in"] + s["unrouted"]["in"] >= messages and s["uplinks"][0]["pending"] == 0), SETTLE_S)
        for ledger in (status["readings"], status["unrouted"], *status["sources"], *status["uplinks"]):
            self.assertTrue(ledger["balanced"], ledger)
        return status

    def delivered_readings(self):
        lines = map(json.loads, self.gateway.delivered_lines("centre"))
        return [line for line in lines if line["type"] == "reading"]

    def end(self, messages):
        """The status before an end by SIGTERM; what was delivered is what the journal leads to."""
        status = self.settle(messages)
        self.assertEqual(self.gateway.stop(), 0)
        live, replayed = self.gateway.delivered_lines("centre"), self.gateway.replay_journal()
        self.assertEqual(sorted(live), sorted(replayed))
        ids = [json.loads(line)["id"] for line in live]
        self.assertEqual(len(ids), len(set(ids)), "an id was given twice")
        return status

    def assert_each_reading_came_once(self):
        seqs = sorted(reading["seq"] for reading in self.delivered_readings())
        self.assertEqual(seqs, list(range(self.next_seq)))


class Connection(MqttTest):
    def refuse(self, topic_filter):
        """The broker lets nobody subscribe to that."""
        plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
        acl = {"acltype": "subscribeLiteral", "topic": topic_filter, "allow": False}
        rules = self.broker.config.with_name("rules.json")
        rules.write_text(json.dumps({
            "defaultACLAccess": {what: True for what in ("publishClientSend", "publishClientReceive", "subscribe",
                                                         "unsubscribe")},
            "roles": [{"rolename": "all", "acls": [acl]}],
            "groups": [{"groupname": "all", "roles": [{"rolename": "all"}]}], "anonymousGroup": "all"}))
        with self.broker.config.open("a") as config:
            config.write(f"plugin {plugin}\nplugin_opt_config_file {rules}\n")

    def test_a_subscription_that_the_broker_refuses_is_told_with_mqtt_5(self):
        self.refuse_a_subscription("5")

    def test_a_subscription_that_the_broker_refuses_is_told_with_mqtt_3(self):
        self.refuse_a_subscription("3.1.1")

    def refuse_a_subscription(self, version):
        self.refuse("secret/+")
        self.broker.start()
        other = OTHER_READINGS.replace("u/{vehicle}", "secret/{vehicle}").replace('"second"', '"local"')
        self.make_gateway(version, blocks=READINGS + other).start()
        status = self.gateway.await_status("the refusal", lambda s: s["mqtt"][0]["refused"])
        self.assertEqual(status["mqtt"][0]["refused"], "secret/+")
        self.assertFalse(status["mqtt"][0]["connected"])
        self.assertIn("refuses to subscribe us to secret/+", self.gateway.log_text())
        self.publisher = self.stand.publisher(self.broker.port)
        self.publish(5)
        self.end(5)
        self.assert_each_reading_came_once()

    def test_two_brokers_are_each_acknowledged_what_is_theirs(self):
        second = self.stand.mosquitto(name="second").start()
        blocks = SECOND_BROKER.replace("{port}", str(second.port)) + READINGS + OTHER_READINGS
        self.start_all(blocks=blocks)
        self.gateway.await_connected()
        others = self.stand.publisher(second.port)
        for part in range(4):
            self.publish(200)
            for seq in range(part * 300, (part + 1) * 300):
                others.publish(f"u/w{seq % 2}", json.dumps({"ts": now_ms(), "seq": seq}))
            self.gateway.kill()
            self.gateway.start()
            self.gateway.await_connected()
        self.gateway.await_status("all readings", lambda s: (
            s["readings"]["used"] + s["readings"]["late"] == 2000), SETTLE_S)
        self.end(2000)
        by_source = {"readings": [], "others": []}
        for reading in self.delivered_readings():
            by_source[reading["source"]].append(reading["seq"])
        self.assertEqual(sorted(by_source["readings"]), list(range(800)))
        self.assertEqual(sorted(by_source["others"]), list(range(1200)))

    def test_a_broker_that_comes_later_is_connected_to(self):
        port = free_port()
        self.make_gateway(port=port).start()
        self.gateway.await_status("an answer", lambda s: not s["mqtt"][0]["connected"])
        wait_for("a complaint", lambda: f"127.0.0.1:{port}: Connection refused" in self.gateway.log_text())
        self.broker.start()
        self.proxy = self.stand.add(MqttProxy(self.broker.port, port))
        self.gateway.await_connected()
        wait_for("the subscription", self.proxy.subscribed.is_set)
        self.publisher = self.stand.publisher(self.broker.port)
        self.publish(10)
        self.end(10)
        self.assert_each_reading_came_once()

    def restarted_broker_loses_nothing(self, version):
        self.start_all(version=version)
        self.publish(500)
        with self.publisher.paused():
            self.publish(500)
            self.assertEqual(self.broker.stop(), 0)
            self.gateway.await_status("the loss of the connection", lambda s: not s["mqtt"][0]["connected"])
            self.broker.start()
        self.gateway.await_connected()
        self.publish(500)
        status = self.end(1500)
        self.assertGreaterEqual(status["mqtt"][0]["connects"], 2)
        self.assertEqual(status["mqtt"][0]["sessions_lost"], 0)
        self.assert_each_reading_came_once()

    def test_a_restarted_broker_loses_nothing_with_mqtt_5(self):
        self.restarted_broker_loses_nothing("5")

    def test_a_restarted_broker_loses_nothing_with_mqtt_3(self):
        self.restarted_broker_loses_nothing("3.1.1")

    def incidents(self):
        lines = map(json.loads, self.gateway.delivered_lines("centre"))
        return [line["block"] for line in lines if line["type"] == "incident"]

    def test_a_lost_session_is_told_and_counted(self):
        self.broker = self.stand.mosquitto(persistence=False)
        self.proxy = self.stand.add(MqttProxy(self.broker.port))
        self.start_all()
        self.publish(5)
        self.settle(5)
        with self.publisher.paused():
            self.broker.stop()
            self.proxy.subscribed.clear()
            self.broker.start()
            wait_for("the subscription", self.proxy.subscribed.is_set)
        self.publish(5)
        status = self.end(10)
        self.assertEqual(status["mqtt"][0]["sessions_lost"], 1)
        self.assertIn("has forgotten our session", self.gateway.log_text())
        self.assertEqual(self.incidents(), ["session_lost"])
        self.assert_each_reading_came_once()

    def test_a_session_lost_while_the_gateway_was_away_is_told(self):
        self.broker = self.stand.mosquitto(persistence=False)
        self.proxy = self.stand.add(MqttProxy(self.broker.port))
        self.start_all()
        self.publish(5)
        self.settle(5)
        self.gateway.stop()
        with self.publisher.paused():
            self.broker.stop()
            self.proxy.subscribed.clear()
            self.broker.start()
            self.gateway.start()
            wait_for("the subscription", self.proxy.subscribed.is_set)
        self.publish(5)
        self.end(10)
        self.assertEqual(self.incidents(), ["session_lost"])

    def test_a_new_gateway_has_lost_no_session(self):
        self.start_all()
        self.publish(5)
        status = self.end(5)
        self.assertEqual(self.incidents(), [])
        self.assertEqual(status["mqtt"][0]["sessions_lost"], 0)


class Restart(MqttTest):
    def test_sigterm_ends_with_0_and_ids_go_on(self):
        self.start_all()
        for part in range(1, 4):
            self.publish(100)
            self.settle(100 * part)
            self.gateway.restart()
        self.end(300)
        self.assert_each_reading_came_once()
        epochs = {reading["id"].split("/")[1] for reading in self.delivered_readings()}
        self.assertEqual(len(epochs), 1, "a clean end began a new epoch")

    def test_sigterm_in_the_middle_of_a_stream_loses_and_doubles_nothing(self):
        self.start_all()
        for _ in range(4):
            self.publish(1000)
            self.gateway.restart()
            self.gateway.await_connected()
        self.end(4000)
        self.assert_each_reading_came_once()

    def test_a_second_sigterm_ends_a_slow_end_at_once(self):
        slow, log = watch_syncs(self.stand.folder, delay_us=3_000_000)
        self.start_all(env=slow)
        written = log.stat().st_size
        self.publish(1)
        wait_for("the journal to be written", lambda: log.stat().st_size > written)
        self.gateway.process.terminate()
        wait_for("the end to begin", lambda: ": ending" in self.gateway.log_text())
        self.assertEqual(self.gateway.stop(), -signal.SIGTERM)
        self.gateway.env = None
        self.gateway.start()
        self.end(1)
        self.assert_each_reading_came_once()

    def test_a_second_gateway_on_the_same_state_is_refused(self):
        self.start_all()
        self.gateway.await_connected()
        second = self.gateway.call("run")
        self.assertEqual(second.returncode, 69)
        self.assertIn(b"another wayside runs", second.stderr)


class BadInput(MqttTest):
    GARBAGE = (  # payload, reason
        (b"", "bad_json"), (b"{", "bad_json"), (b"\xff\xfe\x00", "bad_json"), (b"hello", "bad_json"),
        (b'{"ts": 1, "seq": 1', "bad_json"), (b"\x00" * 100, "bad_json"), (b"[" * 3000, "bad_json"),
        (b"null", "bad_json"), (b"[1, 2]", "bad_json"), (b"17", "bad_json"),
        (b'{"seq": 1}', "no_time"), (b'{"ts": null, "seq": 1}', "no_time"), (b'{"ts": "noon", "seq": 1}', "bad_time"),
        (b'{"ts": 1e300, "seq": 1}', "bad_time"), (b'{"ts": {}, "seq": 1}', "bad_time"),
        (b'{"ts": 1700000000000, "seq": "one"}', "wrong_type"), (b'{"ts": 1700000000000, "note": {}}', "wrong_type"),
        (b'{"ts": 99999999999999, "seq": 1}', "too_far_in_future"), (b'{"ts": 999999999999999, "seq": 1}', "bad_time"),
    )

    def garbage_is_set_aside(self, version):
        self.start_all(version=version)
        for payload, _ in self.GARBAGE:
            self.publisher.publish("t/v0", payload)
            self.publish(1)
        count = len(self.GARBAGE)
        status = self.end(2 * count)
        self.assertEqual(status["readings"]["quarantined"], count)
        self.assert_each_reading_came_once()
        rows = self.gateway.rows("SELECT payload, reason FROM quarantine ORDER BY entry, number")
        self.assertEqual([(bytes(payload), reason) for payload, reason in rows], list(self.GARBAGE))

    def test_garbage_is_quarantined_with_its_reason_and_the_next_reading_is_unharmed_with_mqtt_5(self):
        self.garbage_is_set_aside("5")

    def test_garbage_is_quarantined_with_its_reason_and_the_next_reading_is_unharmed_with_mqtt_3(self):
        self.garbage_is_set_aside("3.1.1")

    def poison_is_acknowledged_and_does_not_come_back(self, version, poison, reason):
        self.start_all(version=version)
        self.publisher.publish("t/v0", poison)
        self.publish(10)
        status = self.settle(11)
        self.assertEqual(status["mqtt"][0]["acknowledged"], 11)
        wait_for("the acknowledgements", lambda: len(self.proxy.acks) == 11)
        self.assertEqual(self.proxy.acks[0][1], poison)
        self.assertEqual(self.gateway.rows("SELECT reason FROM quarantine"), [(reason,)])
        self.gateway.restart()
        self.gateway.await_connected()
        self.publish(1)
        status = self.end(12)
        self.assertEqual(status["mqtt"][0]["messages"], 1)
        self.assertEqual(status["mqtt"][0]["connects"], 1)
        self.assert_each_reading_came_once()

    def test_a_poison_message_is_acknowledged_and_does_not_come_back(self):
        self.poison_is_acknowledged_and_does_not_come_back("5", b"\x00{{{", "bad_json")

    def test_a_message_over_the_limit_is_acknowledged_and_does_not_come_back(self):
        for version in ("5", "3.1.1"):
            for size in (65_537, 200_000, 3_000_000):
                with self.subTest(version=version, size=size), Stand("mqtt") as self.stand:
                    self.broker = self.stand.mosquitto()
                    self.proxy = self.stand.add(MqttProxy(self.broker.port))
                    self.next_seq = 0
                    self.poison_is_acknowledged_and_does_not_come_back(version, b"x" * size, "too_large")

    def test_a_message_at_the_limit_is_a_reading(self):
        self.start_all()
        head = json.dumps({"ts": now_ms(), "seq": 0, "note": ""})[:-2]
        self.publisher.publish("t/v0", head + "x" * (65_536 - len(head) - 2) + '"}')
        self.next_seq = 1
        self.end(1)
        self.assert_each_reading_came_once()


if __name__ == "__main__":
    unittest.main()
