#!/usr/bin/env python3
"""Kills the gateway at random moments between a real mosquitto and a real Kafka, and counts what comes out.

  tests/kill.py N [--seed S] [--bin WAYSIDE] [--mqtt 5|3.1.1] [--keep]

A publisher streams with QoS 1; the gateway is killed with SIGKILL N times, some within milliseconds of its start;
meanwhile mosquitto is restarted once and Kafka killed twice. In the end every message that mosquitto has acknowledged
must be at a read_committed consumer exactly once, readings and window results must be those that the journal leads to
(`wayside replay`), and no PUBACK may have left before the fdatasync that covers its reading had returned: a proxy
between mosquitto and the gateway notes the PUBACKs, syncwatch.c the syncs.

The last line of standard output is a JSON object of the figures. Exit 0 only if nothing was lost, doubled, different
or too early. The publisher may send a message again when mosquitto restarts, so the source de-duplicates by `seq`.
"""

import argparse
import collections
import contextlib
import json
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from system import DEFAULT_BINARY, Stand, TestError, free_port, packets, say, wait_for

DEVICES = 20
MESSAGES_A_SECOND = 1500
SYNC_DELAY_US = 3000
KAFKA_KILLS = 2
SYNCWATCH = Path(__file__).with_name("syncwatch.c")

# Many small commits and files, none of which is recycled. Silence is short, so that the windows end with the test.
CONFIG = """\
[gateway]
id = "kill"
state_dir = "{state}"

[storage]
commit_age = "20ms"
commit_bytes = "256KiB"
checkpoint_interval = "3s"
file_bytes = "1MiB"
max_bytes = "2GiB"

[engine]
tick = "100ms"

[[mqtt]]
name = "in"
url = "mqtt://127.0.0.1:{port}"
version = "{version}"
reconnect_max = "1s"

[[source]]
name = "readings"
topic = "t/{device}"
format = "json"
key = "device"
time = { field = "ts", unit = "ms" }
max_disorder = "200ms"
idle_after = "2s"
forget_after = "5s"
watermark = "key"
deduplicate = "seq"
[source.fields]
seq = "seq"
v = "v"

[[window]]
name = "w2"
from = "readings"
size = "2s"
select = { n = "count()", total = "sum(v)" }
to = ["centre"]

[[uplink]]
name = "centre"
type = "kafka"
brokers = ["{kafka}"]
topic = "out.{block}"
raw = ["readings"]
linger = "50ms"
retry_max = "1s"
"""


class AckProxy:
    """Stands between the gateway and mosquitto and notes when the gateway has acknowledged which `seq`."""

    CONNECT, PUBLISH, PUBACK, SUBACK = 1, 3, 4, 9

    def __init__(self, broker_port):
        self.broker_port = broker_port
        self.acks = []  # (CLOCK_MONOTONIC ns, seq)
        self.subscribed = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            gateway, _ = self.listener.accept()
            try:
                broker = socket.create_connection(("127.0.0.1", self.broker_port))
            except OSError:
                gateway.close()
                continue
            link = {"seq": {}, "mqtt5": False}
            for source, sink, look in ((gateway, broker, self._from_gateway), (broker, gateway, self._from_broker)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pump, args=(source, sink, look, link), daemon=True).start()

    @staticmethod
    def _pump(source, sink, look, link):
        unparsed = bytearray()
        with contextlib.suppress(OSError):
            while received := source.recv(1 << 16):
                now = time.monotonic_ns()
                unparsed += received
                for first, body in packets(unparsed):
                    look(first, body, now, link)
                sink.sendall(received)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _from_gateway(self, first, body, now, link):
        if first >> 4 == self.CONNECT:
            link["mqtt5"] = body[6] == 5
        elif first >> 4 == self.PUBACK:
            self.acks.append((now, link["seq"][struct.unpack(">H", body[:2])[0]]))

    def _from_broker(self, first, body, _, link):
        if first >> 4 == self.SUBACK:
            self.subscribed.set()
        if first >> 4 != self.PUBLISH or not first & 6:
            return
        at = 2 + struct.unpack(">H", body[:2])[0]
        payload = body[at + 2:]
        if link["mqtt5"]:
            payload = payload[1 + payload[0]:]  # properties, of which we get few
        link["seq"][struct.unpack(">H", body[at:at + 2])[0]] = json.loads(payload)["seq"]


