#!/usr/bin/env python3
"""Cost of taking readings in: the daemon beside a Paho subscriber that only counts and a floor.

  bench/ingest.py --bin DIR [--messages 2000000] [--rounds 3] [--watermark source|key]

DIR holds wayside, mqtt_load, paho_count and raw_floor. Each round runs every job once, so that
noise hits all alike; mqtt_load plays the broker, flat out, or feeds a real mosquitto at a given
rate. CPU is user + system time of the subscriber's process from just before the start until all
results are there; the last ones wait a second for company (`linger`). Prints one JSON line per
figure, the median over the rounds. A lost, repeated or wrong result ends it with status 1, and the
run's folder is kept.
"""

import argparse
import contextlib
import dataclasses
import json
import math
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from system import free_port, watch_syncs  # noqa: E402

DEVICES = 200
POLL_S = 0.02
START_S = 30  # for a subscriber to subscribe, and to stop
CHUNK_BYTES = 16 << 20
SLOW_SYNC_US = 100_000
PACED_S = 12
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
READING = b'"type":"reading"'

CONFIG = """\
[gateway]
id = "bench"
state_dir = "{dir}/state"

[[mqtt]]
name = "in"
url = "mqtt://127.0.0.1:{port}"
qos = {qos}

[[source]]
name = "readings"
mqtt = "in"
topic = "fleet/{{device}}/reading"
format = "json"
key = "device"
time = {{ field = "ts", unit = "ms" }}
max_disorder = "5s"
max_future = "off"
"""
WINDOWS = """\
watermark = "{watermark}"
[source.fields]
temp = "temp"
speed = "speed"

[[window]]
name = "w10"
from = "readings"
size = "10s"
select = {{ n = "count()", avg_temp = "avg(temp)", min_temp = "min(temp)", max_temp = "max(temp)", \
max_speed = "max(speed)" }}
to = ["out"]

[[uplink]]
name = "out"
type = "file"
dir = "{dir}/out"
"""
FORWARDING = """\
[source.fields]
seq = "seq"
lat = "lat"
lon = "lon"
speed = "speed"
temp = "temp"
fuel = "fuel"
alt = "alt"

[[uplink]]
name = "out"
type = "file"
dir = "{dir}/out"
raw = ["readings"]
max_bytes = "4GiB"   # each line is checked, so that none may be rotated away
"""


# mosquitto, which takes its readings from the generator and is what the subscriber connects to.
BRIDGE = """\
listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 100000
connection generator
address 127.0.0.1:{generator}
topic fleet/# in 0
try_private false
notifications false
"""


class BenchError(Exception):
    pass


class TimeLimit(BenchError):
    pass


class Lines:
    """What was added to the *.jsonl files of a folder since the last look; files may be rotated."""

    def __init__(self, folder):
        self.folder = folder
        self.read = {}  # inode: (bytes taken, up to the last whole line)

    def new(self):
        """Chunks of whole lines."""
        for path in sorted(self.folder.glob("*.jsonl")):
            with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
                inode = os.fstat(file.fileno()).st_ino
                while True:
                    file.seek(self.read.get(inode, 0))
                    chunk = file.read(CHUNK_BYTES)
                    end = chunk.rfind(b"\n") + 1
                    if end == 0:
                        break
                    self.read[inode] = file.tell() - len(chunk) + end
                    yield chunk[:end]


class WindowResults:
    """Final windows; real() leaves out those that began after the last reading, in the flush."""

    def __init__(self, folder, messages):
        self.lines, self.messages = Lines(folder), messages
        self.rows, self.seen, self.repeated = {}, set(), 0

    def update(self):
        for chunk in self.lines.new():
            for row in map(json.loads, chunk.splitlines()):
                if row["type"] != "window" or not row.get("final", True):
                    continue
                window = row["key"], to_ms(row["window_start"])
                revision = *window, row.get("revision", 0)
                self.repeated += revision in self.seen
                self.seen.add(revision)
                self.rows[window] = row

    def delivered(self, last_event_ms):
        return sum(row["n"] for row in self.real(last_event_ms).values())

    def real(self, last_event_ms):
        return {window: row for window, row in self.rows.items() if window[1] <= last_event_ms}

    def done(self, last_event_ms):
        self.update()
        return self.delivered(last_event_ms) >= self.messages

    def verify(self, last_event_ms):
        """(lost, duplicates) by the files as they are now."""
        self.update()
        extra = self.delivered(last_event_ms) - self.messages
        return max(0, -extra), max(0, extra) + self.repeated


