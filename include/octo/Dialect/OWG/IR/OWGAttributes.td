//===- OWGAttributes.td - Profiles, pins, sources ----------*- tablegen -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a user knows about a block beyond its code: measured behaviour, where it
// must run, where it came from.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OWG_IR_OWGATTRIBUTES_TD
#define OCTO_DIALECT_OWG_IR_OWGATTRIBUTES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "octo/Dialect/OWG/IR/OWGCost.td"
include "octo/Dialect/OWG/IR/OWGDialect.td"

//===----------------------------------------------------------------------===//
// Enums
//===----------------------------------------------------------------------===//

def OWG_DistributionKind : I32Enum<"DistributionKind",
    "kind of a distribution", [
      I32EnumCase<"Const", 0, "const">,
      I32EnumCase<"Uniform", 1, "uniform">,
      I32EnumCase<"Exp", 2, "exp">,
      I32EnumCase<"Normal", 3, "normal">,
      I32EnumCase<"LogNormal", 4, "lognormal">,
      I32EnumCase<"Geometric", 5, "geometric">,
      I32EnumCase<"Bernoulli", 6, "bernoulli">,
      I32EnumCase<"Empirical", 7, "empirical">,
    ]> {
  let cppNamespace = "::octo::owg";
}

def OWG_CombineKind : I32Enum<"CombineKind",
    "how the results of several members or copies become one", [
      I32EnumCase<"Add", 0, "add">,
      I32EnumCase<"Concat", 1, "concat">,
      I32EnumCase<"Max", 2, "max">,
      I32EnumCase<"Min", 3, "min">,
    ]> {
  let cppNamespace = "::octo::owg";
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

class OWG_Attr<string name, string attrMnemonic>
    : AttrDef<OWG_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def OWG_DistributionAttr : OWG_Attr<"Distribution", "dist"> {
  let summary = "a distribution of a non-negative quantity";
  let description = [{
    | syntax | meaning | mean |
    |---|---|---|
    | `const<x>` | always x | x |
    | `uniform<a, b>` | evenly in [a, b] | (a + b) / 2 |
    | `exp<m>` | exponential with mean m | m |
    | `normal<m, sd>` | normal, cut below at 0 (a draw below 0 is 0) | m, to first order |
    | `lognormal<m, cv>` | log-normal with mean m and coefficient of variation cv | m |
    | `geometric<p>` | failures before the first success of probability p: 0, 1, … | (1 - p) / p |
    | `bernoulli<p>` | 1 with probability p, else 0 | p |
    | `empirical<[v…], [w…]>` | one of the values, with the given weights (without weights: evenly) | weighted mean |

    The unit is that of the entry of the profile it stands in. Where an integer
    is needed (cycles, trips, counts, bytes) draws are rounded to nearest.

    ```
    #owg.dist<lognormal<12000, 0.4>>
    #owg.dist<empirical<[100, 900], [0.75, 0.25]>>
    ```
  }];
  // For `empirical` the values stand first, then as many weights.
  let parameters = (ins "::octo::owg::DistributionKind":$kind,
                        "::mlir::DenseF64ArrayAttr":$parameters);
  let builders = [
    AttrBuilder<(ins "::octo::owg::DistributionKind":$kind,
                     "::llvm::ArrayRef<double>":$parameters), [{
      return $_get($_ctxt, kind,
                   ::mlir::DenseF64ArrayAttr::get($_ctxt, parameters));
    }]>
  ];
  let genVerifyDecl = 1;
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    static DistributionAttr getConst(::mlir::MLIRContext *context, double x);
    /// `weights` may be empty (even weights) or have the length of `values`.
    static DistributionAttr getEmpirical(::mlir::MLIRContext *context,
                                         ::llvm::ArrayRef<double> values,
                                         ::llvm::ArrayRef<double> weights);
    /// The values and weights of an empirical distribution.
    ::llvm::ArrayRef<double> getValues() const;
    ::llvm::ArrayRef<double> getWeights() const;
    double getMean() const;
    /// Standard deviation over mean; 0 for a constant (and where the mean is 0).
    double getCoefficientOfVariation() const;
    /// Whether every draw gives the same value.
    bool isConstant() const;
    /// Parses and prints the bare form, as in `exp<1000>`.
    static ::mlir::FailureOr<DistributionAttr> parseBare(
        ::mlir::AsmParser &parser);
    void printBare(::mlir::AsmPrinter &printer) const;
  }];
}

