#!/usr/bin/env python3
"""Resident memory of the idle daemon: connected to a real mosquitto and a real Kafka, both sinks loaded.

  bench/memory.py --bin DIR [--minimal]     # --minimal: a build without Kafka

Prints a JSON line. Idle is when its memory has not grown for ten seconds after everything is connected.
"""

import argparse
import json
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from system import Stand  # noqa: E402

CONFIG = """
[gateway]
id = "idle"
state_dir = "{{state}}"
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1:{port}"
[[source]]
name = "climate"
topic = "fleet/{{vehicle}}/climate"
key = "vehicle"
[source.fields]
temp_c = "t"
[[window]]
name = "cold"
from = "climate"
size = "10s"
select = {{ n = "count()", avg_c = "avg(temp_c)" }}
[[uplink]]
name = "disk"
type = "file"
raw = ["climate"]
"""
KAFKA = """
[[uplink]]
name = "centre"
type = "kafka"
brokers = ["{kafka}"]
raw = ["climate"]
"""
STEADY_S = 10


def rss_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=Path, required=True)
    parser.add_argument("--minimal", action="store_true")
    args = parser.parse_args()
    with Stand("memory") as stand:
        config = CONFIG.format(port=stand.mosquitto().start().port)
        if not args.minimal:
            config += KAFKA.format(kafka=stand.kafka().start().address)
        gateway = stand.daemon(args.bin / "wayside", config).start()
        gateway.await_status("all links", lambda s: s["mqtt"][0]["connected"] and
                             all(u["connected"] for u in s["uplinks"]), 60)
        highest, since = rss_kib(gateway.process.pid), time.monotonic()
        while time.monotonic() - since < STEADY_S:
            now = rss_kib(gateway.process.pid)
            if now > highest:
                highest, since = now, time.monotonic()
            time.sleep(0.5)
    print(json.dumps({"name": f"memory.idle_{'minimal' if args.minimal else 'both_sinks'}.rss_mb", "value": round(highest / 1024, 2), "unit": "MiB"}))


if __name__ == "__main__":
    main()
