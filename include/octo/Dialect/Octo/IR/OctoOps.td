//===----------------------------------------------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ops of the dialect `octo`.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OCTO_IR_OCTOOPS_TD
#define OCTO_DIALECT_OCTO_IR_OCTOOPS_TD

include "octo/Dialect/Octo/IR/OctoInterfaces.td"
include "octo/Dialect/Octo/IR/OctoTypes.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Octo_Op<string opMnemonic, list<Trait> traits = []>
    : Op<Octo_Dialect, opMnemonic, traits>;

//===----------------------------------------------------------------------===//
// Machine
//===----------------------------------------------------------------------===//

def Octo_MachineOp : Octo_Op<"machine", [Symbol]> {
  let summary = "the machine that programs are made for";
  let description = [{
    The target as IR. `target` has every parameter of a target file, under the
    names that `octo::TargetDesc` gives them; parameters that are left out have
    their defaults.

    Example:

    ```mlir
    octo.machine @small {target = {clockHz = 1000000000, tbusPerCluster = 2,
      peasPerTbu = 2, pea = {sramBytes = 65536, layout = ["general", "general"],
        rates = {general = {macQ16 = 65536, vectorQ16 = 65536,
                            specialQ16 = 4096, scalarQ16 = 65536}}},
      scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, DictionaryAttr:$target);
  let assemblyFormat = "$sym_name attr-dict";
  let hasVerifier = 1;
  let builders = [
    // The machine of a target file.
    OpBuilder<(ins "::llvm::StringRef":$name,
                   "const ::octo::TargetDesc &":$target)>
  ];
  let extraClassDeclaration = [{
    /// The target that the op states, or why it states none. Cost: the size of
    /// the dictionary; callers keep the result.
    ::octo::Expected<::octo::TargetDesc> getTargetDesc();
  }];
}

//===----------------------------------------------------------------------===//
// Kernels, images, weights
//===----------------------------------------------------------------------===//

def Octo_KernelOp : Octo_Op<"kernel", [Symbol]> {
  let summary = "what a task or a decision executes";
  let description = [{
    An `image` kernel runs code: the function `body` before it is lowered, the
    `octo.image` named `image` after (neither: a timing-only program). A
    `profiled` kernel takes time and has no code. A `join` kernel combines the
    results of a select or a fan-out; the runtime executes it.

    The signature has the payloads of the flows: one input and output each for a
    task; the decide inputs, and an index (switch), an i1 (loop) or a mask
    (select) for a decision; one input (the init) and one output a result for a
    join, or nothing at all. A profiled kernel has no code that a signature could bind; tasks of any
    types share it. `num_counters` are data-dependent counts that the code returns after
    its outputs; the work refers to them. `phases` tells the work of the code
    step by step, `sizes` what their forms name; a kernel without phases has
    `work`, the sum, alone. `donated` are inputs that the code may overwrite.

    Example:

    ```mlir
    octo.kernel @relu image on vector code 512
        : (tensor<?xf32>) -> tensor<?xf32>
        {phases = [#owg.phase<vector "arith.maximumf" {m = dim(0, 0),
            vector = dim(0, 0), load = 4 * dim(0, 0), store = 4 * dim(0, 0)}>]}
    octo.kernel @measured profiled on general code 4096 : () -> ()
        {scaling = #octo.scaling<alpha_permille = 900, max_gang = 4>}
    octo.kernel @sum join(add) on vector code 0
        : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
      Octo_KernelKindAttr:$kind,
      DefaultValuedAttr<Octo_CombineAttr,
          "::octo::spatial::Combine::None">:$combine,
      Octo_PeaClassAttr:$pea_class,
      ConfinedAttr<I64Attr, [IntNonNegative]>:$code_bytes,
      TypeAttrOf<FunctionType>:$function_type,
      OptionalAttr<FlatSymbolRefAttr>:$body,
      OptionalAttr<FlatSymbolRefAttr>:$image,
      DefaultValuedAttr<ConfinedAttr<I32Attr, [IntNonNegative]>, "0">:$num_counters,
      OptionalAttr<DenseI32ArrayAttr>:$donated,
      OptionalAttr<Octo_ScalingAttr>:$scaling,
      OptionalAttr<Octo_WorkArrayAttr>:$work,
      OptionalAttr<Octo_VariantArrayAttr>:$variants,
      OptionalAttr<Octo_SizeArrayAttr>:$sizes,
      OptionalAttr<Octo_PhaseArrayAttr>:$phases);
  let assemblyFormat = [{
    $sym_name custom<KernelKind>($kind, $combine)
    `on` custom<PeaClass>($pea_class) `code` $code_bytes
    (`body` $body^)? (`image` $image^)? `:` $function_type attr-dict
  }];
  let extraClassDeclaration = [{
    /// The distinct symbols of its work, ascending.
    ::llvm::SmallVector<uint32_t> getWorkSymbols();
  }];
  let hasVerifier = 1;
}

def Octo_ImageOp : Octo_Op<"image", [Symbol]> {
  let summary = "an object file that holds code of kernels";
  let description = [{
    `entry` is the symbol to call, `digest` the SHA-256 of the object as
    hexadecimal digits, `cpu` what it was made for. `object` may be left out: the
    image is then known by its digest only, and programs that use it run in
    timing-only mode.

    Example:

    ```mlir
    octo.image @relu_image entry "relu" cpu "x86-64-v3" digest
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$entry, StrAttr:$cpu,
                       StrAttr:$digest, OptionalAttr<ElementsAttr>:$object);
  let assemblyFormat = [{
    $sym_name `entry` $entry `cpu` $cpu `digest` $digest
    (`object` $object^)? attr-dict
  }];
  let hasVerifier = 1;
}

def Octo_WeightOp : Octo_Op<"weight", [Symbol]> {
  let summary = "parameters that tasks read";
  let description = [{
    Exactly one source: `value` (the elements), `file` with `digest` (SHA-256 as
    hexadecimal digits), or `seed` with `scale` (uniform in [-scale, scale), see
    `owg.weight`).

    Example:

    ```mlir
    octo.weight @w : tensor<64x64xf32> {seed = 7 : i64, scale = 0.125 : f64}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type,
      OptionalAttr<ElementsAttr>:$value, OptionalAttr<StrAttr>:$file,
      OptionalAttr<StrAttr>:$digest, OptionalAttr<I64Attr>:$seed,
      OptionalAttr<F64Attr>:$scale);
  let assemblyFormat = "$sym_name `:` $type attr-dict";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Program
//===----------------------------------------------------------------------===//

def Octo_ProgramOp : Octo_Op<"program", [
    Symbol, IsolatedFromAbove, SingleBlock, NoTerminator,
    RegionKindInterface, HasOnlyGraphRegion,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one compiled workflow";
  let description = [{
    The body is a graph region with one `octo.entry`, one `octo.exit` and any
    number of blocks. Verified as a whole, in time linear in its size: every
    value is used in its own scope, every control block is closed once, kernels
    and weights exist and fit, and whatever has been decided about places and
    slots can be.

    `epoch_cycles` is the period of the coarse scheduler, `age_cycles` the ageing
    constant of affinity, `policy_version` the meaning of the policy rows.

    `records` are whole requests as a functional run saw them, one array a
    request: entry by entry the number of the block (in the order of the program
    file; -1 for the arguments), the tag of its frame, how many values follow,
    and these values (see RecordTable in program.fbs).

    Example:

    ```mlir
    octo.kernel @k profiled on general code 64 : () -> ()
    octo.program @p {
      %body, %x = octo.entry : !octo.flow<!octo.data, 64>
      %y = octo.tb "p/t" in %body @k(%x)
          profile <[{draw = #octo.dist<100>} ]>
          : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 32>
      octo.exit in %body (%y) : !octo.flow<!octo.data, 32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
      OptionalAttr<FlatSymbolRefAttr>:$machine,
      OptionalAttr<StrArrayAttr>:$arg_names,
      OptionalAttr<StrArrayAttr>:$result_names,
      DefaultValuedAttr<ConfinedAttr<I32Attr, [IntNonNegative]>, "0">:$policy_version,
      DefaultValuedAttr<ConfinedAttr<I64Attr, [IntNonNegative]>, "0">:$epoch_cycles,
      DefaultValuedAttr<ConfinedAttr<I64Attr, [IntNonNegative]>, "0">:$age_cycles,
      OptionalAttr<TypedArrayAttrBase<DenseI64ArrayAttr, "array of records">>:$records);
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let assemblyFormat = [{
    $sym_name (`on` $machine^)? attr-dict-with-keyword $body
  }];
  let skipDefaultBuilders = 1;
  let builders = [
    // With an empty body.
    OpBuilder<(ins "::llvm::StringRef":$name)>
  ];
  let extraClassDeclaration = [{
    ::mlir::Block &getBlock() { return getBody().front(); }
    ::octo::spatial::EntryOp getEntry();
    ::octo::spatial::ExitOp getExit();
  }];
}

def Octo_EntryOp : Octo_Op<"entry", [
    HasParent<"ProgramOp">,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "opens the body of a program";
  let description = [{
    The results are the activation of the body (one a request) and the
    arguments of the workflow.

    Example:

    ```mlir
    octo.program @identity {
      %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
      octo.exit in %body (%x) : !octo.flow<tensor<4xf32>>
    }
    ```
  }];
  let results = (outs Octo_ActType:$act, Variadic<Octo_FlowType>:$args);
  let assemblyFormat = "attr-dict (`:` type($args)^)?";
}

def Octo_ExitOp : Octo_Op<"exit", [HasParent<"ProgramOp">]> {
  let summary = "the results of a program";
  let description = [{
    The operands are values of the body.

    Example:

    ```mlir
    octo.program @both {
      %body, %xy:2 = octo.entry : !octo.flow<f32>, !octo.flow<index>
      octo.exit in %body (%xy#1, %xy#0) : !octo.flow<index>, !octo.flow<f32>
    }
    ```
  }];
  let arguments = (ins Octo_ActType:$act, Variadic<Octo_FlowType>:$results_);
  let assemblyFormat = [{
    `in` $act (`(` $results_^ `)`)? attr-dict (`:` type($results_)^)?
  }];
}

def Octo_UseWeightOp : Octo_Op<"use_weight", [
    HasParent<"ProgramOp">, Pure,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "a weight as a value that every scope may use";
  let description = [{
    Example:

    ```mlir
    octo.weight @w : tensor<64x64xf32> {seed = 7 : i64, scale = 0.125 : f64}
    octo.program @p {
      %body = octo.entry
      %w = octo.use_weight @w : !octo.flow<tensor<64x64xf32>>
      octo.exit in %body (%w) : !octo.flow<tensor<64x64xf32>>
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs Octo_FlowType:$value);
  let assemblyFormat = "$weight attr-dict `:` type($value)";
}

def Octo_FlowOp : Octo_Op<"flow", [HasParent<"ProgramOp">,
    TypesMatchWith<"the flow does not change its value", "source", "value",
                   "$_self">]> {
  let summary = "how a value travels, where that is not the default";
  let description = [{
    The result is the operand. By default a flow moves as a whole, store and
    forward. `streamed` asks for that many chunks (2 to 16) through a bounded
    buffer that holds `buffer` of them (2 unless said otherwise), the consumer
    overlapping the producer. A stream leads from a task block to task blocks of
    its scope; once there are slots, all of them have slots in one segment.

    Example:

    ```mlir
    octo.kernel @k profiled on general code 1 : (tensor<4096xf32>) -> tensor<4096xf32>
    octo.program @p {
      %body, %x = octo.entry : !octo.flow<tensor<4096xf32>>
      %y = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<100>} ]>
        : (!octo.flow<tensor<4096xf32>>) -> !octo.flow<tensor<4096xf32>>
      %s = octo.flow %y streamed 8 buffer 3 : !octo.flow<tensor<4096xf32>>
      %z = octo.tb "p/b" in %body @k(%s) profile <[{draw = #octo.dist<100>} ]>
        : (!octo.flow<tensor<4096xf32>>) -> !octo.flow<tensor<4096xf32>>
      octo.exit in %body (%z) : !octo.flow<tensor<4096xf32>>
    }
    ```
  }];
  let arguments = (ins Octo_FlowType:$source,
      OptionalAttr<ConfinedAttr<I32Attr, [IntMinValue<2>, IntMaxValue<16>]>>:$chunks,
      DefaultValuedAttr<ConfinedAttr<I32Attr, [IntPositive]>, "2">:$buffer);
  let results = (outs Octo_FlowType:$value);
  let assemblyFormat = [{
    $source (`streamed` $chunks^)? (`buffer` $buffer^)? attr-dict `:`
    type($source)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

// What all blocks carry: see BlockOpInterface.
class Octo_BlockOp<string opMnemonic, list<Trait> traits = []>
    : Octo_Op<opMnemonic, !listconcat([HasParent<"ProgramOp">], traits)> {
  dag blockAttrs = (ins OptionalAttr<Octo_ProfileAttr>:$profile,
                        OptionalAttr<Octo_PinAttr>:$pin,
                        OptionalAttr<Octo_PlaceAttr>:$place,
                        OptionalAttr<Octo_PolicyAttr>:$policy,
                        OptionalAttr<Octo_DecisionArrayAttr>:$decisions);
  string blockFormat = [{
    (`profile` $profile^)? (`pin` $pin^)? (`place` $place^)?
    (`policy` $policy^)? }];
}

// What all ops that open scopes have in common: see ControlOpInterface.
class Octo_ControlOp<string opMnemonic, string role>
    : Octo_BlockOp<opMnemonic, [
        AttrSizedOperandSegments, Octo_BlockOpInterface, Octo_ControlOpInterface,
        DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  dag controlAttrs = (ins DenseI32ArrayAttr:$imports,
                          DenseI32ArrayAttr:$importSizes);
  string scopesFormat = " `scopes` custom<Scopes>($imports, $importSizes) ";
  let results = (outs Octo_BlockType:$token,
                      Variadic<AnyTypeOf<[Octo_ActType, Octo_FlowType]>>:$scopes);
  let hasVerifier = 1;
  code scopeDeclarations = [{
    ::octo::spatial::ScopeRole getFirstRole() {
      return ::octo::spatial::ScopeRole::}] # role # [{;
    }
  }];
  let extraClassDeclaration = scopeDeclarations;
}

def Octo_TbOp : Octo_BlockOp<"tb", [Octo_BlockOpInterface]> {
  let summary = "a task block";
  let description = [{
    Runs its kernel once in each activation of its scope. `slot` is its place in
    the timetable of a segment.

    Example:

    ```mlir
    octo.kernel @k profiled on general code 64 : () -> ()
    octo.program @p {
      %body, %x = octo.entry : !octo.flow<!octo.data, 64>
      %y = octo.tb "p/t" in %body @k(%x) profile <[{draw = #octo.dist<100>} ]>
          : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 32>
      octo.exit in %body (%y) : !octo.flow<!octo.data, 32>
    }
    ```
  }];
  let arguments = !con((ins Octo_ActType:$act, StrAttr:$path,
                            FlatSymbolRefAttr:$kernel,
                            Variadic<Octo_FlowType>:$inputs,
                            OptionalAttr<Octo_SlotAttr>:$slot),
                       blockAttrs);
  let results = (outs Variadic<Octo_FlowType>:$outputs);
  let assemblyFormat = "$path `in` $act $kernel `(` $inputs `)`" #
      blockFormat # [{ (`slot` $slot^)?
      attr-dict `:` functional-type($inputs, $outputs) }];
}

def Octo_SwitchOp : Octo_ControlOp<"switch", "Case"> {
  let summary = "opens exclusive cases; one of them is activated";
  let description = [{
    Scopes: one a case. The decide kernel takes the decide inputs and gives the
    number of the case as an index (outside the cases: the last one); without it,
    the profile's frequencies decide, once the decide inputs are there. `scopes` lists for each case the inputs
    (decide inputs, then captures, numbered from 0) that it takes in. Closed by
    `octo.merge`.

    Example:

    ```mlir
    octo.kernel @d image on general code 64 : (tensor<4xf32>) -> index
    octo.kernel @k image on general code 64 : (tensor<4xf32>) -> tensor<4xf32>
    octo.program @p {
      %body, %x = octo.entry : !octo.flow<tensor<4xf32>, 16>
      %c, %case0, %x0, %case1, %x1 =
        octo.switch "p/c" in %body decide @d(%x) captures(%x) scopes [[1], [1]]
        : (!octo.act, !octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<4xf32>, 16>)
        -> (!octo.block, !octo.act, !octo.flow<tensor<4xf32>, 16>,
            !octo.act, !octo.flow<tensor<4xf32>, 16>)
      %y = octo.merge %c yields(%z, %x1)
        : (!octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<4xf32>, 16>)
        -> !octo.flow<tensor<4xf32>, 16>
      octo.exit in %body (%y) : !octo.flow<tensor<4xf32>, 16>
      %z = octo.tb "p/c/0/t" in %case0 @k(%x0)
        : (!octo.flow<tensor<4xf32>, 16>) -> !octo.flow<tensor<4xf32>, 16>
    }
    ```
  }];
  let arguments = !con((ins Octo_ActType:$act, StrAttr:$path,
                            OptionalAttr<FlatSymbolRefAttr>:$kernel,
                            Variadic<Octo_FlowType>:$decideInputs,
                            Variadic<Octo_FlowType>:$captures),
                       controlAttrs, blockAttrs);
  let assemblyFormat = [{ $path `in` $act
      (`decide` $kernel^)? (`(` $decideInputs^ `)`)?
      (`captures` `(` $captures^ `)`)? }] # scopesFormat # blockFormat # [{
      attr-dict `:` functional-type(operands, results) }];
}

def Octo_SelectOp : Octo_ControlOp<"select", "Member"> {
  let summary = "opens members; any number of them is activated";
  let description = [{
    Scopes: one a member. The decide kernel gives a mask, a `tensor<Nxi1>` with
    an element a member; without it, each member is activated with its
    own probability. Inputs: decide inputs, then one init an output, then
    captures. Closed by `octo.join`.

    Example:

    ```mlir
    octo.kernel @d image on general code 64 : (tensor<4xf32>) -> tensor<2xi1>
    octo.kernel @j join(add) on vector code 0 : (tensor<4xf32>) -> tensor<4xf32>
    octo.program @p {
      %body, %x = octo.entry : !octo.flow<tensor<4xf32>, 16>
      %s, %m0, %x0, %m1, %x1 =
        octo.select "p/s" in %body decide @d(%x) inits(%x) captures(%x)
        scopes [[2], [2]]
        : (!octo.act, !octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<4xf32>, 16>,
           !octo.flow<tensor<4xf32>, 16>)
        -> (!octo.block, !octo.act, !octo.flow<tensor<4xf32>, 16>,
            !octo.act, !octo.flow<tensor<4xf32>, 16>)
      %y = octo.join %s by @j yields(%x0, %x1)
        : (!octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<4xf32>, 16>)
        -> !octo.flow<tensor<4xf32>, 16>
      octo.exit in %body (%y) : !octo.flow<tensor<4xf32>, 16>
    }
    ```
  }];
  let arguments = !con((ins Octo_ActType:$act, StrAttr:$path,
                            OptionalAttr<FlatSymbolRefAttr>:$kernel,
                            Variadic<Octo_FlowType>:$decideInputs,
                            Variadic<Octo_FlowType>:$inits,
                            Variadic<Octo_FlowType>:$captures),
                       controlAttrs, blockAttrs);
  let assemblyFormat = [{ $path `in` $act
      (`decide` $kernel^)? (`(` $decideInputs^ `)`)?
      (`inits` `(` $inits^ `)`)? (`captures` `(` $captures^ `)`)? }] #
      scopesFormat # blockFormat # [{
      attr-dict `:` functional-type(operands, results) }];
}

def Octo_LoopOp : Octo_ControlOp<"loop", "Before"> {
  let summary = "opens the two halves of a loop";
  let description = [{
    Scopes: *before*, done once more than *after*, and *after*. The first
    imports of *before* are the carried values: inputs in the first iteration,
    `next` in later ones. *after* takes in what the closing `octo.decide`
    forwards (`forward j`) and captures. `next` are values of *after*; they are
    the back edge. `bound` (0: none) is the most iterations; passing it fails
    the request. Inputs: carried values, then captures. Without a decide kernel,
    the profile draws the trips.

    Example:

    ```mlir
    octo.kernel @d image on general code 64 : (tensor<4xf32>) -> i1
    octo.kernel @k image on general code 64 : (tensor<4xf32>) -> tensor<4xf32>
    octo.program @p {
      %body, %x = octo.entry : !octo.flow<tensor<4xf32>, 16>
      %l, %before, %b, %after, %a =
        octo.loop "p/l" in %body decide @d inits(%x) next(%n)
        scopes [[0], [forward 0]] {bound = 10 : i64}
        : (!octo.act, !octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<4xf32>, 16>)
        -> (!octo.block, !octo.act, !octo.flow<tensor<4xf32>, 16>,
            !octo.act, !octo.flow<tensor<4xf32>, 16>)
      %y = octo.decide %l (%b) forwards(%b)
        : (!octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<4xf32>, 16>)
        -> !octo.flow<tensor<4xf32>, 16>
      octo.exit in %body (%y) : !octo.flow<tensor<4xf32>, 16>
      %n = octo.tb "p/l/after/t" in %after @k(%a)
        : (!octo.flow<tensor<4xf32>, 16>) -> !octo.flow<tensor<4xf32>, 16>
    }
    ```
  }];
  let arguments = !con((ins Octo_ActType:$act, StrAttr:$path,
                            OptionalAttr<FlatSymbolRefAttr>:$kernel,
                            Variadic<Octo_FlowType>:$inits,
                            Variadic<Octo_FlowType>:$captures,
                            Variadic<Octo_FlowType>:$next,
                            DefaultValuedAttr<ConfinedAttr<I64Attr,
                                [IntNonNegative]>, "0">:$bound),
                       controlAttrs, blockAttrs);
  let assemblyFormat = [{ $path `in` $act (`decide` $kernel^)?
      (`inits` `(` $inits^ `)`)? (`captures` `(` $captures^ `)`)?
      (`next` `(` $next^ `)`)? }] # scopesFormat # blockFormat # [{
      attr-dict `:` functional-type(operands, results) }];
}

