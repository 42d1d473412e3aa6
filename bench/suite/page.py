# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""docs/evaluation.md out of a summary."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional

from evaluation import OURS, RECOVERED, RESAMPLES, number, ratio, table

Seen = Optional[Dict[str, Any]]

MECHANISMS = {
    "ddsm": "discriminate dual scheduling",
    "atss": "adaptive TBU scheduling",
    "pcss": "proactive cluster scheduling",
}


def percent(value: Optional[float], digits: int = 1) -> str:
    return "-" if value is None else "%.*f %%" % (digits, 100 * value)


def thousands(value: Optional[float]) -> str:
    return "-" if value is None else format(round(value), ",")


def verdict(met: Optional[bool]) -> str:
    return {True: "met", False: "**missed**", None: "not measured"}[met]


def write(s: Dict[str, Any]) -> str:
    lines = [
        "# Evaluation",
        "",
        "<!-- Written by `python3 bench/suite document --json bench/suite/results/summary.json`. Do not edit. -->",
        "",
        "What the scheduler of Octopus gains, and what it does not, on the [workload suite](../examples/workflows/suite/README.md).",
        "The design (grid, seeds, frozen parameters, regimes) is `bench/suite/grid.yaml`, which was committed before it was run;",
        "how to run it is in [bench/suite](../bench/suite/README.md). This page is written by a program out of",
        "`bench/suite/results/summary.json`.",
        "",
        "Measured: commit `%s`, grid `%s`, %s of %s points, %s s of CPU time."
        % (
            s["revision"],
            s["grid"],
            thousands(s["run"]),
            thousands(s["planned"]),
            thousands(s["host_seconds"]),
        ),
        "",
    ]
    lines += brief(s)
    lines += how(s)
    lines += experiments(s)
    lines += goal_table(s)
    lines += missed(s)
    lines += policy_tables(s)
    lines += movement(s)
    lines += ablation(s)
    lines += regimes(s)
    lines += recovery(s)
    lines += latency(s)
    lines += way_in(s)
    lines += scaling(s)
    lines += sensitivity(s)
    lines += memory(s)
    lines += chosen(s)
    lines += trouble(s)
    return "\n".join(lines).rstrip("\n") + "\n"


def brief(s: Dict[str, Any]) -> List[str]:
    """What one who reads no further should know."""
    main = s["overview"].get(OURS, {})
    sizes = sorted(int(key.rsplit("_", 1)[1]) for key in main if key.startswith("of_bound_"))
    met = [row["met"] for row in s["goals"] if row["met"] is not None]
    lines = ["## In short", ""]
    if sizes:
        lines += [
            "- With as much work as the machine can take, `octopus` does %s of what no policy can exceed (the lower bound), on %s PEAs."
            % (
                listed([percent(main["of_bound_%d" % size]["mean"], 0) for size in sizes]),
                listed([thousands(size) for size in sizes]),
            )
        ]
    rows = [(policy, row["ours"]) for policy, row in s["overview"].items() if row.get("ours")]
    if rows:
        lines += [
            "- Over all these points its throughput is %s."
            % listed(
                ["%s times that of `%s`" % (number(seen["mean"]), policy) for policy, seen in rows]
            )
        ]
    lines += [
        "- Of %d goals that were set beforehand %d are met; the others are under [What is not gained](#what-is-not-gained)."
        % (len(met), sum(met)),
        "",
        "Under `static-even`, `static` and `elastic` tasks have PEAs of their own (shared out evenly, by the compiled profile, or anew by measured load), under `reactive` those of `static` until",
        "load makes them move; under `pool` and `pool-affinity` any PEA does anything (one central dispatcher, or one a cluster that prefers where code is). `octopus` is ours. It has three mechanisms:",
        "`ddsm` (tells PEAs that are free for a moment from those that are to spare), `atss` (sizes of gangs, staging) and `pcss` (balance between clusters). More in [policies](policies.md).",
        "A *gang* is the PEAs that work on one instance of a task together.",
        "",
    ]
    return lines


def listed(texts: List[str]) -> str:
    return texts[0] if len(texts) == 1 else ", ".join(texts[:-1]) + " and " + texts[-1]


