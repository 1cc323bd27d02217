#!/usr/bin/env python3
"""How long an alarm takes while 5,000 readings a second come in: bench/latency.py --bin DIR

mosquitto gets the readings of bench/ingest.py and, every 50 ms or so, a probe that raises or clears
a critical alarm. From its being sent it takes some time until a subscriber of mosquitto's own prints
it, and more until its alarm is in the file of an uplink: taken in, committed, delivered. The
difference of the two is what the daemon adds. Prints JSON lines: the median and the 99th percentile
of one run's 220 probes.
"""

import dataclasses
import json
import random
import statistics
import sys
import time

import ingest

PROBE_EVERY_S = (0.03, 0.07)
LOOK_S = 0.0005
FIRST_MS = 1_700_000_000_000
LAST_S = 5  # for what is still under way at the end
PROBE = """
[[source]]
name = "probes"
mqtt = "in"
topic = "probe/{{device}}"
format = "json"
key = "device"
time = {{ field = "ts", unit = "ms" }}
max_disorder = "0s"
max_future = "off"
[source.fields]
hot = "hot"

[[rule]]
name = "probe"
from = "probes"
when = "hot = 1"
severity = "critical"
to = ["alarms"]

[[uplink]]
name = "alarms"
type = "file"
dir = "{dir}/alarms"
"""


class Probes:
    """Sends them, and notes when each was sent, seen by mosquitto_sub and told by the daemon."""

    def __init__(self, run, port, seed):
        self.random = random.Random(seed)
        self.sent = []
        self.alarms = ingest.Lines(run.dir / "alarms")
        where = ["-h", "127.0.0.1", "-p", str(port), "-t", "probe/p"]
        run.start("probe_sub", ["mosquitto_sub", *where])
        subscriptions = lambda: (run.dir / "mosquitto.err").read_text().count("Sending SUBACK to")  # noqa: E731
        run.wait_for("a subscription", lambda: subscriptions() >= 2, time.monotonic() + ingest.START_S)
        self.publisher = run.start("probe_pub", ["mosquitto_pub", *where, "-l"])
        self.printed = run.dir / "probe_sub.out"
        self.seen, self.told = [], []

    def send(self):
        self.sent.append(time.monotonic())
        hot, ms = len(self.sent) % 2, 1000 * len(self.sent)
        for ts in (ms, ms + 1):  # with the second one the first is known to be in its turn
            self.publisher.stdin.write(b'{"ts":%d,"hot":%d}\n' % (FIRST_MS + ts, hot))
        self.publisher.stdin.flush()

    def look(self):
        now = time.monotonic()
        seen = self.printed.read_bytes().count(b"\n") // 2
        self.seen += [now] * (seen - len(self.seen))
        for chunk in self.alarms.new():
            self.told += [now] * chunk.count(b'"type":"alarm"')

    def run(self, seconds):
        end = next_s = time.monotonic()
        end += seconds
        while (now := time.monotonic()) < end or len(self.told) < len(self.sent):
            if now >= next_s and now < end:
                self.send()
                next_s = now + self.random.uniform(*PROBE_EVERY_S)
            elif now > end + LAST_S:
                raise ingest.BenchError(f"{len(self.sent)} probes, but {len(self.told)} alarms")
            self.look()
            time.sleep(LOOK_S)

    def added_ms(self):
        if not len(self.sent) == len(self.seen) == len(self.told):
            raise ingest.BenchError(f"{len(self.sent)} probes, seen {len(self.seen)}, told {len(self.told)}")
        return [1e3 * (told - seen) for seen, told in zip(self.seen, self.told)]


def main():
    args = ingest.parse_args()
    ingest.prepare(args)
    paced = next(job for job in ingest.jobs(args.watermark) if job.name.startswith("window") and job.rate)
    with ingest.Run(dataclasses.replace(paced, config=paced.config + PROBE), args) as run:
        generator, subscriber = run.begin()
        probes = Probes(run, run.port, args.seed)
        generator.stdin.write(b"go\n")
        generator.stdin.flush()
        probes.run(ingest.PACED_S - 1)
        run.stop(subscriber)
        added = probes.added_ms()
    for name, value in (("p50", statistics.median(added)), ("p99", statistics.quantiles(added, n=100)[98])):
        figure = {"name": f"ingest.alarm_at_5000_per_s.added_ms_{name}", "value": round(value, 2), "unit": "ms"}
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    try:
        main()
    except ingest.BenchError as error:
        sys.exit(f"latency.py: {error}")
