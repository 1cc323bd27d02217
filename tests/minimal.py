#!/usr/bin/env python3
"""A build without all that can be left out, the preset `minimal`, says what it has not: minimal.py PROGRAM"""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BINARY = Path("build/minimal/wayside")
REPOSITORY = Path(__file__).resolve().parent.parent

MQTT = """\
[gateway]
id = "small"
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1:1883"
"""
SOURCE = """\
[[source]]
name = "climate"
topic = "fleet/{vehicle}/climate"
key = "vehicle"
fields = { temp_c = "t" }
"""
WINDOW = """\
[[window]]
name = "minute"
from = "climate"
size = "1m"
"""
GOOD = MQTT + SOURCE + WINDOW + """\
select = { n = "count()", low = "min(temp_c)", change = "delta(temp_c)" }
[[map]]
name = "cold"
from = "climate"
where = "temp_c < 0"
[[route]]
name = "by_temp"
from = "climate"
routes = { warm = "temp_c > 20" }
[[rule]]
name = "hot"
from = "by_temp.warm"
when = "temp_c > 30"
"""


def ask(*arguments):
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def check(text):
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(text)
        file.flush()
        code, _, errors = ask("check", "--config", file.name)
        return code, [line.removeprefix(file.name + ":") for line in errors.splitlines()]


class Minimal(unittest.TestCase):
    def assert_refused(self, text, marked, message):
        """One error, at the line and column where `marked` begins."""
        before = text[:text.index(marked)]
        place = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        self.assertEqual(check(text), (78, [f"{place}: {message}"]))

    def test_what_is_there_is_good(self):
        self.assertEqual(check(GOOD), (0, []))

    def test_a_section_that_is_not_there_is_refused_once_whoever_reads_it(self):
        off = {"INPUTS": {"input": "inputs beside MQTT"},
               "BLOCKS": {"detector": "detectors", "join": "joins", "lookup": "look-ups", "order": "orders",
                          "pattern": "patterns", "state": "states"},
               "COMMANDS": {"command": "commands", "view": "views"},
               "DEVICES": {"device": "registry of devices"}}
        for option, sections in off.items():
            for section, many in sections.items():
                with self.subTest(section=section):
                    text = f'{GOOD}[[{section}]]\nname = "x"\nfrom = "climate"\n'
                    if section not in ("input", "command", "view", "detector", "device"):
                        text += '[[rule]]\nname = "over"\nfrom = "x"\nwhen = "1"\n'
                    self.assert_refused(text, f"{section}]]", f"this build has no {many}: WAYSIDE_{option} was off")

    def test_what_is_not_there_of_other_sections_is_refused_in_its_place(self):
        self.assert_refused(GOOD + '[http]\nlisten = "127.0.0.1:80"\n', '"127.0.0.1:80',
                            "'listen': this build has no HTTP: WAYSIDE_HTTP was off")
        self.assert_refused(GOOD + '[[uplink]]\nname = "k"\ntype = "kafka"\nbrokers = ["b:9092"]\n', '"kafka',
                            "'type': this build has no Kafka: WAYSIDE_KAFKA was off")
        self.assert_refused(MQTT + SOURCE + 'format = "csv"\n', '"csv',
                            "'format': this build has no format but \"json\": WAYSIDE_FORMATS was off")
        self.assert_refused(MQTT + SOURCE + 'format = "preset:shelly"\n', '"preset',
                            "'format': this build has no presets: WAYSIDE_FORMATS was off")
        cleaned = SOURCE.replace('"t"', '{ path = "t", stuck_after = "1h" }')
        self.assert_refused(MQTT + cleaned, '{ path', "'fields.temp_c': this build has no cleaning but by ranges: "
                                                      "WAYSIDE_DEVICES was off")
        self.assert_refused(GOOD + '[registry]\nfile = "devices.csv"\n', 'registry]',
                            "this build has no registry of devices: WAYSIDE_DEVICES was off")

    def test_each_aggregate_of_the_documentation_is_there_or_refused_in_the_same_words(self):
        page = (REPOSITORY / "docs" / "aggregates.md").read_text()
        cells = " ".join(re.findall(r"^\| (`\w+\([^|]*)", page, re.M))
        calls = set(re.findall(r"`(\w+)\(", cells))
        self.assertGreater(len(calls), 20)
        for name in calls:
            with self.subTest(aggregate=name):
                code, errors = check(MQTT + SOURCE + WINDOW + f'select = {{ x = "{name}(temp_c)" }}\n')
                if name not in ("count", "sum", "min", "max", "avg", "first", "last", "delta", "rate"):
                    self.assertEqual((code, errors[0].split(": ", 1)[1]),
                                     (78, f"'select.x': this build has no {name}(): WAYSIDE_BLOCKS was off"))
                else:
                    self.assertEqual((code, errors), (0, []))

    def test_a_verb_that_is_not_there_names_its_switch(self):
        for verb, option in (("sql", "PAST"), ("explain", "PAST"), ("replay", "PAST"), ("restore", "PAST"),
                             ("init", "TOOLS"), ("decode", "TOOLS"),
                             ("simulate", "TOOLS"), ("command", "COMMANDS")):
            with self.subTest(verb=verb):
                self.assertEqual(ask(verb), (64, "", f"wayside: this build has no {verb}: WAYSIDE_{option} was off\n"))

    def test_its_version_names_what_was_off(self):
        off = ["KAFKA", "HTTP", "PAST", "TOOLS", "FORMATS", "INPUTS", "BLOCKS", "COMMANDS", "DEVICES"]
        self.assertEqual(ask("version")[1].splitlines()[1:], [f"without WAYSIDE_{o}" for o in off])

    def test_its_sample_is_good(self):
        sample = ask("config", "sample")[1]
        self.assertEqual(check(sample), (0, []))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        BINARY = Path(sys.argv.pop(1))
    unittest.main()