def how(s: Dict[str, Any]) -> List[str]:
    if s.get("tuned"):
        options = [
            "- `octopus` runs with its constants, which were frozen before with other seeds ([policies](policies.md)). Baselines have the best of a few options",
            "  for each workload, size (at most 256 PEAs), movement cost and machine: those with the most throughput under another seed without drift, chosen in hindsight",
            "  ([which](#options-of-the-baselines)).",
        ]
    else:
        options = [
            "- All policies run with their default parameters ([policies](policies.md)), which were set before with other seeds; the design allows each",
            "  baseline to be tuned in hindsight (`options` of a variant), which was not done here.",
        ]
    return [
        "## How it was measured",
        "",
        "- Every policy gets the same program, the same requests and the same draws, seed by seed. Ratios are paired: *1.47 (1.42 to 1.52)*",
        "  is the geometric mean over the points and its 95 % interval (Student) over the seeds.",
        *options,
        "- *Throughput* is measured at saturation, in a closed loop: whenever a request ends the next one enters. Counted is the steady part, from as many completions as",
        "  requests are in flight until the last request enters, in work done: the PEA-cycles that tasks cost at least, as they end.",
        "- *Of the bound* is this throughput over the most that the live PEAs (in gangs, where few requests are in flight), the host port, its way into the mesh or the memory ports",
        "  let through ([semantics, section 11](semantics.md#11-the-lower-bound)). What no policy can reach, like dependences within a request",
        "  or the contention of links, is not in it: 1 need not be attainable. The requests in flight are not equally far on at both ends of",
        "  what is counted, so a single point can lie a percent or two over 1.",
        "- Programs are compiled for what requests do before the drift: their profile is that of the training scenario. *Drifting* points move away from it and back in 16 steps,",
        "  *stationary* ones do not. Loads and limits of latencies come from a training seed as well.",
        "- *Movement cost* is the time to load the median kernel's code over the mean time of a task instance on one PEA. Sizes of code,",
        "  of the store and of the memory of a PEA are scaled together, so that a TBU holds as many kernels as before.",
        "- Machines are `die.yaml` with fewer clusters, defects on (1 % of PEAs, 0.2 % of TBUs, 0.4 % of links), contention on links",
        "  simulated, and the other changes that the grid names. All sizes are assumed.",
        *flights(s),
        "",
    ]


def flights(s: Dict[str, Any]) -> List[str]:
    """Where fewer requests are in flight than an experiment asks for."""
    fewer = {w: row for w, row in s.get("in_flight", {}).items() if row["part"] != 1}
    if not fewer:
        return []
    return [
        "- Experiments say how many requests are in flight a PEA. %s of that, as so many fill the scratchpads already ([Memory](#memory))."
        % listed(["%s has %s" % (w, percent(row["part"], 0)) for w, row in fewer.items()]),
    ]


def memory(s: Dict[str, Any]) -> List[str]:
    if not s.get("in_flight"):
        return []
    return [
        "## Memory",
        "",
        "Values wait in the scratchpads of clusters, 4 MiB for 16 PEAs; what does not fit is spilled to memory and comes back. Spilled in `main`, out of the scratchpads, for a request:",
        "",
        *table(
            ["workload", "requests in flight a PEA"] + ["`%s`, KiB" % p for p in s["policies"]],
            [
                [w, number(4 * row["part"], 0)]
                + [thousands(row["spill_bytes"].get(p, 0) / 1024) for p in s["policies"]]
                for w, row in s["in_flight"].items()
            ],
        ),
    ]


def experiments(s: Dict[str, Any]) -> List[str]:
    rows = [
        [
            name,
            e["about"],
            "%d of %d" % (e["seeds"], e["of_seeds"]),
            "%s of %s" % (thousands(e["run"]), thousands(e["planned"])),
        ]
        for name, e in s["experiments"].items()
    ]
    return table(["experiment", "question", "seeds", "points"], rows)


