# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs one point and says what was seen."""

from __future__ import annotations

import copy
import hashlib
import os
import time
from typing import Any, Dict, Optional, Tuple

import numpy as np
import yaml

import design
import octopus
import variants

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

# Seed of what is measured before the experiment: mean times, the load at which
# `static` saturates, the latency of a request that is alone.
TRAINING_SEED = 1
# Options of policies are chosen with a seed of their own, without drift, in runs
# that are a little shorter, and on machines of at most so many PEAs: choosing for a
# larger one would take longer than the experiment.
TUNING_SEED = 2
TUNING_ROUNDS = 3
TUNING_PEAS = 256
# Parts of the lower bound that grow with the number of requests.
STEADY_PARTS = ("capacity", "host", "hbm", "way_in", "way_out", "in_flight")
# A run that goes on for so many times its bound is stopped.
PATIENCE = 400


class Bench:
    """Programs by what they are made of, made once in a folder of their own."""

    def __init__(self, grid: Dict[str, Any], folder: str) -> None:
        self.grid = grid
        self.folder = folder
        self.sources: Dict[str, Dict[str, Any]] = {}
        self.memory: Dict[str, Any] = {}
        with open(os.path.join(ROOT, grid["machines"]["base"]), encoding="utf-8") as file:
            self.base = yaml.safe_load(file)
        os.makedirs(folder, exist_ok=True)
        # Programs and numbers of another compiler are not taken for ours.
        with open(octopus._native.native.__file__, "rb") as file:
            self.compiler = hashlib.sha256(file.read()).hexdigest()[:12]

    # -- programs --------------------------------------------------------------

    def source(self, workload: str) -> Dict[str, Any]:
        if workload not in self.sources:
            entry = self.grid["workloads"][workload]
            path = entry.get("file", "examples/workflows/suite/%s.yaml" % workload)
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                document = yaml.safe_load(file)
            variants.set_keys(document, entry.get("set", {}))
            self.sources[workload] = document
        return copy.deepcopy(self.sources[workload])

    def machine(self, workload: str, point: Dict[str, Any], factor: float) -> Dict[str, Any]:
        machines = self.grid["machines"]
        changes = dict(machines.get("set", {}))
        changes.update(self.grid["workloads"][workload].get("machine", {}))
        if point["machine"] != "as is":
            changes.update(machines["changes"][point["machine"]])
        x, y = machines["sizes"][point["peas"]]
        return variants.machine(self.base, x, y, factor, changes)

    def program(self, point: Dict[str, Any], requests: int) -> "octopus.Program":
        """The workload as the point has it, for its machine."""
        workload = point["workload"]
        document = self.source(workload)
        machine = self.machine(workload, point, 1.0)
        rate = machine["config_store"]["bytes_per_cycle"]
        factor = 1.0
        if point["movement"] is not None:
            cycles = point["movement"] * self.mean_block(workload)
            factor = cycles * rate / variants.median_code(document)
        variants.scale_code(document, factor)
        variants.set_drift(document, point["drift"], requests)
        target = self.machine(workload, point, factor)
        return self.compiled(variants.dump(document), variants.dump(target))

    def compiled(self, workflow: str, target: str) -> "octopus.Program":
        parts = "\0".join((self.compiler, workflow, target))
        digest = hashlib.sha256(parts.encode()).hexdigest()[:24]
        if digest in self.memory:
            return self.memory[digest]
        path = os.path.join(self.folder, digest)
        if not os.path.exists(path + ".octo"):
            # Several processes may do this at once: each its own files, then a rename.
            own = "%s.%d" % (path, os.getpid())
            names = own + ".yaml", own + ".target.yaml"
            for name, text in zip(names, (workflow, target)):
                with open(name, "w", encoding="utf-8") as file:
                    file.write(text)
            program = octopus.compile(names[0], target=names[1], kernels=False)
            program.save(own)
            os.replace(own, path + ".octo")
        if len(self.memory) >= 8:
            self.memory.clear()
        self.memory[digest] = octopus.load(path + ".octo")
        return self.memory[digest]

    # -- what the training scenario tells --------------------------------------

    def cached(self, name: str, make: Any) -> Any:
        path = os.path.join(self.folder, "%s-%s.number" % (self.compiler, name))
        if not os.path.exists(path):
            own = "%s.%d" % (path, os.getpid())
            with open(own, "w", encoding="utf-8") as file:
                file.write(repr(make()))
            os.replace(own, path)
        with open(path, encoding="utf-8") as file:
            return float(file.read())

    def mean_block(self, workload: str) -> float:
        """Mean cycles of a task instance on one PEA."""

        def make() -> float:
            point = self.training(workload, peas=min(self.grid["machines"]["sizes"]))
            run = self.program(point, 256).run(
                requests=256, policy="static", seed=TRAINING_SEED, timing_only=True, check=False
            )
            tasks = [b for b in run.data["blocks"] if b["kind"] == "task"]
            return sum(b["work_cycles"] for b in tasks) / sum(b["instances"] for b in tasks)

        return self.cached("mean-block-" + workload, make)

    def training(self, workload: str, **changes: Any) -> Dict[str, Any]:
        point = {
            "workload": workload,
            "movement": None,
            "drift": "none",
            "machine": "as is",
            "load": "closed",
            "variant": "static",
            "seed": TRAINING_SEED,
        }
        point.update(changes)
        return point

    def saturation_gap(self, point: Dict[str, Any]) -> float:
        """Cycles between two requests when `static` is saturated, in the training
        scenario: no drift, another seed."""
        same = {k: point[k] for k in ("workload", "peas", "movement", "machine")}
        name = "gap-" + "-".join(str(v) for v in same.values()).replace(" ", "_")

        def make() -> float:
            seen = self.run(self.training(**same))
            return 1.0 / seen["requests_per_cycle"]

        return self.cached(name, make)

    def lone_latency(self, point: Dict[str, Any]) -> float:
        """Mean latency of a request that is alone, under `static`."""
        same = {k: point[k] for k in ("workload", "peas", "movement", "machine")}
        name = "alone-" + "-".join(str(v) for v in same.values()).replace(" ", "_")

        def make() -> float:
            return self.run(self.training(load="alone", **same))["latency_mean"]

        return self.cached(name, make)

    def tuned(self, point: Dict[str, Any]) -> Dict[str, Any]:
        """The options under which the policy has the most throughput for this
        workload, size, movement cost and machine, of those that the grid names. Where
        frequencies jump in runs that are like the point."""
        choices = self.grid["variants"][point["variant"]].get("tune", [{}])
        same = {k: point[k] for k in ("variant", "workload", "movement", "machine")}
        rounds = TUNING_ROUNDS
        # What settles has the options of the jump that leads there.
        leads = {settled: jump for jump, settled in design.SETTLED.items()}
        drift = leads.get(point["drift"], point["drift"])
        if drift in design.JUMPS:
            same["drift"] = drift
            rounds = point.get("rounds", rounds)
            if "in_flight_per_pea" in point:
                same["in_flight_per_pea"] = point["in_flight_per_pea"]
        same["peas"] = min(point["peas"], TUNING_PEAS)
        name = "tuned-" + "-".join(str(v) for v in [*same.values(), rounds]).replace(" ", "_")

        def make() -> int:
            training = self.training(rounds=rounds, **same)
            training["seed"] = TUNING_SEED
            rates = [self.run(training, options).get("rate", 0.0) for options in choices]
            return rates.index(max(rates))

        return choices[int(self.cached(name, make)) if len(choices) > 1 else 0]

    # -- runs ------------------------------------------------------------------

    def links(self, point: Dict[str, Any]) -> float:
        """Bytes that all links of the mesh carry in a cycle."""
        machine = self.machine(point["workload"], point, 1.0)
        x, y = self.grid["machines"]["sizes"][point["peas"]]
        return 2.0 * ((x - 1) * y + x * (y - 1)) * machine["data_plane"]["link_bytes_per_cycle"]

    def scenario(self, point: Dict[str, Any]) -> Tuple[Dict[str, Any], int]:
        """The scenario of a point, and how many requests are in flight at most."""
        entry = self.grid["workloads"][point["workload"]]
        scenario: Dict[str, Any] = {"seed": point["seed"]}
        per_pea = point.get("in_flight_per_pea", design.IN_FLIGHT_PER_PEA)
        per_pea *= entry.get("in_flight_part", 1)
        flight = max(2, round(per_pea * point["peas"]))
        if point["load"] == "closed":
            scenario["requests"] = max(
                point.get("rounds", 4) * flight, point.get("least_requests", 0)
            )
            scenario["arrivals"] = {"closed_loop": {"in_flight": flight}}
        elif point["load"] == "alone":
            scenario["requests"] = 64
            scenario["arrivals"] = {"closed_loop": {"in_flight": 1}}
        else:
            requests = entry.get("latency_requests", 11000)
            scenario["requests"] = requests
            scenario["warm_up"] = requests // 11
            gap = max(1, round(self.saturation_gap(point) / 0.8))
            scenario["arrivals"] = {"poisson": {"mean_gap_cycles": gap}}
        scenario["stop"] = {"max_events": entry.get("max_events", 400_000_000)}
        return scenario, flight

    def run(
        self, point: Dict[str, Any], chosen: Optional[Dict[str, Any]] = None
    ) -> Dict[str, Any]:
        """What is seen at a point, with `chosen` options or those that suit best."""
        if chosen is None:
            chosen = self.tuned(point)
        scenario, flight = self.scenario(point)
        program = self.program(point, scenario["requests"])
        variant = self.grid["variants"][point["variant"]]
        options: Dict[str, Any] = {}
        settings = dict(variant.get("options", {}), **chosen)
        if settings:
            options["policy_options"] = ["%s=%s" % item for item in sorted(settings.items())]
        begin = time.process_time()
        result = program.run(
            policy=variant["policy"],
            disable=variant.get("disable", ()),
            scenario=scenario,
            timing_only=True,
            check=False,
            **options,
        )
        seen = summary(point, result, flight, self.links(point))
        if chosen:
            seen["tuned"] = chosen
        seen["host_seconds"] = round(time.process_time() - begin, 3)
        if point["load"] == "poisson":
            self.add_latencies(point, result, seen, scenario["warm_up"])
        return seen

    def add_latencies(
        self, point: Dict[str, Any], result: "octopus.Result", seen: Dict[str, Any], warm_up: int
    ) -> None:
        requests = result.requests()
        done = requests["finished"] >= 0
        latency = (requests["finished"] - requests["arrival"].astype(np.int64))[warm_up:]
        latency = latency[done[warm_up:]]
        limit = 5 * self.lone_latency(point)
        span = float(requests["arrival"][-1] - requests["arrival"][warm_up])
        seen["slo_cycles"] = limit
        seen["slo_part"] = float((latency <= limit).mean()) if len(latency) else 0.0
        seen["slo_goodput"] = float((latency <= limit).sum()) / max(span, 1.0)
        seen["counted"] = int(len(latency))


