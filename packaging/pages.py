#!/usr/bin/env python3
"""The manual pages and the completion, made from what the program says of itself.

pages.py FOLDER PROGRAM...: PROGRAM may have an emulator before it.
"""

import gzip
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HEADER = '.TH {name} {section} "" "wayside {version}" "Wayside"\n.SH NAME\n{title} \\- {about}\n'
AFTER_COMMANDS = """\
.SH FILES
.TP
.I /etc/wayside/wayside.toml
The configuration, see
.BR wayside.toml (5).
.TP
.I /var/lib/wayside
State: the journal, the store made from it, files of file uplinks.
.SH EXIT STATUS
0, 64 usage, 65 bad data, 69 unavailable, 70 internal, 74 input/output, 78 configuration.
.SH SEE ALSO
.BR wayside.toml (5)
"""
COMPLETION = """\
# Completion of wayside in bash.
_wayside() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} word verb= words
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    [[ $word == -* ]] && break
    verb+=" $word"
  done
  case "$verb" in
{cases}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}}
complete -o default -F _wayside wayside
"""


@dataclass
class Verb:
    path: tuple
    about: str
    options: list = field(default_factory=list)  # (name, value, meaning)
    verbs: list = field(default_factory=list)


def ask(program, *words):
    return subprocess.run([*program, *words], check=True, capture_output=True, text=True).stdout


def entries(help_text, title):
    """(name, meaning) of a list in a help text: a name that is too long has its meaning on the next line."""
    part = re.search(rf"^{title}:\n((?:  .*\n?)*)", help_text, re.M)
    found = []
    for line in part.group(1).splitlines() if part else []:
        if line[2] != " ":
            name, _, meaning = line[2:].partition("  ")
            found.append([name.strip(), meaning.strip()])
        elif found:
            found[-1][1] = f"{found[-1][1]} {line.strip()}".strip()
    return found


def learn(program, path=(), about=""):
    text = ask(program, *path, "--help")
    verb = Verb(path, about or text.splitlines()[0])
    for title in ("Positionals", "Options"):
        for name, meaning in entries(text, title):
            name, _, value = name.partition(" ")
            if "--help" not in name:
                verb.options.append((name, value, meaning))
    verb.verbs = [learn(program, (*path, name), meaning) for name, meaning in entries(text, "Subcommands")]
    return verb


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return "\\&" + text if text.startswith(".") else text


def value_text(value):
    """`TEXT=/a/b Excludes: --in` of the help becomes `TEXT (default /a/b; excludes --in)`."""
    kind, _, rest = value.partition(" ")
    kind, _, default = kind.partition("=")
    notes = [f"default {default}"] if default else []
    for word, names in re.findall(r"(Needs|Excludes): ((?:--\S+ ?)+)", rest):
        notes.append(f"{word.lower()} {names.strip()}")
    if "REQUIRED" in rest:
        notes.append("required")
    return " ".join([kind.lower() if kind.isupper() else kind] + ([f"({'; '.join(notes)})"] if notes else []))


def commands(verb):
    if verb.verbs:
        return "".join(commands(sub) for sub in verb.verbs)
    out = f".SS wayside {roff(' '.join(verb.path))}\n{roff(sentence(verb.about))}\n"
    for name, value, meaning in verb.options:
        out += f".TP\n.B {roff(name)}\n" + (f"{roff(value_text(value))}: " if value else "")
        out += f"{roff(meaning)}\n"
    return out


def sentence(text):
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


def command_page(top, version):
    out = HEADER.format(name="WAYSIDE", section=1, version=version, title="wayside", about=roff("event-time gateway"))
    out += ".SH SYNOPSIS\n.B wayside\n.I command\n.RI [ options ]\n"
    out += f".SH DESCRIPTION\n{roff(sentence(top.about))}\n.SH COMMANDS\n{commands(top)}"
    return out + AFTER_COMMANDS


def configuration_page(sample, version):
    out = HEADER.format(name="WAYSIDE.TOML", section=5, version=version, title="wayside.toml",
                        about="configuration of wayside")
    out += ".SH DESCRIPTION\nEvery key with its default and meaning. Keys after \\(lqwithout\\(rq have no default.\n"
    out += "A section in double brackets may be there more than once. What is wrong in a file,\n"
    out += ".B wayside check\ntells with line and column.\n"
    for line in sample.splitlines():
        if section := re.match(r"\[.*\]", line):
            out += f".SH {roff(section.group())}\n"
        elif key := re.match(r"(# )?(\w+ = .*?)  # (.*)", line):
            without = "without: " if key.group(1) else ""
            out += f".TP\n{without}\\fB{roff(key.group(2))}\\fR\n{roff(key.group(3))}\n"
        elif line and not line.startswith("#"):
            out += f".TP\n\\fB{roff(line)}\\fR\n"
    return out + ".SH SEE ALSO\n.BR wayside (1)\n"


def completion_cases(verb):
    words = [sub.path[-1] for sub in verb.verbs]
    words += [part for name, _, _ in verb.options for part in name.split(",") if part.startswith("--")]
    pattern = "".join(f" {word}" for word in verb.path)
    lines = [f'    "{pattern}"{"" if verb.verbs else "*"}) words="{" ".join([*words, "--help"])}" ;;']
    return [line for sub in verb.verbs for line in completion_cases(sub)] + lines


def main():
    folder, program = Path(sys.argv[1]), sys.argv[2:]
    folder.mkdir(parents=True, exist_ok=True)
    version = ask(program, "version").split()[1]
    top = learn(program)
    pages = {"wayside.1": command_page(top, version),
             "wayside.toml.5": configuration_page(ask(program, "config", "sample"), version)}
    for name, text in pages.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    cases = "\n".join(completion_cases(top))
    (folder / "wayside.bash").write_text(COMPLETION.format(cases=cases))


if __name__ == "__main__":
    main()