def goal_table(s: Dict[str, Any]) -> List[str]:
    lines = [
        "## Goals",
        "",
        "What was aimed at before anything was measured. All are ratios, and larger is better: the throughput of `octopus` at saturation over that of the other or the bound; of latency,",
        "link load and time, the other's over that of `octopus`.",
        "",
    ]
    rows = []
    for row in s["goals"]:
        seen = ratio(row["seen"])
        if row.get("worst"):
            seen += ", least %s (%s)" % (number(row["worst"]["mean"]), row["worst"]["point"])
        rows.append([row["against"], row["goal"], seen, verdict(row["met"])])
    return lines + table(["`octopus` against", "goal", "measured (95 % interval)", ""], rows)


def missed(s: Dict[str, Any]) -> List[str]:
    lines = ["## What is not gained", ""]
    some = False
    for row in s["goals"]:
        if row["met"] is not False:
            continue
        some = True
        seen = row["seen"]["mean"]
        text = "- Against %s: %s instead of %s." % (row["against"], number(seen), row["goal"])
        ceiling = row.get("ceiling")
        if ceiling:
            if ceiling < row["least"]:
                text += (
                    " A policy at the bound would have %s here: the baseline is too close to the bound for the goal."
                    % number(ceiling)
                )
            else:
                text += " A policy at the bound would have %s." % number(ceiling)
        if row.get("worst"):
            text += " The worst point is %s, %s." % (
                row["worst"]["point"],
                number(row["worst"]["mean"]),
            )
        if row.get("kind") == "all":
            text += " Where neither falls after a jump ([After a jump](#after-a-jump)) the ratio is 1."
        lines.append(text)
    for mechanism in MECHANISMS:
        row = s["ablation"].get("without-" + mechanism)
        if row and row["all"] and row["all"]["low"] is not None and row["all"]["low"] > 1:
            some = True
            lines.append(
                "- Over all points of the ablation %s does harm: without it throughput is %s of the whole."
                % (MECHANISMS[mechanism], ratio(row["all"], 3))
            )
    for name, regime in s["regimes"].items():
        without = regime["without"]
        if without and without["mean"] > 0.95:
            some = True
            lines.append(
                "- %s does not pay 5 %% in the regime chosen for it: without it throughput is %s of the whole."
                % (MECHANISMS[regime["mechanism"]].capitalize(), ratio(without, 3))
            )
    for workload, row in sorted(s["ours_by_workload"].items()):
        for baseline, seen in row.items():
            if seen and seen["high"] is not None and seen["high"] < 1:
                some = True
                lines.append(
                    "- On %s `%s` is better: %s of its throughput."
                    % (workload, baseline, ratio(seen))
                )
    if not some:
        lines.append("Every goal that was measured is met.")
    return lines + [""]


def policy_tables(s: Dict[str, Any]) -> List[str]:
    lines = [
        "## Policies",
        "",
        "Part of the bound by size of the machine, and throughput of `octopus` over that of the policy.",
        "",
    ]
    sizes = sorted(
        {
            int(key.rsplit("_", 1)[1])
            for row in s["overview"].values()
            for key in row
            if key.startswith("of_bound_")
        }
    )
    rows = []
    for policy, row in s["overview"].items():
        rows.append(
            ["`%s`" % policy]
            + [ratio(row.get("of_bound_%d" % size), 3) for size in sizes]
            + [ratio(row.get("ours")) if policy != OURS else "1"]
        )
    lines += table(
        ["policy"] + ["%s PEAs" % thousands(size) for size in sizes] + ["`octopus` over it"], rows
    )
    lines += [
        "Where the PEA-cycles went (parts of all; what is missing is loading, moving, and dead PEAs). Idleness is *transient* where it is too short to pay a load of code, *contagious* where it",
        "spread from PEAs that were idle before (the propagation depth is how far), else *structural* ([semantics, section 9](semantics.md#9-accounting)). Bytes, code and energy are",
        "for the same requests, `static` being 1.",
        "",
    ]
    rows = []
    for policy, row in s["overview"].items():
        rows.append(
            ["`%s`" % policy]
            + [
                percent(row[k])
                for k in ("utilization", "idle_transient", "idle_structural", "idle_contagious")
            ]
            + [number(row["propagation_depth"]), percent(row["link_load"])]
            + [
                number(row[k]["mean"]) if row[k] else "-"
                for k in ("byte_hops", "code_bytes", "energy_per_request")
            ]
        )
    lines += table(
        [
            "policy",
            "computing",
            "idle: transient",
            "structural",
            "contagious",
            "propagation depth",
            "mean link load",
            "bytes x hops",
            "code loaded",
            "energy",
        ],
        rows,
    )
    lines += ["Part of the bound by workload:", ""]
    rows = [
        [workload] + [number(row[p]["mean"]) if row.get(p) else "-" for p in s["policies"]]
        for workload, row in s["by_workload"].items()
    ]
    lines += table(["workload"] + ["`%s`" % p for p in s["policies"]], rows)
    return lines