def summary(
    point: Dict[str, Any], result: "octopus.Result", flight: int, links: float
) -> Dict[str, Any]:
    """The numbers of a run that tables are made of."""
    data = result.data
    counters = data["counters"]
    requests = result.requests()
    work = requests["work"].astype(np.float64)
    done = max(int((requests["finished"] >= 0).sum()), 1)
    bound = data["lower_bound"]
    # No run does more of the requests' work in a cycle: PEAs, those of the gangs that
    # so few requests need, or what they have to pass: ports, memory, the link by which
    # the host port's cluster sends to the others and the one by which it receives.
    bound_by = max(STEADY_PARTS, key=lambda part: bound[part])
    most = float(work.sum()) / max(bound[bound_by], 1)
    seen: Dict[str, Any] = {
        "status": data["status"],
        "completed": data["requests_completed"],
        "failed": data["requests_failed"],
        "makespan": data["makespan_cycles"],
        "bound": data["lower_bound_cycles"],
        "bound_by": bound_by,
        "events": data["events"],
        "utilization": data["pea_utilization"],
        "latency_mean": data["latency_cycles"]["mean"],
        "latency_p50": data["latency_cycles"]["p50"],
        "latency_p99": data["latency_cycles"]["p99"],
        "energy_per_request": data["energy_joules"] / done,
        "mesh_bytes": counters["transfer_bytes"] / done,
        "byte_hops": counters["byte_hops"] / done,
        "code_bytes": counters["config_bytes"] / done,
        "migrations": counters["migrations"] / done,
        "migrated_bytes": counters["migrated_bytes"] / done,
        "resizes": counters["resizes"] / done,
        "spill_bytes": counters["spill_bytes"] / done,
    }
    total = float(sum(data["pea_cycles"].values())) or 1.0
    for cause in ("transient", "structural", "contagious"):
        seen["idle_" + cause] = data["idle"][cause + "_pea_cycles"] / total
    if "propagation_depth" in data["idle"]:
        depth = data["idle"]["propagation_depth"]
        seen["propagation_depth"] = depth["mean"] if isinstance(depth, dict) else depth
    if links:
        seen["link_load"] = counters["byte_hops"] / (links * max(data["makespan_cycles"], 1))
    if point["load"] == "closed" and data["status"] == "completed":
        seen.update(steady(requests, flight, most))
        if point["drift"] in design.JUMPS:
            seen["recovery"] = recovery(requests, flight, most)
    return seen


