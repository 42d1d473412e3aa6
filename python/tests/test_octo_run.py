# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line of the simulator: documents, files, exit codes, bad input."""

import json
import os
import struct

import numpy as np
import pytest

import conftest
import reference
import schema

octopus = pytest.importorskip("octopus")

run_tool = conftest.run_tool


def octo_run(*arguments):
    return run_tool("octo-run", *arguments)


def good(*arguments):
    done = octo_run(*arguments)
    assert done.returncode == 0, done.stderr
    return done


def test_json_fits_its_schema(programs, tmp_path):
    root = schema.load()
    path = tmp_path / "r.json"
    good("run", programs["mini"], "--requests", 5, "--json", path, "--quiet")
    run = json.loads(path.read_text())
    assert schema.errors(run, root, root) == []
    good("compare", programs["profiled"], "--policies", "static,pool,octopus", "--requests", 5,
         "--json", path)
    compared = json.loads(path.read_text())
    assert schema.errors(compared, root, root) == []
    assert compared["policies"] == ["static", "pool", "octopus"]
    good("compare", programs["profiled"], "--policies", "static,octopus", "--requests", 5,
         "--replications", 3, "--threads", 2, "--json", path)
    replicated = json.loads(path.read_text())
    assert schema.errors(replicated, root, root) == []
    assert [len(entry["results"]) for entry in replicated["comparison"]] == [3, 3]
    # The checker finds what is wrong.
    del run["makespan_cycles"]
    run["seed"] = -1
    run["extra"] = 0
    texts = " ".join(schema.errors(run, root["definitions"]["run"], root))
    assert "makespan_cycles is missing" in texts
    assert "-1 is less than 0" in texts and "extra is not in the schema" in texts


def test_json_on_standard_output(programs):
    done = good("run", programs["profiled"], "--requests", 3, "--json", "-")
    assert json.loads(done.stdout)["requests_completed"] == 3


def test_equal_runs_give_equal_files(programs, tmp_path):
    def files(name, *options):
        out = [tmp_path / (name + s) for s in (".json", ".trace", ".npz", ".profile")]
        good("run", programs["mini"], "--requests", 6, "--seed", 4, "--json", out[0], "--trace",
             out[1], "--outputs", out[2], "--record-profile", out[3], "-q", *options)
        document = json.loads(out[0].read_text())
        del document["host"]
        return [json.dumps(document)] + [path.read_bytes() for path in out[1:]]

    assert files("a") == files("b")
    assert files("a") != files("c", "--policy", "pool")


def test_replications(programs, tmp_path):
    root = schema.load()

    def replicated(*options):
        path = tmp_path / "r.json"
        done = good("run", programs["profiled"], "--requests", 20, "--seed", 4, "--replications", 4,
                    "--json", path, *options)
        document = json.loads(path.read_text())
        assert schema.errors(document, root, root) == []
        document.pop("host")
        for run in document["results"]:
            run.pop("host")
        return document, done.stdout

    one, table = replicated()
    two, _ = replicated("--threads", 2)
    assert one == two
    assert "4 replications" in table and "makespan_cycles" in table
    assert [run["seed"] for run in one["results"]] == [4, 5, 6, 7]
    path = tmp_path / "single.json"
    good("run", programs["profiled"], "--requests", 20, "--seed", 6, "--json", path)
    single = json.loads(path.read_text())
    single.pop("host")
    assert one["results"][2] == single
    makespans = np.array([run["makespan_cycles"] for run in one["results"]])
    spread = one["summary"]["makespan_cycles"]
    assert spread["mean"] == pytest.approx(makespans.mean())
    # Student's quantile for three degrees of freedom.
    assert spread["ci95_half_width"] == pytest.approx(3.182 * makespans.std(ddof=1) / 2)
    assert (spread["min"], spread["max"]) == (makespans.min(), makespans.max())


def test_bad_replications(programs, tmp_path):
    for options, message in [
        (["--threads", 2], "--threads requires --replications"),
        (["--replications", 0], "--replications"),
        (["--replications", 2, "--trace", tmp_path / "t.json"], "--trace is about one run"),
    ]:
        done = octo_run("run", programs["profiled"], *options)
        assert done.returncode == 2 and message in done.stderr, done.stderr


def test_trace_is_read_by_json(programs, tmp_path):
    path = tmp_path / "t.json"
    good("run", programs["profiled"], "--requests", 3, "--trace", path, "-q")
    events = json.loads(path.read_text())["traceEvents"]
    spans = [e for e in events if e["ph"] == "X"]
    assert any(e["name"] == "agent/plan" for e in spans)
    # Spans on one track nest: an outer one comes before what is in it.
    open_until = {}
    for e in spans:
        ends = open_until.setdefault((e["pid"], e["tid"]), [])
        while ends and ends[-1] <= e["ts"]:
            ends.pop()
        assert not ends or e["ts"] + e["dur"] <= ends[-1]
        ends.append(e["ts"] + e["dur"])


