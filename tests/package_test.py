#!/usr/bin/env python3
"""The Debian package on a fresh machine with systemd: installed, killed, upgraded under load, downgraded, purged.

package_test.py [PACKAGE FORMER]: by default those that `./dev lifecycle` makes of this tree. FORMER is a package of an
earlier version, with a program of its own: by default one of the same source that calls itself otherwise, in the
journal, too. So it proves that another program goes on from the state; what other releases wrote is in
upgrade_test.cc. Needs root, mmdebstrap and systemd-nspawn. The last line of standard output is a JSON object of the
figures; exit 77 where it cannot run.
"""

import json
import re
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from container import COMMAND_S, Container, lacking, now_ms, root_archive
from system import REPOSITORY, TestError, say

FIRST = 500
MORE = 200
PAUSE_S = 0.002  # between readings, while something happens
CHANGED = 'seq = "seq"  # by the administrator\n'
SECRET = "the-password"
SKIPPED = 77
# The broker knows a password, which reaches the gateway as a credential.
SECRETS = f"""
umask 077
echo {SECRET} > /etc/wayside/mqtt.password
umask 022
mkdir -p /etc/systemd/system/wayside.service.d
echo '[Service]
LoadCredential=mqtt:/etc/wayside/mqtt.password' > /etc/systemd/system/wayside.service.d/secrets.conf
mosquitto_passwd -b -c /etc/mosquitto/passwd gateway {SECRET}
chmod 644 /etc/mosquitto/passwd
echo 'listener 1883 127.0.0.1
allow_anonymous true
password_file /etc/mosquitto/passwd' > /etc/mosquitto/conf.d/local.conf
"""
FIGURES = {}


def control(package, name):
    return subprocess.run(["dpkg-deb", "-f", package, name], check=True, capture_output=True, text=True).stdout.strip()


def dependencies(package):
    """Names, of alternatives the first."""
    return [re.match(r"\S+", one.strip()).group() for one in control(package, "Depends").split(",")]


class Readings:
    """Numbered readings, sent with QoS 1."""

    def __init__(self, machine):
        self.machine = machine
        self.sent = 0

    def line(self):
        self.sent += 1
        return json.dumps({"ts": now_ms(), "t": 4.5, "seq": self.sent}) + "\n"

    def publisher(self):
        return self.machine.inside("mosquitto_pub", "-h", "127.0.0.1", "-q", "1", "-t", "fleet/truck-1/climate", "-l")

    def send(self, count):
        lines = "".join(self.line() for _ in range(count))
        subprocess.run(self.publisher(), input=lines, text=True, check=True, timeout=COMMAND_S)

    def send_while(self, act):
        """Goes on sending until `act` has returned."""
        acting = threading.Thread(target=act)
        acting.start()
        with subprocess.Popen(self.publisher(), stdin=subprocess.PIPE, text=True) as publisher:
            while acting.is_alive():
                publisher.stdin.write(self.line())
                publisher.stdin.flush()
                time.sleep(PAUSE_S)
            publisher.stdin.close()
            if publisher.wait(COMMAND_S) != 0:
                raise TestError(f"mosquitto_pub ended with {publisher.returncode}")
        acting.join()


class Gateway:
    """The installed one."""

    def __init__(self, machine):
        self.machine = machine

    def install(self, package):
        return self.machine.must("apt-get", "-q", "-y", "--allow-downgrades", "install", f"/root/{package.name}")

    def call(self, *words):
        """As root, who finds the credentials of the running service."""
        return self.machine.run("wayside", *words)

    def status(self):
        answer = self.call("status", "--json")
        return json.loads(answer.stdout) if answer.returncode == 0 and answer.stdout else {}

    def property(self, name):
        return self.machine.must("systemctl", "show", "-P", name, "wayside").strip()

    def running_version(self):
        """What the program that runs says of itself, not the file that is installed."""
        program = f"/proc/{self.property('MainPID')}/exe"
        return self.machine.must(program, "version").split()[1]

    def await_readings(self, count):
        """Until each of `count` readings has a fate; returns the ledger."""
        def all_told():
            complete = self.distinct() >= count
            status = self.status()  # behind the question, so that it knows as much
            return status if status and complete else None
        status = self.machine.wait_for(f"{count} readings in the journal", all_told)
        return status["readings"]

    def distinct(self):
        answer = self.call("sql", "--json", "SELECT count(DISTINCT seq) AS n FROM climate")
        return json.loads(answer.stdout)["n"] if answer.returncode == 0 and answer.stdout else 0

    def await_connected(self):
        def connected():
            status = self.status()
            return status and all(connection["connected"] for connection in status["mqtt"])
        self.machine.wait_for("a connection to the broker", connected)


