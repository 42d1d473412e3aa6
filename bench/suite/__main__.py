# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The experiment on the workload suite.

  python3 bench/suite points --grid G.yaml              what would be run
  python3 bench/suite run --grid G.yaml --results R.jsonl
  python3 bench/suite summarise --grid G.yaml --results R.jsonl --json S.json
  python3 bench/suite document --json S.json -o docs/evaluation.md
  python3 bench/suite vary WORKFLOW.yaml --drift jump --requests 1000

`run` appends a line for each point that is finished and goes on after them when it is
started again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any, Dict, List, Optional, Set

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
try:
    import octopus
except ImportError:
    # A checkout that was built: the package lies in the build folder.
    sys.path.insert(0, os.path.join(ROOT, "build", "python"))
    import octopus

import design
import variants

bench: Any = None


def start_worker(grid: Dict[str, Any], folder: str) -> None:
    global bench
    import measure

    bench = measure.Bench(grid, folder)


def run_point(point: Dict[str, Any]) -> Dict[str, Any]:
    try:
        seen = bench.run(point)
    except Exception as error:  # a point that fails is a finding, not the end
        seen = {"status": "error", "error": "%s: %s" % (type(error).__name__, error)}
    return {"point": point, "seen": seen}


def digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def revision() -> str:
    """The commit that is measured, with a mark if files differ from it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    commit = git("rev-parse", "--short=12", "HEAD") or "unknown"
    dirty = git("status", "--porcelain", "--untracked-files=no")
    return commit + ("+" if dirty else "")


def read_results(path: str) -> List[Dict[str, Any]]:
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        # The last line may be half written when a run was ended.
        lines = [line for line in file if line.endswith("\n")]
    return [json.loads(line) for line in lines]


def run(options: argparse.Namespace) -> int:
    grid = design.load(options.grid)
    design.check_policies(grid, options.grid, list(octopus.policies()))
    todo = design.points(grid)
    if options.experiment:
        todo = [p for p in todo if p["experiment"] in options.experiment]
    entries = read_results(options.results)
    head = {"grid": digest(options.grid), "revision": revision()}
    if entries:
        if entries[0].get("grid") != head["grid"]:
            print(
                "error: %s was made with another grid; choose another file" % options.results,
                file=sys.stderr,
            )
            return 1
        # What a run that was ended left half written goes.
        with open(options.results, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(entry) + "\n" for entry in entries)
    else:
        with open(options.results, "w", encoding="utf-8") as file:
            file.write(json.dumps(head) + "\n")
    done = {design.key(e["point"]) for e in entries[1:]}
    todo = [p for p in todo if design.key(p) not in done]
    begin, bad = time.monotonic(), 0
    folder = options.work or options.results + ".work"
    with (
        open(options.results, "a", encoding="utf-8") as file,
        ProcessPoolExecutor(
            options.processes, initializer=start_worker, initargs=(grid, folder)
        ) as executor,
    ):
        waiting: Set["Future[Dict[str, Any]]"] = set()
        position, finished = 0, 0
        while True:
            late = options.minutes and time.monotonic() - begin > 60 * options.minutes
            while not late and position < len(todo) and len(waiting) < 2 * options.processes:
                waiting.add(executor.submit(run_point, todo[position]))
                position += 1
            if not waiting:
                break
            ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ready:
                entry = future.result()
                file.write(json.dumps(entry) + "\n")
                file.flush()
                finished += 1
                if entry["seen"]["status"] != "completed":
                    bad += 1
                    print(
                        "%s: %s"
                        % (
                            design.key(entry["point"]),
                            entry["seen"].get("error", entry["seen"]["status"]),
                        ),
                        file=sys.stderr,
                    )
                if sys.stderr.isatty():
                    print("\r%d of %d points" % (finished, len(todo)), end="", file=sys.stderr)
    print(
        "%d points in %.0f s, %d not completed, %d left; %d were there"
        % (finished, time.monotonic() - begin, bad, len(todo) - finished, len(done))
    )
    return 0


def show_points(options: argparse.Namespace) -> int:
    grid = design.load(options.grid)
    todo = design.points(grid)
    for name in grid["experiments"]:
        mine = [p for p in todo if p["experiment"] == name]
        print(
            "%-24s %5d points, %d seeds"
            % (name, len(mine), len(grid["experiments"][name]["seeds"]))
        )
        if options.all:
            for point in mine:
                print("  " + design.key(point))
    print("%-24s %5d points" % ("together", len(todo)))
    return 0


def summarise(options: argparse.Namespace) -> int:
    import evaluation

    grid = design.load(options.grid)
    entries = read_results(options.results)
    if not entries:
        print("error: %s has no results" % options.results, file=sys.stderr)
        return 1
    summary = evaluation.summarise(grid, design.points(grid), entries)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump(summary, file, indent=1)
        file.write("\n")
    if options.tables:
        print(evaluation.document(summary))
    return 0


def document(options: argparse.Namespace) -> int:
    import evaluation

    with open(options.json, encoding="utf-8") as file:
        text = evaluation.document(json.load(file))
    if options.output == "-":
        sys.stdout.write(text)
    else:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(text)
    return 0


def vary(options: argparse.Namespace) -> int:
    import yaml

    with open(options.workflow, encoding="utf-8") as file:
        workflow = yaml.safe_load(file)
    variants.set_drift(workflow, options.drift, options.requests)
    sys.stdout.write(variants.dump(workflow))
    return 0


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="bench/suite",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, action: Any, **words: Any) -> argparse.ArgumentParser:
        made = commands.add_parser(name, **words)
        made.set_defaults(action=action)
        return made

    def grid(made: argparse.ArgumentParser) -> None:
        made.add_argument("--grid", default=os.path.join(HERE, "grid.yaml"), help="the design")

    made = command("run", run, help="run the points that are not there yet")
    grid(made)
    made.add_argument("--results", required=True, metavar="R.jsonl", help="one line a point")
    made.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    made.add_argument("--minutes", type=float, help="begin no point after so long")
    made.add_argument("--experiment", action="append", help="only this one; may be repeated")
    made.add_argument("--work", help="folder for programs (default: beside the results)")
    made = command("points", show_points, help="say what would be run")
    grid(made)
    made.add_argument("--all", action="store_true", help="every point")
    made = command("summarise", summarise, help="tables of the results, as JSON")
    grid(made)
    made.add_argument("--results", required=True, metavar="R.jsonl")
    made.add_argument("--json", required=True, metavar="S.json")
    made.add_argument("--tables", action="store_true", help="print the page as well")
    made = command("document", document, help="the page of a summary")
    made.add_argument("--json", required=True, metavar="S.json")
    made.add_argument("-o", "--output", default="-")
    made = command("vary", vary, help="write a workload with drift")
    made.add_argument("workflow")
    made.add_argument("--drift", choices=variants.DRIFTS, required=True)
    made.add_argument("--requests", type=int, required=True, help="of the run")
    options = parser.parse_args(arguments)
    try:
        return int(options.action(options))
    except design.GridError as error:
        print("error: %s" % error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
