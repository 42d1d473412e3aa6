#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a layered random graph of profiled tasks as an owg workflow.

Layer 0 takes the argument of the workflow. Task j of every later layer takes
task j of the layer before (so that every task but the last is used) and, up to
its in-degree, tasks drawn evenly from the `--reach` layers before. A last task
takes the whole last layer and gives the result; it is one of `--tasks`.

The same options give the same bytes, on every machine and version of Python:
only random.Random(seed).random() is used, whose sequence is part of Python's
documentation, and no function of libm.
"""

import argparse
import random
import re
import sys


def parse_range(text):
    """`A` or `A-B`, positive integers, as (A, B)."""
    low, dash, high = text.partition("-")
    try:
        result = int(low), int(high) if dash else int(low)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected N or N-M, found {text!r}") from None
    if not 0 < result[0] <= result[1]:
        raise argparse.ArgumentTypeError(f"expected 0 < N <= M in N-M, found {text!r}")
    return result


def positive(text):
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected an integer, found {text!r}")
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, found {value}")
    return value


def fraction(text):
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, found {text!r}")
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, found {text!r}")
    return value


def not_negative(text):
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, found {text!r}")
    if not 0 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1000, found {text!r}")
    return value


def symbol(text):
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$.]*", text):
        raise argparse.ArgumentTypeError(f"expected a name of letters, digits, '_', '$', '.', found {text!r}")
    return text


def decimal(value):
    """A number without exponent, as MLIR reads it."""
    return f"{value:.6f}".rstrip("0") + "0"


DISTRIBUTIONS = {
    "const": "const<{mean}>",
    "uniform": "uniform<{half}, {more}>",
    "exp": "exp<{mean}>",
    "normal": "normal<{mean}, {quarter}>",
    "lognormal": "lognormal<{mean}, {cv}>",
}


def generate(
    tasks,
    width=64,
    in_degree=(1, 3),
    reach=4,
    distribution="lognormal",
    cycles=(1000, 50000),
    cv=0.5,
    data_bytes=(256, 16384),
    alpha=0.9,
    max_gang=8,
    seed=1,
    name="dag",
):
    """The workflow, as a list of lines without line ends. See --help."""
    draw = random.Random(seed).random

    def between(low, high):
        return low + int(draw() * (high - low + 1))

    # Few sizes, so that types are shared as in real workflows.
    step = 64

    def draw_bytes():
        return min(max(between(*data_bytes) // step * step, data_bytes[0]), data_bytes[1])

    def profile():
        mean = between(*cycles)
        dist = DISTRIBUTIONS[distribution].format(
            mean=mean, half=mean // 2, more=mean + mean // 2, quarter=mean // 4, cv=decimal(cv)
        )
        gang = f", alpha = {decimal(alpha)}, max_gang = {max_gang}" if max_gang > 1 else ""
        return f"profile #owg.profile<cycles = {dist}{gang}>"

    first = draw_bytes()
    lines = [f"owg.workflow @{name}(%x: !owg.data<{first}> {{owg.name = \"x\"}}) -> (!owg.data<64> {{owg.name = \"y\"}}) {{"]
    sizes = []
    inner = tasks - 1
    for task in range(inner):
        layer = task // width
        if layer == 0:
            operands = f"%x : !owg.data<{first}>"
        else:
            chosen = [task - width]
            oldest = max(0, layer - reach) * width
            for _ in range(between(*in_degree) - 1):
                other = between(oldest, layer * width - 1)
                if other not in chosen:
                    chosen.append(other)
            operands = ", ".join([f"%t{i} : !owg.data<{sizes[i]}>" for i in chosen])
        size = draw_bytes()
        sizes.append(size)
        lines.append(f'  %t{task} = owg.task "t{task}"({operands}) -> !owg.data<{size}> {profile()}')
    # Every task of the last `width` is used by the last task only.
    last = range(max(0, inner - width), inner)
    operands = ", ".join(f"%t{i} : !owg.data<{sizes[i]}>" for i in last) or f"%x : !owg.data<{first}>"
    lines.append(f'  %y = owg.task "t{inner}"({operands}) -> !owg.data<64> {profile()}')
    lines.append("  owg.return %y : !owg.data<64>")
    lines.append("}")
    return lines


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", type=positive, help="number of tasks")
    parser.add_argument("-o", "--output", default="-", help="file to write (default: standard output)")
    parser.add_argument("--width", type=positive, default=64, help="tasks a layer (default: 64)")
    parser.add_argument("--in-degree", type=parse_range, default=(1, 3), metavar="N-M",
                        help="inputs of a task, drawn evenly; equal draws count once (default: 1-3)")
    parser.add_argument("--reach", type=positive, default=4,
                        help="from how many layers before inputs come (default: 4)")
    parser.add_argument("--distribution", choices=sorted(DISTRIBUTIONS), default="lognormal",
                        help="of the cycles of a task; uniform is mean/2 to 3 mean/2, normal has sd mean/4 (default: lognormal)")
    parser.add_argument("--cycles", type=parse_range, default=(1000, 50000), metavar="N-M",
                        help="mean cycles of a task on one PEA, drawn evenly (default: 1000-50000)")
    parser.add_argument("--cv", type=not_negative, default=0.5,
                        help="coefficient of variation of lognormal (default: 0.5)")
    parser.add_argument("--bytes", type=parse_range, default=(256, 16384), metavar="N-M",
                        help="bytes of a result, drawn evenly in steps of 64 (default: 256-16384)")
    parser.add_argument("--alpha", type=fraction, default=0.9,
                        help="p PEAs are p^alpha times as fast as one (default: 0.9)")
    parser.add_argument("--max-gang", type=positive, default=8,
                        help="most PEAs of one task; 1 leaves alpha out (default: 8)")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn (default: 1)")
    parser.add_argument("--name", type=symbol, default="dag", help="name of the workflow (default: dag)")
    args = parser.parse_args()
    text = "\n".join(
        generate(
            args.tasks,
            width=args.width,
            in_degree=args.in_degree,
            reach=args.reach,
            distribution=args.distribution,
            cycles=args.cycles,
            cv=args.cv,
            data_bytes=args.bytes,
            alpha=args.alpha,
            max_gang=args.max_gang,
            seed=args.seed,
            name=args.name,
        )
    )
    try:
        if args.output == "-":
            sys.stdout.write(text + "\n")
        else:
            with open(args.output, "w", encoding="utf-8") as file:
                file.write(text + "\n")
    except OSError as error:
        sys.exit(f"{args.output}: {error.strerror}")


if __name__ == "__main__":
    main()
