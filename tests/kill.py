#!/usr/bin/env python3
"""Kills the gateway at random moments between a real mosquitto and a real Kafka, and counts what comes out.

  tests/kill.py [--wayside BINARY] [--kills N] [--seed S] [--mqtt 5|3.1.1] [--keep]

A publisher streams numbered readings of several vehicles with QoS 1. The gateway is killed with SIGKILL N times: a third
within milliseconds of its start, a third amidst a Kafka transaction, the rest at any moment. Meanwhile
mosquitto is restarted and Kafka killed, the more often the more kills there are. In the end
- every reading is at a read_committed consumer exactly once, although nothing de-duplicates by content,
- readings and window results are those that the journal leads to (`wayside replay`), and the windows are those that
  one gets from the readings by plain arithmetic,
- no PUBACK has left before the fdatasync that covers its reading returned: a proxy between mosquitto and the gateway
  notes the PUBACKs, syncwatch.c the syncs.

The last line of standard output is a JSON object of the figures. Exit 0 only if nothing was lost, doubled, different
or too early.
"""

import argparse
import collections
import contextlib
import itertools
import json
import random
import re
import sqlite3
import subprocess
import sys
import threading
import time

from journal import synced_entries
from proxy import MqttProxy
from system import DEFAULT_BINARY, QUICK_GATEWAY, VEHICLE_READINGS, Kafka, Stand, TestError, fill, say, wait_for, watch_syncs

VEHICLES = 20
MESSAGES_A_SECOND = 1000
DISORDER_MS = 150
WINDOW_MS = 2000
SYNC_DELAY_US = 3000
TRAP_S = 20  # how long a kill waits for a transaction; Kafka may be away
SETTLE_S = 120
FAULTS = ("lost", "duplicates", "early_acks", "strange_acks", "readings_differ", "windows_differ", "windows_wrong",
          "ledgers_wrong", "own_ends", "epochs")

