#!/usr/bin/env python3
"""The worked examples of config/examples: each says of its recorded input what it is expected to say, word for word; the cart also
through a real broker, into its view."""

import json
import os
import re
import subprocess
import unittest
from pathlib import Path

from mqtt_test import now_ms
from proxy import MqttProxy
from system import DEFAULT_BINARY, REPOSITORY, Stand, wait_for

BINARY = Path(os.environ.get("WAYSIDE_BINARY", DEFAULT_BINARY))
EXAMPLES = REPOSITORY / "config" / "examples"


def said_of(dump):
    """Its events, then the rows of its views."""
    config = dump.with_suffix(".toml")
    views = re.findall(r'^\[\[view\]\]\nname = "(\w+)"', config.read_text(), re.M)
    replay = [BINARY, "replay", "--config", config, "--in", dump]
    runs = [replay] + [[*replay, "--view", view] for view in views]
    return "".join(subprocess.run(run, capture_output=True, text=True, check=True).stdout for run in runs)


class Examples(unittest.TestCase):
    def test_each_says_what_is_expected(self):
        dumps = sorted(EXAMPLES.glob("*.dump"))
        self.assertGreaterEqual(len(dumps), 5)
        for dump in dumps:
            with self.subTest(example=dump.stem):
                self.assertEqual(said_of(dump), dump.with_suffix(".expected").read_text())

    def test_carts_are_rows_of_a_view(self):
        with Stand("cart") as stand:
            broker = stand.mosquitto().start()
            proxy = stand.add(MqttProxy(broker.port))
            toml = (EXAMPLES / "cart.toml").read_text().replace("127.0.0.1:1883", f"127.0.0.1:{proxy.port}")
            toml = re.sub(r'^state_dir = .*$', 'state_dir = "{state}"', toml, flags=re.M)
            toml = re.sub(r'^dir = .*$', "", toml, flags=re.M)
            gateway = stand.daemon(BINARY, toml).start()
            wait_for("the subscription", proxy.subscribed.is_set)
            publisher = stand.publisher(broker.port)
            changes = [line.split(" ", 2)[1:] for line in (EXAMPLES / "cart.dump").read_text().splitlines()]
            for topic, payload in changes:
                publisher.publish(topic, json.dumps({**json.loads(payload), "at": now_ms()}))
            gateway.await_status("all changes", lambda s: s["readings"]["in"] == len(changes) and s["journal"]["entry"] > 0)
            done = gateway.call("sql", "SELECT cart, n FROM carts", "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual([json.loads(line) for line in done.stdout.splitlines()], [{"cart": "c-1", "n": 8}])


if __name__ == "__main__":
    unittest.main()
