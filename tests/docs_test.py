#!/usr/bin/env python3
"""The examples of the documentation work: the TOML blocks of a page are together one good configuration."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("WAYSIDE_BINARY", REPOSITORY / "build" / "dev" / "wayside")
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]

SOURCE = """\
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1:1883"
[[source]]
name = "s"
format = "preset:{preset}"
"""


def check(path):
    done = subprocess.run([BINARY, "check", "--config", path], capture_output=True, text=True)
    return done.returncode, done.stderr


class Documentation(unittest.TestCase):
    def test_the_toml_of_each_page_is_a_good_configuration(self):
        checked = 0
        for page in PAGES:
            blocks = re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.M | re.S)
            if not blocks:
                continue
            with self.subTest(page=page.name), tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                file.write("\n".join(blocks))
                file.flush()
                self.assertEqual(check(file.name), (0, ""))
            checked += 1
        self.assertGreater(checked, 3)

    def test_what_a_page_tells_to_give_beside_a_preset_loads(self):
        page = (REPOSITORY / "docs" / "presets.md").read_text()
        told = 0
        for section in re.split(r"^## ", page, flags=re.M)[1:]:
            preset, text = section.split("\n", 1)
            text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
            for given in re.findall(r"`(\w+ = [^`]+)`", text):
                given = given.replace("\n", " ")
                place = "" if given.startswith(("key ", "time ", "topic ")) else "[source.fields]\n"
                with self.subTest(preset=preset, given=given), \
                        tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                    file.write(SOURCE.format(preset=preset) + place + given + "\n")
                    file.flush()
                    self.assertEqual(check(file.name), (0, ""))
                told += 1
        self.assertGreater(told, 3)

    def test_the_shipped_examples_are_good(self):
        for example in (REPOSITORY / "config" / "examples").glob("*.toml"):
            with self.subTest(example=example.name):
                self.assertEqual(check(example), (0, ""))

    def test_links_between_pages_lead_somewhere(self):
        for page in PAGES:
            for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
                with self.subTest(page=page.name, link=link):
                    self.assertTrue((page.parent / link).exists())


if __name__ == "__main__":
    unittest.main()
