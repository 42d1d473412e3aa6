# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random nests of loops, selects and fan-outs with tasks that nobody waits for run to their end."""

import os
import random

import pytest
from conftest import ROOT, run_tool

DATA = "!owg.data<64>"
CYCLES = ("const<10>", "const<100>", "const<2000>", "exp<300>", "lognormal<500, 2.0>", "lognormal<3000, 3.0>")
TRIPS = ("const<3>", "const<9>", "const<20>", "uniform<0, 12>")
COPIES = ("const<2>", "const<9>", "uniform<0, 6>")
POLICIES = ("static", "pool", "octopus")


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.values = self.blocks = 0

    def value(self):
        self.values += 1
        return "%%v%d" % self.values

    def pick(self, values):
        return self.random.choice(values)

    def region(self, values, depth):
        """The lines of a region that may use these values, and all that it has."""
        lines, values = [], list(values)
        for _ in range(self.random.randint(1, 4)):
            self.blocks += 1
            name, kind = "b%d" % self.blocks, self.random.random()
            if not depth or kind < 0.5 or self.blocks > 25:
                block = self.task
            elif kind < 0.78:
                block = self.loop
            elif kind < 0.9:
                block = self.select
            else:
                block = self.fanout
            more, results = block(name, values, depth - 1)
            lines += more
            values += results
        return lines, values

    def task(self, name, values, depth):
        inputs = self.random.sample(values, min(len(values), self.random.randint(1, 2)))
        result = self.value()
        return [
            '%s = owg.task "%s"(%s) -> %s profile #owg.profile<cycles = %s>'
            % (result, name, ", ".join("%s : %s" % (i, DATA) for i in inputs), DATA, self.pick(CYCLES))
        ], [result]

    def loop(self, name, values, depth):
        count = self.random.randint(1, 3)
        result, inside = self.value(), [self.value() for _ in range(count)]
        types = ", ".join([DATA] * count)
        head = '%s:%d = owg.loop "%s"(%s) -> (%s) profile #owg.profile<trips = %s> after {' % (
            result, count, name, ", ".join("%s = %s : %s" % (i, self.pick(values), DATA) for i in inside),
            types, self.pick(TRIPS))
        body, seen = self.region(values[-3:] + inside, depth)
        yields = ", ".join(self.pick(seen[-4:]) for _ in range(count))
        return [head] + body + ["owg.yield %s : %s }" % (yields, types)], [
            "%s#%d" % (result, i) for i in range(count)]

    def select(self, name, values, depth):
        members = self.random.randint(1, 3)
        result = self.value()
        lines = ['%s = owg.select "%s"() init(add %s : %s) -> %s profile #owg.profile<frequencies = [%s]>' % (
            result, name, self.pick(values), DATA, DATA,
            ", ".join(self.pick(("0", "0.2", "0.5", "1")) for _ in range(members)))]
        for _ in range(members):
            body, seen = self.region(values[-3:], depth)
            lines += ["member {"] + body + ["owg.yield %s : %s }" % (self.pick(seen), DATA)]
        return lines, [result]

    def fanout(self, name, values, depth):
        result = self.value()
        body, seen = self.region(values[-3:], depth)
        return ['%s = owg.fanout "%s"() init(add %s : %s) -> %s profile #owg.profile<count = %s> each (%%i%s) {' % (
            result, name, self.pick(values), DATA, DATA, self.pick(COPIES), result[2:])
        ] + body + ["owg.yield %s : %s }" % (self.pick(seen[-3:]), DATA)], [result]


def workflow(seed):
    lines, values = Generator(seed).region(["%x"], 3)
    return "\n".join(
        ['owg.workflow @w(%%x: %s {owg.name = "x"}) -> (%s {owg.name = "y"}) {' % (DATA, DATA)]
        + lines + ["owg.return %s : %s" % (values[-1], DATA), "}", ""])


@pytest.mark.parametrize("seed", range(16))
def test_ends(tmp_path, seed):
    source, program = tmp_path / "w.mlir", tmp_path / "w.octo"
    source.write_text(workflow(seed))
    target = os.path.join(ROOT, "examples", "targets", ("die", "edge")[seed % 2] + ".yaml")
    done = run_tool("octo-compile", source, "--target", target, "-o", program, "--quiet")
    assert done.returncode == 0, done.stderr
    for policy in POLICIES:
        done = run_tool(
            "octo-run", "run", program, "--timing-only", "--requests", 6, "--policy", policy, "--seed", seed, "--quiet")
        assert done.returncode == 0, (policy, done.stderr)