def Octo_ForkOp : Octo_ControlOp<"fork", "Each"> {
  let summary = "opens the copies of a fan-out";
  let description = [{
    One scope, activated `count` times at once; without a count, the profile
    draws it. `index` among the imports is the number of the copy. Inputs: count,
    then one init an output, then captures. Closed by `octo.join`.

    Example:

    ```mlir
    octo.kernel @j join(concat) on vector code 0
      : (tensor<0x4xf32>) -> tensor<?x4xf32>
    octo.program @p {
      %body, %n, %x, %e = octo.entry : !octo.flow<index, 8>,
        !octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<0x4xf32>>
      %f, %each, %i, %xi =
        octo.fork "p/f" in %body count(%n) inits(%e) captures(%x)
        scopes [[index, 2]]
        : (!octo.act, !octo.flow<index, 8>, !octo.flow<tensor<0x4xf32>>,
           !octo.flow<tensor<4xf32>, 16>)
        -> (!octo.block, !octo.act, !octo.flow<index, 8>,
            !octo.flow<tensor<4xf32>, 16>)
      %y = octo.join %f by @j yields(%xi)
        : (!octo.flow<tensor<4xf32>, 16>) -> !octo.flow<tensor<?x4xf32>, 64>
      octo.exit in %body (%y) : !octo.flow<tensor<?x4xf32>, 64>
    }
    ```
  }];
  let arguments = !con((ins Octo_ActType:$act, StrAttr:$path,
                            Optional<Octo_FlowType>:$count,
                            Variadic<Octo_FlowType>:$inits,
                            Variadic<Octo_FlowType>:$captures),
                       controlAttrs, blockAttrs);
  let assemblyFormat = [{ $path `in` $act (`count` `(` $count^ `)`)?
      (`inits` `(` $inits^ `)`)? (`captures` `(` $captures^ `)`)? }] #
      scopesFormat # blockFormat # [{
      attr-dict `:` functional-type(operands, results) }];
  let extraClassDeclaration = scopeDeclarations # [{
    ::mlir::FlatSymbolRefAttr getKernelAttr() { return {}; }
  }];
}

