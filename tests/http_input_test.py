#!/usr/bin/env python3
"""Readings by HTTP POST, and a gateway that is killed meanwhile. WAYSIDE_BINARY: the gateway."""

import http.client
import json
import os
import threading
import unittest

from system import DEFAULT_BINARY, QUICK_GATEWAY, VEHICLE_READINGS, Stand, fill, free_port, listens, wait_for

BINARY = os.environ.get("WAYSIDE_BINARY", DEFAULT_BINARY)
GATEWAY = QUICK_GATEWAY + """\
[[input]]
name = "post"
url = "http://127.0.0.1:{port}/in"
[[uplink]]
name = "centre"
raw = ["readings"]
linger = "20ms"
""" + VEHICLE_READINGS + """\
input = "post"
topic = "t/{vehicle}"
[source.fields]
seq = "seq"
"""
KILLS = 3
SENDERS = 4
PER_LIFE = 30  # requests that are answered before the gateway is killed, of all senders
TIMEOUT_S = 5


class Sender(threading.Thread):
    """Posts one reading after the other, each until it gets 200."""

    def __init__(self, name, port):
        super().__init__(daemon=True)
        self.truck, self.port = name, port
        self.good = []  # the numbers that were answered with 200
        self.tries = 0
        self.ending = threading.Event()

    def run(self):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        while not self.ending.is_set():
            number = len(self.good) + 1
            try:
                self.tries += 1
                link.request("POST", f"/in/t/{self.truck}", json.dumps({"ts": 1_700_000_000_000 + number, "seq": number}))
                answer = link.getresponse()
                answer.read()
                if answer.status == 200:
                    self.good.append(number)
            except (OSError, http.client.HTTPException):
                link.close()  # it connects again by itself
                self.ending.wait(0.01)
        link.close()


class HttpInputTest(unittest.TestCase):
    def setUp(self):
        self.stand = self.enterContext(Stand("http-input"))
        self.port = free_port()
        self.gateway = self.stand.daemon(BINARY, fill(GATEWAY, id="g", port=self.port)).start()
        wait_for("the input", lambda: listens(self.port))

    def delivered(self):
        """(vehicle, seq) of each reading, as often as it came."""
        lines = map(json.loads, self.gateway.delivered_lines("centre"))
        return [(line["key"], line["seq"]) for line in lines if line["type"] == "reading"]

    def test_what_got_200_is_there_after_kill_9(self):
        senders = [Sender(f"v{i}", self.port) for i in range(SENDERS)]
        for sender in senders:
            sender.start()
        for life in range(1, KILLS + 1):
            wait_for("answers", lambda: sum(len(s.good) for s in senders) >= life * PER_LIFE)
            self.gateway.kill()
            self.gateway.start()
        wait_for("the last answers", lambda: sum(len(s.good) for s in senders) >= (KILLS + 1) * PER_LIFE)
        for sender in senders:
            sender.ending.set()
        for sender in senders:
            sender.join()
        expected = {(s.truck, number) for s in senders for number in s.good}
        wait_for("the readings", lambda: expected <= set(self.delivered()))
        delivered = self.delivered()
        self.assertGreater(sum(s.tries for s in senders), len(expected), "no request was killed on its way")
        self.assertLessEqual(len(delivered), sum(s.tries for s in senders))
        self.assertEqual(self.gateway.stop(), 0)

    def test_an_end_answers_what_it_has_committed(self):
        sender = Sender("v", self.port)
        sender.start()
        wait_for("answers", lambda: len(sender.good) >= 3)
        self.gateway.await_status("what it answered", lambda s: s["inputs"][0]["acknowledged"] >= 3)
        self.assertEqual(self.gateway.stop(), 0)
        sender.ending.set()
        sender.join()
        self.assertLessEqual({("v", number) for number in sender.good}, set(self.delivered()))


if __name__ == "__main__":
    unittest.main()