class ReadingResults:
    """Forwarded readings. While it runs they are only counted, so that looking on costs little."""

    def __init__(self, folder, messages):
        self.folder, self.messages = folder, messages
        self.lines, self.count = Lines(folder), 0

    def done(self, _):
        self.count += sum(chunk.count(READING) for chunk in self.lines.new())
        return self.count >= self.messages + DEVICES

    def verify(self, _):
        times_seen = bytearray(self.messages + DEVICES)  # index -DEVICES..-1: the flush readings
        duplicates = 0
        for chunk in Lines(self.folder).new():
            seqs = re.findall(READING + rb'.*?"seq":(-?\d+)', chunk)
            if len(seqs) != chunk.count(READING):
                raise BenchError("a forwarded line has no seq")
            for seq in map(int, seqs):
                if not -DEVICES <= seq < self.messages:
                    raise BenchError(f"seq {seq} was never sent")
                duplicates += times_seen[seq]
                times_seen[seq] = 1
        return times_seen.count(0), duplicates


class CountResults:
    """The last line of a count that is printed now and then."""

    def __init__(self, folder, messages):
        self.file, self.expected = folder.parent / "subscriber.out", messages + DEVICES

    def count(self):
        return int((self.file.read_bytes().split() or [0])[-1])

    def done(self, _):
        return self.count() >= self.expected

    def verify(self, _):
        return max(0, self.expected - self.count()), max(0, self.count() - self.expected)


@dataclasses.dataclass(frozen=True)
class Job:
    name: str
    qos: int
    results: type
    command: tuple  # "{...}" as in the configuration
    config: str = ""
    sync_us: int = 0  # so much longer each sync of the journal takes
    rate: int = 0  # a second, through a real mosquitto, for PACED_S; 0: flat out, without one

    def messages(self, args):
        if self.rate:
            return self.rate * PACED_S
        return args.messages // 4 if self.sync_us else args.messages


def jobs(watermark):
    daemon = ("{bin}/wayside", "run", "--config", "{dir}/wayside.toml")
    window = "window" if watermark == "source" else "window_key"
    return [
        Job(f"{window}_qos0_direct", 0, WindowResults, daemon, CONFIG + WINDOWS),
        Job("durable_qos1_direct", 1, ReadingResults, daemon, CONFIG + FORWARDING),
        Job("overload_qos1_direct", 1, ReadingResults, daemon, CONFIG + FORWARDING, SLOW_SYNC_US),
        Job(f"{window}_5000_per_s", 0, WindowResults, daemon, CONFIG + WINDOWS, rate=5_000),
        Job("paho_5000_per_s", 0, CountResults, ("{bin}/paho_count", "{port}", "0"), rate=5_000),
        Job("paho_qos0_direct", 0, CountResults, ("{bin}/paho_count", "{port}", "0")),
        Job("paho_qos1_direct", 1, CountResults, ("{bin}/paho_count", "{port}", "1")),
        Job("raw_floor_qos0", 0, WindowResults, ("{bin}/raw_floor", "{port}", "{dir}/out/0.jsonl")),
    ]


def to_ms(moment):
    if isinstance(moment, (int, float)):
        return int(moment)
    since = datetime.fromisoformat(moment.replace("Z", "+00:00")) - EPOCH
    return since // timedelta(milliseconds=1)