def Octo_MergeOp : Octo_Op<"merge", [HasParent<"ProgramOp">]> {
  let summary = "closes a switch";
  let description = [{
    `yields` has the values that the cases yield, case by case; the results are
    those of the case that was activated.

    Example:

    ```mlir
    octo.program @p {
      %body, %x = octo.entry : !octo.flow<f32>
      %c, %case0, %a, %case1, %b =
        octo.switch "p/c" in %body captures(%x) scopes [[0], [0]]
        profile <[{frequencies = [2147483648, 2147483648]} ]>
        : (!octo.act, !octo.flow<f32>)
        -> (!octo.block, !octo.act, !octo.flow<f32>, !octo.act, !octo.flow<f32>)
      %y = octo.merge %c yields(%a, %b)
        : (!octo.flow<f32>, !octo.flow<f32>) -> !octo.flow<f32>
      octo.exit in %body (%y) : !octo.flow<f32>
    }
    ```
  }];
  let arguments = (ins Octo_BlockType:$block, Variadic<Octo_FlowType>:$yields);
  let results = (outs Variadic<Octo_FlowType>:$outputs);
  let assemblyFormat = [{
    $block `yields` `(` $yields `)` attr-dict `:`
    functional-type($yields, $outputs)
  }];
}

def Octo_JoinOp : Octo_Op<"join", [HasParent<"ProgramOp">]> {
  let summary = "closes a select or a fork";
  let description = [{
    `yields` has the values that the members yield, member by member, or those
    that every copy yields. The kernel combines them with the inits, in case or
    index order; there is none if there are no results.

    Example:

    ```mlir
    octo.program @p {
      %body = octo.entry
      %f, %each = octo.fork "p/f" in %body scopes [[]]
        profile <[{draw = #octo.dist<3>} ]> : (!octo.act) -> (!octo.block, !octo.act)
      octo.join %f yields() : () -> ()
      octo.exit in %body
    }
    ```
  }];
  let arguments = (ins Octo_BlockType:$block,
                       OptionalAttr<FlatSymbolRefAttr>:$kernel,
                       Variadic<Octo_FlowType>:$yields);
  let results = (outs Variadic<Octo_FlowType>:$outputs);
  let assemblyFormat = [{
    $block (`by` $kernel^)? `yields` `(` $yields `)` attr-dict `:`
    functional-type($yields, $outputs)
  }];
}

