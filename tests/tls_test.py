#!/usr/bin/env python3
"""The gateway and a real mosquitto, with TLS both ways. WAYSIDE_BINARY: the gateway."""

import json
import os
import subprocess
import time
import unittest

from system import DEFAULT_BINARY, QUICK_GATEWAY, VEHICLE_READINGS, Stand, fill, wait_for

BINARY = os.environ.get("WAYSIDE_BINARY", DEFAULT_BINARY)

GATEWAY = QUICK_GATEWAY + """\
[[mqtt]]
name = "local"
url = "mqtts://{host}:{port}"
ca = "{files}/ca.pem"
cert = "{files}/gateway.pem"
key = "{files}/gateway.key"
reconnect_max = "1s"
[[uplink]]
name = "centre"
raw = ["readings"]
linger = "20ms"
""" + VEHICLE_READINGS + """\
topic = "t/{vehicle}"
[source.fields]
seq = "seq"
"""


class Authority:
    """Signs certificates with a key of its own, all in files of one folder."""

    def __init__(self, folder):
        self.folder = folder
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
                      "-subj", "/CN=Depot CA", "-days", "900", "-keyout", "ca.key", "-out", "ca.pem")

    def issue(self, name, days=365, host="localhost"):
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", f"/CN={name}",
                      "-addext", f"subjectAltName=DNS:{host}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", str(days),
                      "-copy_extensions", "copy", "-out", f"{name}.pem")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


class TlsTest(unittest.TestCase):
    def setUp(self):
        self.stand = self.enterContext(Stand("tls"))
        self.files = self.stand.path("certificates")
        self.authority = Authority(self.files)
        self.authority.issue("broker")
        self.authority.issue("gateway")
        self.broker = self.stand.mosquitto()
        self.port = self.broker.add_listener(f"cafile {self.files}/ca.pem", f"certfile {self.files}/broker.pem",
                                             f"keyfile {self.files}/broker.key", "require_certificate true")
        self.broker.start()
        self.next_seq = 0

    def make_gateway(self, host="localhost", port=None):
        config = fill(GATEWAY, id="g", host=host, port=port or self.port, files=self.files)
        self.gateway = self.stand.daemon(BINARY, config)
        self.gateway.check()
        return self.gateway.start()

    def publish(self, count):
        """Readings with consecutive `seq`."""
        for seq in range(self.next_seq, self.next_seq + count):
            self.publisher.publish(f"t/v{seq % 3}", json.dumps({"ts": time.time_ns() // 1_000_000, "seq": seq}))
        self.next_seq += count

    def await_readings(self, count):
        return self.gateway.await_status(f"{count} readings", lambda s: (
            s["readings"]["in"] >= count and s["uplinks"][0]["pending"] == 0))

    def await_complaint(self, text):
        wait_for(text, lambda: text in self.gateway.log_text())

    def assert_never_connected(self):
        status = self.gateway.await_status("an answer", lambda s: "mqtt" in s)
        self.assertEqual(status["mqtt"][0]["connects"], 0)

    def delivered(self, kind):
        return [line for line in map(json.loads, self.gateway.delivered_lines("centre")) if line["type"] == kind]

    def start_all(self):
        self.make_gateway()
        self.gateway.await_connected()
        self.publisher = self.stand.publisher(self.broker.port)
        # The subscription is there once a reading comes; its number is 0 however often it is tried.
        def comes():
            self.next_seq = 0
            self.publish(1)
            return self.gateway.status().get("readings", {}).get("in", 0) > 0
        wait_for("the subscription", comes)
        self.publisher.drain()

    def test_readings_come_over_tls_also_after_both_certificates_were_renewed(self):
        self.start_all()
        self.publish(3_000)
        with self.publisher.paused():
            self.assertEqual(self.broker.stop(), 0)
            self.gateway.await_status("the loss of the connection", lambda s: not s["mqtt"][0]["connected"])
            self.authority.issue("gateway", days=10)
            self.authority.issue("broker")
            self.broker.start()
        self.gateway.await_connected()
        self.publish(3_000)
        status = self.await_readings(self.next_seq)
        self.assertEqual(status["mqtt"][0]["sessions_lost"], 0)
        self.assertTrue(status["readings"]["balanced"])
        self.assertEqual(self.gateway.stop(), 0)
        self.assertEqual({line["seq"] for line in self.delivered("reading")}, set(range(self.next_seq)))
        [told] = self.delivered("incident")
        self.assertEqual((told["block"], told["key"]), ("connection", "local"))
        self.assertIn("a certificate of this connection, the broker's or ours, ends on", told["text"])
        live, replayed = self.gateway.delivered_lines("centre"), self.gateway.replay_journal()
        self.assertEqual(sorted(live), sorted(replayed))

    def test_a_broker_with_another_name_is_not_connected_to(self):
        self.make_gateway(host="127.0.0.1")
        self.await_complaint("the broker's certificate is for localhost, not for 127.0.0.1; trying again")
        self.assert_never_connected()

    def test_a_gateway_that_the_broker_does_not_know_is_told_so(self):
        (self.files / "other").mkdir()
        other = Authority(self.files / "other")
        other.issue("gateway")
        for name in ("gateway.pem", "gateway.key"):
            (self.files / "other" / name).rename(self.files / name)
        self.make_gateway()
        self.await_complaint("the broker refuses our certificate")
        self.authority.issue("gateway")  # mended while it runs
        self.gateway.await_connected()

    def test_a_port_without_tls_is_told_so(self):
        self.make_gateway(port=self.broker.port)
        self.await_complaint("is this its port for TLS?")
        self.assert_never_connected()


if __name__ == "__main__":
    unittest.main()
