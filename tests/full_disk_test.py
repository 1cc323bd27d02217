#!/usr/bin/env python3
"""The gateway on a disk that is really full: a small tmpfs. WAYSIDE_BINARY: the gateway. Needs root, for the mount."""

import json
import os
import subprocess
import time
import unittest
from pathlib import Path

from system import DEFAULT_BINARY, QUICK_GATEWAY, VEHICLE_READINGS, Stand, fill, wait_for

BINARY = os.environ.get("WAYSIDE_BINARY", DEFAULT_BINARY)
DISK_MIB = 24
FILLER_MIB = 10  # of somebody else; max_bytes alone would leave too little beside it
FILE_MIB = 1
MIN_FREE_MIB = 4
# One file has just gone, one is about to be made, and what thinning makes of one takes a quarter.
KEPT_FREE_BYTES = (MIN_FREE_MIB << 20) + (FILE_MIB << 20) * 9 // 4
SETTLE_S = 60
BATCH = 500
AT_FIRST = 8_000  # readings, so that the journal has some files

CONFIG = QUICK_GATEWAY + """\
file_bytes = "{file_mib}MiB"
max_bytes = "12MiB"
min_free = "{min_free_mib}MiB"
commit_bytes = "64KiB"
retry = "100ms"
checkpoint_interval = "1s"
wal_bytes = "256KiB"
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1:{port}"
reconnect_max = "1s"
max_payload = "64KiB"
""" + VEHICLE_READINGS + """\
topic = "t/{vehicle}"
max_disorder = "100ms"
[source.fields]
seq = "seq"
noise = { path = "noise", type = "text" }
[[window]]
name = "w"
from = "readings"
size = "1s"
select = { n = "count()", total = "sum(seq)" }
[[uplink]]
name = "centre"
raw = ["readings"]
linger = "20ms"
retry_min = "100ms"
retry_max = "200ms"
dir = "{out}"
"""


def mount(folder):
    folder.mkdir()
    return subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", folder],
                          capture_output=True).returncode == 0


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.stand = self.enterContext(Stand("full-disk"))
        self.disk = self.stand.folder / "disk"
        if os.geteuid() != 0 or not mount(self.disk):
            self.skipTest("needs root and mount(2)")
        self.stand.ends.append(lambda: subprocess.run(["umount", "-l", self.disk]))
        self.broker = self.stand.mosquitto().start()
        self.out = self.stand.folder / "out"
        config = fill(CONFIG, id="g", state=self.disk / "state", port=self.broker.port, out=self.out,
                      file_mib=FILE_MIB, min_free_mib=MIN_FREE_MIB)
        self.gateway = self.stand.daemon(BINARY, config)
        self.gateway.start().await_connected()
        self.publisher = self.stand.publisher(self.broker.port)
        self.sent = 0

    def publish(self, count):
        for _ in range(count):
            self.sent += 1
            payload = {"ts": time.time_ns() // 1_000_000, "seq": self.sent, "noise": os.urandom(400).hex()}
            self.publisher.publish(f"t/v{self.sent % 7}", json.dumps(payload))
        self.publisher.drain()

    def fill(self):
        """Somebody else takes what is left of the disk."""
        with open(self.disk / "filler", "ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                return

    def free_bytes(self):
        stat = os.statvfs(self.disk)
        return stat.f_bavail * stat.f_frsize

    def lines(self):
        return [json.loads(line) for file in sorted(self.out.glob("*.jsonl")) for line in file.read_text().splitlines()]

    def await_taken(self):
        return self.gateway.await_status("all readings", lambda s: s["readings"]["in"] >= self.sent, SETTLE_S)

    def await_drained(self):
        """Everything that was said is delivered, or counted as dropped; the status then."""
        return self.gateway.await_status(
            "an empty outbox", lambda s: s["readings"]["in"] >= self.sent and s["uplinks"][0]["pending"] == 0 and
            s["uplinks"][0]["connected"], SETTLE_S)

    def unique_lines(self):
        lines = self.lines()
        ids = [line["id"] for line in lines]
        self.assertEqual(len(ids), len(set(ids)), "a line came twice")
        return lines

    def test_with_a_link_nothing_is_lost_while_the_disk_is_full_nor_by_a_start_on_it(self):
        self.publish(AT_FIRST)
        self.await_drained()
        for _ in range(4):
            self.fill()
            self.publish(BATCH)
        self.await_taken()
        self.fill()
        self.gateway.kill()
        self.fill()
        self.gateway.start().await_connected()
        for _ in range(4):
            self.publish(BATCH)
            self.fill()
        self.await_drained()
        self.fill()
        self.gateway.restart().await_connected()
        self.publish(BATCH)
        self.await_drained()
        (self.disk / "filler").unlink()
        self.publish(BATCH)
        status = self.await_drained()
        self.assertEqual(status["uplinks"][0]["dropped"], 0)
        self.assertTrue(status["uplinks"][0]["balanced"] and status["readings"]["balanced"])
        seqs = {line["seq"] for line in self.unique_lines() if line["type"] == "reading"}
        self.assertEqual(seqs, set(range(1, self.sent + 1)))

    def test_without_a_link_what_a_full_disk_costs_is_counted_and_told_and_the_rest_comes(self):
        self.publish(AT_FIRST)
        self.await_drained()
        # A file stands where the uplink's folder should be.
        away = self.stand.folder / "out.away"
        self.out.rename(away)
        self.out.write_text("")
        for _ in range(20):
            self.fill()
            self.publish(BATCH)
        self.gateway.await_status("losses", lambda s: s["readings"]["in"] >= self.sent and
                                  s["storage"]["lost_readings"] > 0, SETTLE_S)
        self.gateway.kill()
        self.gateway.start().await_connected()
        self.publish(BATCH)
        self.await_taken()
        self.out.unlink()
        away.rename(self.out)
        status = self.await_drained()  # although it is still full
        dropped = status["uplinks"][0]["dropped"]
        self.assertGreater(dropped, 0)
        (self.disk / "filler").unlink()
        self.publish(BATCH)
        status = self.await_drained()
        self.assertEqual(status["uplinks"][0]["dropped"], dropped, "with room nothing more is lost")
        self.assertTrue(status["uplinks"][0]["balanced"] and status["readings"]["balanced"])
        lines = self.unique_lines()
        self.assertEqual(status["uplinks"][0]["emitted"], len(lines) + dropped)
        self.assertIn("lost", {line["block"] for line in lines if line["type"] == "incident"})

    def test_the_limit_of_its_own_is_kept_and_the_room_that_others_need_stays_free(self):
        away = self.stand.folder / "out.away"
        wait_for("the uplink's folder", self.out.exists)
        self.out.rename(away)
        self.out.write_text("")
        (self.disk / "filler").write_bytes(bytes(FILLER_MIB << 20))
        for _ in range(30):
            self.publish(BATCH)
            self.assertGreater(self.free_bytes(), (MIN_FREE_MIB - FILE_MIB) << 20, "a file that is being made")
        self.assertLess(self.free_bytes(), KEPT_FREE_BYTES, "it was needed")
        used = sum(path.stat().st_size for path in Path(self.disk / "state").rglob("*") if path.is_file())
        self.assertLess(used, 14 << 20, "max_bytes, a file that is being made, and SQLite's index")
        self.out.unlink()
        away.rename(self.out)
        status = self.await_drained()
        dropped = status["uplinks"][0]["dropped"]
        self.assertEqual(status["uplinks"][0]["emitted"], len(self.unique_lines()) + dropped)


if __name__ == "__main__":
    unittest.main()
