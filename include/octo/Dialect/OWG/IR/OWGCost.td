//===- OWGCost.td - What the analyses know about blocks -----*- tablegen -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The attributes that owg-estimate-cost and owg-classify write.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OWG_IR_OWGCOST_TD
#define OCTO_DIALECT_OWG_IR_OWGCOST_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "octo/Dialect/OWG/IR/OWGDialect.td"

// The orders are those of the program file.
def OWG_WorkClass : I32Enum<"WorkClass", "class of work", [
      I32EnumCase<"Mac", 0, "mac">,
      I32EnumCase<"Vector", 1, "vector">,
      I32EnumCase<"Special", 2, "special">,
      I32EnumCase<"Scalar", 3, "scalar">,
      I32EnumCase<"Bytes", 4, "bytes">,
    ]> {
  let cppNamespace = "::octo::owg";
}

def OWG_PhaseKind : I32Enum<"PhaseKind", "kind of a phase", [
      I32EnumCase<"Matrix", 0, "matrix">,
      I32EnumCase<"Vector", 1, "vector">,
      I32EnumCase<"Special", 2, "special">,
      I32EnumCase<"Scalar", 3, "scalar">,
      I32EnumCase<"Move", 4, "move">,
    ]> {
  let cppNamespace = "::octo::owg";
}

def OWG_SizeKind : I32Enum<"SizeKind", "kind of a derived size", [
      I32EnumCase<"FloorDiv", 0, "floordiv">,
      I32EnumCase<"CeilDiv", 1, "ceildiv">,
      I32EnumCase<"Min", 2, "min">,
      I32EnumCase<"Max", 3, "max">,
    ]> {
  let cppNamespace = "::octo::owg";
}

def OWG_UnitClass : I32Enum<"UnitClass", "preferred class of PEAs", [
      I32EnumCase<"Matrix", 0, "matrix">,
      I32EnumCase<"Vector", 1, "vector">,
      I32EnumCase<"General", 2, "general">,
    ]> {
  let cppNamespace = "::octo::owg";
}

def OWG_FormAttr : AttrDef<OWG_Dialect, "Form"> {
  let mnemonic = "form";
  let summary = "a number that follows from run-time sizes";
  let description = [{
    A sum of products. `dim(i, d)` is the run-time size of dimension d of input
    i; `counter(c)` the number of iterations, over the whole call, of the c-th
    data-dependent loop of the body in pre-order; `size(s)` the s-th derived
    size of the list `sizes` beside the form.

    ```
    #owg.form<64 * dim(0, 0) * counter(1) - 2 * size(0) + 3>
    ```
  }];
  // Term t has the coefficient coefficients[t] and the symbols
  // [symbolEnds[t - 1], symbolEnds[t]).
  let parameters = (ins ArrayRefParameter<"int64_t">:$coefficients,
                        ArrayRefParameter<"uint32_t">:$symbolEnds,
                        ArrayRefParameter<"uint32_t">:$symbols);
  let hasCustomAssemblyFormat = 1;
  let builders = [
    AttrBuilder<(ins "int64_t":$constant)>
  ];
  let extraClassDeclaration = [{
    /// Symbols are encoded as in the program file.
    static uint32_t dimSymbol(unsigned input, unsigned dim) {
      return (input << 8) | dim;
    }
    static uint32_t counterSymbol(unsigned counter) {
      return 0x80000000u | counter;
    }
    static uint32_t sizeSymbol(unsigned size) { return 0x40000000u | size; }
    static bool isCounter(uint32_t symbol) { return symbol >> 31; }
    static bool isSize(uint32_t symbol) { return symbol >> 30 == 1; }
    unsigned getNumTerms() const { return getCoefficients().size(); }
    ::llvm::ArrayRef<uint32_t> getSymbolsOf(unsigned term) const {
      unsigned begin = term ? getSymbolEnds()[term - 1] : 0;
      return getSymbols().slice(begin, getSymbolEnds()[term] - begin);
    }
    bool isZero() const { return getCoefficients().empty(); }
    /// True if the form is this number.
    bool isConstant(int64_t value) const {
      return value == 0 ? isZero()
                        : getNumTerms() == 1 && getSymbols().empty() &&
                              getCoefficients().front() == value;
    }
    /// Parses and prints the bare form, as in `2 * dim(0, 0) + 1`.
    static ::mlir::FailureOr<FormAttr> parseBare(::mlir::AsmParser &parser);
    void printBare(::mlir::AsmPrinter &printer) const;
  }];
}

