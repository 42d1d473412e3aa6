# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Damages program files.

patch.py major IN OUT           writes the file of a future major version
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


if sys.argv[1] == "major":
    data = bytearray(whole)
    root = struct.unpack_from("<I", data, 0)[0]
    table = root - struct.unpack_from("<i", data, root)[0]
    field = struct.unpack_from("<H", data, table + 4)[0]
    assert field and struct.unpack_from("<H", data, root + field)[0] == 1
    struct.pack_into("<H", data, root + field, 9)
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
