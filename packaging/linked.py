#!/usr/bin/env python3
"""What the program is linked to and compiled with, by the dpkg database of the system or sysroot it was built against.

linked.py BUILD ROOT ARCH copy FOLDER  the shared libraries it needs, but the C library
linked.py BUILD ROOT ARCH spdx         an SBOM, SPDX 2.3
linked.py BUILD ROOT ARCH licences     the licence texts of all that
"""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

C_LIBRARY = "libc6"
SPDX_NAMES = {"Apache-2.0": "Apache-2.0", "BSD-2-clause": "BSD-2-Clause", "BSD-3-clause": "BSD-3-Clause",
              "BSL-1.0": "BSL-1.0", "EPL-2.0": "EPL-2.0", "Expat": "MIT", "GPL-2": "GPL-2.0-only",
              "LGPL-2.1+": "LGPL-2.1-or-later", "MIT": "MIT", "zlib": "Zlib", "Zlib": "Zlib"}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Database:
    """Packages of a root folder, and which one a file belongs to."""

    def __init__(self, root):
        self.root = root
        dpkg = root / "var/lib/dpkg"
        self.packages = {}
        for stanza in (dpkg / "status").read_text().split("\n\n"):
            fields = dict(re.findall(r"^([\w-]+): (.*)$", stanza, re.M))
            if fields:
                self.packages[fields["Package"]] = fields
        self.owners = {}
        for listing in (dpkg / "info").glob("*.list"):
            for path in listing.read_text().splitlines():
                self.owners[self.short(path)] = listing.stem.partition(":")[0]

    @staticmethod
    def short(path):
        """/lib and /usr/lib are one folder."""
        return path.removeprefix("/usr") if path.startswith("/usr/lib") else path

    def owner(self, path):
        """The package's name, or None."""
        for real in (path, path.resolve()):
            inside = "/" + str(real.relative_to(self.root)) if real.is_relative_to(self.root) else ""
            if found := self.owners.get(self.short(inside)):
                return found
        return None

    def copyright(self, package):
        file = self.root / "usr/share/doc" / package / "copyright"
        return file.read_text(errors="replace") if file.exists() else ""


def needed(elf):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-dW", elf))


def linked(program, folder):
    """{library or program: what it needs}, all the way down."""
    found, todo = {}, [program]
    while todo:
        elf = todo.pop()
        found[elf] = [folder / name for name in needed(elf)]
        todo += [library for library in found[elf] if library not in found and library not in todo]
    return found


def headers(build):
    """What the compiler read, of others, for the program's own objects (tests and benches are in folders)."""
    read = set()
    for part in run("ninja", "-C", str(build), "-t", "deps").split("\n\n"):
        lines = [line for line in part.strip().splitlines() if not line.startswith("ninja:")]
        if lines and lines[0].startswith("CMakeFiles/"):
            # A compiler cache may have made the paths relative.
            read.update(Path(os.path.normpath(build / line.strip())) for line in lines[1:])
    return read


class Program:
    def __init__(self, build, root, arch):
        self.build = build
        self.file = build / "wayside"
        self.database = Database(root)
        triplet = run("dpkg-architecture", "-f", "-a", arch, "-q", "DEB_HOST_MULTIARCH").strip()
        self.libraries = linked(self.file, root / "usr/lib" / triplet)
        owner = self.database.owner
        self.links = {(owner(elf) or "wayside", owner(library))
                      for elf, libraries in self.libraries.items() for library in libraries}
        self.links = sorted((user, used) for user, used in self.links if user != used)
        self.compiled = sorted({owner(file) for file in headers(build)} - {None})
        self.packages = sorted({used for _, used in self.links} | set(self.compiled))


def licence(text):
    """(SPDX's name of what most files are under, all names): as far as the copyright file is machine-readable."""
    if not text.startswith("Format:"):
        return "NOASSERTION", ""
    main = re.search(r"^Files:\s*\*.*?^License:[ \t]*(\S.*?)$", text, re.M | re.S)
    names = sorted(set(re.findall(r"^License:[ \t]*(\S.*?)$", text, re.M)))
    return SPDX_NAMES.get(main.group(1) if main else "", "NOASSERTION"), ", ".join(names)


def spdx_package(name, version, declared, comment="", purl=""):
    package = {"SPDXID": spdx_id(name), "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION",
               "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": declared,
               "copyrightText": "NOASSERTION"}
    if comment:
        package["licenseComments"] = f"Names in Debian's copyright file: {comment}"
    if purl:
        package["supplier"] = "Organization: Debian"
        package["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                    "referenceLocator": purl}]
    return package


def spdx_id(name):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def purl(fields):
    version = fields["Version"].replace("+", "%2B").replace(":", "%3A")
    name = fields["Package"].replace("+", "%2B")
    return f"pkg:deb/debian/{name}@{version}?arch={fields['Architecture']}"


def spdx(program):
    version = re.search(r"^WAYSIDE_VERSION:INTERNAL=(.*)", (program.build / "CMakeCache.txt").read_text(), re.M)
    packages = [spdx_package("wayside", version.group(1), "Apache-2.0")]
    for name in program.packages:
        fields = program.database.packages[name]
        packages.append(spdx_package(name, fields["Version"], *licence(program.database.copyright(name)), purl(fields)))
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", spdx_id("wayside"))]
    relations += [(spdx_id(user), "DYNAMIC_LINK", spdx_id(used)) for user, used in program.links]
    relations += [(spdx_id(name), "BUILD_DEPENDENCY_OF", spdx_id("wayside")) for name in program.compiled]
    created = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    digest = re.search(r"Build ID: (\w+)", run("readelf", "-nW", program.file)).group(1)
    document = {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "wayside",
                "documentNamespace": f"https://example.invalid/spdx/wayside-{digest}",
                "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                                 "creators": ["Tool: wayside-linked", "Organization: Wayside"]},
                "packages": packages,
                "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b}
                                  for a, kind, b in relations]}
    print(json.dumps(document, indent=1))


def licences(program):
    """Packages of one source mostly share a text."""
    of_text = {}
    for name in program.packages:
        text = program.database.copyright(name)
        if not text:
            sys.exit(f"linked: no copyright file of {name} in {program.database.root}: install its documentation")
        of_text.setdefault(text, []).append(f"{name} {program.database.packages[name]['Version']}")
    for text, names in of_text.items():
        print(f"{'=' * 80}\n{chr(10).join(names)}\n{'=' * 80}\n{text}")


def copy(program, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for library in sorted(set(program.libraries) - {program.file}):
        if program.database.owner(library) != C_LIBRARY:
            shutil.copyfile(library, folder / library.name)
            (folder / library.name).chmod(0o644)


def main():
    build, root, arch, verb, *rest = sys.argv[1:]
    program = Program(Path(build).resolve(), Path(root).resolve(), arch)
    if verb == "copy":
        copy(program, Path(rest[0]))
    else:
        {"spdx": spdx, "licences": licences}[verb](program)


if __name__ == "__main__":
    main()