def cpu_seconds(pid):
    """User + system time of all threads, ended ones too."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid(3), in nanoseconds
    except OSError:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_rss_mb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024


class Run:
    """One job, once, in a folder of its own. Ends the processes it started, whatever happens."""

    def __init__(self, job, args):
        self.job, self.args = job, args
        self.dir = Path(tempfile.mkdtemp(prefix=job.name + "-", dir=args.tmp))
        (self.dir / "out").mkdir()
        self.messages = job.messages(args)
        self.results = job.results(self.dir / "out", self.messages)
        self.processes = {}
        self.deadline = time.monotonic() + args.max_seconds

    def start(self, name, command, env=None):
        out, err = self.dir / f"{name}.out", self.dir / f"{name}.err"
        with open(out, "wb") as out, open(err, "wb") as err:
            self.processes[name] = subprocess.Popen(
                command, cwd=self.dir, stdin=subprocess.PIPE, stdout=out, stderr=err,
                env={**os.environ, **(env or {})}
            )
        return self.processes[name]

    def wait_for(self, what, look, deadline):
        """The first value of look() that is not false."""
        while not (value := look()):
            for name, process in self.processes.items():
                if process.poll() is not None:
                    error = (self.dir / f"{name}.err").read_text(errors="replace")[-2000:]
                    status = process.returncode
                    raise BenchError(f"{name} ended with {status} before {what}: {error}")
            if time.monotonic() > deadline:
                raise TimeLimit(f"time limit before {what}")
            time.sleep(POLL_S)
        return value

    def generator_said(self, pattern):
        return re.search(pattern, (self.dir / "mqtt_load.out").read_text(), re.MULTILINE)

    def begin(self):
        """Starts generator and subscriber, which has subscribed when this returns."""
        args, qos, soon = self.args, self.job.qos, time.monotonic() + START_S
        flags = {"port": 0, "messages": self.messages, "qos": qos, "devices": DEVICES}
        flags |= {"rate": self.job.rate}
        flags |= {"seed": args.seed, "max-seconds": args.max_seconds + 2 * START_S}
        command = [f"{args.bin}/mqtt_load"]
        for flag, value in flags.items():
            command += [f"--{flag}", str(value)]
        generator = self.start("mqtt_load", command)
        port = self.wait_for("its port", lambda: self.generator_said(r"^port (\d+)$"), soon)[1]
        if self.job.rate:
            port = self.bridge(port, soon)

        self.port = port
        names = {"bin": args.bin, "dir": self.dir, "port": port, "qos": qos}
        names["watermark"] = args.watermark
        (self.dir / "wayside.toml").write_text(self.job.config.format(**names))
        env, _ = watch_syncs(self.dir, self.job.sync_us) if self.job.sync_us else (None, None)
        command = [word.format(**names) for word in self.job.command]
        subscriber = self.start("subscriber", command, env)
        self.wait_for("the subscription", self.is_subscribed, soon)
        os.sync()  # what earlier runs left to be written
        time.sleep(0.2)
        return generator, subscriber

    def bridge(self, generator_port, deadline):
        """Starts mosquitto; its port."""
        port = free_port()
        config = self.dir / "mosquitto.conf"
        config.write_text(BRIDGE.format(port=port, generator=generator_port))
        self.start("mosquitto", ["mosquitto", "-v", "-c", config])
        self.wait_for("the bridge", lambda: self.generator_said("^subscribed$"), deadline)
        return port

    def is_subscribed(self):
        if not self.job.rate:
            return self.generator_said("^subscribed$")
        return re.search("Sending SUBACK to", (self.dir / "mosquitto.err").read_text())

    def measure(self):
        """The figures, as {name: (value, unit)}, and the last reading's event time."""
        messages = self.messages
        generator, subscriber = self.begin()
        pid = subscriber.pid
        cpu_s, start_s = cpu_seconds(pid), time.monotonic()
        generator.stdin.write(b"go\n")
        generator.stdin.flush()
        line = self.wait_for("all is sent", lambda: self.generator_said("^{.*}$"), self.deadline)
        sent = json.loads(line[0])
        last_event_ms = sent["last_event_ms"]
        try:
            self.wait_for("all results", lambda: self.results.done(last_event_ms), self.deadline)
        except TimeLimit as limit:
            lost, duplicates = self.results.verify(last_event_ms)
            raise BenchError(f"{limit}: {lost} missing, {duplicates} duplicates") from None
        wall_s, cpu_s = time.monotonic() - start_s, cpu_seconds(pid) - cpu_s
        figures = {
            "cpu_us_per_message": (cpu_s * 1e6 / messages, "us"),
            "messages_per_s": (messages / wall_s, "1/s"),
            "peak_rss_mb": (peak_rss_mb(pid), "MiB"),
        }

        self.stop(subscriber)
        lost, duplicates = self.results.verify(last_event_ms)
        if lost or duplicates:
            raise BenchError(f"lost {lost}, duplicates {duplicates}")
        shown = [f"{name} {value:.5g}" for name, (value, _) in figures.items()]
        shown.append(f"generator {sent['cpu_us_per_message']:.3f} us")
        print(f"{self.job.name}: {', '.join(shown)}", file=sys.stderr)
        return figures, last_event_ms

    def stop(self, process):
        """Asks it to end; everything it holds is in its files afterwards."""
        process.terminate()
        try:
            status = process.wait(START_S)
        except subprocess.TimeoutExpired:
            raise BenchError("the subscriber does not stop") from None
        if status not in (0, -signal.SIGTERM):
            raise BenchError(f"the subscriber stopped with status {status}")

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()
        if error in (None, KeyboardInterrupt, SystemExit):
            shutil.rmtree(self.dir)


