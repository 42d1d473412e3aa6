//===- OWGOps.td - Operations of the owg dialect -----------*- tablegen -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Workflows, task blocks, control blocks, weights and terminators.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OWG_IR_OWGOPS_TD
#define OCTO_DIALECT_OWG_IR_OWGOPS_TD

include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/CallInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "octo/Dialect/OWG/IR/OWGAttributes.td"
include "octo/Dialect/OWG/IR/OWGDialect.td"
include "octo/Dialect/OWG/IR/OWGInterfaces.td"
include "octo/Dialect/OWG/IR/OWGTypes.td"

class OWG_Op<string mnemonic, list<Trait> traits = []>
    : Op<OWG_Dialect, mnemonic, traits>;

// What every block carries beside its own operands.
defvar OWG_BlockAttrs = (ins StrAttr:$label,
                             OptionalAttr<StrAttr>:$path,
                             OptionalAttr<OWG_ProfileAttr>:$profile,
                             OptionalAttr<OWG_SourceAttr>:$source,
                             OptionalAttr<OWG_PinAttr>:$pin);

class OWG_Block<string mnemonic, list<Trait> traits = []>
    : OWG_Op<mnemonic, !listconcat([
        DeclareOpInterfaceMethods<OWG_LabelledOpInterface,
                                  ["getPathRegionName"]>,
        DeclareOpInterfaceMethods<OWG_BlockOpInterface,
                                  ["hasProfiledBehaviour"]>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<ConditionallySpeculatable>,
        RecursiveMemoryEffects], traits)> {
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

class OWG_ControlBlock<string mnemonic, list<Trait> traits = []>
    : OWG_Block<mnemonic, !listconcat([
        DeclareOpInterfaceMethods<RegionBranchOpInterface,
                                  ["getEntrySuccessorOperands",
                                   "getRegionInvocationBounds"]>], traits)>;

//===----------------------------------------------------------------------===//
// Workflow and call
//===----------------------------------------------------------------------===//

def OWG_WorkflowOp : OWG_Op<"workflow", [
    FunctionOpInterface, IsolatedFromAbove,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "an orchestrated workflow";
  let description = [{
    One activation of a workflow takes one value per argument and gives one
    value per result. The single block of the body holds blocks, calls of other
    workflows, uses of weights, and wiring; it ends in `owg.return`.

    A workflow is a symbol, is isolated from above, and may be called
    (`owg.call`), also through several levels, but not recursively. It is no
    symbol table, so that the bodies of its tasks can call private functions of
    the module. Labels are unique in a workflow.

    The attribute `owg.name` on an argument or result gives the name by which
    files of inputs and outputs know it; names differ among the arguments and
    among the results.

    ```mlir
    owg.workflow @scale(%x: tensor<4xf32> {owg.name = "x"})
        -> (tensor<4xf32> {owg.name = "y"}) {
      %y = owg.task "double"(%a = %x : tensor<4xf32>) -> tensor<4xf32> {
        %0 = arith.addf %a, %a : tensor<4xf32>
        owg.yield %0 : tensor<4xf32>
      }
      owg.return %y : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       OptionalAttr<DictArrayAttr>:$arg_attrs,
                       OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let skipDefaultBuilders = 1;
  let builders = [
    // Makes the workflow with an entry block that has the arguments of `type`.
    OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::FunctionType":$type)>
  ];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() {
      return getFunctionType().getInputs();
    }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() {
      return getFunctionType().getResults();
    }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    ::mlir::Block &getBodyBlock() { return getBody().front(); }
  }];
}

def OWG_ReturnOp : OWG_Op<"return", [
    Pure, HasParent<"WorkflowOp">, ReturnLike, Terminator]> {
  let summary = "the results of a workflow";
  let description = [{
    Ends the body of an `owg.workflow`; the operands have the types of its
    results.

    ```mlir
    owg.workflow @identity(%x: tensor<4xf32>) -> tensor<4xf32> {
      owg.return %x : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$operands);
  let builders = [OpBuilder<(ins), [{ /* no operands */ }]>];
  let assemblyFormat = "attr-dict ($operands^ `:` type($operands))?";
  let hasVerifier = 1;
}

def OWG_CallOp : OWG_Op<"call", [
    DeclareOpInterfaceMethods<CallOpInterface,
      ["getCallableForCallee", "setCalleeFromCallable", "getArgOperands",
       "getArgOperandsMutable"]>,
    DeclareOpInterfaceMethods<OWG_LabelledOpInterface, ["getPathRegionName"]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs another workflow as part of this one";
  let description = [{
    Stands for the blocks of the called workflow. The stock `--inline` pass puts
    them here, with `label/` before their labels and the path of the call before
    their paths. A workflow must not reach itself through calls.

    ```mlir
    owg.workflow private @twice(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = owg.task "add"(%a = %x : tensor<4xf32>) -> tensor<4xf32> {
        %0 = arith.addf %a, %a : tensor<4xf32>
        owg.yield %0 : tensor<4xf32>
      }
      owg.return %y : tensor<4xf32>
    }
    owg.workflow @four_times(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = owg.call "first" @twice(%x : tensor<4xf32>) -> tensor<4xf32>
      %z = owg.call "second" @twice(%y : tensor<4xf32>) -> tensor<4xf32>
      owg.return %z : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$label, OptionalAttr<StrAttr>:$path,
                       FlatSymbolRefAttr:$callee,
                       Variadic<AnyType>:$inputs,
                       OptionalAttr<DictArrayAttr>:$arg_attrs,
                       OptionalAttr<DictArrayAttr>:$res_attrs);
  let results = (outs Variadic<AnyType>:$outputs);
  let builders = [
    OpBuilder<(ins "::llvm::StringRef":$label, "WorkflowOp":$callee,
                   "::mlir::ValueRange":$inputs)>
  ];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Task block
//===----------------------------------------------------------------------===//

def OWG_TaskOp : OWG_Block<"task", [
    IsolatedFromAbove,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                              ["reifyResultShapes", "reifyDimOfResult"]>]> {
  let summary = "a task block: computation";
  let description = [{
    Fires when all its inputs are there, runs, and gives all its results at
    once. Three forms:

    *Inline*: the body, in ordinary MLIR, sees the bound names and nothing else,
    and ends in `owg.yield`.

    *Outlined*: `calls @f` names a function of the module that takes the inputs
    and returns the results. Tasks that name the same function share one
    compiled kernel. `owg-outline-tasks` makes this form from the inline one,
    and makes the functions public, which passes on calls leave as they are.

    *Profiled*: neither body nor callee; `profile` says how long an instance
    takes (`cycles` or `work`). Results are then of type `!owg.data`,
    `!owg.token`, or any other type (whose values are never computed).

    Bodies have no memory effects other than `cf.assert`, whose failure fails
    the request. A task that is not used may be removed, equal tasks may be
    merged; a profiled task is never touched.

    ```mlir
    func.func private @square(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = arith.mulf %x, %x : tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    owg.workflow @forms(%x: tensor<4xf32>) -> (tensor<4xf32>, !owg.data<64>) {
      %a = owg.task "inline"(%v = %x : tensor<4xf32>) -> tensor<4xf32> {
        %0 = math.sqrt %v : tensor<4xf32>
        owg.yield %0 : tensor<4xf32>
      }
      %b = owg.task "outlined"(%a : tensor<4xf32>) -> tensor<4xf32>
             calls @square
      %c = owg.task "profiled"(%b : tensor<4xf32>) -> !owg.data<64>
             profile #owg.profile<cycles = exp<12000>, max_gang = 4>
      owg.return %b, %c : tensor<4xf32>, !owg.data<64>
    }
    ```
  }];
  let arguments = !con(OWG_BlockAttrs,
                       (ins OptionalAttr<FlatSymbolRefAttr>:$callee,
                            Variadic<AnyType>:$inputs));
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region MaxSizedRegion<1>:$body);
  let skipDefaultBuilders = 1;
  let builders = [
    // Inline. `buildBody` gets the block arguments and must not create the
    // terminator's parent; it ends the block with owg.yield. Without it the
    // body block is left without operations.
    OpBuilder<(ins "::llvm::StringRef":$label,
                   "::mlir::TypeRange":$outputs, "::mlir::ValueRange":$inputs,
                   CArg<"::llvm::function_ref<void(::mlir::OpBuilder &, "
                        "::mlir::Location, ::mlir::ValueRange)>",
                        "nullptr">:$buildBody)>,
    // Outlined.
    OpBuilder<(ins "::llvm::StringRef":$label,
                   "::mlir::TypeRange":$outputs, "::mlir::ValueRange":$inputs,
                   "::mlir::FlatSymbolRefAttr":$callee)>,
    // Profiled.
    OpBuilder<(ins "::llvm::StringRef":$label,
                   "::mlir::TypeRange":$outputs, "::mlir::ValueRange":$inputs,
                   "::octo::owg::ProfileAttr":$profile)>
  ];
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    bool isInline() { return !getBody().empty(); }
    bool isOutlined() { return static_cast<bool>(getCalleeAttr()); }
    /// Neither body nor callee: only timing is known.
    bool isProfiled() { return !isInline() && !isOutlined(); }
    /// The block of an inline task.
    ::mlir::Block *getBodyBlock() {
      return isInline() ? &getBody().front() : nullptr;
    }
  }];
}

//===----------------------------------------------------------------------===//
// Control blocks
//===----------------------------------------------------------------------===//

def OWG_BranchOp : OWG_ControlBlock<"branch"> {
  let summary = "a control block that takes exactly one of several cases";
  let description = [{
    `decide` sees its bound inputs (and what dominates the block), ends in
    `owg.decide` with the decision, and holds no blocks:

    - of type `index`: k takes the k-th `case`, counted from 0; any value that
      is no number of a case takes the `default`;
    - of type `i1`, with exactly one `case`: `true` takes the case, `false` the
      default.

    The region taken runs; its `owg.yield` gives the results. The others do not
    run at all. Inputs are what the decision waits for; cases use whatever
    dominates the block.

    Without `decide` the branch is profiled: `frequencies` of the profile gives
    the probability of each case and, last, of the default.

    ```mlir
    owg.workflow @clamp(%x: f32) -> f32 {
      %r = owg.branch "sign"(%v = %x : f32) -> f32
      decide {
        %zero = arith.constant 0.0 : f32
        %neg = arith.cmpf olt, %v, %zero : f32
        owg.decide %neg : i1
      } case {
        %0 = owg.task "zero"() -> f32 {
          %zero = arith.constant 0.0 : f32
          owg.yield %zero : f32
        }
        owg.yield %0 : f32
      } default {
        owg.yield %x : f32
      }
      owg.return %r : f32
    }
    ```

    Profiled:

    ```mlir
    owg.workflow @route(%q: !owg.data<512>) -> !owg.data<64> {
      %r = owg.branch "route"(%q : !owg.data<512>) -> !owg.data<64>
        profile #owg.profile<frequencies = [0.8, 0.2]>
      case {
        %0 = owg.task "small"(%q : !owg.data<512>) -> !owg.data<64>
               profile #owg.profile<cycles = const<1000>>
        owg.yield %0 : !owg.data<64>
      } default {
        %0 = owg.task "large"(%q : !owg.data<512>) -> !owg.data<64>
               profile #owg.profile<cycles = const<9000>>
        owg.yield %0 : !owg.data<64>
      }
      owg.return %r : !owg.data<64>
    }
    ```
  }];
  let arguments = !con(OWG_BlockAttrs, (ins Variadic<AnyType>:$inputs));
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region MaxSizedRegion<1>:$decideRegion,
                        SizedRegion<1>:$defaultRegion,
                        VariadicRegion<SizedRegion<1>>:$caseRegions);
  let skipDefaultBuilders = 1;
  let builders = [
    // All regions get one empty block; the decide block has the inputs as
    // arguments. `profiled` leaves the decide region empty.
    OpBuilder<(ins "::llvm::StringRef":$label,
                   "::mlir::TypeRange":$outputs, "::mlir::ValueRange":$inputs,
                   "unsigned":$numCases, CArg<"bool", "false">:$profiled)>
  ];
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    bool hasDecide() { return !getDecideRegion().empty(); }
    unsigned getNumCases() { return getCaseRegions().size(); }
    /// The region that the decision `value` takes; numbers past the cases
    /// (and, for i1 decisions, 0) take the default.
    ::mlir::Region &getRegionFor(const ::llvm::APInt &value);
    /// Case `index`, or the default where `index` is the number of cases.
    ::mlir::Region &getAlternative(unsigned index) {
      return index < getNumCases() ? getCaseRegions()[index]
                                   : getDefaultRegion();
    }
  }];
}

def OWG_SelectOp : OWG_ControlBlock<"select", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                              ["reifyResultShapes", "reifyDimOfResult"]>]> {
  let summary = "a control block that takes any number of its members";
  let description = [{
    `decide` sees its bound inputs (and what dominates the block), ends in
    `owg.decide` with a mask of type `tensor<Nxi1>` for N members, and holds no
    blocks. Member k runs if element k is true.

    Each result is a fold over the members that ran, *in the order of the
    members*, whatever order they finish in: it starts as the value of the
    corresponding `init`, and is combined with what each of them yields:

    | kind | meaning |
    |---|---|
    | `add`, `max`, `min` | element by element, on scalars and tensors of floats, integers (signed `max`, `min`) or `index`; `max` and `min` of floats give NaN if one operand is NaN; all types are equal |
    | `concat` | along dimension 0; the other dimensions of init, yield and result are equal; the rows of the init come first |

    So when no member runs the results are the inits. On `!owg.data` every kind
    is allowed and only sizes matter; tokens take `concat`.

    Without `decide` the select is profiled: `frequencies` of the profile gives
    per member the probability that it runs, independently of the others.

    ```mlir
    owg.workflow @experts(%x: tensor<4xf32>, %gate: tensor<2xf32>)
        -> tensor<4xf32> {
      %zero = arith.constant dense<0.0> : tensor<4xf32>
      %r = owg.select "experts"(%g = %gate : tensor<2xf32>)
          init(add %zero : tensor<4xf32>) -> tensor<4xf32>
      decide {
        %half = arith.constant dense<0.5> : tensor<2xf32>
        %mask = arith.cmpf ogt, %g, %half : tensor<2xf32>
        owg.decide %mask : tensor<2xi1>
      } member {
        %0 = owg.task "double"(%a = %x : tensor<4xf32>) -> tensor<4xf32> {
          %1 = arith.addf %a, %a : tensor<4xf32>
          owg.yield %1 : tensor<4xf32>
        }
        owg.yield %0 : tensor<4xf32>
      } member {
        owg.yield %x : tensor<4xf32>
      }
      owg.return %r : tensor<4xf32>
    }
    ```
  }];
  let arguments = !con(OWG_BlockAttrs,
                       (ins DenseI32ArrayAttr:$combines,
                            Variadic<AnyType>:$inputs,
                            Variadic<AnyType>:$inits));
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region MaxSizedRegion<1>:$decideRegion,
                        VariadicRegion<SizedRegion<1>>:$memberRegions);
  let skipDefaultBuilders = 1;
  let builders = [
    // All regions get one empty block; the decide block has the inputs as
    // arguments. `profiled` leaves the decide region empty.
    OpBuilder<(ins "::llvm::StringRef":$label,
                   "::mlir::TypeRange":$outputs, "::mlir::ValueRange":$inputs,
                   "::mlir::ValueRange":$inits,
                   "::llvm::ArrayRef<CombineKind>":$combines,
                   "unsigned":$numMembers, CArg<"bool", "false">:$profiled)>
  ];
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    bool hasDecide() { return !getDecideRegion().empty(); }
    unsigned getNumMembers() { return getMemberRegions().size(); }
    CombineKind getCombine(unsigned result) {
      return static_cast<CombineKind>(getCombines()[result]);
    }
  }];
}

def OWG_LoopOp : OWG_ControlBlock<"loop"> {
  let summary = "a control block that repeats while its decision holds";
  let description = [{
    As `scf.while`: `before` gets the inputs (later: what `after` yielded) under
    the bound names and ends in `owg.decide` with an `i1` decision and the values
    to forward; it holds either code without blocks, as `decide` of a branch, or
    blocks and wiring. If it is true, `after` runs on the
    forwarded values and yields the next inputs of `before`; if it is false, the
    forwarded values are the results. Zero iterations are possible.

    `bound N` limits the iterations: a request that would begin an (N+1)-th
    fails, and only that request.

    Without `before` the loop is profiled: the number of iterations comes from
    `trips` of the profile, the bound names belong to `after`, and inputs,
    yields and results have the same types. When `trips` is more than the bound
    the request fails.

    ```mlir
    owg.workflow @halve(%x: f32) -> f32 {
      %r = owg.loop "until-small"(%v = %x : f32) -> f32 bound 100
      before {
        %one = arith.constant 1.0 : f32
        %big = arith.cmpf ogt, %v, %one : f32
        owg.decide %big : i1 forward(%v : f32)
      } after (%w : f32) {
        %n = owg.task "halve"(%a = %w : f32) -> f32 {
          %half = arith.constant 0.5 : f32
          %0 = arith.mulf %a, %half : f32
          owg.yield %0 : f32
        }
        owg.yield %n : f32
      }
      owg.return %r : f32
    }
    ```

    Profiled:

    ```mlir
    owg.workflow @chat(%q: !owg.data<512>) -> !owg.data<512> {
      %r = owg.loop "turns"(%s = %q : !owg.data<512>) -> !owg.data<512>
        profile #owg.profile<trips = geometric<0.25>>
      after {
        %n = owg.task "reply"(%s : !owg.data<512>) -> !owg.data<512>
               profile #owg.profile<cycles = lognormal<50000, 0.5>>
        owg.yield %n : !owg.data<512>
      }
      owg.return %r : !owg.data<512>
    }
    ```
  }];
  let arguments = !con(OWG_BlockAttrs,
                       (ins OptionalAttr<I64Attr>:$bound,
                            Variadic<AnyType>:$inputs));
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region MaxSizedRegion<1>:$beforeRegion,
                        SizedRegion<1>:$afterRegion);
  let skipDefaultBuilders = 1;
  let builders = [
    // Both regions get one empty block with arguments: `before` the types of
    // the inputs, `after` those of the results. `profiled` leaves `before`
    // empty.
    OpBuilder<(ins "::llvm::StringRef":$label,
                   "::mlir::TypeRange":$outputs, "::mlir::ValueRange":$inputs,
                   CArg<"bool", "false">:$profiled)>
  ];
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    bool hasBefore() { return !getBeforeRegion().empty(); }
  }];
}

def OWG_FanoutOp : OWG_ControlBlock<"fanout", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                              ["reifyResultShapes", "reifyDimOfResult"]>]> {
  let summary = "a control block that runs a number of copies of its region";
  let description = [{
    Runs `each` once for every index from 0 to `count` - 1 (a count below 0
    counts as 0); copies may run at the same time. The first argument of `each`
    is the index, written after `each`; the others are the bound inputs, the
    same for every copy.

    Each result is a fold over the copies, *in the order of the index*, whatever
    order they finish in: it starts as the value of the corresponding `init` and
    is combined with what each copy yields, by the kinds of `owg.select`. So
    with a count of 0 the results are the inits.

    Without `count` the fan-out is profiled: the number of copies comes from
    `count` of the profile.

    ```mlir
    owg.workflow @rows(%m: tensor<?x8xf32>, %n: index) -> tensor<?x8xf32> {
      %none = tensor.empty() : tensor<0x8xf32>
      %r = owg.fanout "rows"(%a = %m : tensor<?x8xf32>) count %n
          init(concat %none : tensor<0x8xf32>) -> tensor<?x8xf32>
      each (%i) {
        %0 = owg.task "row"(%t = %a : tensor<?x8xf32>, %j = %i : index)
            -> tensor<1x8xf32> {
          %s = tensor.extract_slice %t[%j, 0] [1, 8] [1, 1]
            : tensor<?x8xf32> to tensor<1x8xf32>
          %e = math.exp %s : tensor<1x8xf32>
          owg.yield %e : tensor<1x8xf32>
        }
        owg.yield %0 : tensor<1x8xf32>
      }
      owg.return %r : tensor<?x8xf32>
    }
    ```
  }];
  let arguments = !con(OWG_BlockAttrs,
                       (ins DenseI32ArrayAttr:$combines,
                            Variadic<AnyType>:$inputs,
                            Optional<Index>:$count,
                            Variadic<AnyType>:$inits));
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region SizedRegion<1>:$eachRegion);
  let skipDefaultBuilders = 1;
  let builders = [
    // The region gets one empty block with the index and the inputs as
    // arguments. A null `count` makes the profiled form.
    OpBuilder<(ins "::llvm::StringRef":$label,
                   "::mlir::TypeRange":$outputs, "::mlir::ValueRange":$inputs,
                   "::mlir::Value":$count, "::mlir::ValueRange":$inits,
                   "::llvm::ArrayRef<CombineKind>":$combines)>
  ];
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    CombineKind getCombine(unsigned result) {
      return static_cast<CombineKind>(getCombines()[result]);
    }
    /// The index argument of the region.
    ::mlir::BlockArgument getIndexArgument() {
      return getEachRegion().getArgument(0);
    }
  }];
}

//===----------------------------------------------------------------------===//
// Weights and other values
//===----------------------------------------------------------------------===//

def OWG_WeightOp : OWG_Op<"weight", [Symbol]> {
  let summary = "parameters shared by all requests";
  let description = [{
    A constant tensor that tasks take as an input (through `owg.get_weight`), so
    that tasks with different weights share one kernel and the residency of
    weights is visible. One of three sources:

    - `= <elements>`: an elements attribute (`dense`, `dense_resource`);
    - `from "file" sha256 "digest"`: a file of raw little-endian elements in row
      major order, of exactly the size of the type; the digest is checked when
      the file is read. `at N` skips the first N bytes (the digest is that of
      the bytes used);
    - `seed S scale A`: pseudo-random floats, uniform in [-A, A).

    *The generator.* Element i (row major, from 0) is word i mod 4 of
    Philox4x32-10 with counter (c mod 2^32, c div 2^32, 0, 0), c = i div 4, and
    key (S mod 2^32, S div 2^32). A word u becomes ((u >> 8) * 2^-23 - 1) * A,
    computed in the element type (`f32`, `f64`) or in `f32` and then rounded to
    nearest even (`f16`, `bf16`). The bracket is exact; only the product rounds.

    ```mlir
    owg.weight @bias : tensor<4xf32> = dense<0.25> : tensor<4xf32>
    owg.weight @dense : tensor<64x10xf32> seed 7 scale 0.125
    owg.weight @conv : tensor<8x3x3x3xf32> from "conv.bin" sha256
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       TypeAttrOf<AnyStaticShapeTensor>:$type,
                       OptionalAttr<ElementsAttr>:$value,
                       OptionalAttr<StrAttr>:$file,
                       OptionalAttr<StrAttr>:$sha256,
                       OptionalAttr<I64Attr>:$offset,
                       OptionalAttr<I64Attr>:$seed,
                       OptionalAttr<F64Attr>:$scale);
  let builders = [
    // Seeded weights.
    OpBuilder<(ins "::llvm::StringRef":$name,
                   "::mlir::RankedTensorType":$type, "int64_t":$seed,
                   "double":$scale)>,
    // Given elements.
    OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::ElementsAttr":$value)>
  ];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getType());
    }
  }];
}

def OWG_GetWeightOp : OWG_Op<"get_weight", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a weight";
  let description = [{
    Makes the tensor of an `owg.weight` a value of the workflow.

    ```mlir
    owg.weight @w : tensor<8xf32> seed 1 scale 1.0
    owg.workflow @use(%x: tensor<8xf32>) -> tensor<8xf32> {
      %w = owg.get_weight @w : tensor<8xf32>
      %y = owg.task "mul"(%a = %x : tensor<8xf32>, %b = %w : tensor<8xf32>)
          -> tensor<8xf32> {
        %0 = arith.mulf %a, %b : tensor<8xf32>
        owg.yield %0 : tensor<8xf32>
      }
      owg.return %y : tensor<8xf32>
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
}

def OWG_NothingOp : OWG_Op<"nothing", [Pure]> {
  let summary = "no bytes, or a token that was always there";
  let description = [{
    The neutral element of `concat` in timing-only workflows: `!owg.data<0>` or
    `!owg.token`.

    ```mlir
    owg.workflow @gather(%q: !owg.data<256>) -> !owg.data<?> {
      %none = owg.nothing : !owg.data<0>
      %r = owg.fanout "tools"(%a = %q : !owg.data<256>)
          init(concat %none : !owg.data<0>) -> !owg.data<?>
        profile #owg.profile<count = uniform<1, 5>>
      each (%i) {
        %0 = owg.task "tool"(%a : !owg.data<256>) -> !owg.data<64>
               profile #owg.profile<cycles = exp<4000>>
        owg.yield %0 : !owg.data<64>
      }
      owg.return %r : !owg.data<?>
    }
    ```
  }];
  let results = (outs AnyTypeOf<[OWG_DataType, OWG_TokenType]>:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Terminators of regions
//===----------------------------------------------------------------------===//

def OWG_YieldOp : OWG_Op<"yield", [
    Pure, Terminator,
    ParentOneOf<["TaskOp", "BranchOp", "SelectOp", "LoopOp", "FanoutOp"]>,
    DeclareOpInterfaceMethods<RegionBranchTerminatorOpInterface>]> {
  let summary = "the results of a task, case, member, iteration or copy";
  let description = [{
    Ends the body of a task and every region of a control block except `decide`
    and `before`, which end in `owg.decide`.

    ```mlir
    owg.workflow @one() -> f32 {
      %r = owg.task "one"() -> f32 {
        %0 = arith.constant 1.0 : f32
        owg.yield %0 : f32
      }
      owg.return %r : f32
    }
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$operands);
  let builders = [OpBuilder<(ins), [{ /* no operands */ }]>];
  let assemblyFormat = "attr-dict ($operands^ `:` type($operands))?";
}

def OWG_DecideOp : OWG_Op<"decide", [
    Pure, Terminator, ParentOneOf<["BranchOp", "SelectOp", "LoopOp"]>,
    DeclareOpInterfaceMethods<RegionBranchTerminatorOpInterface,
                              ["getSuccessorRegions"]>]> {
  let summary = "a decision";
  let description = [{
    Ends `decide` of a branch (`index` or `i1`) or select (`tensor<Nxi1>`), and
    `before` of a loop (`i1`), where `forward` names the values for `after` or
    for the results.

    ```mlir
    owg.workflow @count(%n: index) -> index {
      %zero = arith.constant 0 : index
      %r = owg.loop "count"(%i = %zero : index) -> index
      before {
        %more = arith.cmpi ult, %i, %n : index
        owg.decide %more : i1 forward(%i : index)
      } after (%j : index) {
        %k = owg.task "next"(%a = %j : index) -> index {
          %one = arith.constant 1 : index
          %0 = arith.addi %a, %one : index
          owg.yield %0 : index
        }
        owg.yield %k : index
      }
      owg.return %r : index
    }
    ```
  }];
  let arguments = (ins AnyType:$decision, Variadic<AnyType>:$forwarded);
  let assemblyFormat = [{
    $decision attr-dict `:` type($decision)
    (`forward` `(` $forwarded^ `:` type($forwarded) `)`)?
  }];
}

#endif // OCTO_DIALECT_OWG_IR_OWGOPS_TD