def test_inputs_and_outputs(programs, tmp_path):
    inputs = reference.mini_inputs(3, 4)
    np.savez(tmp_path / "in.npz", **inputs)
    np.savez_compressed(tmp_path / "packed.npz", **inputs)
    np.save(tmp_path / "x.npy", np.asfortranarray(inputs["x"]))
    np.save(tmp_path / "n.npy", inputs["n"])
    digests = set()
    for i, files in enumerate(
        (
            [tmp_path / "in.npz"],
            [tmp_path / "packed.npz"],
            [tmp_path / "x.npy", tmp_path / "n.npy"],
            ["n=%s" % (tmp_path / "n.npy"), "x=%s" % (tmp_path / "x.npy")],
        )
    ):
        out = tmp_path / ("out%d.npz" % i)
        done = good("run", programs["mini"], "--requests", 4, "--outputs", out, "--json", "-",
                    "--inputs", *files)
        digests.add(json.loads(done.stdout)["outputs_sha256"])
        with np.load(out) as arrays:
            np.testing.assert_array_equal(arrays["_requests"], range(4))
            for r in range(4):
                expected, _ = reference.mini(inputs["x"][r], inputs["n"][r])
                np.testing.assert_array_equal(arrays["y"][r], expected["y"])
                rows = arrays["rows"][r] if "rows" in arrays else arrays["rows.%d" % r]
                np.testing.assert_array_equal(rows, expected["rows"])
    assert len(digests) == 1


def test_summary_and_report(programs, tmp_path):
    done = good("run", programs["profiled"], "--requests", 50, "--report", tmp_path / "r.html")
    for word in ("latency", "p50", "p95", "p99", "throughput", "utilisation", "transient",
                 "structural", "contagious", "lower bound", "energy"):
        assert word in done.stdout
    assert done.stderr == ""
    assert "<!DOCTYPE html>" in (tmp_path / "r.html").read_text()
    # Without a name the page is called after the program, in the current folder.
    folder = tmp_path / "cwd"
    folder.mkdir()
    done = run_tool("octo-run", "run", programs["profiled"], "--report", cwd=str(folder))
    assert done.returncode == 0 and (folder / "profiled.html").exists()
    assert good("run", programs["profiled"], "--quiet").stdout == ""


def test_compare_shows_ablation_and_who_is_in_time(programs, tmp_path):
    path = tmp_path / "c.json"
    done = good("compare", programs["profiled"], "--requests", 6, "--ablation", "--slo", 1000000000000,
                "--policies", "static,octopus", "--json", path)
    for text in ("octopus without ddsm", "octopus without atss", "octopus without pcss",
                 "/ static", "at most 1,000,000,000,000 cycles"):
        assert text in done.stdout
    results = json.loads(path.read_text())["results"]
    assert [r["disabled"] for r in results] == [[], [], ["ddsm"], ["atss"], ["pcss"]]
    for result in results:
        assert result["slo"]["limit_cycles"] == 1000000000000
        assert result["slo"]["requests_in_time"] == result["requests_completed"] == 6
        assert result["slo"]["goodput_requests_per_megacycle"] == pytest.approx(
            result["throughput_requests_per_megacycle"])
    good("compare", programs["profiled"], "--requests", 6, "--ablation", "--slo", 1, "--policies", "static",
         "--json", path)
    (only,) = json.loads(path.read_text())["results"]
    assert only["slo"]["requests_in_time"] == 0


def test_compare_prints_a_table(programs):
    done = good("compare", programs["mini"], "--requests", 4, "--in-flight", 4)
    for word in ("static", "pool", "octopus", "lower bound", "the same under every policy",
                 "of best", "no scheduler can pass 100 %", "where the cycles of the PEAs went",
                 "how to read", "/ static-even", "/ static", "/ best other", "predicted alone"):
        assert word in done.stdout
    assert "alone" not in done.stdout.split("how long requests took")[1].splitlines()[1]
    done = good("compare", programs["profiled"], "--requests", 64, "--replications", 3, "--policies", "static,pool")
    text = done.stdout
    assert "means of 3 replications, seeds 0 to 2" in text
    # Every table has a row a policy, with intervals.
    for heading in ("how to read", "how long requests took", "where the cycles of the PEAs went", "what was moved"):
        head, *rows = text.split(heading)[1].splitlines()[1:4]
        assert head.split()[0] == "policy"
        assert [row.split()[0] for row in rows] == ["static", "pool"]
        assert all("+-" in row for row in rows), rows