def movement(s: Dict[str, Any]) -> List[str]:
    if not s["movement"]:
        return []
    lines = [
        "## Cost of movement",
        "",
        "Part of the bound as loading code gets dearer, in mean block times.",
        "",
    ]
    rows = []
    for level, row in sorted(s["movement"].items(), key=lambda item: float(item[0])):
        rows.append(
            [level]
            + [
                number(row["policies"][p]["mean"]) if row["policies"].get(p) else "-"
                for p in s["policies"]
            ]
            + [ratio(row["ours_to_best"])]
        )
    lines += table(
        ["cost"] + ["`%s`" % p for p in s["policies"]] + ["`octopus` over the best other"], rows
    )
    levels = sorted((k for k, row in s["movement"].items() if "by_workload" in row), key=float)
    names = sorted({w for k in levels for w in s["movement"][k]["by_workload"]})
    if levels:
        lines += ["`octopus` over the best other, point by point, by workload:", ""]
        lines += table(
            ["workload"] + ["cost %s" % k for k in levels],
            [[w] + [ratio(s["movement"][k]["by_workload"].get(w)) for k in levels] for w in names],
        )
    return lines


def ablation(s: Dict[str, Any]) -> List[str]:
    if not s["ablation"]:
        return []
    lines = [
        "## Ablation",
        "",
        "Throughput of `octopus` without some of its mechanisms over that with all of them: what is below 1 shows what they gain. Idle times are parts of all PEA-cycles.",
        "",
    ]
    rows = []
    for name, row in s["ablation"].items():
        rows.append(
            [
                ", ".join(row["off"]) or "none",
                ratio(row["all"], 3),
                ratio(row.get("none"), 3),
                ratio(row.get("gradual"), 3),
            ]
            + [percent(row[k]) for k in ("idle_transient", "idle_structural", "idle_contagious")]
            + [number(row["propagation_depth"])]
        )
    return lines + table(
        [
            "off",
            "all points",
            "stationary",
            "drifting",
            "idle: transient",
            "structural",
            "contagious",
            "propagation depth",
        ],
        rows,
    )


def regimes(s: Dict[str, Any]) -> List[str]:
    lines = [
        "## Where each mechanism should pay",
        "",
        "For each mechanism one regime was written into the grid beforehand, in which turning it off should cost at least 5 %; the seeds are",
        "used nowhere else. Metrics are with / without it.",
        "",
    ]
    rows = []
    for name, row in s["regimes"].items():

        def pair(metric: str, show: Any) -> str:
            return "%s / %s" % tuple(show(value) for value in row[metric])

        rows.append(
            [
                "`%s`" % row["mechanism"],
                s["experiments"][name]["about"],
                ratio(row["without"], 3),
                verdict(row["without"]["mean"] <= 0.95 if row["without"] else None),
                pair("idle_transient", percent),
                pair("idle_structural", percent),
                pair("idle_contagious", percent),
                pair("propagation_depth", number),
                pair("migrations", number),
                pair("migrated_bytes", thousands),
            ]
        )
    lines += table(
        [
            "mechanism",
            "regime",
            "throughput without it",
            "gains 5 %",
            "idle: transient",
            "structural",
            "contagious",
            "propagation depth",
            "migrations a request",
            "bytes migrated a request",
        ],
        rows,
    )
    lines += [
        "What each costs elsewhere, from the ablation: throughput without it over that with it. Above 1.01 it costs more than 1 %.",
        "",
    ]
    rows = []
    for mechanism in MECHANISMS:
        row = s["ablation"].get("without-" + mechanism)
        if row:
            rows.append(
                [
                    "`%s`" % mechanism,
                    ratio(row["all"], 3),
                    verdict(row["all"]["mean"] <= 1.01 if row["all"] else None),
                ]
            )
    return lines + table(["mechanism", "without over with", "costs at most 1 %"], rows)


