#!/usr/bin/env python3
"""The gateway and a real Kafka. WAYSIDE_BINARY: the gateway."""

import json
import os
import re
import secrets
import shutil
import struct
import time
import unittest

from proxy import MqttProxy
from system import DEFAULT_BINARY, QUICK_GATEWAY, VEHICLE_READINGS, Kafka, Stand, fill, wait_for

BINARY = os.environ.get("WAYSIDE_BINARY", DEFAULT_BINARY)
SETTLE_S = 60
BASE_MS = 1_700_000_000_000
NO_NEW_TOPICS = "auto.create.topics.enable=false"

CONFIG = QUICK_GATEWAY + """\
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1:{port}"
client_id = "{client}"
max_payload = "4MiB"
""" + VEHICLE_READINGS + """\
topic = "{client}/{vehicle}"
max_disorder = "100ms"
[source.fields]
seq = "seq"
door = { path = "door", type = "text" }
[[window]]
name = "w"
from = "readings"
size = "1s"
select = { n = "count()", total = "sum(seq)" }
[[rule]]
name = "open"
from = "readings"
when = "door = 'open'"
severity = "critical"
[[uplink]]
name = "centre"
type = "kafka"
brokers = ["{kafka}"]
topic = "{id}.{block}"
raw = ["readings"]
linger = "20ms"
retry_max = "1s"
{more}
"""


def protobuf_fields(data):
    """(number, value) of each field of a message; proto/wayside.proto has the names."""
    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
            if not byte & 0x80:
                return value
    at = 0
    while at < len(data):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            yield number, varint()
        elif kind == 1:
            yield number, struct.unpack_from("<d", data, at)[0]
            at += 8
        elif kind == 5:
            yield number, struct.unpack_from("<I", data, at)[0]
            at += 4
        else:
            size = varint()
            yield number, data[at:at + size]
            at += size


def decode_emission(data):
    names = {1: "id", 2: "type", 3: "block", 4: "key"}
    emission = {}
    for number, value in protobuf_fields(data):
        if number in names:
            emission[names[number]] = value.decode()
        elif number == 5:
            emission["time"] = value
        elif number in (8, 9, 10):
            pass  # where it comes from
        else:
            field = dict(protobuf_fields(value))
            emission[field[1].decode()] = field[2] if 2 in field else field[3].decode() if 3 in field else bool(field[4])
    return emission


class KafkaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        Kafka.fetch()
        cls.stand = cls.enterClassContext(Stand("kafka"))
        cls.kafka = cls.stand.kafka().start()

    def setUp(self):
        self.parts = self.enterContext(Stand("gateway"))
        self.broker = self.parts.mosquitto().start()
        self.proxy = self.parts.add(MqttProxy(self.broker.port))
        self.id = self._testMethodName.removeprefix("test_")[:40]
        self.count = 0

    def make_gateway(self, client="one", more=""):
        config = fill(CONFIG, id=self.id, port=self.proxy.port, client=client, kafka=self.kafka.proxied_address,
                      more=more)
        self.proxy.subscribed.clear()
        gateway = self.parts.daemon(BINARY, config, name=client)
        gateway.check()
        gateway.start()
        wait_for("the subscription", self.proxy.subscribed.is_set)
        return gateway

    def start_all(self, more=""):
        self.gateway = self.make_gateway(more=more)
        self.publisher = self.parts.publisher(self.broker.port)

    def publish(self, count, client="one", **fields):
        """Readings of two vehicles, a tenth of a second apart."""
        for seq in range(self.count, self.count + count):
            reading = {"ts": BASE_MS + 100 * seq, "seq": seq, **fields}
            self.publisher.publish(f"{client}/v{seq % 2}", json.dumps(reading))
        self.count += count

    def settle(self, gateway=None, readings=None):
        """The status once everything is delivered; every ledger balances."""
        wanted = self.count if readings is None else readings
        status = (gateway or self.gateway).await_status("everything to be delivered", lambda s: (
            s["readings"]["in"] >= wanted and s["uplinks"][0]["connected"] and not s["uplinks"][0]["pending"]), SETTLE_S)
        for ledger in (status["readings"], *status["sources"], *status["uplinks"]):
            self.assertTrue(ledger["balanced"], ledger)
        return status

    def messages(self, *blocks):
        """New ones, and those that had waited."""
        return [message for block in blocks for end in ("", ".backlog")
                for message in self.kafka.read(f"{self.id}.{block}{end}")]

    def values(self, block):
        return [json.loads(message["payload"]) for message in self.messages(block)]

    def assert_delivered_once(self, *more):
        """Every reading, and every result that the journal leads to."""
        self.settle()
        self.assertEqual(self.gateway.stop(), 0)
        self.assertEqual(sorted(value["seq"] for value in self.values("readings")), list(range(self.count)))
        replayed = sorted(json.loads(line)["id"] for line in self.gateway.replay_journal())
        delivered = sorted(message["headers"]["ce_id"] for message in self.messages("readings", "w", "open", *more))
        self.assertEqual(delivered, replayed)


