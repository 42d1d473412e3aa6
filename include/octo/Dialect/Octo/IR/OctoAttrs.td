//===----------------------------------------------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attributes and enumerations of the dialect `octo`.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OCTO_IR_OCTOATTRS_TD
#define OCTO_DIALECT_OCTO_IR_OCTOATTRS_TD

include "octo/Dialect/Octo/IR/OctoDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

//===----------------------------------------------------------------------===//
// Enumerations; numbers as in the program file
//===----------------------------------------------------------------------===//

class Octo_Enum<string name, string text, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, text, cases> {
  let cppNamespace = "::octo::spatial";
  let genSpecializedAttr = 0;
}

def Octo_KernelKind : Octo_Enum<"KernelKind", "kind of a kernel", [
  I32EnumAttrCase<"Image", 0, "image">,
  I32EnumAttrCase<"Profiled", 1, "profiled">,
  I32EnumAttrCase<"Join", 2, "join">]>;

def Octo_PeaClass : Octo_Enum<"PeaClass", "class of PEAs", [
  I32EnumAttrCase<"Matrix", 0, "matrix">,
  I32EnumAttrCase<"Vector", 1, "vector">,
  I32EnumAttrCase<"General", 2, "general">]>;

def Octo_WorkClass : Octo_Enum<"WorkClass", "class of work", [
  I32EnumAttrCase<"Mac", 0, "mac">,
  I32EnumAttrCase<"Vector", 1, "vector">,
  I32EnumAttrCase<"Special", 2, "special">,
  I32EnumAttrCase<"Scalar", 3, "scalar">,
  I32EnumAttrCase<"Bytes", 4, "bytes">]>;

def Octo_Combine : Octo_Enum<"Combine", "how results are combined", [
  I32EnumAttrCase<"None", 0, "none">,
  I32EnumAttrCase<"Concat", 1, "concat">,
  I32EnumAttrCase<"Add", 2, "add">,
  I32EnumAttrCase<"Max", 3, "max">,
  I32EnumAttrCase<"Min", 4, "min">]>;

def Octo_Dataflow : Octo_Enum<"Dataflow", "what stays in a PE array", [
  I32EnumAttrCase<"None", 0, "none">,
  I32EnumAttrCase<"WeightStationary", 1, "ws">,
  I32EnumAttrCase<"OutputStationary", 2, "os">,
  I32EnumAttrCase<"InputStationary", 3, "is">]>;

def Octo_Routing : Octo_Enum<"Routing", "rule that picks a replica", [
  I32EnumAttrCase<"ByRequest", 0, "by_request">,
  I32EnumAttrCase<"ByCopy", 1, "by_copy">]>;

def Octo_DecisionKind : Octo_Enum<"DecisionKind", "what was decided", [
  I32EnumAttrCase<"Share", 0, "share">,
  I32EnumAttrCase<"Home", 1, "home">,
  I32EnumAttrCase<"Slot", 2, "slot">,
  I32EnumAttrCase<"Class", 3, "class">]>;

def Octo_Outcome : Octo_Enum<"Outcome", "what became of a candidate", [
  I32EnumAttrCase<"Chosen", 0, "chosen">,
  I32EnumAttrCase<"Worse", 1, "worse">,
  I32EnumAttrCase<"NoCapacity", 2, "no_capacity">,
  I32EnumAttrCase<"Defect", 3, "defect">,
  I32EnumAttrCase<"Pinned", 4, "pinned">,
  I32EnumAttrCase<"NoRoute", 5, "no_route">]>;

// The role of a scope; no attribute has it.
def Octo_ScopeRole : Octo_Enum<"ScopeRole", "role of a scope", [
  I32EnumAttrCase<"Body", 0, "body">,
  I32EnumAttrCase<"Case", 1, "case">,
  I32EnumAttrCase<"Member", 2, "member">,
  I32EnumAttrCase<"Before", 3, "before">,
  I32EnumAttrCase<"After", 4, "after">,
  I32EnumAttrCase<"Each", 5, "each">]>;

class Octo_EnumAttr<EnumAttrInfo info, string enumMnemonic>
    : EnumAttr<Octo_Dialect, info, enumMnemonic> {
  let assemblyFormat = "`<` $value `>`";
}
def Octo_KernelKindAttr : Octo_EnumAttr<Octo_KernelKind, "kernel_kind">;
def Octo_PeaClassAttr : Octo_EnumAttr<Octo_PeaClass, "pea_class">;
def Octo_CombineAttr : Octo_EnumAttr<Octo_Combine, "combine">;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