def steady(requests: Dict[str, Any], flight: int, most: float) -> Dict[str, Any]:
    """Throughput without ramps: from the first `flight` completions until the last
    request enters, which is when all but `flight` are complete."""
    order = np.argsort(requests["finished"], kind="stable")
    times = requests["finished"][order].astype(np.float64)
    done = requests["work_so_far"][order].astype(np.float64)
    first, last = flight - 1, len(times) - flight - 1
    span = max(times[last] - times[first], 1.0)
    # Work is what tasks cost at least. Counted as tasks end: it does not matter which
    # requests happen to complete in the window.
    rate = float((done[last] - done[first]) / span)
    return {
        "rate": rate,
        "requests_per_cycle": (last - first) / span,
        "of_bound": rate / most,
    }


# Parts of the time that the requests in flight take at the most that can be, before
# and after a jump: how finely is looked, and how long at most.
PARTS_A_TURN = 8
TURNS_BEFORE = 4
TURNS_AFTER = 50


def recovery(requests: Dict[str, Any], flight: int, most: float) -> Dict[str, Any]:
    """Work done over the most that can be, in equal parts of time, as long as requests
    enter. A turn is the time of `flight` requests of the new kind at that most."""
    change = len(requests["work"]) // 3
    begin, end = (float(requests["arrival"][i]) for i in (change, -1))
    order = np.argsort(requests["finished"], kind="stable")
    times = requests["finished"][order].astype(np.float64)
    done = requests["work_so_far"][order].astype(np.float64)
    work = float(requests["work"][change:].mean())
    part = max(flight * work / most / PARTS_A_TURN, 1.0)
    before = min(int(begin / part), TURNS_BEFORE * PARTS_A_TURN)
    after = min(int((end - begin) / part), TURNS_AFTER * PARTS_A_TURN)
    # Between completions work goes on evenly.
    edges = np.interp(begin + part * np.arange(-before, after + 1), times, done)
    curve = [round(float(value), 4) for value in np.diff(edges) / (part * most)]
    return {
        "part_cycles": part,
        "parts_a_turn": PARTS_A_TURN,
        "before": curve[:before],
        "curve": curve[before:],
    }
