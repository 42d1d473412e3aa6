# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Damages program files.

patch.py major IN OUT           writes the file of a future major version
patch.py no-profiles IN OUT     writes the file of a program without profiles as
                                if its writer had left their offsets out
patch.py flip IN OUT COMMAND... writes files with one bit turned, one after the
                                other, and runs COMMAND on each: it has to end with
                                0, or with 1 or 3 and an error
"""

import struct
import subprocess
import sys

with open(sys.argv[2], "rb") as file:
    whole = file.read()


def write(data):
    with open(sys.argv[3], "wb") as file:
        file.write(data)


def follow(at):
    """Where the offset at `at` leads."""
    return at + struct.unpack_from("<I", whole, at)[0]


def field(table, number):
    """Where a field of a table lies, by its place in the schema."""
    vtable = table - struct.unpack_from("<i", whole, table)[0]
    offset = struct.unpack_from("<H", whole, vtable + 4 + 2 * number)[0]
    assert offset
    return table + offset


root = follow(0)
data = bytearray(whole)
if sys.argv[1] == "major":
    major = field(root, 0)
    assert struct.unpack_from("<H", data, major)[0] == 1
    struct.pack_into("<H", data, major, 9)
    write(data)
elif sys.argv[1] == "no-profiles":
    workflow = follow(follow(field(root, 13)) + 4)
    offsets = follow(field(follow(field(workflow, 7)), 0))
    assert struct.unpack_from("<I", data, offsets)[0] == 1
    struct.pack_into("<I", data, offsets, 0)
    write(data)
else:
    rejected = 0
    step = max(1, len(whole) // 200)
    for count, at in enumerate(range(0, len(whole), step)):
        data = bytearray(whole)
        data[at] ^= 1 << count % 8
        write(data)
        done = subprocess.run(
            sys.argv[4:], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60
        )
        bad = done.returncode in (1, 3)
        rejected += bad
        if not (done.returncode == 0 or (bad and b"error: " in done.stderr)):
            sys.exit(
                "byte %d: exit code %d\n%s"
                % (at, done.returncode, done.stderr.decode(errors="replace"))
            )
    if rejected == 0:
        sys.exit("no damage was found")
