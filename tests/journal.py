"""When which journal entry was on disk: the files of storage/journal.cc, and what syncwatch.c has noted."""

import collections
import struct
from pathlib import Path

PAGE = 4096
HEADER = struct.Struct("<4sIIIQQq16s16sII")  # see storage/journal.cc
MAGIC = b"WSE1"


def entries(path):
    """(sequence, offset) of the entries of a file."""
    offset, data = PAGE, path.read_bytes()
    sequence = int(path.stem, 16)
    while offset + HEADER.size <= len(data):
        magic, _, payload_bytes, _, number, *_ = HEADER.unpack_from(data, offset)
        if magic != MAGIC or number != sequence:
            return
        yield number, offset
        offset = -(-(offset + HEADER.size + payload_bytes) // PAGE) * PAGE
        sequence += 1


def synced_offsets(sync_log):
    """By file and offset: when the first sync after the last write there had returned, None for never."""
    files = collections.defaultdict(dict)
    waiting = collections.defaultdict(set)
    for line in sync_log.read_text().splitlines():
        what, number, path = line.split(" ", 2)
        name = Path(path).name
        if what == "w":
            files[name][int(number)] = None
            waiting[name].add(int(number))
        else:
            for offset in waiting.pop(name, ()):
                files[name][offset] = int(number)
    return files


def synced_entries(folder, sync_log):
    """By sequence: when the entry was on disk (CLOCK_MONOTONIC ns). Entries that never were are not there."""
    files = synced_offsets(sync_log)
    times = {}
    for path in sorted(folder.glob("*.wsj")):
        for sequence, offset in entries(path):
            at_ns = files[path.name].get(offset)
            if at_ns is not None:
                times[sequence] = at_ns
    return times
