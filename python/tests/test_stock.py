# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""convert-owg-to-scf, lowered and run by the stock tools, against NumPy."""

import os

import numpy as np
import pytest

import conftest
import reference
import stock
from common import philox4x32

octopus = pytest.importorskip("octopus")

pytestmark = pytest.mark.skipif(
    not os.path.exists(stock.mlir_tool("mlir-runner")), reason="mlir-runner is not installed"
)


def test_mini_bit_for_bit():
    program = octopus.compile(conftest.workflow("mini"), target="edge", kernels=False)
    (workflow,) = program.workflows
    inputs = reference.mini_inputs(seed=11, count=8)
    requests = [[x, n] for x, n in zip(inputs["x"], inputs["n"])]
    for (x, n), outputs in zip(requests, stock.run(conftest.workflow("mini"), workflow, requests)):
        expected, _ = reference.mini(x, n)
        for value, array in zip(workflow.results, outputs):
            np.testing.assert_array_equal(array, expected[value.name])


def test_types():
    assert stock.Type("tensor<1x?x3xf32>").dims == [1, -1, 3]
    assert stock.Type("tensor<f64>").dims == []
    assert stock.Type("index").scalar
    with pytest.raises(ValueError, match="cannot be embedded"):
        stock.Type("!owg.token")


def test_philox_known_answers():
    # Random123's kat_vectors, philox4x32 with 10 rounds.
    words = philox4x32([np.zeros(1)] * 4, (0, 0))
    assert [int(w[0]) for w in words] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    words = philox4x32([np.full(1, 0xFFFFFFFF)] * 4, (0xFFFFFFFF, 0xFFFFFFFF))
    assert [int(w[0]) for w in words] == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