def recovery(s: Dict[str, Any]) -> List[str]:
    rows = s["recovery"]
    if not rows:
        return []
    # Ours last.
    names = sorted(rows[0]["policies"], key=lambda p: p == OURS)
    part = percent(RECOVERED, 0)

    def count(holds: Callable[[Dict[str, Any]], bool]) -> str:
        return listed(
            ["`%s` at %d" % (p, sum(holds(row["policies"][p]) for row in rows)) for p in names]
        )

    lines = [
        "## After a jump",
        "",
        "Frequencies are turned round at once, at a third of the requests. Probabilities of branches and selects, and those of short and long loops and fan-outs, are squared, so that requests are",
        "decided about what they do; after a *turn* what they mostly did they do least: short loops have become long ones, rare branches frequent ones. *Back* is the other way round. Programs",
        "are compiled for what is before the jump, baselines tuned in hindsight for such a jump. All workloads that have frequencies are here (on 256 PEAs those that had something to lose with training seeds).",
        "",
        "A policy's *steady* throughput is what it has, with the same options, where nothing jumps: requests are from the first on what they are after the jump, and the program is compiled for that.",
        "Time is told in turns: what the requests in flight take at the bound, so the time in which requests of the new kind replace those of the old one. A policy *falls* if its throughput, averaged",
        "over the seeds and a turn, is below %s of its steady one some time after the jump, by more than chance (its 95 %% interval over the seeds), and has recovered when that ends." % part,
        "",
        "Of %d jumps policies fall: %s. To %s of the steady throughput of the best policy get, in the time that was looked at: %s."
        % (len(rows), count(lambda seen: seen["turns"] > 0), part, count(lambda seen: seen["reached_best"])),
        "The goals add a turn to each time, as what is shorter cannot be told apart. Where neither falls the ratio is 1 whatever the policies do, so that the first of them goes over the jumps",
        "where `reactive` falls, and the second over all. Their intervals come from %d draws of the seeds." % RESAMPLES,
        "",
        "For each policy: steady throughput (part of the bound); the least after the jump (part of the steady one); turns until it has recovered (- where it does not fall).",
        "",
    ]
    head = ["workload", "jump", "PEAs", "in flight a PEA", "movement cost"]
    return lines + table(
        head + ["`%s`" % p for p in names] + ["cycles of a turn"],
        [
            [
                row["workload"],
                row["drift"],
                thousands(row["peas"]),
                "%g" % row["in_flight_per_pea"],
                "%g" % row["movement"],
            ]
            + [
                "%s; %s; %s"
                % (
                    number(seen["settled"]),
                    percent(seen["lowest"], 0),
                    turns(seen["turns"], seen["recovered"]),
                )
                for seen in (row["policies"][p] for p in names)
            ]
            + [thousands(row["turn_cycles"])]
            for row in rows
        ],
    )


def turns(value: float, seen: bool) -> str:
    if not value:
        return "-"
    return number(value, 1) if seen else "more than " + number(value, 1)


def latency(s: Dict[str, Any]) -> List[str]:
    if not s["latency"]:
        return []
    lines = [
        "## Latency",
        "",
        "Poisson arrivals at 0.8 of the load that saturates `static` without drift, measured with a training seed. The limit (SLO) is five times the mean latency of a",
        "request that is alone; goodput counts requests within it.",
        "",
    ]
    rows = []
    for name, policies in s["latency"].items():
        for policy, row in policies.items():
            rows.append(
                [
                    name,
                    "`%s`" % policy,
                    thousands(row["p99"]),
                    ratio(row["better_than_static"]),
                    percent(row["slo_part"]),
                    number(row["slo_goodput"], 3),
                    thousands(row["requests"]),
                ]
            )
    return lines + table(
        [
            "workload",
            "policy",
            "p99, cycles",
            "times better than `static`",
            "within the limit",
            "goodput, requests a Mcycle",
            "requests",
        ],
        rows,
    )