def test_latency_stands_beside_the_prediction(programs, tmp_path):
    path = tmp_path / "r.json"
    done = good("run", programs["profiled"], "--requests", 30, "--in-flight", 30, "--alone", 5, "--json", path)
    assert "  alone        predicted " in done.stdout
    assert " times what is predicted of a request alone; " in done.stdout
    run = json.loads(path.read_text())
    (tenant,) = run["tenants"]
    assert tenant["alone_latency_cycles"]["count"] == 5
    predicted = tenant["predicted_latency_cycles"]
    assert predicted["samples"] >= 1 and predicted["tail_percent"] == 99
    slowdown = run["slowdown"]
    assert slowdown["predicted_cycles"] == predicted["mean"]
    assert slowdown["factor"] == tenant["slowdown"] == pytest.approx(
        run["latency_cycles"]["mean"] / predicted["mean"])
    assert sum(slowdown["causes"].values()) == pytest.approx(slowdown["factor"])
    assert 0 < slowdown["waits"] <= slowdown["factor"]

    # The requests that are alone are those of a run of their own: one after the other, the first left out.
    good("run", programs["profiled"], "--requests", 6, "--in-flight", 1, "--json", path)
    (single,) = json.loads(path.read_text())["tenants"]
    assert single["alone_latency_cycles"] == single["latency_cycles"]
    latencies = 6 * single["latency_cycles"]["mean"] - single["first_latency_cycles"]
    assert tenant["alone_latency_cycles"]["mean"] == pytest.approx(latencies / 5)

    done = octo_run("run", programs["profiled"], "--replications", 2, "--alone", 5)
    assert done.returncode == 2 and "--alone is about one run" in done.stderr


def test_a_workflow_whose_code_folds_away_has_outputs(tmp_path):
    """What is left is a fan-out that passes on an argument, as often as another one says."""
    source, program, out = tmp_path / "w.mlir", tmp_path / "w.octo", tmp_path / "out.npz"
    source.write_text("""
owg.workflow @w(%x: tensor<1x2xi32> {owg.name = "x"}, %n: index {owg.name = "n"})
    -> (tensor<?x2xi32> {owg.name = "rows"}) {
  %e = tensor.empty() : tensor<0x2xi32>
  %r = owg.fanout "f"(%y = %x : tensor<1x2xi32>) count %n init(concat %e : tensor<0x2xi32>)
      -> (tensor<?x2xi32>) each (%i) {
    owg.yield %y : tensor<1x2xi32>
  }
  owg.return %r : tensor<?x2xi32>
}
""")
    target = os.path.join(conftest.ROOT, "examples", "targets", "edge.yaml")
    done = run_tool("octo-compile", source, "--target", target, "-o", program)
    assert done.returncode == 0, done.stderr
    x, n = np.array([[[1, 2]], [[3, 4]]], np.int32), np.array([3, 1])
    np.savez(tmp_path / "in.npz", x=x, n=n)
    digests = set()
    for policy in "static", "pool", "octopus":
        done = good("run", program, "--policy", policy, "--requests", 2, "--outputs", out,
                    "--inputs", tmp_path / "in.npz", "--json", "-")
        run = json.loads(done.stdout)
        assert not run["timing_only"] and run["requests_completed"] == 2
        digests.add(run["outputs_sha256"])
        with np.load(out) as rows:
            for request in 0, 1:
                np.testing.assert_array_equal(
                    rows["rows.%d" % request], x[request].repeat(n[request], 0))
    assert len(digests) == 1
    assert "no code is left" in good("check", program).stdout
    assert octopus.load(program).executable


def test_check_and_info(programs):
    done = good("check", programs["mini"])
    assert "takes x: tensor<4xf32>" in done.stdout
    assert "gives rows: tensor<?x4xf32>" in done.stdout
    assert "all tasks are profiled" in good("check", programs["profiled"]).stdout
    assert "mini" in good("info", programs["mini"]).stdout


def test_shipped_scenarios(programs):
    folder = os.path.join(conftest.ROOT, "examples", "scenarios")
    names = sorted(n for n in os.listdir(folder) if n.endswith(".yaml"))
    assert names
    for name in names:
        done = good("run", programs["profiled"], "--scenario", os.path.join(folder, name),
                    "--json", "-")
        assert json.loads(done.stdout)["requests_completed"] > 0


def test_a_task_that_divides_by_zero_fails_its_request(programs, tmp_path):
    b = np.ones((8, 3), np.int32)
    b[5, 1] = 0
    np.savez(tmp_path / "in.npz", a=np.full(3, 7, np.int32), b=b)
    done = good("run", programs["divide"], "--requests", 8, "--inputs", tmp_path / "in.npz")
    assert "7 completed, 1 failed" in done.stdout
    assert "request 5 failed at divide/quotient (" in done.stdout
    assert "division by zero" in done.stdout


