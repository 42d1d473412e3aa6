# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Workflows that each call the one before: calls.py LEVELS CALLS."""
import sys

levels, calls = int(sys.argv[1]), int(sys.argv[2])
PROFILE = "profile #owg.profile<cycles = const<10>>"
for level in range(levels + 1):
    kind = "private " if level < levels else ""
    print(f"owg.workflow {kind}@w{level}(%x: !owg.data<8>) -> !owg.data<8> {{")
    value = "%x"
    for i in range(calls if level else 1):
        op = f'owg.call "c{i}" @w{level - 1}' if level else 'owg.task "t"'
        tail = "" if level else PROFILE
        print(f"  %{i} = {op}({value} : !owg.data<8>) -> !owg.data<8> {tail}")
        value = f"%{i}"
    print(f"  owg.return {value} : !owg.data<8>\n}}")
