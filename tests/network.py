#!/usr/bin/env python3
"""Breaks the gateway's links in every way the kernel offers, and counts what comes out.

  tests/network.py [--wayside BINARY] [--short] [--only WORD] [--keep]

The gateway runs in a network namespace of its own; mosquitto and Kafka are at the other end of a veth pair. Per scenario
nftables drops packets, all or some, or answers them with resets, on the link to mosquitto or on that to Kafka, or tbf
lets 20 kB/s through on both, while readings stream in. Then the link is healed.
- No reading may be lost, and none doubled at a read_committed consumer.
- The link has to be as good as new within 30 s after it was healed.
- Meanwhile at most one new connection a second is tried, on average.
- A gateway that vanishes amidst a transaction delays another one's alarms in the same topic by 30 s at most.

The last line of standard output is a JSON object of the figures. Exit 0 only if all of that holds; 77 without the rights
or the tools for it.
"""

import argparse
import collections
import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time

from system import DEFAULT_BINARY, QUICK_GATEWAY, VEHICLE_READINGS, Stand, TestError, fill, say, wait_for

SKIPPED = 77
MESSAGES_A_SECOND = 50
VEHICLES = 10
RECOVERY_S = 30
FAULT_S = 20
SHORT_FAULT_S = 8
AWAY_S = 90  # so long that everything is tried at its slowest
RESET_S = 40  # of Kafka: so that what is tried in turns is seen in turns
FLAP_S = 5
SETTLE_S = 90
RATE = "160kbit"
BURST = 3000  # readings at the beginning of a slow link
ALARMS = 40

CONFIG = QUICK_GATEWAY + """\
[[mqtt]]
name = "in"
url = "mqtt://{mqtt}"
client_id = "{id}"
""" + VEHICLE_READINGS + """\
topic = "{id}/{vehicle}"
max_disorder = "200ms"
[source.fields]
seq = "seq"
door = { path = "door", type = "text" }
[[rule]]
name = "open"
from = "readings"
when = "door = 'open'"
severity = "critical"
[[uplink]]
name = "centre"
type = "kafka"
brokers = ["{kafka}"]
topic = "{topic}"
backlog_after = 500
raw = ["readings"]
"""


