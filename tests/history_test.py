#!/usr/bin/env python3
"""The past of a gateway, asked on the command line: each example of docs/history.md runs, beside the daemon and without it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import unittest
from pathlib import Path

from mqtt_test import now_ms
from proxy import MqttProxy
from system import DEFAULT_BINARY, REPOSITORY, Stand, wait_for

BINARY = Path(os.environ.get("WAYSIDE_BINARY", DEFAULT_BINARY))
PAGE = (REPOSITORY / "docs" / "history.md").read_text()
# What each command of the page prints, in its order.
PRINTED = ("9.5", "truck-1", "delay_s", '"key":"truck-1"', "climate(source, key, time", "when = \"temp_c > 8\"", '"behind":[', '"anchor":"differs',
           '"block":"too_warm"', None, '"entry":')
READINGS = 90
WARM = 30


class History(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stand = Stand("history")
        cls.addClassCleanup(cls.stand.__exit__, None, None, None)
        cls.stand.__enter__()
        broker = cls.stand.mosquitto().start()
        proxy = cls.stand.add(MqttProxy(broker.port))
        toml = "\n".join(re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S))
        toml = toml.replace("127.0.0.1:1883", f"127.0.0.1:{proxy.port}")
        cls.gateway = cls.stand.daemon(BINARY, '[gateway]\nid = "g"\nstate_dir = "{state}"\n' + toml).start()
        wait_for("the subscription", proxy.subscribed.is_set)
        publisher = cls.stand.publisher(broker.port)
        for n in range(READINGS):
            publisher.publish(f"fleet/truck-{n % 3}/climate",
                              json.dumps({"ts": now_ms() - 1000 * (READINGS - n), "t": 9.5 if n % 3 == 1 else 4, "door": "shut"}))
        cls.gateway.await_status("all readings", lambda s: s["readings"]["in"] == READINGS and s["journal"]["entry"] > 0
                                 and s["uplinks"][0]["emitted"] > 0 and s["uplinks"][0]["pending"] == 0)

    def ask(self, sql, *options, state=None):
        where = ["--journal", state] if state else []
        done = self.gateway.call("sql", sql, "--json", *where, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_the_examples_of_the_page_run(self):
        (self.gateway.config.parent / "new.toml").write_text(self.gateway.config.read_text().replace("> 8", "> 3"))
        target = self.stand.path("then")
        event = self.ask("SELECT id FROM events WHERE block = 'too_warm'")[0]["id"]
        lines = re.findall(r"^    (wayside .*)$", PAGE, re.M)
        self.assertEqual(len(lines), len(PRINTED))
        for line, printed in zip(lines, PRINTED):
            words = [word.replace("/tmp/then", str(target)).replace("truck-17/5f1c02ab/17", event).replace("/var/lib/wayside", str(self.gateway.state))
                     .replace("wayside.toml", str(self.gateway.config)) for word in shlex.split(line)]
            words = [str(self.gateway.config.parent / w) if w == "new.toml" else w for w in words]
            with self.subTest(line=line):
                shutil.rmtree(target, ignore_errors=True)
                done = subprocess.run([BINARY, *words[1:]], capture_output=True, text=True)
                self.assertEqual(done.returncode, 65 if "--anchor" in line else 0, done.stderr)
                if printed:
                    self.assertIn(printed, done.stdout)

    def test_a_running_gateway_is_asked_for_all_that_it_has_committed(self):
        counted = self.ask("SELECT count(*) AS n FROM climate WHERE time > ago('1h')")
        self.assertEqual(counted, [{"n": READINGS}])
        warm = self.ask("SELECT key, count(*) AS n FROM climate WHERE temp_c > 8 GROUP BY key")
        self.assertEqual(warm, [{"key": "truck-1", "n": WARM}])

    def test_a_copy_of_the_state_folder_can_be_asked(self):
        copy = self.stand.path("copy") / "state"
        shutil.copytree(self.gateway.state, copy, ignore=shutil.ignore_patterns("status.sock"))
        counted = self.ask("SELECT count(*) AS n FROM readings WHERE vehicle = 'truck-2'", state=copy)
        self.assertEqual(counted, [{"n": READINGS // 3}])

    def test_events_are_those_that_were_delivered(self):
        delivered = {json.loads(line)["id"] for line in self.gateway.delivered_lines("centre")}
        events = self.ask("SELECT id, event FROM events WHERE lane = 'alarm'")
        self.assertEqual({event["id"] for event in events}, delivered)
        self.assertTrue(all(json.loads(event["event"])["id"] == event["id"] for event in events))

    def test_mistakes_are_told_with_an_exit_code(self):
        for sql, code, said in (("SELECT tmp_c FROM climate", 64, "did you mean 'temp_c'?"),
                                ("DELETE FROM climate", 64, "only reading is possible"),
                                ("SELECT 1 FROM climat", 64, "did you mean 'climate'?")):
            done = self.gateway.call("sql", sql)
            self.assertEqual(done.returncode, code)
            self.assertIn(said, done.stderr.decode())
        done = self.gateway.call("sql", "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n) "
                                 "SELECT count(*) FROM n", "--timeout", "100ms")
        self.assertEqual(done.returncode, 69)
        done = self.gateway.call("restore", "--until", "yesterday", "--to", "/nowhere")
        self.assertEqual(done.returncode, 64)


if __name__ == "__main__":
    unittest.main()
