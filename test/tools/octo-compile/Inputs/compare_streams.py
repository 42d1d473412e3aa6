# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares a run with streams with one of whole flows."""

import json
import sys

streamed, whole = (json.load(open(name)) for name in sys.argv[1:3])
assert streamed["outputs_sha256"] == whole["outputs_sha256"]
assert streamed["counters"]["streams"] > 0 == whole["counters"]["streams"]
for run in streamed, whole:
    assert run["ratio_to_lower_bound"] >= 1, run["ratio_to_lower_bound"]
faster = whole["makespan_cycles"] / streamed["makespan_cycles"]
print(f"{whole['makespan_cycles']} -> {streamed['makespan_cycles']} cycles")
assert faster > 1.1, faster