def OWG_ProfileAttr : OWG_Attr<"Profile", "profile"> {
  let summary = "measured or assumed behaviour of a block";
  let description = [{
    Entries are `key = value`, all optional, in any order.

    | key | on | value |
    |---|---|---|
    | `cycles` | task | distribution of the cycles that one instance takes on one PEA |
    | `work` | task | `{kind = distribution, …}`: operations per kind, kinds are `mac`, `vector`, `scalar`, `bytes` (scratchpad bytes moved); the target turns it into cycles. Not together with `cycles` |
    | `alpha` | task | p PEAs are p^alpha times as fast as one, 0 <= alpha <= 1; without it 1 for `work` and 0 for `cycles` |
    | `max_gang` | task | most PEAs that one instance can use |
    | `gang` | task | exactly this many PEAs (not together with `max_gang`) |
    | `state_bytes` | task, loop | mutable state that stays with the block between instances of one request |
    | `code_bytes` | task | size of the configuration that a PEA must hold |
    | `out_bytes` | any | `[distribution, …]`, one per result: sizes of results of type `!owg.data<?>` |
    | `frequencies` | branch | `[f…]`: probabilities of the cases, then of the default; they sum to 1 |
    | `frequencies` | select | `[f…]`: per member the probability that it takes part, independently |
    | `trips` | loop | distribution of the number of iterations |
    | `count` | fan-out | distribution of the number of copies |
    | `drift` | any | `[from N <entries>, …]`: from request N on these entries replace those before; N increases |

    On blocks that have code the profile is an expectation for the scheduler; on
    blocks without code it is the behaviour itself.

    ```
    #owg.profile<cycles = exp<12000>, alpha = 0.9, max_gang = 8>
    #owg.profile<work = {mac = const<1000000>, vector = uniform<1000, 5000>}>
    #owg.profile<frequencies = [0.7, 0.3],
                 drift = [from 100 <frequencies = [0.2, 0.8]>]>
    ```
  }];
  let parameters = (ins "::mlir::DictionaryAttr":$entries);
  let builders = [
    AttrBuilderWithInferredContext<(ins "::mlir::DictionaryAttr":$entries), [{
      return $_get(entries.getContext(), entries);
    }]>
  ];
  let genVerifyDecl = 1;
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    // Null or nullopt where the profile does not say.
    DistributionAttr getCycles() const;
    /// Entries are DistributionAttr; keys among getWorkKinds().
    ::mlir::DictionaryAttr getWork() const;
    DistributionAttr getWork(::llvm::StringRef kind) const;
    std::optional<double> getAlpha() const;
    std::optional<int64_t> getMaxGang() const;
    std::optional<int64_t> getGang() const;
    std::optional<int64_t> getStateBytes() const;
    std::optional<int64_t> getCodeBytes() const;
    /// Elements are DistributionAttr.
    ::mlir::ArrayAttr getOutBytes() const;
    ::llvm::ArrayRef<double> getFrequencies() const;
    DistributionAttr getTrips() const;
    DistributionAttr getCount() const;
    /// Elements are DriftAttr, by increasing request.
    ::mlir::ArrayAttr getDrift() const;

    /// The profile (without drift) that holds for request `request`, counted
    /// from 0.
    ProfileAttr getAt(int64_t request) const;
    /// This profile with every entry of `other` put over its own.
    ProfileAttr mergedWith(ProfileAttr other) const;
    /// The kinds of work that `work` may speak of.
    static ::llvm::ArrayRef<::llvm::StringLiteral> getWorkKinds();
  }];
}

def OWG_DriftAttr : OWG_Attr<"Drift", "drift"> {
  let summary = "entries of a profile that hold from some request on";
  let description = [{
    Element of `drift` of a profile.

    ```
    #owg.drift<from 100 <cycles = exp<500>>>
    ```
  }];
  let parameters = (ins "int64_t":$from, "::octo::owg::ProfileAttr":$profile);
  let hasCustomAssemblyFormat = 1;
}

def OWG_SourceAttr : OWG_Attr<"Source", "source"> {
  let summary = "where a block comes from in the user's own file";
  let description = [{
    File, line and column (0 = not known) of the workflow that an importer read,
    and the name that the block has there. For blocks written in MLIR the
    location does.

    ```
    #owg.source<"agent.yaml":12:3>
    #owg.source<"graph.json":0:0, "planner">
    ```
  }];
  let parameters = (ins StringRefParameter<>:$file, "uint32_t":$line,
                        "uint32_t":$column,
                        OptionalParameter<"::mlir::StringAttr">:$node);
  let assemblyFormat = [{
    `<` $file `:` $line `:` $column (`,` $node^)? `>`
  }];
}

def OWG_PinAttr : OWG_Attr<"Pin", "pin"> {
  let summary = "where a block must run";
  let description = [{
    The user's word over the allocator's: the cluster, the TBU in it, and the
    number of PEAs. Each part is optional; `tbu` needs `cluster`.

    ```
    #owg.pin<cluster = 3, tbu = 1, gang = 4>
    #owg.pin<gang = 2>
    ```
  }];
  let parameters = (ins "std::optional<int64_t>":$cluster,
                        "std::optional<int64_t>":$tbu,
                        "std::optional<int64_t>":$gang);
  let genVerifyDecl = 1;
  let hasCustomAssemblyFormat = 1;
}

#endif // OCTO_DIALECT_OWG_IR_OWGATTRIBUTES_TD
