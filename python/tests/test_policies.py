# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Policies: options on the command line, and plug-ins from outside of the tree."""

import json
import os
import shutil
import subprocess

import pytest

import conftest

pytest.importorskip("octopus")

PLUGIN = os.path.join(conftest.ROOT, "examples", "policy-plugin")
INCLUDE = os.path.join(conftest.ROOT, "include")

run_tool = conftest.run_tool


def octo_run(*arguments):
    return run_tool("octo-run", *arguments)


def compiled(folder, source, name, *flags):
    path = folder / name
    compiler = shutil.which("c++")
    assert compiler, "no C++ compiler"
    subprocess.run(
        [compiler, "-std=c++20", "-shared", "-fPIC", *flags, "-I", INCLUDE, str(source), "-o", str(path)],
        check=True,
    )
    return path


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    build = tmp_path_factory.mktemp("plugin")
    for command in (
        ["cmake", "-S", PLUGIN, "-B", str(build), "-DOCTOPUS_INCLUDE=" + INCLUDE],
        ["cmake", "--build", str(build)],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return build / "libshortest-first.so"


def test_a_policy_from_outside_runs(programs, plugin):
    done = octo_run(
        "run", programs["profiled"], "--policy-plugin", plugin, "--policy", "shortest-first",
        "--policy-option", "gang=1", "--requests", 5, "--json", "-"
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["policy"] == "shortest-first" and result["requests_completed"] == 5
    assert result["policy_options"] == ["gang=1"]
    assert sum(result["pea_cycles"].values()) == result["machine"]["peas"] * result["makespan_cycles"]
    done = octo_run(
        "compare", programs["profiled"], "--policy-plugin", plugin,
        "--policies", "static,shortest-first", "--requests", 5
    )
    assert done.returncode == 0 and "shortest-first" in done.stdout, done.stderr


def test_bad_plugins_say_what_to_do(programs, plugin, tmp_path):
    def message(path, policy="static"):
        done = octo_run("run", programs["profiled"], "--policy-plugin", path, "--policy", policy)
        assert done.returncode == 1, done.stdout
        return done.stderr

    assert "cannot be loaded as a library of policies" in message(tmp_path / "none.so")
    text = tmp_path / "text.so"
    text.write_text("no library")
    assert "cannot be loaded as a library of policies" in message(text)
    source = tmp_path / "empty.cpp"
    source.write_text("int nothing;\n")
    assert "is a library without policies" in message(compiled(tmp_path, source, "empty.so"))
    source.write_text(
        '#include "octo/Runtime/PolicyPlugin.h"\n'
        'extern "C" unsigned octoPolicyPluginVersion() { return 999; }\n'
        'extern "C" void octoPolicyPlugin(octo::PolicyPluginRegistry &) {}\n'
    )
    told = message(compiled(tmp_path, source, "old.so"))
    assert "is for version 999 of the policy interface" in told and "build it again" in told
    source.write_text(
        '#include "octo/Runtime/PolicyPlugin.h"\n'
        "OCTO_POLICY_PLUGIN(registry) {\n"
        '  registry.add({"pool", "again",\n'
        "                [](const octo::PolicyOptions &) { return std::unique_ptr<octo::Policy>(); },\n"
        "                {}, {}});\n}\n"
    )
    assert "there is a policy 'pool' already" in message(compiled(tmp_path, source, "twice.so"))
    assert "there is no policy 'fastest'" in message(plugin, "fastest")
    assert "shortest-first" in message(plugin, "fastest")


def test_options_of_a_comparison(programs):
    done = octo_run(
        "compare", programs["profiled"], "--policies", "pool,elastic,octopus",
        "--policy-option", "gang=1", "--policy-option", "elastic.step=20", "--requests", 4, "--json", "-"
    )
    assert done.returncode == 0, done.stderr
    options = [run["policy_options"] for run in json.loads(done.stdout)["results"]]
    assert options == [["gang=1"], ["gang=1", "step=20"], []]
    for wrong in ("speed=1", "reactive.low=3", "elastic.step=0"):
        done = octo_run("compare", programs["profiled"], "--policies", "pool,elastic",
                        "--policy-option", wrong)
        assert done.returncode == 1 and ("option '%s'" % wrong.split("=")[0] in done.stderr
                                         or "option '%s'" % wrong in done.stderr
                                         or "option 'step'" in done.stderr), done.stderr
