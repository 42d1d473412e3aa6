#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Events a second of the simulator on the examples for the target `die`.

Each example is compiled, run once with its code to record a profile, and
compiled again with that profile, so that it can be timed without code. The
table has timing-only runs and functional ones, whose time is mostly that of
the kernels. Rates are events over the processor time of the whole process,
loading and reports included, and over the wall time of the event loop; the best
of the runs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXAMPLES = ("triage", "refine", "detect", "moe")


def check(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")


def measure(command, path):
    """Processor seconds of the command, and the JSON document it writes."""
    child = subprocess.Popen(command + ["--json", path, "--quiet"])
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    with open(path) as file:
        return usage.ru_utime + usage.ru_stime, json.load(file)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tools", help="folder of octo-compile and octo-run")
    parser.add_argument("--requests", type=int, default=16384, help="of timing-only runs (default: 16384)")
    parser.add_argument("--functional", type=int, default=64, help="requests of functional runs (default: 64)")
    parser.add_argument("--policies", default="static,pool,octopus")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", help="file to write")
    args = parser.parse_args()
    compile_tool = os.path.join(args.tools, "octo-compile")
    run_tool = os.path.join(args.tools, "octo-run")
    rows = []
    print(f"{'example':10}{'policy':10}{'run':12}{'events':>10}{'M events/cpu s':>16}{'M events/s':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for name in EXAMPLES:
            program = os.path.join(folder, name + ".octo")
            profile = os.path.join(folder, name + ".json")
            source = os.path.join(ROOT, "examples", "workflows", name + ".mlir")
            target = os.path.join(ROOT, "examples", "targets", "die.yaml")
            check([compile_tool, source, "--target", target, "-o", program])
            check([run_tool, "run", program, "--requests", "256", "--record-profile", profile, "--quiet"])
            check([compile_tool, source, "--target", target, "--profile", profile, "-o", program])
            for policy in args.policies.split(","):
                for kind, requests in (("timing", args.requests), ("functional", args.functional)):
                    command = [run_tool, "run", program, "--policy", policy, "--requests", str(requests)]
                    if kind == "timing":
                        command.append("--timing-only")
                    cpu = wall = None
                    for _ in range(args.runs):
                        seconds, document = measure(command, os.path.join(folder, "run.json"))
                        cpu = min(cpu or seconds, seconds)
                        loop = document["host"]["wall_seconds"]
                        wall = min(wall or loop, loop)
                    events = document["events"]
                    rows.append({"example": name, "policy": policy, "run": kind, "requests": requests,
                                 "events": events, "cpu_seconds": cpu, "loop_wall_seconds": wall})
                    print(f"{name:10}{policy:10}{kind:12}{events:10}{events / cpu / 1e6:16.2f}{events / wall / 1e6:12.2f}",
                          flush=True)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
