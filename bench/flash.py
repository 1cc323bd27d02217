#!/usr/bin/env python3
"""What the daemon costs the card: bytes and flushes that reach the device below a file system of its own.

  bench/flash.py --bin DIR [--jobs batch,day] [--seconds 120] [--uplink file|kafka]

Each job has an ext4 of its own on a loop device, made and mounted with the defaults, and a daemon with everything on:
windows, a rule, raw forwarding, an uplink. Fleets of buses send recorded payloads, one a second and bus, with the time
of day put in. Measured is real time: after a warm-up, in which the journal's first files are filled with zeros, both
counters of the device are read after a sync and SQLite's own checkpoint, and again `--seconds` later in the same way.
A day is that, times its length. Needs root, for the loop devices.
"""

import argparse
import contextlib
import itertools
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent / "tests"))
from system import REPOSITORY, Stand, wait_for  # noqa: E402

DUMPS = Path(os.environ.get("WAYSIDE_DATA", REPOSITORY.parent / "shared")) / "data" / "recorded" / "hfp"
CARD_BYTES = 400 << 20
SECTOR = 512  # what the kernel counts in, whatever the device's own are
WARM_UP_S = 240  # at most
DAY_S = 86_400
PROFILES = ("gentle", "balanced", "strict")
DAY_RATES = (1, 10, 100)
BATCHES = (100, 1000)

CONFIG = """\
[gateway]
id = "{gateway}"
state_dir = "{state}"
[storage]
file_bytes = "2MiB"    # so that the first ones are soon filled with zeros
commit_bytes = "{commit_bytes}"
{storage}
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1:{port}"
inflight_window = 20000
max_payload = "64KiB"
[[source]]
name = "buses"
topic = "{fleet}/hfp/{{bus}}"
key = "bus"
time = {{ field = "VP.tst", unit = "rfc3339" }}
max_disorder = "2s"
[source.fields]
speed = {{ path = "VP.spd", min = 0, max = 50 }}
lat = "VP.lat"
long = "VP.long"
heading = "VP.hdg"
odometer = "VP.odo"
delay = "VP.dl"
[[window]]
name = "minute"
from = "buses"
size = "1m"
select = {{ n = "count()", mean = "avg(speed)", top = "max(speed)", lag = "min(delay)" }}
[[rule]]
name = "stopped"
from = "buses"
when = "speed < 0.1"
for = "20s"
[[uplink]]
name = "centre"
raw = ["buses"]
{uplink}
"""


def figure(name, value, unit):
    print(json.dumps({"name": name, "value": float(f"{value:.4g}"), "unit": unit}), flush=True)


def run(*command):
    return subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


class Card:
    """A file system on a loop device, and what was written to it."""

    def __init__(self, folder):
        image, self.folder = folder / "card.img", folder / "card"
        self.folder.mkdir(parents=True)
        with open(image, "wb") as file:
            file.truncate(CARD_BYTES)
        self.device = run("losetup", "--find", "--show", image)
        # Nothing that the kernel would do to the new file system later.
        run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.device)
        run("mount", self.device, self.folder)

    def counters(self):
        """(bytes written, flushes), after everything that is still to be written was."""
        run("sync", "-f", self.folder)
        stat = Path(f"/sys/block/{Path(self.device).name}/stat").read_text().split()
        return int(stat[6]) * SECTOR, int(stat[15])

    def abandon(self):
        subprocess.run(["umount", self.folder])
        subprocess.run(["losetup", "--detach", self.device])