def run(*command, check=True, stdin=None):
    done = subprocess.run(list(map(str, command)), input=stdin, text=True, capture_output=True)
    if check and done.returncode != 0:
        raise TestError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def what_is_missing():
    if os.geteuid() != 0:
        return "root"
    for tool in ("ip", "nft", "tc"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            return tool
    try:
        with Network():
            return None
    except TestError as error:
        return str(error)


class Network:
    """A namespace at the end of a veth pair. `here` is our address, as seen from there."""

    def __init__(self):
        number = os.getpid() % 250
        self.name = f"wayside-{os.getpid()}"
        self.ours, self.theirs = f"ws{os.getpid() % 100000}a", f"ws{os.getpid() % 100000}b"
        self.here, self.there = f"10.213.{number}.1", f"10.213.{number}.2"
        self.inside = ["ip", "netns", "exec", self.name]

    def __enter__(self):
        try:
            run("ip", "netns", "add", self.name)
            run("ip", "link", "add", self.ours, "type", "veth", "peer", "name", self.theirs, "netns", self.name)
            run("ip", "address", "add", f"{self.here}/30", "dev", self.ours)
            run("ip", "link", "set", self.ours, "up")
            run(*self.inside, "ip", "address", "add", f"{self.there}/30", "dev", self.theirs)
            run(*self.inside, "ip", "link", "set", self.theirs, "up")
            run(*self.inside, "ip", "link", "set", "lo", "up")
            self.heal()
        except TestError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        run("ip", "netns", "delete", self.name, check=False)
        run("ip", "link", "delete", self.ours, check=False)

    def nft(self, text):
        run(*self.inside, "nft", "-f", "-", stdin=text)

    def heal(self):
        self.rule("")
        for where, device in ((self.inside, self.theirs), ([], self.ours)):
            run(*where, "tc", "qdisc", "delete", "dev", device, "root", check=False)

    def rule(self, verdict, port=0):
        """For every packet from and to the port."""
        chains = "".join(f"chain {hook} {{\ntype filter hook {hook} priority 0\n"
                         f"{verdict and f'tcp {end} {port} {verdict}'}\n}}\n"
                         for hook, end in (("output", "dport"), ("input", "sport")))
        self.nft("table inet faults\ndelete table inet faults\ntable inet faults {\n" + chains + "}\n")

    def drop(self, percent, port):
        self.rule(f"numgen random mod 100 < {percent} drop" if percent < 100 else "drop", port)

    def reset(self, port):
        self.rule("tcp flags & rst == 0 reject with tcp reset", port)  # the resets have to get through

    def slow(self):
        """Whatever the port: both links."""
        for where, device in ((self.inside, self.theirs), ([], self.ours)):
            run(*where, "tc", "qdisc", "replace", "dev", device, "root", "tbf", "rate", RATE, "burst", "4kb", "latency", "300ms")

    @contextlib.contextmanager
    def counting(self, port):
        """Counts attempts to connect."""
        counted = {}
        self.nft("table inet count {\ncounter tries { }\nchain out { type filter hook output priority -10; "
                 f"tcp dport {port} tcp flags & (syn | ack) == syn counter name tries\n}}\n}}\n")
        try:
            yield counted
        finally:
            listing = json.loads(run(*self.inside, "nft", "-j", "list", "counters", "table", "inet", "count"))
            counted["tries"] = next(i["counter"]["packets"] for i in listing["nftables"] if "counter" in i)
            self.nft("delete table inet count\n")


class Stream(threading.Thread):
    """Numbered readings at a steady rate until it is stopped."""

    def __init__(self, publisher, gateway):
        super().__init__(daemon=True)
        self.publisher, self.gateway = publisher, gateway
        self.count = 0
        self.extra = 0  # at once
        self.stopping = threading.Event()
        self.start()

    def run(self):
        begun = time.monotonic()
        while not self.stopping.wait(0.02):
            due = int((time.monotonic() - begun) * MESSAGES_A_SECOND) + self.extra
            while self.count < due:
                reading = {"ts": time.time_ns() // 1_000_000, "seq": self.count, "door": "shut"}
                self.publisher.publish(f"{self.gateway}/v{self.count % VEHICLES}", json.dumps(reading))
                self.count += 1

    def stop(self):
        self.stopping.set()
        self.join()


class Bench:
    def __init__(self, stand, network, binary):
        self.stand, self.network, self.binary = stand, network, binary
        self.gateways = []
        self.mqtt = stand.mosquitto(addresses=("127.0.0.1", network.here)).start()
        self.kafka = stand.kafka()
        port = self.kafka.port
        self.kafka_port = port + 2
        self.kafka.start(f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{port + 1},"
                         f"PROXIED://{network.here}:{port + 2}\n"
                         f"advertised.listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://{network.here}:{port + 2}")

    def gateway(self, name, topic, far=True):
        config = fill(CONFIG, id=name, topic=topic,
                      mqtt=f"{self.network.here if far else '127.0.0.1'}:{self.mqtt.port}",
                      kafka=f"{self.network.here}:{self.kafka_port}" if far else self.kafka.address)
        gateway = self.stand.daemon(self.binary, config, name=name, inside=self.network.inside if far else ())
        gateway.check()
        gateway.start()
        self.gateways.append(gateway)
        gateway.await_status("both links", lambda s: s["mqtt"][0]["connected"] and s["uplinks"][0]["connected"], SETTLE_S)
        return gateway

    def end_gateways(self):
        while self.gateways:
            self.gateways.pop().kill()

    def seqs(self, topic):
        """How often each reading came."""
        return collections.Counter(
            json.loads(message["payload"])["seq"] for end in ("", ".backlog") for message in self.kafka.read(topic + end)
            if message["headers"]["ce_type"] == "wayside.reading")

    def scenario(self, name, link, fault, seconds):
        if name.endswith("-away"):
            seconds = AWAY_S
        if name == "kafka-reset":
            seconds = RESET_S
        gateway = self.gateway(name, f"{name}.{{block}}")
        publisher = self.stand.publisher(self.mqtt.port)
        stream = Stream(publisher, name)
        port = self.mqtt.port if link == "mqtt" else self.kafka_port
        gateway.await_status("the first readings", lambda s: s["uplinks"][0]["delivered"] > 0)
        with self.network.counting(port) as counted:
            stream.extra = BURST if fault.__name__ == "slow" else 0
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                fault(port)
                time.sleep(min(left, FLAP_S if fault.__name__ == "flap" else left))
                if fault.__name__ == "flap":
                    self.network.heal()
                    time.sleep(min(max(0, end - time.monotonic()), FLAP_S))
        self.network.heal()
        sent, healed = stream.count, time.monotonic()

        def is_well(status):
            uplink = status["uplinks"][0]
            return (status["readings"]["in"] >= sent and uplink["delivered"] >= sent and uplink["connected"]
                    and status["mqtt"][0]["connected"])
        gateway.await_status("recovery", is_well, SETTLE_S)
        recovered = time.monotonic() - healed
        stream.stop()
        status = gateway.await_status("the rest", lambda s: s["readings"]["in"] >= stream.count
                                      and s["uplinks"][0]["pending"] == 0, SETTLE_S)
        if gateway.stop() != 0:
            raise TestError("the gateway did not end well")
        seqs = self.seqs(f"{name}.readings")
        result = {"scenario": name, "sent": stream.count, "lost": stream.count - len(seqs),
                  "doubled": sum(n - 1 for n in seqs.values()), "recovered_s": round(recovered, 1),
                  "tries_a_second": round(counted["tries"] / seconds, 2),
                  "balanced": status["uplinks"][0]["balanced"] and status["readings"]["balanced"]}
        result["good"] = (result["lost"] == result["doubled"] == 0 and recovered <= RECOVERY_S
                          and result["tries_a_second"] <= 1 and result["balanced"])
        publisher.abandon()
        say(f"  {json.dumps(result)}")
        return result

    def vanished(self):
        """One gateway vanishes amidst a transaction; how long do alarms of another one take?"""
        topic = "shared"
        first, second = self.gateway("first", topic), self.gateway("second", topic, far=False)
        publisher = self.stand.publisher(self.mqtt.port)
        stream = Stream(publisher, "first")
        first.await_status("the first readings", lambda s: s["uplinks"][0]["delivered"] > 0)

        def count(level):
            return len(self.kafka.read(topic, level))
        for _ in range(10):  # over a slow link a transaction is nearly always under way
            self.network.slow()
            stream.extra += BURST
            time.sleep(3)
            self.network.drop(100, self.kafka_port)
            if count("read_uncommitted") > count("read_committed"):
                break
            self.network.heal()
        else:
            raise TestError("no transaction was under way")
        sent = {}
        delays = {}

        def look():
            for message in self.kafka.read(topic):
                value = json.loads(message["payload"])
                if message["headers"]["ce_type"] == "wayside.alarm" and value["key"] in sent and value["key"] not in delays:
                    delays[value["key"]] = time.monotonic() - sent[value["key"]]
        begun = time.monotonic()
        for number in range(ALARMS):
            for door in ("shut", "open"):
                reading = {"ts": time.time_ns() // 1_000_000, "seq": number, "door": door}
                publisher.publish(f"second/a{number}", json.dumps(reading))
            # What makes the watermark pass, since alarms come in the order of event time.
            publisher.publish(f"second/a{number}", json.dumps({"ts": reading["ts"] + 300, "seq": number, "door": "shut"}))
            sent[f"a{number}"] = time.monotonic()
            while time.monotonic() < begun + number + 1:
                look()
        with contextlib.suppress(TestError):
            wait_for("the alarms", lambda: look() or len(delays) == ALARMS, SETTLE_S)
        self.network.heal()
        stream.stop()
        first.await_status("the rest", lambda s: s["readings"]["in"] >= stream.count
                           and s["uplinks"][0]["pending"] == 0, SETTLE_S)
        result = {"scenario": "vanished", "alarms": len(delays), "longest_delay_s": round(max(delays.values(), default=0), 1)}
        result["good"] = len(delays) == ALARMS and result["longest_delay_s"] <= RECOVERY_S
        say(f"  {json.dumps(result)}")
        return result


def faults_of(network, link, short):
    def named(name, fault):
        fault.__name__ = name
        return name, fault
    if not short:
        for percent in (10, 30, 50):
            yield named(f"loss{percent}", lambda port, percent=percent: network.drop(percent, port))
        if link == "kafka":
            yield named("slow", lambda _: network.slow())
        yield named("flap", lambda port: network.drop(100, port))
        yield named("away", lambda port: network.drop(100, port))
    yield named("reset", lambda port: network.reset(port))
    yield named("hole", lambda port: network.drop(100, port))


def attempt(scenario, *arguments):
    """A scenario that does not come to its end is a bad one."""
    try:
        return scenario(*arguments)
    except TestError as error:
        say(f"  {arguments[:1]}: {error}")
        scenario.__self__.network.heal()
        scenario.__self__.end_gateways()
        return {"scenario": arguments[:1], "good": False}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wayside", default=DEFAULT_BINARY)
    parser.add_argument("--short", action="store_true", help="a few short faults")
    parser.add_argument("--only", default="", help="scenarios whose names hold this")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder")
    arguments = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if missing := what_is_missing():
        say(f"skipped: {missing} is missing")
        return SKIPPED
    results = []
    with Network() as network, Stand("network", arguments.keep) as stand:
        bench = Bench(stand, network, arguments.wayside)
        for link in ("mqtt", "kafka"):
            for name, fault in faults_of(network, link, arguments.short):
                if arguments.only in f"{link}-{name}":
                    results.append(attempt(bench.scenario, f"{link}-{name}", link, fault,
                                           SHORT_FAULT_S if arguments.short else FAULT_S))
        if not arguments.short and arguments.only in "vanished":
            results.append(attempt(bench.vanished))
        stand.keep |= not all(result["good"] for result in results)
    good = bool(results) and all(result["good"] for result in results)
    recoveries = [r["recovered_s"] for r in results if "recovered_s" in r]
    print(json.dumps({"scenarios": len(results), "lost": sum(r.get("lost", 0) for r in results),
                      "doubled": sum(r.get("doubled", 0) for r in results),
                      "longest_recovery_s": max(recoveries, default=None),
                      "most_tries_a_second": max((r.get("tries_a_second", 0) for r in results), default=None),
                      "longest_alarm_delay_s": next((r["longest_delay_s"] for r in results if "longest_delay_s" in r), None),
                      "good": good}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
