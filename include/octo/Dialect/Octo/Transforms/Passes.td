//===- Passes.td - Passes on the octo dialect --------------*- tablegen -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where and when: the machine, places, timetables, run-time tables, checks.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OCTO_TRANSFORMS_PASSES_TD
#define OCTO_DIALECT_OCTO_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

// Assumptions that all passes which estimate costs share.
class Octo_EstimatePass<string name> : Pass<name, "::mlir::ModuleOp"> {
  list<Option> estimateOptions = [
    Option<"defaultDim", "default-dim", "unsigned", /*default=*/"64",
           "size that an unknown dimension of an input is expected to have">,
    Option<"defaultTrips", "default-trips", "unsigned", /*default=*/"8",
           "trips or copies that a block without profile is expected to have">
  ];
  let dependentDialects = ["::octo::spatial::OctoDialect",
                           "::octo::owg::OWGDialect"];
}

def OctoSetMachine : Pass<"octo-set-machine", "::mlir::ModuleOp"> {
  let summary = "make a target file the machine of the module";
  let description = [{
    Puts an `octo.machine` that states the target at the beginning of the module,
    in place of one that is there, and makes every `octo.program` one for it.
  }];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"\"",
           "the target file">
  ];
  let dependentDialects = ["::octo::spatial::OctoDialect"];
}

def OctoAllocatePeas : Octo_EstimatePass<"octo-allocate-peas"> {
  let summary = "shares of PEAs and homes of blocks";
  let description = [{
    Gives every kernel without variants its variants for the machine, and every
    block its `place`: replicas that fill the machine, shares in proportion to
    expected work, homes near the blocks that they exchange data with. Where a
    lane has several clusters, homes are chosen in two ways: by when a task would
    end, and by how far its data travels (a partition mapped onto the mesh). The
    second is kept if data travels less for it, and neither a request alone takes
    more than `map-loss` longer nor the busiest PEA is that much busier. Honours
    pins and defects. Places that are there are decided anew. What cannot be
    placed is an error that states the need, what the machine has, and a remedy.
  }];
  let options = estimateOptions # [
    Option<"lanes", "lanes", "unsigned", /*default=*/"0",
           "copies of the workflow on the machine (0: as many as make sense)">,
    Option<"gangEfficiency", "gang-efficiency", "double", /*default=*/"0.7",
           "least parallel efficiency of a fixed gang">,
    Option<"loadSlack", "load-slack", "double", /*default=*/"0.25",
           "load of a PEA over its fair share that a better place is worth">,
    Option<"standby", "standby", "unsigned", /*default=*/"1",
           "standby replicas of tasks of dynamic frequency with one home">,
    Option<"mapByData", "map-by-data", "bool", /*default=*/"true",
           "try homes by data, too, where a lane has several clusters">,
    Option<"mapMostBlocks", "map-most-blocks", "unsigned", /*default=*/"32768",
           "larger graphs are homed by time only, for the time that it takes">,
    Option<"mapLoss", "map-loss", "double", /*default=*/"0.01",
           "how much longer a request may take, or busier a PEA be, for that">,
    Option<"decisions", "decisions", "std::string", /*default=*/"\"auto\"",
           "record candidates and scores: on, off, auto (up to 20,000 blocks)">
  ];
}

def OctoStaticSchedule : Octo_EstimatePass<"octo-static-schedule"> {
  let summary = "timetables of static tasks";
  let description = [{
    Finds the segments (static tasks of a scope that nothing dynamic separates)
    and gives each an `octo.segment` and each of its tasks a `slot`, by list
    scheduling in the order of the upward rank with insertion. Then a local
    search shortens the timetables: it changes the order, and moves tasks that
    are not pinned to other PEAs of the lane, in all lanes alike, where that
    ends a segment sooner and loads no PEA more than `load-slack` over its fair
    share (or more than the busiest one is loaded already). Shares follow.
    Streamed flows overlap their tasks; a program that has some is not searched.
    Replaces timetables that are there. Needs places.
  }];
  let options = estimateOptions # [
    Option<"insertionDepth", "insertion-depth", "unsigned", /*default=*/"32",
           "gaps of a PEA's timetable that are tried for each slot">,
    Option<"searchSteps", "search-steps", "uint64_t", /*default=*/"1000000",
           "budget of the search: places tried for a task (0: no search)">,
    Option<"seed", "seed", "uint64_t", /*default=*/"1",
           "seed of the search">,
    Option<"rehome", "rehome", "bool", /*default=*/"true",
           "tasks of a timetable may move to other PEAs">,
    Option<"loadSlack", "load-slack", "double", /*default=*/"0.25",
           "load of a PEA over its fair share that a shorter timetable is worth">
  ];
}

