#!/usr/bin/env python3
"""Payloads of a whole MiB that mean harm, of each format, to a real gateway. WAYSIDE_BINARY: the gateway."""

import os
import re
import unittest
from pathlib import Path

from system import DEFAULT_BINARY, QUICK_GATEWAY, Stand, fill

BINARY = os.environ.get("WAYSIDE_BINARY", DEFAULT_BINARY)
MIB = 1 << 20
LIMIT = 256 << 10  # max_payload by default
SETTLE_S = 20
UNREAD_MIB = 4  # of payloads over the limit, which are not taken in
AT_ONCE_MIB = 6  # simdjson's index alone takes four bytes for each of the payload
FOR_EVER_MIB = 8  # all formats together: as much free room the allocator keeps at hand (M_TRIM_THRESHOLD)

TIME = 'time = { field = "ts", unit = "s" }\n'
FORMATS = {
    "json": TIME + 'each = "rows"\nfields = { n = "n", s = { path = "s", type = "text" } }',
    "cbor": TIME + 'each = "rows"\nfields = { n = "n", s = { path = "s", type = "text" } }',
    "senml-json": 'fields = { n = "n" }',
    "senml-cbor": 'fields = { n = "n" }',
    "csv": TIME + 'columns = ["n", "ts"]\nfields = { n = "n" }',
    "protobuf": 'fields = { n = "n", s = { path = "s", type = "text" } }',
    "protobuf-numbers": 'time = { field = "1", unit = "s" }\nfields = { n = "2", s = { path = "3", type = "text" } }',
    "cayenne": 'fields = { n = "1" }',
    "nmea": 'fields = { lat = "lat" }',
    "struct": 'fields = { n = "0:u8" }',
    "sparkplug": 'fields = { n = "n" }',
}
SMALL = b"{}"  # good or not, it ends what the bomb before it took


def times(part, end=b""):
    """A MiB of it at most, and an end."""
    return part * ((MIB - len(end)) // len(part)) + end


BOMBS = {
    "json": [times(b"["), times(b'{"rows":'), b'{"rows":[' + times(b'{"n":1},')[:-40] + b'{"n":1}]}', times(b'"'),
             b'{"rows":[{"n":"' + b"x" * (MIB - 20) + b'"}]}', b'{"rows":[{"n":' + b"9" * (MIB - 20) + b"}]}"],
    "cbor": [times(b"\x81"), times(b"\xa1drows"), times(b"\x9f"), times(b"\x5f"), times(b"\xc0"),
             b"\xa1drows\x9b" + b"\xff" * 8 + b"\x01" * 1000, b"\xa1drows\x9f" + times(b"\xa1an\x01", b"\xff")[8:],
             b"\xa1drows\x81\xbf" + times(b"\x61s\x01", b"\xff")[8:]],
    "senml-json": [times(b"["), b"[" + times(b'{"n":"n","v":1},')[:-40] + b"{}]",
                   b'[{"n":"' + b"n" * (MIB - 20) + b'"}]'],
    "senml-cbor": [times(b"\x81"), b"\x9f" + times(b"\xa2\x00an\x02\x01", b"\xff")[6:]],
    "csv": [times(b","), times(b"\n"), times(b"1,2\n"), times(b'"'), times(b"x")],
    "protobuf": [times(b"\x12\x00"), times(b"\x12\x06\x0a\x01s\x1a\x011"), times(b"\x12\xff\xff\xff\xff\x0f"), times(b"\x0a")],
    "protobuf-numbers": [times(b"\x0a"), times(b"\x12\xff\xff\xff\xff\x0f"), times(b"\x10\x01"), times(b"\x18\x01"), times(b"\x0b")],
    "cayenne": [times(b"\x01\x67\x00\x01"), times(b"\xff")],
    "nmea": [times(b"$"), b"$GPRMC" + b"," * (MIB - 6), times(b"$GPGGA,1*00\r\n")],
    "struct": [times(b"\xff")],
    "sparkplug": [times(b"\x12\x00"), times(b"\x0a"), times(b"\x12\x02\x0a\x00")],
}


def config(limit):
    text = QUICK_GATEWAY + '[[mqtt]]\nname = "local"\nurl = "mqtt://127.0.0.1:{port}"\n' + limit
    for name, more in FORMATS.items():
        topic, key = ("spBv1.0/p/+/{node}/#", "node") if name == "sparkplug" else (name + "/{device}", "device")
        text += f'[[source]]\nname = "{name}"\nformat = "{name}"\ntopic = "{topic}"\nkey = "{key}"\n{more}\n'
    return text


class Hostile(unittest.TestCase):
    def start(self, limit):
        self.stand = self.enterContext(Stand("hostile"))
        broker = self.stand.mosquitto().start()
        self.gateway = self.stand.daemon(BINARY, fill(config(limit), id="g", port=broker.port))
        self.gateway.check()
        self.gateway.start().await_connected()
        self.publisher = self.stand.publisher(broker.port)
        self.sent = 0

    def mib(self, name):
        status = Path(f"/proc/{self.gateway.process.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.M)[1]) / 1024

    def send(self, name, payload):
        self.sent += 1
        self.publisher.publish("spBv1.0/p/DDATA/n/d" if name == "sparkplug" else name + "/d1", payload)

    def await_committed(self):
        """Returns when what became of all that was sent is safe."""
        return self.gateway.await_status("what came", lambda s: s["mqtt"][0]["acknowledged"] == self.sent, SETTLE_S)

    def test_by_default_a_mebibyte_that_means_harm_takes_no_memory(self):
        self.start("")
        for name in FORMATS:
            self.send(name, SMALL)
        self.await_committed()
        before = self.mib("VmRSS")
        for name, bombs in BOMBS.items():
            for bomb in bombs:
                self.send(name, bomb)
        status = self.await_committed()
        self.assertTrue(status["readings"]["balanced"])
        refused = self.gateway.rows("SELECT count(*) FROM quarantine WHERE reason = 'too_large'")
        self.assertEqual(refused, [(sum(len(b) > LIMIT for bombs in BOMBS.values() for b in bombs),)])
        rise = self.mib("VmHWM") - before
        print(f"RSS {before:.1f} MiB, and {rise:.1f} more at most")
        self.assertLess(rise, UNREAD_MIB)

    def test_where_it_is_let_in_it_takes_little_memory_and_none_for_ever(self):
        self.start('max_payload = "1MiB"\n')
        for name in FORMATS:
            self.send(name, SMALL)
        self.send("struct", times(b"\0"))  # good; the connection and the queue have room for one as large from here on
        self.await_committed()
        at_first = self.mib("VmRSS")
        for name, bombs in BOMBS.items():
            for number, bomb in enumerate(bombs):
                self.assertLessEqual(len(bomb), MIB)
                Path(f"/proc/{self.gateway.process.pid}/clear_refs").write_text("5")  # VmHWM begins anew
                before = self.mib("VmRSS")
                self.send(name, bomb)
                self.assertTrue(self.await_committed()["readings"]["balanced"])
                self.assertLess(self.mib("VmHWM") - before, AT_ONCE_MIB, f"{name} {number}")
                self.send(name, SMALL)
        self.await_committed()
        rise = self.mib("VmRSS") - at_first
        print(f"RSS {at_first:.1f} MiB, and {rise:.1f} more after {sum(map(len, BOMBS.values()))} payloads")
        self.assertLess(rise, FOR_EVER_MIB)


if __name__ == "__main__":
    unittest.main()
