#!/usr/bin/env python3
"""The main job, live: a simulated fleet, a private mosquitto, the gateway, and events that leave once.

  tests/demo.py --wayside BINARY [--seconds N] [--kafka]

Runs until Ctrl-C, or for N seconds, and then settles the accounts: each message sent, each reading taken in
and each event emitted must be found again. Ends with a JSON line; status 1 if anything does not add up.
"""

import argparse
import collections
import contextlib
import json
import re
import subprocess
import sys

from system import REPOSITORY, Process, Stand, TestError, say

FATES = ("in", "used", "late", "duplicate", "quarantined", "dropped")
SHIPPED = (REPOSITORY / "config" / "examples" / "demo.toml").read_text()
VEHICLES, RATE = 10, 200


class Simulator(Process):
    def __init__(self, wayside, folder, port):
        super().__init__(folder / "simulator.log")
        self.command = [wayside, "simulate", "--url", f"mqtt://127.0.0.1:{port}", "--vehicles", VEHICLES,
                        "--rate", RATE]

    def start(self):
        self.launch(self.command)

    def sent(self):
        """How many messages the broker has acknowledged; known when it has ended."""
        if self.stop() != 0:
            raise TestError(f"the simulator failed: {self.log_text()}")
        return json.loads(self.log_text().splitlines()[-1])["sent"]


def with_line(text, pattern, line):
    changed, count = re.subn(pattern, line, text, flags=re.MULTILINE)
    if count != 1:
        raise TestError(f"demo.toml: expected one line like {pattern}")
    return changed


def configuration(port, kafka):
    """The shipped example, on our ports and in our folder."""
    text = with_line(SHIPPED, r"^state_dir = .*$", 'state_dir = "{state}"')
    text = with_line(text, r"^url = .*$", f'url = "mqtt://127.0.0.1:{port}"')
    if kafka:
        text = with_line(text, r'^type = "file"$', f'type = "kafka"\nbrokers = ["{kafka.address}"]')
    return text


def watch(gateway, seconds):
    command = [gateway.binary, "status", "--config", gateway.config, "--watch", "--seconds", seconds]
    with contextlib.suppress(KeyboardInterrupt):
        subprocess.run(list(map(str, command)))


def events_in_files(gateway):
    for path in sorted((gateway.state / "out" / "centre").glob("*.jsonl")):
        for line in path.read_text().splitlines():
            yield json.loads(line)


def events_in_kafka(kafka):
    """What a read_committed consumer sees."""
    for topic in kafka.topics():
        if topic.startswith("wayside.") and topic != "wayside.marks":
            for message in kafka.read(topic):
                yield {"id": message["headers"]["ce_id"], "type": message["headers"]["ce_type"], "block": topic}


def settled(status, sent):
    """All that was sent is in, and all that was emitted is out."""
    return status["readings"]["in"] >= sent and all(u["pending"] == 0 for u in status["uplinks"])


def settle(gateway, sent, kafka):
    status = gateway.await_status("everything to be delivered", lambda s: settled(s, sent), 60)
    if gateway.stop() != 0:
        raise TestError(gateway.log_text()[-2000:])
    events = list(events_in_kafka(kafka) if kafka else events_in_files(gateway))
    kinds = collections.Counter(f"{e['type'].rsplit('.', 1)[-1]} of {e['block']}" for e in events)
    for kind, count in sorted(kinds.items()):
        print(f"{count:8} {kind}")
    readings, uplink = status["readings"], status["uplinks"][0]
    distinct = len({e["id"] for e in events})
    print(f"sent {sent}, taken in {status['mqtt'][0]['messages']}, acknowledged {status['mqtt'][0]['acknowledged']}")
    print(f"emitted {uplink['emitted']} = delivered {uplink['delivered']} + pending {uplink['pending']} + "
          f"compacted {uplink['compacted']} + dropped {uplink['dropped']}; found {len(events)}, distinct {distinct}")
    balanced = (readings["in"] == sum(readings[f] for f in FATES[1:]) and readings["in"] == sent
                and uplink["emitted"] == uplink["delivered"] == len(events) == distinct)
    print(json.dumps({**{f: readings[f] for f in FATES}, "balanced": balanced}))
    return 0 if balanced else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wayside", required=True)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--kafka", action="store_true")
    args = parser.parse_args()
    with Stand("demo") as stand:
        broker = stand.mosquitto().start()
        kafka = stand.kafka().start() if args.kafka else None
        gateway = stand.daemon(args.wayside, configuration(broker.port, kafka)).start()
        gateway.await_connected()
        simulator = stand.add(Simulator(gateway.binary, stand.folder, broker.port))
        simulator.start()
        watch(gateway, args.seconds)
        return settle(gateway, simulator.sent(), kafka)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TestError as error:
        say(f"demo: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
