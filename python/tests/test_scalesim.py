# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The stored counts of SCALE-Sim are what the package itself gives.

Our formulas are compared with the stored counts by test/unit/Program. Here the
package, installed from PyPI into an environment of its own, counts some of the
layers again. Where PyPI cannot be reached the test is skipped.
"""

import csv
import os
import subprocess

import pytest

import conftest

SCRIPT = os.path.join(conftest.ROOT, "bench", "scalesim_reference.py")
STORED = os.path.join(conftest.ROOT, "test", "data", "scalesim.csv")


@pytest.fixture(scope="module")
def package_python(tmp_path_factory):
    """A Python that has the pinned package."""
    return conftest.python_with(str(tmp_path_factory.mktemp("scalesim")), "scalesim==3.0.0", "numpy<2")


def rows(lines):
    table = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {(row["name"], row["rows"], row["dataflow"]): int(row["cycles"]) for row in table}


@pytest.mark.parametrize("layers", ["random/1", "gpt2"])
def test_package_gives_the_stored_counts(package_python, tmp_path, layers):
    output = tmp_path / "counts.csv"
    subprocess.run(
        [package_python, SCRIPT, "--only", layers, "-o", str(output)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    counted = rows(output.read_text().splitlines())
    with open(STORED, encoding="utf-8") as file:
        stored = rows(file)
    assert counted
    for key, cycles in counted.items():
        assert stored[key] == cycles, key
