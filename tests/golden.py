#!/usr/bin/env python3
"""Compares `wayside replay` with the recorded window results of Apache Flink.

  tests/golden.py --wayside BINARY DIR

DIR holds a folder per case: config.json, input.csv in arrival order, fired.csv and late.csv. Timers of
equal time fire in no defined order, so results are compared as multisets. Ends with a JSON line.
"""

import argparse
import collections
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

NEVER = "10000d"
SOURCE = """
[[source]]
name = "s{number}"
topic = "s{number}/{{key}}"
key = "key"
time = {{ field = "ts", unit = "ms" }}
max_disorder = "{delta_ms}ms"
max_future = "off"
watermark = "source"
idle_after = "{idle_after}"
forget_after = "{never}"
fields = {{ value = "value" }}
"""
CONFIG = """
[gateway]
id = "golden"

[engine]
tick = "{tick_ms}ms"

[[uplink]]
name = "out"
type = "file"

[[window]]
name = "window"
from = {sources}
{window}
select = {{ count = "count()", sum = "sum(value)", min = "min(value)", max = "max(value)" }}
late_to = ["out"]
"""
FIRED = ("key", "window_start", "window_end", "count", "sum", "min", "max")
LATE = ("key", "event_ts_ms", "value")


def window(case):
    """The keys of [[window]] that say what Flink's assigner, trigger and lateness do."""
    keys = []

    def duration(key, name):
        if case.get(name):
            keys.append(f'{key} = "{case[name]}ms"')

    duration("size", "size_ms")
    duration("every", "slide_ms")
    duration("offset", "offset_ms")
    duration("gap", "gap_ms")
    duration("allowed_lateness", "lateness_ms")
    if case["window"] == "count":
        keys.append(f"count = {case['count']}")
    if case["window"] == "global":
        keys.append("global = true")
    kind, _, number = case.get("trigger", "").partition(":")
    if kind in ("count", "purging_count"):  # in place of the trigger at the end
        keys.append(f"early_count = {number}\nat_end = false")
    if kind == "continuous":
        keys.append(f'early_every = "{number}ms"')
    if kind.startswith("purging"):
        keys.append("purge = true")
    return "\n".join(keys)


def config(case):
    """The case as a configuration. Flink looks for idle sources on its ticks, and a source that fell
    silent just after one has been idle for up to two ticks more when Flink says so."""
    tick_ms = case.get("tick_ms", 1000)
    idle_after = f"{case['idle_ms'] + 2 * tick_ms}ms" if "idle_ms" in case else NEVER
    sources = range(case.get("sources", 1))
    text = CONFIG.format(tick_ms=tick_ms, sources=json.dumps([f"s{n}" for n in sources]), window=window(case))
    return text + "".join(SOURCE.format(number=n, delta_ms=case["delta_ms"], idle_after=idle_after, never=NEVER)
                          for n in sources)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def dump(inputs):
    """Without arrival times in the case each line arrives a millisecond after the one before."""
    for number, row in enumerate(inputs):
        payload = json.dumps({"ts": int(row["event_ts_ms"]), "value": int(row["value"])})
        yield f"{row.get('arrival_ms', number)} s{row.get('source', 0)}/{row['key']} {payload}\n"


def replay(wayside, case, inputs):
    with tempfile.TemporaryDirectory() as folder:
        toml, lines = Path(folder, "golden.toml"), Path(folder, "input")
        toml.write_text(config(case))
        lines.write_text("".join(dump(inputs)))
        done = subprocess.run([wayside, "replay", "--config", toml, "--in", lines], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"golden: replay ended with {done.returncode}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def multiset(items, names):
    def cell(name, value):
        if value is None or value == "":  # a window without times
            return None
        return value if name == "key" else float(value)
    return collections.Counter(tuple(cell(name, item[name]) for name in names) for item in items)


def differences(wayside, folder, case):
    """What only Flink has (-) and what only we have (+)."""
    emissions = replay(wayside, case, rows(folder / "input.csv"))
    ours = [e for e in emissions if e["type"] == "window"]
    late = [{"key": e["key"], "event_ts_ms": e["time"], "value": e["value"]} for e in emissions if e["type"] == "late"]
    for theirs, mine, names in (("fired.csv", ours, FIRED), ("late.csv", late, LATE)):
        expected, seen = multiset(rows(folder / theirs), names), multiset(mine, names)
        yield from (f"{theirs}: - {row}" for row in (expected - seen).elements())
        yield from (f"{theirs}: + {row}" for row in (seen - expected).elements())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wayside", required=True)
    parser.add_argument("dir", type=Path)
    args = parser.parse_args()
    counts = {"passed": 0, "failed": 0}
    for file in sorted(args.dir.glob("*/config.json")):
        case = json.loads(file.read_text())
        found = list(differences(args.wayside, file.parent, case))
        verdict = "failed" if found else "passed"
        print(*found[:10], sep="\n", end="\n" if found else "")
        counts[verdict] += 1
        print(f"{verdict:8} {file.parent.name}")
    print(json.dumps(counts))
    return 1 if counts["failed"] or not any(counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