def Octo_DecideOp : Octo_Op<"decide", [
    HasParent<"ProgramOp">, AttrSizedOperandSegments]> {
  let summary = "closes a loop: decides whether to go on";
  let description = [{
    The loop's decide kernel takes the first operands, values of *before*. If it
    goes on, the forwarded values go to *after*; if not, they are the results.

    Example:

    ```mlir
    octo.program @p {
      %body, %x = octo.entry : !octo.flow<f32>
      %l, %before, %b, %after, %a =
        octo.loop "p/l" in %body inits(%x) next(%a) scopes [[0], [forward 0]]
        profile <[{draw = #octo.dist<3>} ]>
        : (!octo.act, !octo.flow<f32>, !octo.flow<f32>)
        -> (!octo.block, !octo.act, !octo.flow<f32>, !octo.act, !octo.flow<f32>)
      %y = octo.decide %l () forwards(%b) : (!octo.flow<f32>) -> !octo.flow<f32>
      octo.exit in %body (%y) : !octo.flow<f32>
    }
    ```
  }];
  let arguments = (ins Octo_BlockType:$block,
                       Variadic<Octo_FlowType>:$decideInputs,
                       Variadic<Octo_FlowType>:$forwards);
  let results = (outs Variadic<Octo_FlowType>:$outputs);
  let assemblyFormat = [{
    $block `(` $decideInputs `)` (`forwards` `(` $forwards^ `)`)? attr-dict `:`
    custom<DecideTypes>(type($decideInputs), type($forwards), type($outputs),
                        ref($decideInputs), ref($forwards))
  }];
}