def way_in(s: Dict[str, Any]) -> List[str]:
    rows = s.get("way_in", {})
    if "wide-large" not in rows:
        return []
    lines = [
        "## The way in",
        "",
        "What comes through the host port enters the mesh at one router, at the width of one link, and results leave it by one link, too. On the",
        "largest machines of `main` links are half as wide as the port, and workloads with large arguments are held up there whatever the policy.",
    ]
    # Summaries that were made before the bound knew of it do not tell.
    if "held_up" not in s:
        lines += ["Part of the bound, which does not know of it:", ""]
    elif s["held_up"]:
        lines += [
            "The bound knows what must pass ([semantics, section 11](semantics.md#11-the-lower-bound)). Where that sets it, `octopus` reaches",
            "%s. Part of the bound, means over all workloads:"
            % ", ".join(
                "%s of it with `%s`" % (number(row["mean"]), workload)
                for workload, row in s["held_up"].items()
                if row
            ),
            "",
        ]
    else:
        lines += ["The bound knows what must pass; that sets it nowhere. Part of the bound:", ""]
    names = list(rows["wide-large"])
    texts = {"main-large": "as is", "wide-large": "as wide as the host port"}
    return lines + table(
        ["links"] + ["`%s`" % n for n in names],
        [
            [texts[name]] + [number(row[n]["mean"]) if row.get(n) else "-" for n in names]
            for name, row in rows.items()
        ],
    )


def scaling(s: Dict[str, Any]) -> List[str]:
    if not s["scaling"]:
        return []
    sizes = sorted({int(size) for row in s["scaling"].values() for size in row})
    lines = [
        "## Scaling",
        "",
        "Throughput of `octopus` a PEA over that on one cluster, load in proportion. Goal: above 0.85.",
        "",
    ]
    rows = [
        [workload] + [ratio(row.get(str(size))) for size in sizes]
        for workload, row in s["scaling"].items()
    ]
    return lines + table(
        ["workload"]
        + ["%s cluster%s" % (thousands(size // 16), "s" * (size > 16)) for size in sizes],
        rows,
    )


def sensitivity(s: Dict[str, Any]) -> List[str]:
    if not s["sensitivity"]:
        return []
    lines = [
        "## How results move with assumed parameters",
        "",
        "Throughput of `octopus` over that of the policy, and its part of the bound, as one parameter of the machine changes.",
        "",
    ]
    names = [k for k in next(iter(s["sensitivity"].values())) if k != "of_bound"]
    rows = [
        [machine]
        + [ratio(row.get(n)) for n in names]
        + [number(row["of_bound"]["mean"]) if row["of_bound"] else "-"]
        for machine, row in s["sensitivity"].items()
    ]
    return lines + table(["machine"] + ["over `%s`" % n for n in names] + ["of the bound"], rows)


def chosen(s: Dict[str, Any]) -> List[str]:
    if not s.get("tuned"):
        return []
    return [
        "## Options of the baselines",
        "",
        "What was chosen in hindsight, in parts of the points of each policy. *default* are the values in [policies](policies.md).",
        "",
        *table(
            ["policy", "options", "chosen in"],
            [
                ["`%s`" % policy, name if name == "default" else "`%s`" % name, percent(part, 0)]
                for policy, row in s["tuned"].items()
                for name, part in sorted(row.items(), key=lambda item: -item[1])
            ],
        ),
    ]


def trouble(s: Dict[str, Any]) -> List[str]:
    if not s["not_completed"]:
        return []
    lines = ["## Points that did not complete", ""]
    for entry in s["not_completed"][:20]:
        point = entry["point"]
        lines.append(
            "- %s: %s, %s PEAs, `%s`, seed %s: %s"
            % (
                point["experiment"],
                point["workload"],
                point["peas"],
                point["variant"],
                point["seed"],
                entry["why"],
            )
        )
    if len(s["not_completed"]) > 20:
        lines.append("- and %d more" % (len(s["not_completed"]) - 20))
    return lines + [""]