class Octo_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Octo_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def Octo_CurveAttr : Octo_Attr<"Curve", "curve"> {
  let summary = "the shape of an integer inverse distribution function";
  let description = [{
    Knots of (u, x): a draw u, uniform in [0, 2^64), finds its knots by
    bisection and interpolates x linearly; `discrete`: no interpolation.

    Example: `#octo.curve<discrete, [0: 0, 9223372036854775808: 1]>`.
  }];
  let parameters = (ins ArrayRefParameter<"uint64_t">:$u,
                        ArrayRefParameter<"int64_t">:$x,
                        "bool":$discrete);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Octo_DistributionAttr : Octo_Attr<"Distribution", "dist"> {
  let summary = "an integer inverse distribution function";
  let description = [{
    What a draw gives is x of the curve times `scale` / 2^40 plus `shift` / 2^16,
    rounded to the nearest integer and at least 0; x itself where neither is
    given. The mean comes with it, in 1/65536 units, for estimates.

    Examples: `#octo.dist<100>` (always 100);
    `#octo.dist<#octo.curve<discrete, [0: 0, 9223372036854775808: 1]>,
    mean_q16 = 32768>`;
    `#octo.dist<#octo.curve<[0: 0, 18446744073709551615: 16777216]>,
    mean_q16 = 393216000, scale = 131072000, shift = 327680000>` (uniform from
    5000 to 7000).
  }];
  let parameters = (ins "::octo::spatial::CurveAttr":$curve,
                        "uint64_t":$meanQ16, "uint64_t":$scale,
                        "int64_t":$shift);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let builders = [
    // Always `value` (at least 0).
    AttrBuilder<(ins "int64_t":$value)>
  ];
  let extraClassDeclaration = [{
    /// The value at `draw`, uniform in [0, 2^64).
    int64_t sample(uint64_t draw) const;
    /// True if every draw gives the same value.
    bool isConstant() const { return sample(0) == sample(~uint64_t(0)); }
  }];
}

def Octo_ProfileAttr : Octo_Attr<"Profile", "profile"> {
  let summary = "what a block takes or decides, by request";
  let description = [{
    A list of epochs: from request `from` on, these numbers hold. `draw` is the
    distribution of the cycles on one PEA (task), the trips (loop) or the copies
    (fan-out). `frequencies` are the probabilities of the cases of a switch
    (their sum is 2^32) or of the members of a select (each by itself), in
    2^-32.

    Example: `#octo.profile<[{draw = #octo.dist<100>} ]>`,
    `#octo.profile<[{frequencies = [3221225472, 1073741824]},
    {from = 500, frequencies = [1073741824, 3221225472]} ]>`.
  }];
  let parameters = (ins ArrayRefParameter<"::octo::spatial::Epoch">:$epochs);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let builders = [
    // One epoch with a distribution.
    AttrBuilder<(ins "::octo::spatial::DistributionAttr":$draw)>
  ];
}

def Octo_WorkAttr : Octo_Attr<"Work", "work"> {
  let summary = "one term of the work of a kernel";
  let description = [{
    `coefficient` times the product of the symbols, in operations of the class.
    `dim(i, d)` is the size of dimension d of input i, `counter(c)` the c-th
    count that the kernel returns. Terms of one class add up.

    Example: `#octo.work<mac, 64, [dim(0, 0), counter(0)]>`.
  }];
  let parameters = (ins EnumParameter<Octo_WorkClass>:$workClass,
                        "uint64_t":$coefficient,
                        OptionalArrayRefParameter<"uint32_t">:$symbols);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    static uint32_t dimSymbol(unsigned input, unsigned dim) {
      return (input << 8) | dim;
    }
    static uint32_t counterSymbol(unsigned counter) {
      return 0x80000000u | counter;
    }
  }];
}

