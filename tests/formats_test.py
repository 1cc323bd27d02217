#!/usr/bin/env python3
"""Payloads by the command line and by a real mosquitto. WAYSIDE_BINARY: the gateway."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from proxy import MqttProxy
from system import DEFAULT_BINARY, QUICK_GATEWAY, Stand, fill, wait_for

BINARY = os.environ.get("WAYSIDE_BINARY", DEFAULT_BINARY)
CLIENT = shutil.which("mosquitto_rr")

GATEWAY = QUICK_GATEWAY + """\
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1:{port}"
{more}
[[source]]
name = "plant"
topic = "spBv1.0/{plant}/+/{node}/#"
format = "sparkplug"
key = "node"
fields = { temp = "temp" }
"""
PHONES = """\
[[source]]
name = "phones"
format = "preset:owntracks"
"""


class DecodeTest(unittest.TestCase):
    def setUp(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.config = folder / "wayside.toml"
        password = 'password = { env = "WAYSIDE_TEST_PASSWORD" }'
        self.config.write_text(fill(GATEWAY + PHONES, id="g", port=1883, more=password, state=folder / "state"))
        self.payload = folder / "payload"

    def wayside(self, *words, payload=b""):
        environment = {**os.environ, "WAYSIDE_TEST_PASSWORD": "hidden"}
        done = subprocess.run([BINARY, *words, "--config", self.config], input=payload, capture_output=True,
                              env=environment, timeout=30)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def decode(self, payload, *more):
        return self.wayside("decode", "--source", "phones", "--topic", "owntracks/u/d", *more, payload=payload)

    def test_a_payload_of_standard_input_or_of_a_file_is_shown_with_its_fields(self):
        code, text, _ = self.decode(b'{"_type":"location","lat":52.5,"tst":1700000000}', "--json")
        self.assertEqual(code, 0)
        reading = json.loads(text)["readings"][0]
        self.assertEqual((reading["key"], reading["time"]), ("d", "2023-11-14T22:13:20.000Z"))
        self.assertEqual(reading["fields"]["lat"], 52.5)
        self.payload.write_bytes(b'{"lat":52.5,"tst":1700000000}')
        code, text, _ = self.decode(b"", "--in", self.payload)
        self.assertEqual(code, 0)
        self.assertIn("reading 1: key d, time 2023-11-14T22:13:20.000Z\n", text)

    def test_the_exit_code_tells_a_refusal_from_a_question_that_is_none(self):
        code, text, _ = self.decode(b'{"lat":52.5}')
        self.assertEqual(code, 65)
        self.assertIn("refused: no_time", text)
        code, _, errors = self.wayside("decode", "--source", "phones", payload=b"{}")
        self.assertEqual(code, 64)
        self.assertIn("give --topic", errors)
        code, _, errors = self.decode(b"", "--in", self.payload)
        self.assertEqual((code, errors), (74, f"wayside: {self.payload}: cannot be read\n"))

    def test_what_is_in_force_is_printed_without_secrets_and_loads(self):
        code, text, _ = self.wayside("config", "effective")
        self.assertEqual(code, 0)
        self.assertNotIn("hidden", text)
        self.assertIn('topic = "owntracks/{user}/{device}"\n', text)
        version = self.wayside("check")[1].split("version ")[1][:8]
        self.config.write_text(text)
        code, text, errors = self.wayside("check")
        self.assertEqual((code, errors), (0, ""))
        self.assertIn(f"version {version}", text)


class SparkplugTest(unittest.TestCase):
    @unittest.skipUnless(CLIENT, "there is no mosquitto_rr")
    def test_data_of_a_node_that_is_not_born_bring_the_request_for_its_rebirth(self):
        stand = self.enterContext(Stand("formats"))
        broker = stand.mosquitto()
        proxy = stand.add(MqttProxy(broker.port))
        gateway = stand.daemon(BINARY, fill(GATEWAY, id="g", port=proxy.port, more=""))
        broker.start()
        gateway.start()
        wait_for("the subscription", proxy.subscribed.is_set)
        payload = "\x18\x05"  # a sequence number
        done = subprocess.run([CLIENT, "-p", str(broker.port), "-V", "mqttv5", "-t", "spBv1.0/a/DDATA/n/d",
                               "-e", "spBv1.0/a/NCMD/n", "-m", payload, "-W", "10", "-F", "%x"],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"Node Control/Rebirth".hex(), done.stdout)
        self.assertTrue(done.stdout.strip().endswith("200b7001"), "datatype Boolean, true")


if __name__ == "__main__":
    unittest.main()