class Stream(threading.Thread):
    """Publishes readings at a steady rate, event times a little out of order, until it is stopped."""

    def __init__(self, publisher, seed):
        super().__init__(daemon=True)
        self.publisher, self.random = publisher, random.Random(seed)
        self.count = 0
        self.stopping = threading.Event()
        self.start()

    def run(self):
        begun = time.monotonic()
        while not self.stopping.wait(0.01):
            due = int((time.monotonic() - begun) * MESSAGES_A_SECOND)
            for _ in range(min(due - self.count, MESSAGES_A_SECOND)):
                ts = time.time_ns() // 1_000_000 - self.random.randrange(150)
                reading = {"ts": ts, "seq": self.count, "v": self.random.randrange(1000)}
                self.publisher.publish(f"t/d{self.count % DEVICES}", json.dumps(reading))
                self.count += 1

    def stop(self):
        self.stopping.set()
        self.join()


class Disturbances(threading.Thread):
    """Does one thing after another, beside the killing, and keeps the error if there is one."""

    def __init__(self):
        super().__init__(daemon=True)
        self.todo, self.error = collections.deque(), None
        self.changed = threading.Condition()
        self.busy = False
        self.start()

    def add(self, action):
        with self.changed:
            self.todo.append(action)
            self.changed.notify_all()

    def run(self):
        while True:
            with self.changed:
                self.busy = False
                self.changed.notify_all()
                self.changed.wait_for(lambda: self.todo)
                action, self.busy = self.todo.popleft(), True
            try:
                action()
            except TestError as error:
                self.error = error

    def finish(self):
        with self.changed:
            self.changed.wait_for(lambda: not self.todo and not self.busy)
        if self.error:
            raise self.error