class Messages(KafkaTest):
    def test_values_are_json_and_headers_are_cloud_events(self):
        self.start_all()
        self.publish(21)
        self.settle()
        readings = self.kafka.read(f"{self.id}.readings")
        self.assertEqual(len(readings), 21)
        for message in readings:
            value, headers = json.loads(message["payload"]), message["headers"]
            vehicle, seq = value["key"], value["seq"]
            self.assertEqual(value, {"source": "readings", "key": f"v{seq % 2}", "time": BASE_MS + 100 * seq, "seq": seq})
            self.assertEqual(message["key"], vehicle)
            self.assertRegex(headers.pop("ce_id"), rf"^{self.id}/[0-9a-f]+/\d+\.\d+$")
            event_time = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(value["time"] // 1000))
            self.assertRegex(headers.pop("ce_time"), rf"^{event_time}\.{value['time'] % 1000:03d}Z$")
            self.assertEqual(headers, {"ce_specversion": "1.0", "ce_source": f"wayside/{self.id}/readings",
                                       "ce_type": "wayside.reading", "ce_subject": vehicle,
                                       "content-type": "application/json"})
        windows = self.kafka.read(f"{self.id}.w")
        self.assertEqual({(v["key"], v["n"], v["total"]) for v in self.values("w")}, {("v0", 5, 20), ("v1", 5, 25)})
        self.assertEqual({message["headers"]["ce_type"] for message in windows}, {"wayside.window"})

    def test_values_are_protobuf_on_request(self):
        self.start_all(more='format = "protobuf"')
        self.publish(21, door="shut")
        self.settle()
        readings = [decode_emission(value) for value in self.kafka.read_values(f"{self.id}.readings")]
        ids = [reading.pop("id") for reading in readings]
        self.assertEqual(len(set(ids)), 21)
        self.assertEqual(sorted(readings, key=lambda r: r["seq"]), [
            {"type": "reading", "block": "readings", "key": f"v{seq % 2}", "time": BASE_MS + 100 * seq,
             "seq": float(seq), "door": "shut"} for seq in range(21)])
        windows = [decode_emission(value) for value in self.kafka.read_values(f"{self.id}.w")]
        self.assertEqual({(w["key"], w["n"], w["total"]) for w in windows}, {("v0", 5, 20), ("v1", 5, 25)})
        headers = self.kafka.read(f"{self.id}.readings")[0]["headers"]
        self.assertEqual(headers["content-type"], "application/protobuf")
        self.assertEqual(headers["ce_id"], ids[0])

    def test_alarms_have_a_topic_of_their_own(self):
        self.start_all()
        self.publish(2, door="shut")
        self.publish(2, door="open")
        self.publish(4, door="shut")
        self.settle()
        alarms = self.kafka.read(f"{self.id}.open")
        self.assertEqual({message["headers"]["ce_type"] for message in alarms}, {"wayside.alarm"})
        self.assertEqual({message["key"] for message in alarms}, {"v0", "v1"})
        self.assertFalse([value for value in self.values("readings") if "source" not in value])


class Outages(KafkaTest):
    def test_what_came_while_kafka_was_away_is_delivered_later(self):
        self.kafka.kill()
        try:
            self.start_all()
            self.publish(100)
            status = self.gateway.await_status("trouble", lambda s: s["uplinks"][0]["trouble"] and s["readings"]["in"] >= 100)
            self.assertFalse(status["uplinks"][0]["connected"])
            self.assertEqual(status["uplinks"][0]["delivered"], 0)
        finally:
            self.kafka.start()
        self.publish(100)
        self.assert_delivered_once()

    def test_what_has_no_topic_yet_is_delivered_later(self):
        self.kafka.kill()
        self.kafka.start(NO_NEW_TOPICS)
        try:
            self.start_all()
            self.publish(100)
            status = self.gateway.await_status("trouble", lambda s: s["uplinks"][0]["trouble"], SETTLE_S)
            self.assertRegex(status["uplinks"][0]["trouble"], rf"topic {self.id}\.\w+: .*[Uu]nknown topic")
        finally:
            self.kafka.kill()
            self.kafka.start()
        self.publish(100)
        self.assert_delivered_once()

    def test_what_kafka_never_takes_is_dropped_and_holds_back_nothing(self):
        self.start_all()
        self.publish(3)
        self.publish(1, door=secrets.token_hex(1_000_000))
        self.publish(6)
        self.assertEqual(self.settle()["uplinks"][0]["dropped"], 1)
        self.assertEqual(sorted(value["seq"] for value in self.values("readings")), [0, 1, 2, 4, 5, 6, 7, 8, 9])

    def test_a_kafka_killed_while_it_is_fed_gets_everything_once(self):
        self.start_all()
        self.publish(100)
        self.settle()
        self.publish(1000)
        self.kafka.kill()
        self.publish(1000)
        self.kafka.start()
        self.publish(100)
        self.assert_delivered_once()


class Lanes(KafkaTest):
    def test_what_waited_has_a_topic_of_its_own_and_new_alarms_go_before_it(self):
        self.start_all("backlog_after = 1000")
        self.publish(20)
        self.settle()
        self.kafka.kill()
        self.publish(5000, door="shut")
        self.gateway.await_status("the readings", lambda s: s["readings"]["in"] >= self.count)
        self.kafka.start()
        ready = r"what waited follows"
        wait_for("the link", lambda: re.search(ready, self.gateway.log_text()), SETTLE_S)
        self.publish(20, door="open")
        self.assert_delivered_once()
        new, waited = self.kafka.read(f"{self.id}.readings"), self.kafka.read(f"{self.id}.readings.backlog")
        self.assertGreater(len(waited), 2500)  # the first of them may have been under way
        self.assertLessEqual(set(range(5020, 5040)), {json.loads(m["payload"])["seq"] for m in new})
        for messages in (new, waited):
            for vehicle in ("v0", "v1"):
                seqs = [json.loads(m["payload"])["seq"] for m in messages if m["key"] == vehicle]
                self.assertEqual(seqs, sorted(seqs))


class Transactions(KafkaTest):
    def kill_with(self, api_key, what):
        """Ends the gateway by SIGKILL when this is under way, starts it again; what its uplink knew was delivered."""
        self.start_all()
        self.publish(50)
        before = self.settle()["uplinks"][0]["delivered"]
        self.kafka.proxy.set_trap(api_key, what)
        self.publish(50)
        self.assertTrue(self.kafka.proxy.caught.wait(SETTLE_S), "no such request")
        self.gateway.kill()
        self.kafka.proxy.open_trap()
        begun = len(self.gateway.log_text())
        self.gateway.start()
        ready = wait_for("the uplink", lambda: re.search(r"ready, (\d+) delivered so far", self.gateway.log_text()[begun:]))
        return before, int(ready[1])

    def test_a_transaction_that_was_not_ended_is_sent_again(self):
        before, known = self.kill_with(self.kafka.proxy.END_TXN, self.kafka.proxy.REQUEST)
        self.assertEqual(known, before)
        self.publish(50)
        self.assert_delivered_once()

    def test_a_transaction_whose_end_was_not_heard_of_is_not_sent_again(self):
        before, known = self.kill_with(self.kafka.proxy.END_TXN, self.kafka.proxy.ANSWER)
        self.assertGreater(known, before)
        self.publish(50)
        self.assert_delivered_once()

    def test_a_transaction_without_its_mark_is_sent_again(self):
        before, known = self.kill_with(self.kafka.proxy.TXN_OFFSET_COMMIT, self.kafka.proxy.REQUEST)
        self.assertEqual(known, before)
        self.publish(50)
        self.assert_delivered_once()

    def test_a_second_gateway_of_the_same_id_fences_the_first_which_says_so_and_backs_off(self):
        self.start_all()
        self.publish(20)
        self.settle()
        second = self.make_gateway("two")
        second.await_status("the second's uplink", lambda s: s["uplinks"][0]["connected"])
        begun = len(self.gateway.log_text())
        self.publish(20)
        complaint = wait_for("a complaint of the first", lambda: re.search(
            r"uplink centre: .*fenced.*; trying again in (\d+) ms", self.gateway.log_text()[begun:]))
        self.assertGreaterEqual(int(complaint[1]), 500)
        self.assertTrue(second.running())
        self.assertEqual(second.stop(), 0)
        self.assert_delivered_once()


class Identity(KafkaTest):
    def group(self):
        return f"wayside.{self.id}.centre"

    def copy(self, source, target):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.sock", "lock"))

    def assert_ids_are_unique(self):
        ids = [message["headers"]["ce_id"] for topic in self.kafka.topics() if topic.startswith(f"{self.id}.")
               for message in self.kafka.read(topic)]
        self.assertEqual(len(ids), len(set(ids)))

    def test_a_truck_parked_so_long_that_its_offset_expired_doubles_and_loses_nothing(self):
        self.start_all()
        self.publish(50)
        before = self.settle()["uplinks"][0]["delivered"]
        self.kafka.proxy.set_trap(self.kafka.proxy.END_TXN, self.kafka.proxy.ANSWER)
        self.publish(50)
        self.assertTrue(self.kafka.proxy.caught.wait(SETTLE_S), "no such request")
        self.gateway.kill()  # the store does not know what Kafka has
        self.kafka.proxy.open_trap()
        self.kafka.delete_group(self.group())
        begun = len(self.gateway.log_text())
        self.gateway.start()
        ready = wait_for("the uplink", lambda: re.search(r"ready, (\d+) delivered so far", self.gateway.log_text()[begun:]))
        self.assertGreater(int(ready[1]), before)
        self.publish(50)
        self.assert_delivered_once()

    def test_a_kafka_that_has_forgotten_everything_is_told_and_the_store_knows(self):
        self.start_all()
        self.publish(50)
        self.settle()
        self.assertEqual(self.gateway.stop(), 0)
        self.kafka.delete_group(self.group())
        self.kafka.delete_topic("wayside.marks")
        self.gateway.start()
        self.publish(50)
        self.assert_delivered_once("uplink")
        self.assertEqual(len(self.messages("uplink")), 1)

    def test_a_store_that_was_rolled_back_begins_an_epoch_and_goes_on(self):
        self.start_all()
        self.publish(50)
        self.settle()
        self.assertEqual(self.gateway.stop(), 0)
        saved = self.gateway.state.with_name("saved")
        self.copy(self.gateway.state, saved)
        self.gateway.start()
        self.publish(50)
        before = self.settle()["epoch"]
        self.assertEqual(self.gateway.stop(), 0)
        self.copy(saved, self.gateway.state)
        self.gateway.start()
        status = self.gateway.await_status("a new epoch", lambda s: s["epoch"] != before)
        self.publish(50)
        self.settle(readings=100)
        self.assertEqual(sorted(value["seq"] for value in self.values("readings")), list(range(self.count)))
        self.assertEqual([json.loads(m["payload"])["key"] for m in self.messages("new_epoch")], [status["epoch"]])
        self.assert_ids_are_unique()
        self.gateway.restart()
        self.publish(50)
        self.settle(readings=150)
        self.assertEqual(self.gateway.status()["epoch"], status["epoch"])
        self.assertEqual(sorted(value["seq"] for value in self.values("readings")), list(range(self.count)))
        self.assert_ids_are_unique()

    def test_of_two_gateways_on_copies_of_a_store_each_delivers_its_own_once(self):
        self.start_all()
        self.publish(50)
        self.settle()
        self.assertEqual(self.gateway.stop(), 0)
        self.copy(self.gateway.state, self.parts.path("two") / "state")
        self.gateway.start()
        second = self.make_gateway("two")
        gateways = {"one": self.gateway, "two": second}
        for _ in range(4):
            for client, gateway in gateways.items():
                self.publish(50, client)
                gateway.await_status("its turn", lambda s: s["uplinks"][0]["connected"] and not s["uplinks"][0]["pending"],
                                     SETTLE_S)
        for gateway in gateways.values():
            self.settle(gateway, readings=250)
            self.assertEqual(gateway.stop(), 0)
        self.assertEqual(sorted(value["seq"] for value in self.values("readings")), list(range(self.count)))
        self.assert_ids_are_unique()
        told = [json.loads(m["payload"])["text"] for m in self.messages("uplink")]
        self.assertTrue(any("another gateway" in text for text in told), told)
        self.assertLessEqual(len(told), 3)  # a new epoch may tell it once more


if __name__ == "__main__":
    unittest.main()
