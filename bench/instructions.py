#!/usr/bin/env python3
"""Instructions a reading, which no other load on the machine changes: bench/instructions.py BIN [QEMU...]

BIN is the folder of `counted`; without QEMU (an emulator with its options, for another architecture) valgrind counts.
Prints JSON lines: for each mode the instructions a reading, and their ratio to the floor, which sums up by key and
knows no event time.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

READINGS = 20_000
MODES = ("tumbling", "sliding")


def by_valgrind(command):
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command],
                          check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def by_qemu(emulator, command):
    """One line in the log for each block that is run, each block being one instruction."""
    options = ["-singlestep", "-d", "exec,nochain", "-D", "/dev/stderr"]
    with subprocess.Popen([*emulator, *options, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        counted = sum(line.startswith(b"Trace ") for line in running.stderr)
    if running.returncode != 0:
        sys.exit(f"instructions: {command} ended with {running.returncode}")
    return counted


def main():
    folder, emulator = Path(sys.argv[1]), sys.argv[2:]

    def count(mode, readings):
        command = [folder / "counted", mode, str(readings)]
        return by_qemu(emulator, command) if emulator else by_valgrind(command)

    def growth(mode):
        """From one number of readings to twice as many: what is done once is not in it."""
        return count(mode, 2 * READINGS) - count(mode, READINGS)
    made = growth("made")
    floor = growth("floor") - made
    for mode in MODES:
        cost = growth(mode) - made
        for name, value, unit in ((f"{mode}.per_reading", cost / READINGS, "instructions"),
                                  (f"{mode}.ratio_to_floor", cost / floor, "ratio")):
            print(json.dumps({"name": f"instructions.{name}", "value": round(value, 1), "unit": unit}), flush=True)


if __name__ == "__main__":
    main()
