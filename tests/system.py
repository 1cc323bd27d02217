"""What the system tests share: a private mosquitto and Kafka, the daemon, and where they live.

Everything a test starts belongs to a Stand, which ends it when the `with` block ends, however it ends.
"""

import atexit
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mqtt import Publisher
from proxy import KafkaProxy, MqttProxy

REPOSITORY = Path(__file__).resolve().parent.parent
KAFKA = REPOSITORY / "tests" / "kafka" / "kafka"
SYNCWATCH = REPOSITORY / "tests" / "syncwatch.c"
DEFAULT_BINARY = REPOSITORY / "build" / "dev" / "wayside"
BROKER_CONFIG = REPOSITORY / "packaging" / "mosquitto" / "wayside.conf"
# Beginnings of a configuration, for tests to write on: keys of the last table, then more of them.
QUICK_GATEWAY = """\
[gateway]
id = "{id}"
state_dir = "{state}"
[engine]
tick = "100ms"
[storage]
commit_age = "20ms"
"""
VEHICLE_READINGS = """\
[[source]]
name = "readings"
format = "json"
key = "vehicle"
time = { field = "ts", unit = "ms" }
"""
POLL_S = 0.02
START_S = 20
STOP_S = 15


class TestError(Exception):
    """Something of the test bed did not do what it should."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def fill(text, **values):
    """`text` with each {name} of `values` replaced; other braces stay."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def wait_for(what, condition, seconds=START_S):
    """Polls until `condition` gives something true, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TestError(f"waited {seconds} s for: {what}")
        time.sleep(POLL_S)


def free_port(neighbours=1):
    """A free port on 127.0.0.1 that is followed by free ones."""
    for _ in range(100):
        with contextlib.ExitStack() as stack:
            try:
                port = 0
                for _ in range(neighbours):
                    listener = stack.enter_context(socket.socket())
                    listener.bind(("127.0.0.1", port))
                    port = listener.getsockname()[1] + 1
                return port - neighbours
            except OSError:
                continue
    raise TestError("no free ports")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def watch_syncs(folder, delay_us):
    """The environment that makes the syncs of a gateway's journal slow, and the log of them; see syncwatch.c."""
    library, log = folder / "syncwatch.so", folder / "syncs"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SYNCWATCH, "-ldl"], check=True)
    log.touch()
    return {"LD_PRELOAD": str(library), "SYNCWATCH_LOG": str(log), "SYNCWATCH_DELAY_US": str(delay_us)}, log


class Stand:
    """A temporary folder and everything that runs in it. Kept on request, and when the test fails."""

    def __init__(self, name, keep=False):
        self.folder = Path(tempfile.mkdtemp(prefix=f"wayside-{name}-"))
        self.keep = keep
        self.ends = []

    def __enter__(self):
        atexit.register(self.end)  # unittest does not come to __exit__ after a Ctrl-C
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # unittest goes on after any other exception
        return self

    def __exit__(self, error, *_):
        self.keep |= error is not None and issubclass(error, Exception)
        self.end()

    def end(self):
        atexit.unregister(self.end)
        while self.ends:
            with contextlib.suppress(Exception):
                self.ends.pop()()
        if self.keep:
            say(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def mosquitto(self, name="mosquitto", **options):
        return self.add(Mosquitto(self.path(name), **options))

    def kafka(self):
        kafka = Kafka(self.path("kafka"))
        self.add(kafka.proxy)
        return self.add(kafka)

    def daemon(self, binary, config, name="gateway", **options):
        return self.add(Daemon(binary, self.path(name), config, **options))

    def publisher(self, port, **options):
        return self.add(Publisher(port, **options))

    def add(self, part):
        self.ends.append(part.abandon)
        return part


class Process:
    """A process in a session of its own, so that a Ctrl-C at the terminal reaches only the test."""

    def __init__(self, log):
        self.log = log
        self.process = None

    def launch(self, command, env=None):
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                list(map(str, command)), stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})}, start_new_session=True)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        if self.running():
            self.process.kill()
            self.process.wait()

    def stop(self):
        """SIGTERM; the exit code."""
        if self.running():
            self.process.terminate()
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise TestError(f"{self.log.stem} does not end within {STOP_S} s") from error

    def abandon(self):
        self.kill()

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Mosquitto(Process):
    def __init__(self, folder, persistence=True, addresses=("127.0.0.1",)):
        super().__init__(folder / "mosquitto.log")
        self.port = free_port()
        self.config = folder / "mosquitto.conf"
        # As on Debian, where the project's own file is included by the system's.
        listeners = "\n".join(f"listener {self.port} {address}" for address in addresses)
        ours = re.sub(r"^listener .*$", listeners, BROKER_CONFIG.read_text(), flags=re.M)
        included = folder / "conf.d"
        included.mkdir(exist_ok=True)
        (included / "wayside.conf").write_text(ours)
        lines = [f"include_dir {included}", "log_type warning"]
        if persistence:
            lines += ["persistence true", f"persistence_location {folder}/"]
        if os.geteuid() == 0:
            lines.append("user root")  # else it drops its privileges, and cannot write into our folder
        self.config.write_text("\n".join(lines) + "\n")

    def add_listener(self, *settings):
        """One more port, for these lines of mosquitto.conf."""
        port = free_port()
        self.config.write_text(self.config.read_text() + "\n".join([f"listener {port} 127.0.0.1", *settings]) + "\n")
        return port

    def start(self):
        self.launch(["mosquitto", "-c", self.config])
        wait_for("mosquitto", lambda: self.running() and listens(self.port))
        return self