class Fleet:
    """Recorded buses, moved to now. Where there are no recordings, made up in their form."""

    def __init__(self, name, buses, lines):
        self.name, self.buses, self.lines = name, buses, lines
        self.sent = self.payload_bytes = self.tick = 0

    def publish(self, publisher):
        """The next reading of the next bus."""
        bus = self.tick % self.buses
        line = self.lines[(bus * 97 + self.tick // self.buses) % len(self.lines)]
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        payload = re.sub(r'"tst":"[^"]*"', f'"tst":"{now}"', line, count=1).encode()
        publisher.publish(f"{self.name}/hfp/{bus}", payload)
        self.tick += 1
        self.sent += 1
        self.payload_bytes += len(payload)


def recorded_lines():
    lines = []
    for dump in sorted(DUMPS.glob("*.dump")):
        for line in dump.read_text().splitlines():
            payload = "{" + line.partition(" {")[2]
            if payload.startswith('{"VP"') and '"lat":null' not in payload:
                lines.append(payload)
    if lines:
        return lines, "recorded buses"
    form = ('{{"VP":{{"desi":"631","dir":"1","oper":12,"veh":1124,"tst":"","tsi":1716446844,"spd":{},"hdg":{},"lat":{},'
            '"long":{},"acc":{},"dl":{},"odo":{},"drst":0,"oday":"2024-05-23","jrn":85,"line":662,"start":"09:12",'
            '"loc":"GPS","stop":4810214,"route":"4631","occu":0}}}}')
    made = [form.format(i * 37 % 1500 / 100, i * 7 % 360, 60 + i * 61 % 9973 / 1e5, 25 + i * 89 % 9967 / 1e5,
                        i * 13 % 200 / 100 - 1, i % 90, 13230 + 8 * i) for i in range(1000)]
    return made, "made-up payloads"


class Job:
    def __init__(self, name, rate, storage, commit_bytes="512KiB"):
        self.name, self.rate, self.storage, self.commit_bytes = name, rate, storage, commit_bytes
        self.fleet = f"fleet{rate}"

    def start(self, stand, args, broker, kafka):
        self.area = "flash" if kafka else "flash.files"
        self.card = stand.add(Card(stand.path(self.name)))
        uplink = 'type = "file"' if not kafka else f'type = "kafka"\nbrokers = ["{kafka.address}"]\ntopic = "{self.name}"'
        config = CONFIG.format(state=self.card.folder / "state", port=broker.port, fleet=self.fleet, uplink=uplink, gateway=self.name.replace(".", "-"),
                               storage=self.storage, commit_bytes=self.commit_bytes)
        self.daemon = stand.daemon(args.bin / "wayside", config, name=self.name)
        self.daemon.state = self.card.folder / "state"
        self.daemon.start()

    def is_warm(self):
        """The journal's next file is filled with zeros, and a few windows have ended."""
        spare = self.daemon.state / "journal" / "spare"
        return spare.exists() and spare.stat().st_size >= 2 << 20

    def look(self, fleets):
        with contextlib.closing(sqlite3.connect(self.daemon.state / "wayside.db", timeout=20)) as store:
            store.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        written, flushes = self.card.counters()
        status = self.daemon.status()
        fleet = fleets[self.fleet]
        return {"s": time.monotonic(), "bytes": written, "flushes": flushes, "commits": status["journal"]["commits"],
                "own_flushes": status.get("flash", {}).get("flushes", 0), "in": status["readings"]["in"],
                "payload": fleet.payload_bytes, "pending": status["uplinks"][0]["pending"]}

    def figures(self, before, after):
        d = {name: after[name] - before[name] for name in before}
        print(f"{self.name}: {d['in']} readings, {d['payload']} bytes of payload, {d['commits']} commits, {d['flushes']} "
              f"flushes of the device, {d['own_flushes']} of the daemon, {d['bytes']} bytes in {d['s']:.0f} s",
              file=sys.stderr)
        if d["in"] < 0.9 * self.rate * d["s"]:
            sys.exit(f"flash.py: {self.name}: only {d['in']} readings arrived")
        ratio = d["bytes"] / d["payload"]
        if self.name.startswith("batch"):
            figure(f"{self.area}.device_bytes_per_payload_byte.{self.name}", ratio, "ratio")
        else:
            figure(f"{self.area}.{self.name}.gb_per_day", d["bytes"] / d["s"] * DAY_S / 1e9, "GB")
        figure(f"{self.area}.{self.name}.readings_per_commit", d["in"] / d["commits"], "count")
        figure(f"{self.area}.{self.name}.flushes_per_commit", d["own_flushes"] / d["commits"], "ratio")
        figure(f"{self.area}.{self.name}.device_flushes_per_commit", d["flushes"] / d["commits"], "ratio")


def all_jobs():
    for n in BATCHES:
        # So many readings a second, and a commit when they are together.
        yield Job(f"batch_{n}", n, f'commit_readings = {n}\ncommit_age = "1h"')
    for profile, rate in itertools.product(PROFILES, DAY_RATES):
        yield Job(f"day.{profile}.{rate}", rate, f'profile = "{profile}"')


def feed(publisher, fleets, until):
    """Sends each fleet's readings at its rate, until `until` says so."""
    begun = time.monotonic()
    base = {fleet: fleet.tick for fleet in fleets.values()}
    while not until():
        for fleet in fleets.values():
            due = base[fleet] + int((time.monotonic() - begun) * fleet.buses)
            while fleet.tick < due:
                fleet.publish(publisher)
        time.sleep(0.005)


def measure(stand, args, jobs, lines):
    broker = stand.mosquitto(persistence=False)
    broker.config.write_text(broker.config.read_text() + "max_inflight_messages 20000\n")
    broker.start()
    kafka = stand.kafka().start() if args.uplink == "kafka" else None
    for job in jobs:
        job.start(stand, args, broker, kafka)
    for job in jobs:
        job.daemon.await_connected()
    publisher = stand.publisher(broker.port, window=20_000)
    fleets = {job.fleet: Fleet(job.fleet, job.rate, lines) for job in jobs}
    deadline = time.monotonic() + WARM_UP_S
    feed(publisher, fleets, lambda: all(job.is_warm() for job in jobs) or time.monotonic() > deadline)
    cold = [job.name for job in jobs if not job.is_warm()]
    if cold:
        sys.exit(f"flash.py: not warm after {WARM_UP_S} s: {', '.join(cold)}")
    before = {job: job.look(fleets) for job in jobs}
    end = time.monotonic() + args.seconds
    feed(publisher, fleets, lambda: time.monotonic() > end)
    for job in jobs:
        job.figures(before[job], job.look(fleets))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=Path, required=True)
    parser.add_argument("--jobs", default="", help="comma-separated beginnings of job names; default: all")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--uplink", choices=("file", "kafka"), default="file")
    args = parser.parse_args()
    args.bin = args.bin.resolve()
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        print("flash: skipped, needs root and loop devices", file=sys.stderr)
        return
    lines, kind = recorded_lines()
    print(f"flash: {kind}, {args.uplink} uplink, {args.seconds} s", file=sys.stderr)
    wanted = tuple(args.jobs.split(","))
    with Stand("flash") as stand:
        measure(stand, args, [job for job in all_jobs() if job.name.startswith(wanted)], lines)


if __name__ == "__main__":
    main()