def OctoFindStreams : Pass<"octo-find-streams", "::mlir::ModuleOp"> {
  let summary = "which kernels can run row by row";
  let description = [{
    Derives from the body of each kernel which inputs it can take, and whether it
    makes its outputs, row by row in order, a row being an index of the outermost
    dimension: that dimension must be known, the same for all results, and a
    parallel loop of every operation; an input counts if each operation that uses
    it, or what becomes of it, takes its rows in this loop only. Reductions over
    rows, shifted, permuted or data-dependent rows, scalars from tensors and
    control flow need a value as a whole; whatever of that costs work before the
    first row keeps the outputs whole too. The result is the attribute
    `octo.rows` of the `octo.kernel`. On a profiled task it is the user who says
    so, with the same attribute on the `owg.task`:

    ```
    octo.rows = {rows = 64 : i64, inputs = array<i32: 0>, outputs = array<i32: 0>}
    ```

    Runs while bodies are functions: before octo-lower-kernels.
  }];
  let dependentDialects = ["::octo::spatial::OctoDialect"];
}

def OctoStreamFlows : Octo_EstimatePass<"octo-stream-flows"> {
  let summary = "flows within a segment that go in chunks";
  let description = [{
    Makes flows between tasks of one segment streamed (`octo.flow ... streamed`)
    that are made and used row by row (`octo.rows`), so that the consumer overlaps
    its producer, and times the segment anew, in the order that it has. The
    number of chunks is the largest divisor of the rows with which the head of a
    chunk's transfer and a dispatch are within `overhead` of its compute. A flow
    stays whole where its tasks share PEAs, where its consumer would be spread over
    more than `stretch` times its cycles, and where the segment's timetable does
    not become shorter or its activations would be further apart. Buffers take
    what the timetable needs and one chunk more, and are never so small that
    streams can wait for each other for ever. Needs timetables; streams and
    timetables that were written by hand stay.
  }];
  let options = estimateOptions # [
    Option<"maxChunks", "max-chunks", "unsigned", /*default=*/"16",
           "most chunks of a flow, 2 to 16">,
    Option<"buffer", "buffer", "unsigned", /*default=*/"0",
           "most chunks that a buffer takes (0: what the timetable needs)">,
    Option<"overhead", "overhead", "double", /*default=*/"0.125",
           "part of a chunk's compute that its transfer may add">,
    Option<"stretch", "stretch", "double", /*default=*/"2.0",
           "length of a slot with streams against the work in it">,
    Option<"record", "record", "bool", /*default=*/"false",
           "keep for each flow why it is streamed or not">
  ];
}

def OctoRuntimeTables : Octo_EstimatePass<"octo-runtime-tables"> {
  let summary = "tables for the run-time scheduler";
  let description = [{
    Gives every block its `policy`: class with reason, priority (upward rank with
    communication), expected cycles and instances, the tail of the work that a
    request asks of it, likely next blocks; and the program its epoch and ageing
    constant, and the expected work of a request and its critical path, with
    their tails (`octo.request_work`, `octo.request_path`). Needs places.
  }];
  let options = estimateOptions # [
    Option<"epochCycles", "epoch-cycles", "uint64_t", /*default=*/"0",
           "period of the coarse scheduler (0: 32 mean task times)">,
    Option<"ageCycles", "age-cycles", "uint64_t", /*default=*/"0",
           "ageing constant of affinity (0: 4 loads of the median kernel)">,
    Option<"tailPercent", "tail-percent", "double", /*default=*/"99",
           "requests that stay within the tails told, 50 to 99.9999">
  ];
}

def OctoVerifySchedule : Octo_EstimatePass<"octo-verify-schedule"> {
  let summary = "independent checker of places, timetables and tables";
  let description = [{
    Checks everything that the passes before it, or a person, decided: see
    `octo::sched::verifyPlacement` and `verifySchedule`, and that every block has
    its row in the run-time tables. Changes nothing. Every broken rule is an
    error at the block, with notes at the other blocks involved.
  }];
  let options = estimateOptions # [
    Option<"limit", "limit", "unsigned", /*default=*/"16",
           "errors after which it stops looking">
  ];
}

#endif // OCTO_DIALECT_OCTO_TRANSFORMS_PASSES_TD