class Kafka:
    """At `address` for tests; the gateway goes through `proxy`."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port(neighbours=3)  # ours, the controller's, the proxy's
        self.address = f"127.0.0.1:{self.port}"
        self.proxy = KafkaProxy(self.port + 2)
        self.proxied_address = f"127.0.0.1:{self.proxy.port}"

    @staticmethod
    def fetch():
        """Gets Kafka's jars, unless they are there."""
        Kafka._do("fetch")

    def start(self, properties=""):
        self._do("start", self.folder, self.port, self.proxy.port, properties=properties)
        return self

    def kill(self):
        self._do("kill", self.folder)

    def abandon(self):
        self.kill()

    @staticmethod
    def _do(*command, properties=""):
        done = subprocess.run([KAFKA, *map(str, command)], stdin=subprocess.DEVNULL, text=True,
                              env={**os.environ, "KAFKA_PROPERTIES": properties},
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        if done.returncode != 0:
            raise TestError(done.stderr.strip())

    def delete_group(self, group):
        """Forgets what the group has committed, as Kafka does by itself after a week."""
        self._ask(42, struct.pack(">i", 1) + self._text(group), lambda answer: answer[-2:])

    def delete_topic(self, topic):
        self._ask(20, struct.pack(">i", 1) + self._text(topic) + struct.pack(">i", 10_000), lambda answer: answer[-2:])

    @staticmethod
    def _text(text):
        return struct.pack(">h", len(text)) + text.encode()

    def _ask(self, api_key, body, error_of):
        """One request of version 1, and its answer's error."""
        request = struct.pack(">hhih", api_key, 1, 1, -1) + body  # correlation 1, no client id
        with socket.create_connection(("127.0.0.1", self.port)) as link, link.makefile("rb") as answers:
            link.sendall(struct.pack(">i", len(request)) + request)
            answer = answers.read(struct.unpack(">i", answers.read(4))[0])
        error, = struct.unpack(">h", error_of(answer))
        if error != 0:
            raise TestError(f"Kafka answers with error {error}")

    def topics(self):
        listing = subprocess.run(["kcat", "-b", self.address, "-L", "-J"], capture_output=True, check=True)
        return [topic["topic"] for topic in json.loads(listing.stdout)["topics"]]

    def read(self, topic, level="read_committed"):
        """All messages of a topic that such a consumer sees, as kcat's envelopes with headers as a dict."""
        messages = [json.loads(line.decode(errors="replace")) for line in self._consume(topic, "-J", level=level).splitlines()]
        for message in messages:
            flat = message.get("headers", [])
            message["headers"] = dict(zip(flat[::2], flat[1::2]))
        return messages

    def read_values(self, topic):
        """The values of the same messages, as bytes."""
        output, values = self._consume(topic, "-f", "%R%s"), []  # %R: the size, four bytes
        while output:
            end = 4 + int.from_bytes(output[:4], "big")
            values.append(output[4:end])
            output = output[end:]
        return values

    def _consume(self, topic, *form, level="read_committed"):
        if topic not in self.topics():
            return b""
        done = subprocess.run(["kcat", "-b", self.address, "-C", "-t", topic, "-o", "beginning", "-e", "-q", *form,
                               "-X", f"isolation.level={level}"], capture_output=True)
        if done.returncode != 0:
            raise TestError(done.stderr.decode())
        return done.stdout


class Daemon(Process):
    """`config` may name {state}, the state folder; `inside` is a command that runs others, say in a namespace."""

    def __init__(self, binary, folder, config, env=None, inside=()):
        super().__init__(folder / "wayside.log")
        self.binary = Path(binary).resolve()
        self.state = folder / "state"
        self.config = folder / "wayside.toml"
        self.config.write_text(fill(config, state=self.state))
        self.env = env
        self.inside = inside

    def start(self):
        self.launch([*self.inside, self.binary, "run", "--config", self.config], env=self.env)
        return self

    def call(self, verb, *arguments):
        return subprocess.run([self.binary, verb, "--config", self.config, *map(str, arguments)],
                              capture_output=True, start_new_session=True)

    def check(self):
        checked = self.call("check")
        if checked.returncode != 0:
            raise TestError(checked.stderr.decode())

    def status(self):
        """{} while it does not answer."""
        answer = self.call("status", "--json")
        return json.loads(answer.stdout) if answer.returncode == 0 and answer.stdout.strip() else {}

    def await_status(self, what, condition, seconds=START_S):
        """The first status for which `condition` holds."""
        def look():
            if not self.running():
                raise TestError(f"the gateway ended while waiting for: {what}\n{self.log_text()[-2000:]}")
            status = self.status()
            return status if status and condition(status) else None
        try:
            return wait_for(what, look, seconds)
        except TestError as error:
            raise TestError(f"{error}\n{json.dumps(self.status())}\n{self.log_text()[-2000:]}") from error

    def await_connected(self):
        return self.await_status("a connection to the broker", lambda s: all(c["connected"] for c in s["mqtt"]))

    def restart(self):
        code = self.stop()
        if code != 0:
            raise TestError(f"the gateway ended with {code} after SIGTERM")
        return self.start()

    def rows(self, query):
        """What a query of the store gives."""
        with contextlib.closing(sqlite3.connect(f"file:{self.state / 'wayside.db'}?mode=ro", uri=True)) as store:
            return store.execute(query).fetchall()

    def delivered_lines(self, uplink):
        """What a file uplink has written."""
        files = sorted((self.state / "out" / uplink).glob("*.jsonl"))
        return [line for file in files for line in file.read_text().splitlines()]

    def replay_journal(self):
        """Every line that the journal leads to."""
        replayed = self.call("replay", "--journal", self.state)
        if replayed.returncode != 0:
            raise TestError(replayed.stderr.decode())
        return replayed.stdout.decode().splitlines()
