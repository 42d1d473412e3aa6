# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What several tests share."""

import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(ROOT, "test", "reference"))


def workflow(name):
    """The path of a workflow of these tests."""
    return os.path.join(HERE, "workflows", name + ".mlir")


def run_tool(name, *arguments, **options):
    """Runs one of our tools and returns what it did, with text output."""
    tools = os.environ.get("OCTO_TOOLS_DIR")
    command = [os.path.join(tools, name) if tools else name] + [str(a) for a in arguments]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **options
    )


def python_with(folder, *packages):
    """A Python in `folder` that has these packages of PyPI; skips the test where they cannot be had."""
    try:
        subprocess.run(
            [sys.executable, "-m", "venv", folder], check=True, capture_output=True, timeout=60
        )
        python = os.path.join(folder, "bin", "python")
        options = ["--quiet", "--timeout", "5", "--retries", "0"]
        subprocess.run(
            [python, "-m", "pip", "install"] + options + list(packages),
            check=True,
            capture_output=True,
            timeout=120,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError) as error:
        pytest.skip("%s cannot be installed from PyPI: %s" % (packages[0], error))
    return python


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """Compiled workflows of these tests, as files, by name."""
    octopus = pytest.importorskip("octopus")
    folder = tmp_path_factory.mktemp("programs")
    paths = {}
    for name in ("mini", "profiled", "divide"):
        path = str(folder / (name + ".octo"))
        octopus.compile(workflow(name), target="edge").save(path)
        paths[name] = path
    return paths