def test_stop_rules_end_with_3(programs, tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text("requests: 9\nstop: {max_cycles: 50}\n")
    done = octo_run("run", programs["profiled"], "--scenario", path)
    assert done.returncode == 3
    assert "`max_cycles`; raise it to go on" in done.stderr
    done = octo_run("compare", programs["profiled"], "--scenario", path)
    assert done.returncode == 3


def bad(message, *arguments):
    done = octo_run(*arguments)
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert message in done.stderr, done.stderr
    assert "error: " in done.stderr
    return done


@pytest.mark.parametrize("command", ["run", "compare", "check", "info"])
def test_bad_program_files(programs, tmp_path, command):
    whole = open(programs["mini"], "rb").read()
    path = tmp_path / "bad.octo"
    bad("No such file or directory", command, tmp_path / "none.octo")
    path.write_bytes(b"")
    bad("bad.octo", command, path)
    for size in (4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        bad("bad.octo", command, path)
    path.write_bytes(b"\x89PNG" + whole[4:])
    bad("bad.octo", command, path)


def test_flipped_bits_never_crash(programs, tmp_path):
    whole = open(programs["profiled"], "rb").read()
    random = np.random.default_rng(5)
    path = tmp_path / "flipped.octo"
    rejected = 0
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(int(random.integers(1, 4))):
            data[int(random.integers(len(data)))] ^= 1 << int(random.integers(8))
        path.write_bytes(bytes(data))
        done = octo_run("check", path)
        assert done.returncode in (0, 1), (done.returncode, done.stderr)
        if done.returncode == 1:
            assert "flipped.octo" in done.stderr and "error: " in done.stderr
        rejected += done.returncode
    assert rejected > 10


def test_future_version_says_what_to_do(programs, tmp_path):
    data = bytearray(open(programs["profiled"], "rb").read())
    root = struct.unpack_from("<I", data, 0)[0]
    vtable = root - struct.unpack_from("<i", data, root)[0]
    major = struct.unpack_from("<H", data, vtable + 4)[0]
    assert major and struct.unpack_from("<H", data, root + major)[0] == 1
    struct.pack_into("<H", data, root + major, 9)
    path = tmp_path / "future.octo"
    path.write_bytes(bytes(data))
    done = bad("future.octo", "run", path)
    assert "9" in done.stderr


def test_bad_options(programs, tmp_path):
    mini, profiled = programs["mini"], programs["profiled"]
    done = bad("magic", "run", profiled, "--policy", "magic")
    for name in ("static", "pool", "octopus"):
        assert name in done.stderr
    bad("magic", "compare", profiled, "--policies", "static,magic")
    bad("warp", "run", profiled, "--disable", "warp")
    bad("no code runs", "run", profiled, "--outputs", tmp_path / "o.npz")
    bad("cannot be read", "run", profiled, "--scenario", tmp_path / "none.yaml")
    bad("cannot be written", "run", profiled, "--json", tmp_path / "none" / "r.json")
    bad("cannot be written", "run", profiled, "--trace", tmp_path / "none" / "t.json")
    bad("cannot be written", "run", mini, "--outputs", tmp_path / "none" / "o.npz")
    bad("cannot be opened", "run", mini, "--inputs", tmp_path / "none.npy", tmp_path / "n.npy")
    np.savez(tmp_path / "wrong.npz", x=np.zeros(4, np.float32), m=1)
    bad("no argument `m`", "run", mini, "--inputs", tmp_path / "wrong.npz")
    path = tmp_path / "s.yaml"
    path.write_text("requests: 5\narrivals: {poison: {}}\n")
    bad("s.yaml:2:12: error: `arrivals`: unknown key `poison`; did you mean `poisson`?",
        "run", profiled, "--scenario", path)
    path.write_text("faults: ['cluster 3 at 1000']\n")
    bad("faults", "run", profiled, "--scenario", path)


def test_no_kernels_needs_timing_only(tmp_path):
    import octopus

    path = tmp_path / "m.octo"
    octopus.compile(conftest.workflow("divide"), target="edge", kernels=False).save(path)
    bad("use --timing-only", "run", path)
    good("run", path, "--timing-only", "--requests", 3)


def test_progress_is_silent_in_a_pipe(programs):
    done = good("run", programs["profiled"], "--requests", 5000)
    assert done.stderr == ""


def test_start_up_is_quick():
    import time

    times = []
    for _ in range(5):
        begin = time.perf_counter()
        good("--version")
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.1
