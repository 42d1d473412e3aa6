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

// The order is that of the program file.
def OWG_WorkClass : I32Enum<"WorkClass", "class of work", [
      I32EnumCase<"Mac", 0, "mac">,
      I32EnumCase<"Vector", 1, "vector">,
      I32EnumCase<"Special", 2, "special">,
      I32EnumCase<"Scalar", 3, "scalar">,
      I32EnumCase<"Bytes", 4, "bytes">,
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

def OWG_WorkTermAttr : AttrDef<OWG_Dialect, "WorkTerm"> {
  let mnemonic = "term";
  let summary = "one term of the work of a body";
  let description = [{
    `coefficient` times the product of the symbols, in operations of the class
    (multiply-accumulates, vector element operations, special functions, scalar
    operations, bytes between PEAs and scratchpad). `dim(i, d)` is the run-time
    size of dimension d of input i; `counter(c)` the number of iterations, over
    the whole call, of the c-th data-dependent loop of the body in pre-order.

    ```
    #owg.term<mac, 64, [dim(0, 0), counter(1)]>
    ```
  }];
  let parameters = (ins "::octo::owg::WorkClass":$workClass,
                        "uint64_t":$coefficient,
                        ArrayRefParameter<"uint32_t">:$symbols);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// Symbols are encoded as in the program file's WorkTable.
    static uint32_t dimSymbol(unsigned input, unsigned dim) {
      return (input << 8) | dim;
    }
    static uint32_t counterSymbol(unsigned counter) {
      return 0x80000000u | counter;
    }
    static bool isCounter(uint32_t symbol) { return symbol >> 31; }
    /// Parses and prints the bare form, as in `mac, 64, [dim(0, 0)]`.
    static ::mlir::FailureOr<WorkTermAttr> parseBare(::mlir::AsmParser &parser);
    void printBare(::mlir::AsmPrinter &printer) const;
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
    - `matmuls`: `[m, n, k, count]` for every matrix product (or convolution)
      whose shape is known: `count` products of an m x k by a k x n matrix;
    - `terms`: the work, see `#owg.term`.

    ```
    #owg.cost<on matrix, code 320, counters = [8],
              matmuls = [[64, 32, 16, 1]],
              terms = [<mac, 32768>, <vector, 4, [dim(0, 0), counter(0)]>]>
    ```
  }];
  let parameters = (ins "::octo::owg::UnitClass":$unit,
                        "uint64_t":$codeBytes,
                        ArrayRefParameter<"uint64_t">:$counters,
                        ArrayRefParameter<"int64_t">:$matmuls,
                        ArrayRefParameter<"::octo::owg::WorkTermAttr">:$terms);
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
