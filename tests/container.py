"""A machine for the packages: a fresh root file system of the distribution in which systemd runs, in a container."""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from system import TestError, say, wait_for

TOOLS = ("mmdebstrap", "systemd-nspawn", "nsenter", "tar")
BASE = ("systemd", "systemd-sysv", "dbus", "mosquitto", "mosquitto-clients", "procps")
SUITE = "bookworm"
BOOT_S = 60
STOP_S = 30
COMMAND_S = 120
MAKE_S = 600


def lacking():
    """What is missing to run one here, as a sentence, or None."""
    if os.geteuid() != 0:
        return "it needs root, for the container"
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    return f"it needs {', '.join(missing)}" if missing else None


def candidates(packages):
    """Of each package the version that apt would install."""
    shown = subprocess.run(["apt-cache", "show", "--no-all-versions", *packages], check=True, capture_output=True, text=True,
                           timeout=COMMAND_S).stdout
    return [line for line in shown.splitlines() if line.startswith(("Package: ", "Version: "))]


def root_archive(cache, packages):
    """A root file system with these packages, made once for their versions of now."""
    packages = sorted({*BASE, *packages})
    made_of = hashlib.sha256(" ".join([SUITE, *candidates(packages)]).encode()).hexdigest()[:12]
    archive = cache / f"root-{made_of}.tar"
    if not archive.exists():
        say(f"making {archive.name}")
        cache.mkdir(parents=True, exist_ok=True)
        for former in cache.glob("root-*.tar"):
            former.unlink()
        part = archive.with_suffix(".part.tar")
        made = subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={','.join(packages)}", SUITE, part],
                              capture_output=True, text=True, timeout=MAKE_S)
        if made.returncode != 0:
            raise TestError(made.stderr)
        part.rename(archive)
    return archive


class Container:
    """Without a network but its own loopback. It ends, and its files go, with the `with` block."""

    def __init__(self, archive, folder):
        self.archive = archive
        self.root = Path(tempfile.mkdtemp(prefix="machine-", dir=folder))
        self.log = self.root.with_suffix(".log")
        self.process = None
        self.leader = None

    def __enter__(self):
        try:
            subprocess.run(["tar", "-C", self.root, "--numeric-owner", "-xf", self.archive], check=True,
                           timeout=MAKE_S)
            self.boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.power_off()
        shutil.rmtree(self.root)
        self.log.unlink(missing_ok=True)

    def power_off(self):
        if self.leader:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.leader, signal.SIGRTMIN + 4)  # systemd's own signal for it
        try:
            self.process.wait(STOP_S if self.leader else 0)
        except subprocess.TimeoutExpired:
            self.process.kill()  # and with it the container
            self.process.wait(STOP_S)

    def boot(self):
        command = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network", "-D",
                   self.root]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_for("systemd in the container", self.is_up, BOOT_S)
        except TestError as error:
            raise TestError(f"{error}\n{self.log.read_text()[-2000:]}") from error

    def is_up(self):
        if self.process.poll() is not None:
            raise TestError(f"systemd-nspawn ended with {self.process.returncode}")
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children:
            return False
        self.leader = int(children[0])
        return self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def inside(self, *command):
        """The command line that runs `command` in the container."""
        return ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "env", "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", *command]

    def run(self, *command, text=None):
        return subprocess.run(self.inside(*command), input=text, capture_output=True, text=True, timeout=COMMAND_S)

    def must(self, *command, text=None):
        """What it prints; anything but success is an error of the test."""
        done = self.run(*command, text=text)
        if done.returncode != 0:
            raise TestError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def copy_in(self, file):
        target = self.root / "root" / file.name
        shutil.copy(file, target)
        return f"/root/{file.name}"

    def wait_for(self, what, condition, seconds=BOOT_S):
        """With the gateway's log when it does not come."""
        try:
            return wait_for(what, condition, seconds)
        except TestError as error:
            log = self.run("journalctl", "-u", "wayside", "--no-pager", "-n", "30").stdout
            raise TestError(f"{error}\n{log}") from error


def now_ms():
    return time.time_ns() // 1_000_000
