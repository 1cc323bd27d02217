#!/usr/bin/env python3
"""Recorded fleets, published to a real mosquitto. WAYSIDE_DATA: where they lie; skipped where they do not."""

import csv
import json
import os
import unittest
from datetime import datetime
from pathlib import Path

from mqtt_test import MqttTest
from system import REPOSITORY

RECORDED = Path(os.environ.get("WAYSIDE_DATA", REPOSITORY.parent / "shared")) / "data" / "recorded"

BUSES = """\
[[source]]
name = "readings"
topic = "/hfp/v2/{journey}/ongoing/vp/bus/{operator}/{bus}/#"
format = "json"
key = "bus"
time = { field = "VP.tst", unit = "rfc3339" }
max_disorder = "10s"
max_future = "off"
[source.fields]
speed = { path = "VP.spd", min = 0, max = 50 }
lat = "VP.lat"
long = "VP.long"
delay = "VP.dl"
[[window]]
name = "minute"
from = "readings"
size = "1m"
select = { n = "count()", mean = "avg(speed)", top = "max(speed)", lag = "min(delay)" }
allowed_lateness = "30s"
[[rule]]
name = "stopped"
from = "readings"
when = "speed < 0.1"
for = "20s"
"""

TRANSIT = """\
[[source]]
name = "readings"
topic = "transit/{vehicle}"
key = "vehicle"
time = { field = "at", unit = "rfc3339" }
max_disorder = "2m"
max_future = "off"
[source.fields]
speed = { path = "speed", min = 0 }
lat = { path = "lat", min = -90, max = 90 }
lon = { path = "lon", min = -180, max = 180 }
route = { path = "route", type = "text" }
[[window]]
name = "ten_minutes"
from = "readings"
size = "10m"
select = { n = "count()", mean = "avg(speed)", top = "max(speed)" }
[[rule]]
name = "fast"
from = "readings"
when = "speed > 25"
"""


def readings_of(lines):
    readings = [json.loads(line) for line in lines]
    return sorted(json.dumps(r | {"id": ""}, sort_keys=True) for r in readings if r["type"] == "reading")


class Recorded(MqttTest):
    """That live output equals the replay of the journal is checked at the end of each test, by end()."""

    def recordings(self, pattern):
        files = sorted(RECORDED.glob(pattern))
        if not files:
            self.skipTest(f"no {pattern} in {RECORDED}")
        return files

    def end_as_replayed(self, count, dumps):
        """The readings delivered of so many messages, which a replay of the dumps gives as well, and the status."""
        status = self.end(count)
        self.assertEqual(status["readings"]["in"], count)
        live = self.gateway.delivered_lines("centre")
        self.assertLessEqual({"reading", "window"}, {json.loads(line)["type"] for line in live})
        dumped = self.gateway.call("replay", *(part for dump in dumps for part in ("--in", dump)))
        readings = readings_of(live)
        self.assertEqual(readings, readings_of(dumped.stdout.decode().splitlines()))
        return readings, status


class Buses(Recorded):
    def setUp(self):
        super().setUp()
        self.dumps = self.recordings("hfp/*.dump")

    def publish_dumps(self):
        """How many messages the source subscribes to."""
        count = 0
        for dump in self.dumps:
            for line in dump.read_text().splitlines():
                head, brace, rest = line.partition(" {")  # topics hold spaces
                topic = head.split(" ", 1)[1]
                self.publisher.publish(topic, brace.strip() + rest)
                count += "/ongoing/vp/bus/" in topic
        return count

    def test_recorded_buses_published_live_give_what_their_journal_and_their_dump_give(self):
        self.start_all(blocks=BUSES)
        count = self.publish_dumps()
        readings, _ = self.end_as_replayed(count, self.dumps)
        self.assertGreater(len(readings), count * 0.9)
        self.assertTrue(any(json.loads(line)["type"] == "alarm" for line in self.gateway.delivered_lines("centre")))


class Transit(Recorded):
    def setUp(self):
        super().setUp()
        self.hours = self.recordings("transit/capmetro_*.csv")

    def messages(self):
        """(epoch ms, topic, payload) of each row."""
        for hour in self.hours:
            with open(hour, newline="") as file:
                for row in csv.DictReader(file):
                    payload = {"at": row["timestamp"], "speed": float(row["speed"]), "lat": float(row["latitude"]),
                               "lon": float(row["longitude"]), "route": row["route_id"]}
                    at_ms = int(datetime.fromisoformat(row["timestamp"]).timestamp() * 1000)
                    yield at_ms, f"transit/{row['vehicle_id']}", json.dumps(payload)

    def test_a_recorded_hour_of_transit_gives_what_its_journal_and_its_dump_give(self):
        self.start_all(blocks=TRANSIT)
        dump = self.stand.folder / "hour.dump"
        with open(dump, "w") as file:
            for at_ms, topic, payload in self.messages():
                file.write(f"{at_ms} {topic} {payload}\n")
                self.publisher.publish(topic, payload)
        count = self.publisher.published
        readings, status = self.end_as_replayed(count, [dump])
        self.assertEqual((len(readings), status["readings"]["quarantined"]), (count, 0))


if __name__ == "__main__":
    unittest.main()