class Package(unittest.TestCase):
    """One machine for all; the steps build on each other, in this order."""

    def test_a_package_lives_from_its_installation_to_its_purge(self):
        with Container(root_archive(CACHE, dependencies(PACKAGE)), CACHE) as machine:
            self.machine = machine
            self.gateway = Gateway(machine)
            self.readings = Readings(machine)
            for package in (FORMER, PACKAGE):
                machine.copy_in(package)
            for step in (self.is_installed_and_runs, self.keeps_secrets_and_the_administrators_changes,
                         self.takes_readings, self.goes_by_timesyncds_mark, self.comes_back_when_killed,
                         self.comes_back_when_it_hangs, self.loses_nothing_by_an_upgrade,
                         self.loses_nothing_by_a_downgrade, self.keeps_state_when_removed,
                         self.leaves_nothing_when_purged):
                say(f"package: {step.__name__}")
                step()

    def is_installed_and_runs(self):
        self.gateway.install(FORMER)
        self.assertEqual(self.machine.must("systemctl", "is-active", "wayside").strip(), "active")
        self.assertEqual(self.machine.must("systemctl", "is-enabled", "wayside").strip(), "enabled")
        pid = self.gateway.property("MainPID")
        self.assertEqual(self.machine.must("ps", "-o", "user=", "-p", pid).strip(), "wayside")
        rights = self.machine.must("stat", "-c", "%a %U:%G %n", "/etc/wayside", "/etc/wayside/wayside.toml",
                                   "/var/lib/wayside")
        self.assertEqual(rights.splitlines(), ["750 root:wayside /etc/wayside",
                                               "640 root:wayside /etc/wayside/wayside.toml",
                                               "750 wayside:wayside /var/lib/wayside"])
        self.machine.must("runuser", "-u", "wayside", "--", "wayside", "check")
        FIGURES["installed_kib"] = int(control(PACKAGE, "Installed-Size"))

    def keeps_secrets_and_the_administrators_changes(self):
        file = self.machine.root / "etc/wayside/wayside.toml"
        text = file.read_text().replace("[[window]]", CHANGED + "\n[[window]]", 1)
        text = text.replace('# password = {', 'user = "gateway"\npassword = {', 1)
        file.write_text(text)
        self.machine.must("sh", "-ec", SECRETS)
        self.machine.must("systemctl", "daemon-reload")
        self.machine.must("systemctl", "restart", "mosquitto", "wayside")
        self.gateway.await_connected()

    def takes_readings(self):
        self.readings.send(FIRST)
        ledger = self.gateway.await_readings(FIRST)
        self.assertTrue(ledger["balanced"], ledger)

    def goes_by_timesyncds_mark(self):
        """The unit may not ask the kernel; nobody else tells the time in the container."""
        self.assertNotEqual(self.gateway.status()["clock"], "synced")
        self.machine.must("mkdir", "-p", "/run/systemd/timesync")
        self.machine.must("touch", "/run/systemd/timesync/synchronized")
        self.machine.wait_for("a synchronised clock", lambda: self.gateway.status()["clock"] == "synced")

    def comes_back_when_killed(self):
        before = self.gateway.property("MainPID")
        self.machine.must("systemctl", "kill", "-s", "KILL", "wayside")
        self.readings.send(MORE)
        self.machine.wait_for("a new process", lambda: self.gateway.property("MainPID") not in ("0", before))
        self.everything_is_there()
        self.assertEqual(self.gateway.property("NRestarts"), "1")

    def comes_back_when_it_hangs(self):
        self.assertEqual(self.gateway.property("Type"), "notify")
        drop_in = self.machine.root / "etc/systemd/system/wayside.service.d/hang.conf"
        drop_in.write_text("[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\n")
        self.machine.must("systemctl", "daemon-reload")
        self.machine.must("systemctl", "restart", "wayside")
        before = self.gateway.property("MainPID")
        self.machine.must("systemctl", "kill", "-s", "STOP", "wayside")
        self.machine.wait_for("a new process", lambda: self.gateway.property("MainPID") not in ("0", before))
        drop_in.unlink()
        self.machine.must("systemctl", "daemon-reload")
        self.everything_is_there()

    def loses_nothing_by_an_upgrade(self):
        older = ["dpkg", "--compare-versions", control(FORMER, "Version"), "lt", control(PACKAGE, "Version")]
        self.assertEqual(subprocess.run(older).returncode, 0, "FORMER is no earlier version")
        self.changes_version(PACKAGE)

    def loses_nothing_by_a_downgrade(self):
        self.changes_version(FORMER)

    def changes_version(self, package):
        before = self.gateway.property("MainPID")
        begun = self.readings.sent
        failed = []

        def install():
            try:
                self.gateway.install(package)
            except Exception as error:  # a thread's errors are nobody's
                failed.append(error)
        self.readings.send_while(install)
        self.assertEqual(failed, [])
        self.assertNotEqual(self.gateway.property("MainPID"), before)
        self.assertEqual(self.gateway.running_version(), control(package, "Version"))
        self.assertIn(CHANGED, (self.machine.root / "etc/wayside/wayside.toml").read_text())
        self.everything_is_there()
        FIGURES.setdefault("readings_during_a_change_of_version", []).append(self.readings.sent - begun)

    def everything_is_there(self):
        """Each reading once: the broker kept what came while the gateway was away, and no redelivery counts twice."""
        ledger = self.gateway.await_readings(self.readings.sent)
        self.assertTrue(ledger["balanced"], ledger)
        self.assertEqual(ledger["used"] + ledger["late"], self.readings.sent, ledger)

    def keeps_state_when_removed(self):
        told = self.machine.must("apt-get", "-q", "-y", "remove", "wayside")
        self.assertIn("stay; a purge takes them away", told)
        self.assertEqual(self.machine.run("pgrep", "-x", "wayside").stdout, "")
        self.assertTrue((self.machine.root / "var/lib/wayside/wayside.db").exists())
        self.readings.send(MORE)
        self.gateway.install(FORMER)
        self.everything_is_there()
        FIGURES["readings"] = self.readings.sent

    def leaves_nothing_when_purged(self):
        told = self.machine.must("apt-get", "-q", "-y", "purge", "wayside")
        self.assertIn("removing its state in /var/lib/wayside and its configuration in /etc/wayside", told)
        left = self.machine.must("find", "/etc", "/usr", "/var/lib", "/run", "-xdev", "-name", "*wayside*")
        # The administrator's own drop-in stays.
        self.assertEqual(left.split(), ["/etc/systemd/system/wayside.service.d"])
        self.assertIn("wayside", self.machine.must("getent", "passwd", "wayside"))


def of_this_tree():
    """The package and its former one: of this very commit, never what lies there from before."""
    def answer(*command):
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    version, arch = answer(REPOSITORY / "packaging" / "version"), answer("dpkg", "--print-architecture")
    return [REPOSITORY / "build" / "packages" / f"wayside_{version}{suffix}_{arch}.deb" for suffix in ("", "~former")]


def missing():
    absent = [file.name for file in (PACKAGE, FORMER) if not file.exists()]
    return f"there is no {' and no '.join(absent)}: ./dev lifecycle makes them" if absent else None


if __name__ == "__main__":
    CACHE = REPOSITORY / "build" / "machines"
    PACKAGE, FORMER = (Path(file).resolve() for file in sys.argv[1:] or of_this_tree())
    if reason := lacking() or missing():
        say(f"package: skipped, {reason}")
        sys.exit(SKIPPED)
    CACHE.mkdir(parents=True, exist_ok=True)
    done = unittest.main(argv=sys.argv[:1], exit=False)
    print(json.dumps(FIGURES))
    sys.exit(0 if done.result.wasSuccessful() else 1)