def Octo_MapAttr : Octo_Attr<"Map", "map"> {
  let summary = "how a phase of a kernel lies on a gang";
  let description = [{
    What stays in the arrays (`ws`: the second operand, the weights; `is`: the
    first; `os`: the result; `none`: no array), how many parts the products
    (`count`) and their dimensions are cut into, at most as many together as the
    gang has PEAs, and the tiles in which what does not fit streams through the
    SRAM (0: whole).

    Example: `#octo.map<dataflow = os, m = 4>`.
  }];
  let parameters = (ins
      DefaultValuedParameter<"::octo::spatial::Dataflow",
          "::octo::spatial::Dataflow::None">:$dataflow,
      DefaultValuedParameter<"uint16_t", "1">:$count,
      DefaultValuedParameter<"uint16_t", "1">:$m,
      DefaultValuedParameter<"uint16_t", "1">:$n,
      DefaultValuedParameter<"uint16_t", "1">:$k,
      DefaultValuedParameter<"uint32_t", "0">:$tile_m,
      DefaultValuedParameter<"uint32_t", "0">:$tile_n,
      DefaultValuedParameter<"uint32_t", "0">:$tile_k);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Octo_VariantAttr : Octo_Attr<"Variant", "variant"> {
  let summary = "timing of a kernel on a gang of a given size";
  let description = [{
    See `Variant` in the program file's schema and docs/timing-model.md: costs
    are cycles an operation in 1/65536, `footprint` is bytes in the SRAM of each
    PEA of the gang, `scale_q16` scales drawn cycles, `sync` is spent once an
    execution of a phase that has parts. `maps` has a `#octo.map` for each phase
    of the kernel, or is left out.

    Example: `#octo.variant<gang = 2, scale_q16 = 36044>`.
  }];
  let parameters = (ins "uint16_t":$gang,
      DefaultValuedParameter<"uint64_t", "0">:$fixed,
      DefaultValuedParameter<"uint64_t", "0">:$mac_q16,
      DefaultValuedParameter<"uint64_t", "0">:$vector_q16,
      DefaultValuedParameter<"uint64_t", "0">:$special_q16,
      DefaultValuedParameter<"uint64_t", "0">:$scalar_q16,
      DefaultValuedParameter<"uint64_t", "0">:$bytes_q16,
      DefaultValuedParameter<"uint64_t", "0">:$scale_q16,
      DefaultValuedParameter<"uint64_t", "0">:$footprint,
      DefaultValuedParameter<"uint32_t", "0">:$sync,
      OptionalParameter<"::mlir::ArrayAttr">:$maps);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Octo_ScalingAttr : Octo_Attr<"Scaling", "scaling"> {
  let summary = "how a profiled kernel speeds up with its gang";
  let description = [{
    On p PEAs, p at most `max_gang` (0: as many as a TBU has), the kernel is
    p^(alpha / 1000) times as fast as on one. `state_bytes` is its footprint.

    Example: `#octo.scaling<alpha_permille = 900, max_gang = 4>`.
  }];
  let parameters = (ins
      DefaultValuedParameter<"uint32_t", "0">:$alpha_permille,
      DefaultValuedParameter<"uint32_t", "0">:$max_gang,
      DefaultValuedParameter<"uint64_t", "0">:$state_bytes);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Octo_PinAttr : Octo_Attr<"Pin", "pin"> {
  let summary = "where the user wants a block";
  let description = [{
    The allocator honours what is present: a cluster, a TBU of it, a gang, the
    largest gang.

    Example: `#octo.pin<cluster = 3, tbu = 1, gang = 2>`.
  }];
  let parameters = (ins OptionalParameter<"std::optional<uint32_t>">:$cluster,
                        OptionalParameter<"std::optional<uint32_t>">:$tbu,
                        OptionalParameter<"std::optional<uint32_t>">:$gang,
                        OptionalParameter<"std::optional<uint32_t>">:$max_gang);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Octo_PlaceAttr : Octo_Attr<"Place", "place"> {
  let summary = "where the instances of a block run";
  let description = [{
    A set of replicas and the rule that picks one. A replica of a task is a range
    of PEAs of a TBU of a cluster, the most PEAs an elastic policy may give it,
    and the part of those PEAs' time planned for it (1/65536); that of a
    control block is the CBU of a cluster. `standby` replicas are targets of
    migration.

    Example: `#octo.place<[{cluster 3, tbu 1, pea 0 + 2, max 4, share 65536},
    {cluster 4, tbu 1, pea 0 + 2, max 4, share 0, standby} ], by_request>`,
    `#octo.place<[{cluster 0} ]>`.
  }];
  let parameters = (ins ArrayRefParameter<"::octo::spatial::Replica">:$replicas,
                        EnumParameter<Octo_Routing>:$routing);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Octo_SlotAttr : Octo_Attr<"Slot", "slot"> {
  let summary = "when a static task runs, within its segment";
  let description = [{
    `segment` is the number of the `octo.segment` op (in order, from 0),
    `replica` the block's replica in lane 0, `start` in cycles after the
    activation of the segment.

    Example: `#octo.slot<segment = 0, replica = 0, start = 100, cycles = 50>`.
  }];
  let parameters = (ins "uint32_t":$segment, "uint32_t":$replica,
                        "uint64_t":$start, "uint64_t":$cycles);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Octo_PolicyAttr : Octo_Attr<"Policy", "policy"> {
  let summary = "the run-time tables' row of a block";
  let description = [{
    Class in time and in frequency with its reason; `priority` is the upward
    rank with communication in cycles; expectations are for one instance on one
    PEA (cycles) and for one request (instances, in 1/65536); `variation_q16` is
    the spread: the variance of the cycles that one request asks of the block
    over the square of their mean; `tail` is what those cycles do not exceed in
    most requests (`#octo.request_work` says in how many; a program file carries
    neither); `next` are the numbers of likely next blocks, for prefetch.

    Example: `#octo.policy<static_time, dynamic_frequency, "trip count of w/l",
    priority = 900, cycles = 100, p95 = 120, count_q16 = 65536, next = [4, 5]>`.
  }];
  let parameters = (ins "bool":$dynamicTime, "bool":$dynamicFrequency,
                        "::mlir::StringAttr":$reason, "uint64_t":$priority,
                        "uint64_t":$expectedCycles,
                        "uint64_t":$expectedCyclesP95,
                        "uint64_t":$expectedCountQ16,
                        "uint64_t":$variationQ16, "uint64_t":$tail,
                        OptionalArrayRefParameter<"uint32_t">:$next);
  let hasCustomAssemblyFormat = 1;
}

def Octo_RequestWorkAttr : Octo_Attr<"RequestWork", "request_work"> {
  let summary = "the work of all tasks of a request, with its tail";
  let description = [{
    Cycles on one PEA: the expected sum over all tasks, its standard deviation,
    and the `tail` that `percent` % of the requests do not exceed (as `tail` of
    every `#octo.policy`). Stands as `octo.request_work` on `octo.program`; a
    program file does not carry it. docs/scheduling.md says how it is found.

    Example: `#octo.request_work<cycles = 900, deviation = 300, tail = 1742,
    percent = 9.900000e+01 : f64>`.
  }];
  let parameters = (ins "uint64_t":$cycles, "uint64_t":$deviation,
                        "uint64_t":$tail, "::mlir::FloatAttr":$percent);
  let assemblyFormat = "`<` struct(params) `>`";
  let extraClassDeclaration = [{
    static ::llvm::StringRef attrName() { return "octo.request_work"; }
  }];
}

def Octo_RequestPathAttr : Octo_Attr<"RequestPath", "request_path"> {
  let summary = "the critical path of a request, with its tail";
  let description = [{
    Cycles from the arrival of a request that is alone on the machine to its
    end: the mean over the `samples` requests that were drawn, the standard
    deviation, and the `tail` that `percent` % do not exceed. Stands as
    `octo.request_path` on `octo.program`; a program file keeps `percent` to
    four decimals. docs/scheduling.md says how it is found.

    Example: `#octo.request_path<cycles = 700, deviation = 90, tail = 980,
    percent = 9.900000e+01 : f64, samples = 4096>`.
  }];
  let parameters = (ins "uint64_t":$cycles, "uint64_t":$deviation,
                        "uint64_t":$tail, "::mlir::FloatAttr":$percent,
                        "uint32_t":$samples);
  let assemblyFormat = "`<` struct(params) `>`";
  let extraClassDeclaration = [{
    static ::llvm::StringRef attrName() { return "octo.request_path"; }
  }];
}

def Octo_DecisionAttr : Octo_Attr<"Decision", "decision"> {
  let summary = "why the compiler decided as it did";
  let description = [{
    The candidates of one decision about a block, with scores (lower is better;
    cycles or byte-hops by kind) and what became of each.

    Example: `#octo.decision<home, [{cluster 3, tbu 1, gang 2, score 40, chosen},
    {cluster 2, tbu 0, gang 2, score 80, worse} ]>`.
  }];
  let parameters = (ins EnumParameter<Octo_DecisionKind>:$kind,
      OptionalArrayRefParameter<"::octo::spatial::Candidate">:$candidates);
  let hasCustomAssemblyFormat = 1;
}

def Octo_DecisionArrayAttr
    : TypedArrayAttrBase<Octo_DecisionAttr, "decisions of the compiler">;
def Octo_VariantArrayAttr
    : TypedArrayAttrBase<Octo_VariantAttr, "variants of a kernel">;
def Octo_WorkArrayAttr : TypedArrayAttrBase<Octo_WorkAttr, "terms of work">;
// Phases and sizes are those of the dialect owg, whose description of work the
// kernels keep.
def Octo_PhaseArrayAttr : TypedArrayAttrBase<
    Attr<CPred<"::llvm::isa<::octo::owg::PhaseAttr>($_self)">, "#owg.phase">,
    "phases">;
def Octo_SizeArrayAttr : TypedArrayAttrBase<
    Attr<CPred<"::llvm::isa<::octo::owg::SizeAttr>($_self)">, "#owg.size">,
    "derived sizes">;

#endif // OCTO_DIALECT_OCTO_IR_OCTOATTRS_TD
