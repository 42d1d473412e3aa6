#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cycle counts of SCALE-Sim for layers that everybody knows.

Runs the SCALE-Sim package itself (PyPI `scalesim`, the version below) on the
layers of ResNet-50, on the products of a GPT-2 block and on 40 random products,
for the weight-, output- and input-stationary dataflow, and writes
test/data/scalesim.csv, which test/unit/Program compares with our formulas.

    python3 -m venv venv && venv/bin/pip install scalesim==3.0.0 "numpy<2"
    venv/bin/python bench/scalesim_reference.py -o test/data/scalesim.csv

Columns: name, rows, cols (of the array), m, n, k (the layer as a product: pixels
x channels x window), dataflow, cycles (SCALE-Sim's, stalls aside), stalls,
method. `full` rows come from a run of the whole simulator (compute and memory
system, bandwidth mode CALC); `compute` rows, the layers whose traces are long,
from its compute system alone: the number of lines of its demand matrices, less
one as the simulator counts. Both give the same count; `--check` says so for
every layer that was run in full.

Without the package it says so and exits with 77, which test runners take as
"skipped".
"""
import argparse
import csv
import datetime
import random
import sys
import tempfile

VERSION = "3.0.0"
DATAFLOWS = ("ws", "os", "is")
CONFIG = """[general]
run_name = octopus
[architecture_presets]
ArrayHeight : {rows}
ArrayWidth : {cols}
IfmapSramSzkB : 65536
FilterSramSzkB : 65536
OfmapSramSzkB : 65536
IfmapOffset : 0
FilterOffset : 100000000
OfmapOffset : 200000000
Bandwidth : 10
Dataflow : {dataflow}
MemoryBanks : 1
ReadRequestBuffer : 32
WriteRequestBuffer : 32
[layout]
IfmapCustomLayout : False
IfmapSRAMBankBandwidth : 10
IfmapSRAMBankNum : 10
IfmapSRAMBankPort : 2
FilterCustomLayout : False
FilterSRAMBankBandwidth : 10
FilterSRAMBankNum : 10
FilterSRAMBankPort : 2
[sparsity]
SparsitySupport : false
SparseRep : ellpack_block
OptimizedMapping : false
BlockSize : 8
RandomNumberGeneratorSeed : 40
[run_presets]
InterfaceBandwidth: CALC
UseRamulatorTrace: False
"""


def resnet50():
    """(name, input size with padding, window, channels in and out, stride)"""
    layers = [("resnet50/conv1", 230, 7, 3, 64, 2)]
    size, channels = 56, 64
    for stage, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)], 2):
        for block in range(blocks):
            stride = 2 if block == 0 and stage > 2 else 1
            out = size // stride
            if block < 2:  # the others repeat the second
                name = f"resnet50/conv{stage}_{block + 1}"
                layers += [
                    (name + "a", size, 1, channels, width, 1),
                    (name + "b", size + 2, 3, width, width, stride),
                    (name + "c", out, 1, width, 4 * width, 1),
                ]
                if block == 0:
                    layers.append((name + "s", size, 1, channels, 4 * width, stride))
            size, channels = out, 4 * width
    return layers


def products():
    """(name, rows, cols, m, n, k)"""
    tokens, d = 128, 768
    gemms = [
        ("gpt2/qkv", 32, 32, tokens, 3 * d, d),
        ("gpt2/scores", 32, 32, tokens, tokens, 64),
        ("gpt2/values", 32, 32, tokens, 64, tokens),
        ("gpt2/project", 32, 32, tokens, d, d),
        ("gpt2/up", 32, 32, tokens, 4 * d, d),
        ("gpt2/down", 32, 32, tokens, d, 4 * d),
        ("resnet50/fc", 32, 32, 1, 1000, 2048),
    ]
    rng = random.Random(20405)
    for i in range(40):
        rows, cols = rng.choice([(8, 8), (16, 16), (32, 32), (16, 64), (24, 8)])
        m, n, k = (int(2 ** rng.uniform(0, 8.5)) for _ in range(3))
        gemms.append((f"random/{i}", rows, cols, m, n, k))
    return gemms


def run_layer(folder, entry, is_gemm, rows, cols, dataflow, lines, check):
    """(cycles, stalls, method)"""
    from scalesim.layout_utils import layouts
    from scalesim.scale_config import scale_config
    from scalesim.single_layer_sim import single_layer_sim
    from scalesim.topology_utils import topologies

    config_file = folder + "/scale.cfg"
    with open(config_file, "w") as f:
        f.write(CONFIG.format(rows=rows, cols=cols, dataflow=dataflow))
    topology_file = folder + "/topology.csv"
    with open(topology_file, "w") as f:
        if is_gemm:
            f.write("Layer, M, N, K,\n" + ", ".join(map(str, entry)) + ",\n")
        else:
            name, size, window, channels, out, stride = entry
            # SCALE-Sim rounds the number of window positions up, layers round it
            # down: give it the rows and columns that windows touch.
            size = (size - window) // stride * stride + window
            f.write("Layer, IFMAP Height, IFMAP Width, Filter Height, Filter Width, "
                    "Channels, Num Filter, Strides,\n")
            f.write(f"{name}, {size}, {size}, {window}, {window}, {channels}, {out}, "
                    f"{stride},\n")
    config = scale_config()
    config.read_conf_file(config_file)
    topology = topologies()
    topology.load_arrays(topology_file, mnk_inputs=is_gemm)
    sim = single_layer_sim()
    sim.set_params(layer_id=0, config_obj=config, topology_obj=topology,
                   layout_obj=layouts(), verbose=False)

    def compute_only():
        _, ifmap = sim.op_mat_obj.get_ifmap_matrix()
        _, filters = sim.op_mat_obj.get_filter_matrix()
        _, ofmap = sim.op_mat_obj.get_ofmap_matrix()
        sim.compute_system.set_params(config_obj=config, ifmap_op_mat=ifmap,
                                      filter_op_mat=filters, ofmap_op_mat=ofmap)
        return sim.compute_system.get_demand_matrices()[2].shape[0] - 1

    if lines > 60000:
        return compute_only(), 0, "compute"
    sim.run()
    sim.calc_report_data()
    cycles = int(sim.total_cycles - sim.stall_cycles)
    if check:
        again = single_layer_sim()
        again.set_params(layer_id=0, config_obj=config, topology_obj=topology,
                         layout_obj=layouts(), verbose=False)
        sim = again
        alone = compute_only()
        if alone != cycles:
            print(f"{entry}: {dataflow}: {cycles} in full, {alone} by the compute "
                  "system alone", file=sys.stderr)
    return cycles, int(sim.stall_cycles), "full"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", default="-", help="CSV file (default: stdout)")
    parser.add_argument("--only", default="", help="layers whose name contains this")
    parser.add_argument("--check", action="store_true",
                        help="compare full runs with the compute system alone")
    args = parser.parse_args()
    try:
        import importlib.metadata

        version = importlib.metadata.version("scalesim")
    except importlib.metadata.PackageNotFoundError:
        print("scalesim is not installed: pip install scalesim==" + VERSION)
        return 77
    if version != VERSION:
        print(f"scalesim {version} is installed, the reference is {VERSION}")
        return 77

    jobs = []
    for entry in resnet50():
        name, size, window, channels, out, stride = entry
        pixels = ((size - window) // stride + 1) ** 2
        jobs.append((name, 32, 32, pixels, out, window * window * channels, entry, False))
    for name, rows, cols, m, n, k in products():
        jobs.append((name, rows, cols, m, n, k, (name, m, n, k), True))
    out = sys.stdout if args.output == "-" else open(args.output, "w", newline="")
    out.write(f"# scalesim {version}, {datetime.date.today().isoformat()}, "
              "bench/scalesim_reference.py\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow("name rows cols m n k dataflow cycles stalls method".split())
    with tempfile.TemporaryDirectory() as folder:
        for name, rows, cols, m, n, k, entry, is_gemm in jobs:
            if args.only not in name:
                continue
            for dataflow in DATAFLOWS:
                # About how long the traces get, to choose the method.
                lines = m * n * k // (rows * cols) * 2
                cycles, stalls, method = run_layer(folder, entry, is_gemm, rows, cols,
                                                   dataflow, lines, args.check)
                writer.writerow([name, rows, cols, m, n, k, dataflow, cycles, stalls, method])
                out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