def check_same_windows(results, other, last_event_ms):
    """Daemon and floor agree on every window, to the rounding of a sum."""
    ours, theirs = results.real(last_event_ms), other.real(last_event_ms)
    if different := ours.keys() ^ theirs.keys():
        raise BenchError(f"{len(different)} windows are in one result only")
    for window, row in theirs.items():
        for name in ("n", "avg_temp", "min_temp", "max_temp", "max_speed"):
            if not math.isclose(ours[window][name], row[name], rel_tol=1e-9):
                raise BenchError(f"{window}: {name} {ours[window][name]} and {row[name]}")


def run_round(selected, args, figures):
    """Appends the figures of one round to those of the rounds before."""
    cpu, rates, windows = {}, {}, {}
    for job in selected:
        with Run(job, args) as run:
            try:
                measured, last_event_ms = run.measure()
                if job.results is WindowResults and not job.rate:
                    windows[job.name] = run.results
                    for other in windows.values():
                        check_same_windows(run.results, other, last_event_ms)
            except BenchError as error:
                raise BenchError(f"{job.name}: {error} (kept: {run.dir})") from None
        cpu[job.name] = measured["cpu_us_per_message"][0]
        rates[job.name] = measured["messages_per_s"][0]
        for name, (value, unit) in measured.items():
            figures.setdefault((f"ingest.{job.name}.{name}", unit), []).append(value)
    for name, value in cpu.items():
        peer = cpu.get("paho_" + name.split("_", 2 if "key" in name else 1)[-1])
        if name.startswith(("window", "durable")) and peer:
            figures.setdefault((f"ingest.{name}.ratio_to_paho", "ratio"), []).append(value / peer)
    offered, taken = rates.get("durable_qos1_direct"), rates.get("overload_qos1_direct")
    if offered and taken:
        key = ("ingest.overload_qos1_direct.offered_to_taken", "ratio")
        figures.setdefault(key, []).append(offered / taken)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", type=Path, required=True)
    parser.add_argument("--messages", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--watermark", choices=("source", "key"), default="source")
    parser.add_argument("--jobs", help="comma-separated beginnings of job names; default: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-seconds", type=int, default=300, help="for one run")
    parser.add_argument("--tmp", type=Path, default=Path("build/bench-tmp"), help="on a disk")
    args = parser.parse_args()
    args.bin = args.bin.resolve()
    args.tmp = args.tmp.resolve()
    return args


def prepare(args):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the runs are cleaned up
    args.tmp.mkdir(parents=True, exist_ok=True)
    kind = subprocess.run(["stat", "-f", "-c", "%T", args.tmp], capture_output=True, text=True)
    if kind.stdout.strip() in ("tmpfs", "ramfs"):
        sys.exit(f"{args.tmp} is not on a disk")


def main():
    args = parse_args()
    prepare(args)
    wanted = tuple(args.jobs.split(",")) if args.jobs else ("",)
    selected = [job for job in jobs(args.watermark) if job.name.startswith(wanted)]
    figures = {}
    try:
        for _ in range(args.rounds):
            run_round(selected, args, figures)
    except BenchError as error:
        sys.exit(f"ingest.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    for (name, unit), values in figures.items():
        value = float(f"{statistics.median(values):.4g}")
        print(json.dumps({"name": name, "value": value, "unit": unit}))


if __name__ == "__main__":
    main()