# Many small commits and files, none of which is recycled.
CONFIG = QUICK_GATEWAY + """\
commit_bytes = "256KiB"
checkpoint_interval = "3s"
file_bytes = "1MiB"
max_bytes = "2GiB"

[[mqtt]]
name = "in"
url = "mqtt://127.0.0.1:{port}"
version = "{version}"
reconnect_max = "1s"
max_payload = "64KiB"

""" + VEHICLE_READINGS + """\
topic = "t/{vehicle}"
max_disorder = "200ms"
idle_after = "5s"
forget_after = "10s"
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
                ts = time.time_ns() // 1_000_000 - self.random.randrange(DISORDER_MS)
                reading = {"ts": ts, "seq": self.count, "v": self.random.randrange(1000)}
                self.publisher.publish(f"t/v{self.count % VEHICLES}", json.dumps(reading))
                self.count += 1

    def stop(self):
        self.stopping.set()
        self.join()


def restart_kafka(kafka):
    kafka.kill()
    say("  kafka killed")
    kafka.start()
    say("  kafka is back")


def restart_mosquitto(mosquitto, publisher):
    # With nothing of the publisher under way, or it would have to send again what the broker may hold already.
    with publisher.paused():
        code = mosquitto.stop()  # SIGTERM: it saves its sessions
        if code != 0:
            raise TestError(f"mosquitto ended with {code}")
        say("  mosquitto stopped")
        mosquitto.start()
        say("  mosquitto is back")


class Disturbances(threading.Thread):
    """Begins a named action at each of some kills, one after another; counts them, and keeps the error if there is one."""

    def __init__(self, actions, kills, chance):
        super().__init__(daemon=True)
        self.done = collections.Counter()
        self.plan = list(zip(sorted(chance.randrange(kills) for _ in actions), actions))
        self.kill = -1
        self.changed = threading.Condition()
        self.error = None
        self.start()

    def begin_kill(self, number):
        with self.changed:
            self.kill = number
            self.changed.notify_all()

    def run(self):
        try:
            for moment, (name, action) in self.plan:
                with self.changed:
                    self.changed.wait_for(lambda at=moment: self.kill >= at)
                action()
                self.done[name] += 1
        except Exception as error:  # told by finish()
            self.error = error

    def finish(self):
        self.join()
        if self.error:
            raise self.error


class Moments:
    """When to kill: a third right after the start, a third within a Kafka transaction, a third at any time."""

    def __init__(self, chance, proxy):
        self.chance, self.proxy = chance, proxy
        self.kinds = []
        # First the two that only a mark in the same transaction survives.
        self.traps = collections.deque([(proxy.END_TXN, proxy.ANSWER), (proxy.END_TXN, proxy.REQUEST)])
        self.in_transaction = 0

    def await_next(self, process):
        """Returns, at the moment or when the process has ended, what moment it is."""
        if not self.kinds:
            self.kinds = [self.after_start, self.any_time, self.within_transaction]
            self.chance.shuffle(self.kinds)
        return self.kinds.pop()(process)

    def after_start(self, process):
        return self.after(process, self.chance.uniform(0, 0.06))

    def any_time(self, process):
        return self.after(process, self.chance.uniform(0.1, 3))

    @staticmethod
    def after(process, seconds):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return f"{seconds:.3f} s after its start"

    def within_transaction(self, process):
        self.after(process, self.chance.uniform(0, 1))
        if not self.traps:
            self.traps.extend(itertools.product(self.proxy.TRANSACTION, (self.proxy.REQUEST, self.proxy.ANSWER)))
            self.chance.shuffle(self.traps)
        api_key, what = self.traps[0]
        self.proxy.set_trap(api_key, what)
        if not self.proxy.caught.wait(TRAP_S):
            return "while Kafka was away"
        self.traps.popleft()
        self.in_transaction += 1
        return f"in a transaction: {what} of API {api_key}"


def kill_many(daemon, kills, moments, disturbances):
    """How often the gateway ended by itself."""
    own_ends = 0
    for number in range(kills):
        daemon.start()
        disturbances.begin_kill(number)
        moment = moments.await_next(daemon.process)
        if not daemon.running():
            own_ends += 1
            say(f"  the gateway ended by itself with {daemon.process.returncode}:\n{daemon.log_text()[-1500:]}")
        daemon.kill()
        moments.proxy.open_trap()
        say(f"  kill {number + 1}/{kills} {moment}")
    return own_ends


def settle(daemon, messages):
    """Lets the gateway finish: everything in, every window closed, everything delivered. Its last status."""
    def is_done(status):
        readings, uplink = status["readings"], status["uplinks"][0]
        return (readings["used"] + readings["late"] >= messages and not any(b["open"] for b in status["blocks"])
                and uplink["connected"] and uplink["pending"] == 0)
    status = daemon.await_status("everything to be delivered", is_done, SETTLE_S)
    code = daemon.stop()
    if code != 0:
        raise TestError(f"the gateway ended with {code} after SIGTERM")
    return status


def delivered(kafka, block):
    """(id, type, value) of each message of a topic."""
    for message in [*kafka.read(f"out.{block}"), *kafka.read(f"out.{block}.backlog")]:
        headers = message["headers"]
        value = json.loads(message["payload"])
        value |= {name: headers[f"wayside_{name}"] for name in ("cause", "config") if f"wayside_{name}" in headers}
        yield headers["ce_id"], headers["ce_type"].removeprefix("wayside."), value


def replayed(daemon):
    """The same of what the journal leads to."""
    for line in daemon.replay_journal():
        value = json.loads(line)
        yield value.pop("id"), value.pop("type"), value


def differing(what, wanted, got):
    """How many rows are only on one side; some of them are told."""
    def count(rows):
        return collections.Counter((number, kind, json.dumps(value, sort_keys=True)) for number, kind, value in rows)
    missing, surplus = count(wanted) - count(got), count(got) - count(wanted)
    for side, rows in (("only in the replay", missing), ("only at the consumer", surplus)):
        for row in list(rows)[:3]:
            say(f"  {what} {side}: {row}")
    return sum(missing.values()) + sum(surplus.values())


def wrong_windows(readings, windows):
    """How many final results are not what plain arithmetic makes of the readings."""
    wanted = collections.defaultdict(lambda: [0, 0])
    for _, _, value in readings:
        sums = wanted[value["key"], value["time"] // WINDOW_MS * WINDOW_MS]
        sums[0] += 1
        sums[1] += value["v"]
    got = collections.defaultdict(lambda: [0, 0])
    for _, _, value in windows:
        if value["final"]:
            sums = got[value["key"], value["window_start"]]
            sums[0] += value["n"]
            sums[1] += value["total"]
    wrong = [key for key in wanted.keys() | got.keys() if wanted[key] != got[key]]
    for key in wrong[:3]:
        say(f"  window {key}: {got[key]} instead of {wanted[key]}")
    return len(wrong)


def early(acks, entry_of_seq, synced_ns):
    """How many acknowledged readings were in no entry that was on disk at that time."""
    never = float("inf")
    found = []
    for at_ns, payload in acks:
        seq = json.loads(payload)["seq"]
        if synced_ns.get(entry_of_seq.get(seq), never) > at_ns:
            found.append(seq)
    if found:
        say(f"  acknowledged too early, seq: {found[:20]}")
    return len(found)


def needless_epochs(daemon):
    """How many epochs the store has beyond the first: no kill may begin one, for ids would be given anew."""
    with contextlib.closing(sqlite3.connect(daemon.state / "wayside.db")) as store:
        return store.execute("SELECT count(*) FROM epochs").fetchone()[0] - 1


def compare(daemon, kafka, mqtt_proxy, sync_log, messages):
    replay = list(replayed(daemon))
    entry_of_seq = {}
    for number, kind, value in replay:
        if kind == "reading":
            entry_of_seq.setdefault(int(value["seq"]), int(re.search(r"/(\d+)\.\d+$", number)[1]))
    readings, windows = list(delivered(kafka, "readings")), list(delivered(kafka, "w2"))
    by_seq = collections.Counter(int(value["seq"]) for _, _, value in readings)
    by_id = collections.Counter(number for number, _, _ in readings + windows)
    lost = [seq for seq in range(messages) if seq not in by_seq]
    doubled = [seq for seq, times in by_seq.items() if times > 1]
    if lost or doubled:
        say(f"  lost, seq: {lost[:20]}; doubled, seq: {doubled[:20]}")
    return {
        "lost": len(lost),
        "duplicates": sum(n - 1 for n in by_seq.values()) + sum(n - 1 for n in by_id.values()),
        "early_acks": early(mqtt_proxy.acks, entry_of_seq, synced_entries(daemon.state / "journal", sync_log)),
        "strange_acks": mqtt_proxy.strange_acks,
        "acks": len(mqtt_proxy.acks),
        "readings_differ": differing("reading", [r for r in replay if r[1] == "reading"], readings),
        "windows": len(windows),
        "windows_differ": differing("window", [r for r in replay if r[1] == "window"], windows),
        "windows_wrong": wrong_windows(readings, windows),
    }


def run(stand, options, chance):
    begun = time.monotonic()
    slow_syncs, sync_log = watch_syncs(stand.folder, SYNC_DELAY_US)
    Kafka.fetch()
    mosquitto, kafka = stand.mosquitto().start(), stand.kafka().start()
    mqtt_proxy = stand.add(MqttProxy(mosquitto.port))
    config = fill(CONFIG, id="kill", port=mqtt_proxy.port, version=options.mqtt, kafka=kafka.proxied_address)
    daemon = stand.daemon(options.wayside, config, env=slow_syncs)
    daemon.check()

    # The broker keeps messages for the gateway only once it has subscribed.
    daemon.start()
    wait_for("the subscription", mqtt_proxy.subscribed.is_set)
    publisher = stand.publisher(mosquitto.port)
    stream = Stream(publisher, chance.random())
    daemon.kill()

    actions = [("broker_restarts", lambda: restart_mosquitto(mosquitto, publisher))] * max(2, options.kills // 20)
    actions += [("kafka_kills", lambda: restart_kafka(kafka))] * max(1, options.kills // 40)
    chance.shuffle(actions)
    disturbances = Disturbances(actions, options.kills, chance)
    moments = Moments(chance, kafka.proxy)
    own_ends = kill_many(daemon, options.kills, moments, disturbances)

    daemon.start()
    disturbances.finish()
    stream.stop()
    publisher.drain()
    if publisher.repeated:
        raise TestError(f"the publisher had to send {publisher.repeated} messages again")
    say(f"  {stream.count} messages; waiting for the end")
    status = settle(daemon, stream.count)
    result = {"kills": options.kills, "in_transaction": moments.in_transaction, **disturbances.done,
              "messages": stream.count}
    result |= compare(daemon, kafka, mqtt_proxy, sync_log, stream.count)
    ledgers = [status["readings"], *status["sources"], *status["uplinks"]]
    return result | {"redelivered": status["readings"]["duplicate"],
                     "ledgers_wrong": sum(not ledger["balanced"] for ledger in ledgers),
                     "own_ends": own_ends, "epochs": needless_epochs(daemon), "seconds": round(time.monotonic() - begun)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wayside", default=DEFAULT_BINARY, help="the binary")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=None, help="of the moments; by default a new one")
    parser.add_argument("--mqtt", choices=["5", "3.1.1"], default="5", help="version between gateway and mosquitto")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder")
    options = parser.parse_args()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    say(f"seed {seed}")
    with Stand("kill", options.keep) as stand:
        result = run(stand, options, random.Random(seed))
        good = not any(result[name] for name in FAULTS)
        stand.keep |= not good
    print(json.dumps(result | {"seed": seed}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