def OWG_SizeAttr : AttrDef<OWG_Dialect, "Size"> {
  let mnemonic = "size";
  let summary = "a size that is no sum of products";
  let description = [{
    `floordiv` and `ceildiv` divide the first form by the second (by zero or
    less: 0), `min` and `max` compare them. A form may name the sizes that come
    before its own.

    ```
    #owg.size<floordiv(dim(0, 0) - 1, 2)>
    ```
  }];
  let parameters = (ins "::octo::owg::SizeKind":$kind,
                        "::octo::owg::FormAttr":$first,
                        "::octo::owg::FormAttr":$second);
  let hasCustomAssemblyFormat = 1;
}

def OWG_PhaseAttr : AttrDef<OWG_Dialect, "Phase"> {
  let mnemonic = "phase";
  let summary = "a step of a body: its kind, its work, its bytes";
  let description = [{
    One tensor operation of the body, or the scalar operations between two of
    them. The numbers are forms; the order is that of the program file. Over the
    whole call: `times` it runs, operations of the classes `mac`, `vector`,
    `special`, `scalar`, bytes of inputs of the body that are first needed here
    (`load`) and of results made here (`store`). Of one execution: `count`
    products of an `m` x `k` by a `k` x `n` matrix (in other phases m points
    with a reduction of length k), bytes of the operands `left` and `right` and
    of the `result`. `live` are the bytes of all tensors that are needed now or
    later, `held` those that are no inputs. Numbers that are left out are 1 for
    times, m, n, k and count, and 0 for the others.

    ```
    #owg.phase<matrix "linalg.matmul" {m = dim(0, 0), n = 64, k = 32,
               mac = 2048 * dim(0, 0), load = 128 * dim(0, 0) + 8192}>
    ```
  }];
  let parameters = (ins "::octo::owg::PhaseKind":$kind,
                        "::mlir::StringAttr":$name,
                        ArrayRefParameter<"::octo::owg::FormAttr">:$forms);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static constexpr unsigned numForms = 16;
    /// The numbers' names, in the order of the program file.
    static ::llvm::ArrayRef<::llvm::StringLiteral> getFormNames();
    static ::mlir::FailureOr<PhaseAttr> parseBare(::mlir::AsmParser &parser);
    void printBare(::mlir::AsmPrinter &printer) const;
    /// Work of a class over the whole call: the forms to add up.
    ::llvm::SmallVector<FormAttr, 2> getWork(WorkClass workClass) const;
  }];
}

def OWG_CostAttr : AttrDef<OWG_Dialect, "Cost"> {
  let mnemonic = "cost";
  let summary = "the work of a body, as owg-estimate-cost found it";
  let description = [{
    Stands as `owg.cost` on functions that tasks call, and on tasks with an
    inline body; as `owg.decide_cost` on control blocks with a decision.

    - `on`: the class of PEAs that suits the work best;
    - `code`: bytes of the configuration that a PEA must hold;
    - `counters`: for each counter its expected value;
    - `sizes`: the derived sizes that the forms name, see `#owg.size`;
    - `phases`: the steps of the body in program order, see `#owg.phase`. Their
      sum is the work of the body.

    ```
    #owg.cost<on matrix, code 320, counters = [8],
              sizes = [ceildiv(dim(0, 0), 2)],
              phases = [<matrix "linalg.matmul" {m = 64, n = 32, k = 16,
                                                 mac = 32768, load = 6144}>,
                        <vector "arith.addf" {times = counter(0), m = size(0),
                                              vector = size(0) * counter(0)}>]>
    ```
  }];
  let parameters = (ins "::octo::owg::UnitClass":$unit,
                        "uint64_t":$codeBytes,
                        ArrayRefParameter<"uint64_t">:$counters,
                        ArrayRefParameter<"::octo::owg::SizeAttr">:$sizes,
                        ArrayRefParameter<"::octo::owg::PhaseAttr">:$phases);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Name of the attribute on functions and inline tasks.
    static constexpr ::llvm::StringLiteral attrName() { return "owg.cost"; }
    /// Name of the attribute on control blocks, for their decide region.
    static constexpr ::llvm::StringLiteral decideAttrName() {
      return "owg.decide_cost";
    }
    unsigned getNumCounters() const { return getCounters().size(); }
    /// The first symbol that is no constant: a dimension or counter on which
    /// the work depends. None if the work is always the same.
    ::std::optional<uint32_t> getFirstSymbol() const;
  }];
}

def OWG_ClassAttr : AttrDef<OWG_Dialect, "Class"> {
  let mnemonic = "class";
  let summary = "whether a block is static or dynamic, and why";
  let description = [{
    Stands as `owg.class` on blocks; written by owg-classify.

    ```
    #owg.class<dynamic_time, static_frequency, "dimension 0 of input 0">
    ```
  }];
  let parameters = (ins "bool":$dynamicTime, "bool":$dynamicFrequency,
                        "::mlir::StringAttr":$reason);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    static constexpr ::llvm::StringLiteral attrName() { return "owg.class"; }
  }];
}

#endif // OCTO_DIALECT_OWG_IR_OWGCOST_TD