//===----------------------------------------------------------------------===//
// Segments
//===----------------------------------------------------------------------===//

def Octo_SegmentOp : Octo_Op<"segment", [HasParent<"ProgramOp">]> {
  let summary = "a group of static tasks that is admitted as a whole";
  let description = [{
    The tasks of scope `act` whose `slot` names this segment run by a timetable
    relative to its activation. `interval` is the least distance of two
    activations of a lane, `lanes` how many replicas the timetable is laid out
    for: lane l uses replica `slot.replica + l`.

    Example:

    ```mlir
    octo.kernel @k profiled on general code 64 : () -> ()
    octo.program @p {
      %body = octo.entry
      octo.segment in %body interval 500 lanes 1
      octo.tb "p/t" in %body @k() profile <[{draw = #octo.dist<100>} ]>
        place <[{cluster 0, tbu 0, pea 0 + 1, share 13107} ]>
        slot <segment = 0, replica = 0, start = 0, cycles = 100> : () -> ()
      octo.exit in %body
    }
    ```
  }];
  let arguments = (ins Octo_ActType:$act,
      ConfinedAttr<I64Attr, [IntNonNegative]>:$interval,
      ConfinedAttr<I32Attr, [IntPositive]>:$lanes);
  let assemblyFormat = "`in` $act `interval` $interval `lanes` $lanes attr-dict";
}

#endif // OCTO_DIALECT_OCTO_IR_OCTOOPS_TD