class Journal:
    """Where entries stand in the files, and when each was on disk."""

    PAGE = 4096
    HEADER = struct.Struct("<4sIIIQQq16s16sII")  # see storage/journal.cc

    def __init__(self, folder, sync_log):
        self.synced_ns = {}  # entry: when the first sync that covers it returned
        syncs = collections.defaultdict(list)
        for line in sync_log.read_text().splitlines():
            at_ns, end, path = line.split(" ", 2)
            syncs[Path(path).name].append((int(at_ns), int(end)))
        for path in sorted(folder.glob("*.wsj")):
            entries = self._entries(path)
            for at_ns, end in sorted(syncs[path.name]):
                while entries and entries[0][1] <= end:
                    self.synced_ns[entries.popleft()[0]] = at_ns

    def _entries(self, path):
        """(sequence, end in the file)"""
        found, offset, data = collections.deque(), self.PAGE, path.read_bytes()
        sequence = int(path.stem, 16)
        while offset + self.HEADER.size <= len(data):
            magic, _, payload_bytes, _, number, *_ = self.HEADER.unpack_from(data, offset)
            if magic != b"WSE1" or number != sequence:
                break
            end = offset + self.HEADER.size + payload_bytes
            found.append((number, end))
            offset = -(-end // self.PAGE) * self.PAGE
            sequence += 1
        return found


def restart_kafka(kafka):
    kafka.kill()
    say("  kafka killed")
    kafka.start()
    say("  kafka is back")


def restart_mosquitto(mosquitto):
    code = mosquitto.stop()  # SIGTERM: it saves its sessions
    if code != 0:
        raise TestError(f"mosquitto ended with {code}")
    say("  mosquitto stopped")
    mosquitto.start()
    say("  mosquitto is back")


def kill_many(daemon, kills, chance, disturb):
    """`disturb`: actions by the kill before which they are begun. How often the gateway ended by itself."""
    own_ends = 0
    for number in range(kills):
        daemon.start()
        if number in disturb:
            disturb[number]()
        seconds = chance.uniform(0, 0.06) if chance.random() < 0.3 else chance.uniform(0.1, 3.2)
        time.sleep(seconds)
        if not daemon.running():
            own_ends += 1
            say(f"  the gateway ended by itself with {daemon.process.returncode}:\n{daemon.log_text()[-1500:]}")
        daemon.kill()
        say(f"  kill {number + 1}/{kills} after {seconds:.3f} s")
    return own_ends


def settle(daemon, messages):
    """Lets the gateway finish: everything in, every window closed, everything delivered."""
    def is_done(status):
        readings, uplink = status["readings"], status["uplinks"][0]
        return (readings["used"] + readings["late"] >= messages and not any(b["open"] for b in status["blocks"])
                and uplink["connected"] and uplink["pending"] == 0)
    daemon.await_status("everything to be delivered", is_done, 90)
    time.sleep(1)
    code = daemon.stop()
    if code != 0:
        raise TestError(f"the gateway ended with {code} after SIGTERM")


def delivered(kafka, block):
    """(id, everything else as text) of each message of a topic."""
    for message in kafka.read(f"out.{block}"):
        headers = message["headers"]
        value = json.loads(message["payload"])
        yield headers["ce_id"], headers["ce_type"].removeprefix("wayside."), value


def as_key(number, kind, value):
    return number, kind, json.dumps(value, sort_keys=True)


def compare(daemon, kafka, proxy, sync_log, messages):
    replayed = {"reading": collections.Counter(), "window": collections.Counter()}
    entry_of_seq = {}
    for line in daemon.replay_journal():
        value = json.loads(line)
        number, kind = value.pop("id"), value.pop("type")
        replayed[kind][as_key(number, kind, value)] += 1
        if kind == "reading":
            entry_of_seq.setdefault(int(value["seq"]), int(re.search(r"/(\d+)\.\d+$", number)[1]))

    readings = list(delivered(kafka, "readings"))
    windows = list(delivered(kafka, "w2"))
    by_seq = collections.Counter(int(value["seq"]) for _, _, value in readings)
    by_id = collections.Counter(number for number, _, _ in readings + windows)

    def differing(kind, rows):
        arrived = collections.Counter(as_key(*row) for row in rows)
        missing, surplus = replayed[kind] - arrived, arrived - replayed[kind]
        for what, difference in (("only in the replay", missing), ("only at the consumer", surplus)):
            for row in list(difference)[:3]:
                say(f"  {what}: {row}")
        return sum(missing.values()) + sum(surplus.values())

    synced_ns = Journal(daemon.state / "journal", sync_log).synced_ns
    early = [seq for at_ns, seq in proxy.acks
             if synced_ns.get(entry_of_seq.get(seq), float("inf")) > at_ns]
    if early:
        say(f"  acknowledged too early, seq: {early[:20]}")
    lost = [seq for seq in range(messages) if seq not in by_seq]
    if lost:
        say(f"  lost, seq: {lost[:20]}")
    return {
        "lost": len(lost),
        "duplicates": sum(n - 1 for n in by_seq.values()) + sum(n - 1 for n in by_id.values()),
        "early_acks": len(early),
        "acks": len(proxy.acks),
        "readings_differ": differing("reading", readings),
        "windows": len(windows),
        "windows_differ": differing("window", windows),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kills", type=int, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bin", default=DEFAULT_BINARY)
    parser.add_argument("--mqtt", choices=["5", "3.1.1"], default="5", help="version between gateway and mosquitto")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    say(f"seed {options.seed}")
    begun = time.monotonic()

    with Stand("kill", options.keep) as stand:
        library, sync_log = stand.folder / "syncwatch.so", stand.folder / "syncs"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SYNCWATCH, "-ldl"], check=True)
        sync_log.touch()
        mosquitto, kafka = stand.mosquitto().start(), stand.kafka().start()
        proxy = AckProxy(mosquitto.port)
        config = CONFIG
        for name, value in (("port", proxy.port), ("version", options.mqtt), ("kafka", kafka.address)):
            config = config.replace(f"{{{name}}}", str(value))
        daemon = stand.daemon(options.bin, config, env={
            "LD_PRELOAD": str(library), "SYNCWATCH_LOG": str(sync_log), "SYNCWATCH_DELAY_US": str(SYNC_DELAY_US)})
        daemon.check()

        # The broker keeps messages for the gateway only once it has subscribed.
        daemon.start()
        wait_for("the subscription", proxy.subscribed.is_set)
        publisher = stand.publisher(mosquitto.port)
        stream = Stream(publisher, options.seed)
        daemon.kill()

        disturbances = Disturbances()
        actions = [restart_kafka] * KAFKA_KILLS
        actions.insert(chance.randrange(KAFKA_KILLS + 1), restart_mosquitto)
        moments = sorted(chance.sample(range(options.kills), min(options.kills, len(actions))))
        plan = dict(zip(moments, actions))
        subject = {restart_kafka: kafka, restart_mosquitto: mosquitto}
        own_ends = kill_many(daemon, options.kills, chance, {
            moment: lambda action=action: disturbances.add(lambda: action(subject[action]))
            for moment, action in plan.items()})

        daemon.start()
        disturbances.finish()
        stream.stop()
        publisher.drain()
        say(f"  {stream.count} messages; waiting for the end")
        settle(daemon, stream.count)
        result = {"kills": options.kills, "broker_restarts": list(plan.values()).count(restart_mosquitto),
                  "kafka_kills": list(plan.values()).count(restart_kafka), "messages": stream.count, "resent": publisher.repeated}
        result.update(compare(daemon, kafka, proxy, sync_log, stream.count), own_ends=own_ends,
                      seconds=round(time.monotonic() - begun))
        faults = ("lost", "duplicates", "early_acks", "readings_differ", "windows_differ", "own_ends")
        good = not any(result[name] for name in faults)
        stand.keep |= not good
        print(json.dumps(result))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
