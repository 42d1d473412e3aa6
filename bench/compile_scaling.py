#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How compile time grows with the number of tasks.

For each size a graph of profiled tasks (bench/generate_dag.py) is timed twice:

  read     octo-opt without passes: parse, verify, print. The floor of any tool
           that reads the text.
  compile  octo-compile for the wafer, to a program file.

The table gives wall-clock seconds (the best of --repeat runs) and, in brackets,
processor seconds of that run, the ratio compile / read (wall-clock), peak memory,
and how much both grew since the row before. On a busy machine, of which a line
warns, only processor seconds mean much. With
--check the exit code is 1 unless what the project promises holds: 10,000 tasks
compile in under 3 s; 100,000 in at most 4 times `read`; from 10,000 to 100,000
compile grows at most 12 times.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

MAX_SECONDS_10K = 3.0
MAX_RATIO_100K = 4.0
MAX_GROWTH = 12.0


def measure(command, log):
    """Runs `command`; returns (seconds, processor seconds, peak bytes). Exits
    with its messages where it fails."""
    begin = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        try:
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.execv(command[0], command)
        finally:
            os._exit(127)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - begin
    if status != 0:
        with open(log, encoding="utf-8", errors="replace") as file:
            sys.stderr.write(file.read()[-4000:])
        sys.exit(f"failed with status {os.waitstatus_to_exitcode(status)}: {' '.join(command)}")
    # Linux counts in KiB.
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def best(command, log, repeat):
    runs = [measure(command, log) for _ in range(repeat)]
    seconds, processor, _ = min(runs)
    return seconds, processor, max(peak for _, _, peak in runs)


def find_tool(folder, name):
    path = os.path.join(folder, name)
    if not os.access(path, os.X_OK):
        sys.exit(f"{path}: not found; build it (ninja {name}) or give its folder with --bin")
    return path


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "bin"), help="folder of the tools (default: build/bin)")
    parser.add_argument("--target", default=os.path.join(ROOT, "examples", "targets", "wafer.yaml"),
                        help="target file (default: examples/targets/wafer.yaml)")
    parser.add_argument("--sizes", default="10000,100000", help="numbers of tasks, ascending (default: 10000,100000)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each measurement (default: 3)")
    parser.add_argument("--seed", type=int, default=1, help="of the graphs (default: 1)")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to FILE")
    parser.add_argument("--check", action="store_true", help="exit with 1 unless the promises hold")
    args = parser.parse_args()
    try:
        sizes = [int(size) for size in args.sizes.split(",")]
    except ValueError:
        parser.error(f"--sizes: expected integers with commas between, found {args.sizes!r}")
    if not sizes or min(sizes) < 1 or sizes != sorted(set(sizes)):
        parser.error("--sizes: expected ascending positive integers")
    if args.repeat < 1:
        parser.error("--repeat: expected at least 1")
    octo_opt = find_tool(args.bin, "octo-opt")
    octo_compile = find_tool(args.bin, "octo-compile")
    if not os.path.exists(args.target):
        sys.exit(f"{args.target}: not found; name a target file with --target")

    sys.path.insert(0, HERE)
    from generate_dag import generate

    folder = tempfile.mkdtemp(prefix="octo-scaling-")
    rows = []
    cpus, load = os.cpu_count() or 1, os.getloadavg()[0]
    if load > cpus / 2:
        print(f"note: the machine is busy (load {load:.1f} on {cpus} processors)", file=sys.stderr)
    try:
        print(f"{'tasks':>8} {'read s (cpu)':>17} {'compile s (cpu)':>17} {'ratio':>7} {'read MiB':>9} {'compile MiB':>12} {'x read':>7} {'x compile':>10}")
        for size in sizes:
            source = os.path.join(folder, f"dag{size}.mlir")
            log = os.path.join(folder, "log")
            with open(source, "w", encoding="utf-8") as file:
                file.write("\n".join(generate(size, seed=args.seed)) + "\n")
            read, read_cpu, read_peak = best([octo_opt, source, "-o", os.path.join(folder, "out.mlir")], log, args.repeat)
            compiled, compile_cpu, compile_peak = best(
                [octo_compile, source, "--target", args.target, "-o", os.path.join(folder, "out.octo")], log, args.repeat
            )
            row = {
                "tasks": size,
                "read_seconds": read,
                "compile_seconds": compiled,
                "read_cpu_seconds": read_cpu,
                "compile_cpu_seconds": compile_cpu,
                "ratio": compiled / read,
                "read_peak_bytes": read_peak,
                "compile_peak_bytes": compile_peak,
                "program_bytes": os.path.getsize(os.path.join(folder, "out.octo")),
            }
            if rows:
                row["read_growth"] = read / rows[-1]["read_seconds"]
                row["compile_growth"] = compiled / rows[-1]["compile_seconds"]
            rows.append(row)
            growth = f"{row['read_growth']:>7.2f} {row['compile_growth']:>10.2f}" if "read_growth" in row else f"{'-':>7} {'-':>10}"
            print(
                f"{size:>8} {f'{read:.3f} ({read_cpu:.3f})':>17} {f'{compiled:.3f} ({compile_cpu:.3f})':>17} {row['ratio']:>7.2f} "
                f"{read_peak / 2**20:>9.0f} {compile_peak / 2**20:>12.0f} {growth}",
                flush=True,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)

    by_size = {row["tasks"]: row for row in rows}
    promises = []
    if 10000 in by_size:
        promises.append((f"10,000 tasks compile in under {MAX_SECONDS_10K} s", by_size[10000]["compile_seconds"], MAX_SECONDS_10K))
    if 100000 in by_size:
        promises.append((f"100,000 tasks compile in at most {MAX_RATIO_100K} x read", by_size[100000]["ratio"], MAX_RATIO_100K))
    if 10000 in by_size and 100000 in by_size:
        growth = by_size[100000]["compile_seconds"] / by_size[10000]["compile_seconds"]
        promises.append((f"compile grows at most {MAX_GROWTH} x from 10,000 to 100,000", growth, MAX_GROWTH))
    held = True
    for text, value, limit in promises:
        good = value <= limit
        held &= good
        print(f"{'holds ' if good else 'BROKEN'}  {text}: {value:.2f}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(
                {
                    "schema_version": 1,
                    "target": os.path.basename(args.target),
                    "seed": args.seed,
                    "repeat": args.repeat,
                    "host": {"machine": platform.machine(), "cpus": cpus, "load": load},
                    "rows": rows,
                    "promises": [{"text": t, "value": v, "limit": l, "holds": v <= l} for t, v, l in promises],
                },
                file,
                indent=2,
            )
            file.write("\n")
    if args.check and not held:
        sys.exit(1)
    if args.check and not promises:
        sys.exit("--check needs the sizes 10000 and 100000")


if __name__ == "__main__":
    main()
