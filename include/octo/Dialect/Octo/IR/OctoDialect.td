//===----------------------------------------------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The dialect `octo`: where and when a workflow is done.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OCTO_IR_OCTODIALECT_TD
#define OCTO_DIALECT_OCTO_IR_OCTODIALECT_TD

include "mlir/IR/OpBase.td"

def Octo_Dialect : Dialect {
  let name = "octo";
  let cppNamespace = "::octo::spatial";
  let summary = "A workflow as a flat program of a spatial machine";
  let description = [{
    The `octo` dialect is the picture, as IR, of a program file (`.octo`): one op
    per block, no nested regions, every decision of the compiler an attribute
    that a test can check, a user can pin and a person can read.

    *Flows* are SSA values of type `!octo.flow`. What the file calls a region
    (the body of the workflow, a case, a member, the two halves of a loop, a
    copy of a fan-out) is a *scope*: a value of type `!octo.act` stands for one
    activation of it. A control block opens scopes: its results are, for each
    scope, the activation and the values that it takes in. A closing op takes
    the values that the scopes yield and gives the outputs of the block in the
    scope around it:

    | opens | scopes | closes |
    |---|---|---|
    | `octo.entry` | body | `octo.exit` |
    | `octo.switch` | one a case | `octo.merge` |
    | `octo.select` | one a member | `octo.join` |
    | `octo.loop` | before, after | `octo.decide` |
    | `octo.fork` | each | `octo.join` |

    An op belongs to the scope of its activation operand, and it takes values of
    that scope only; `octo.use_weight` alone has a result that every scope may
    use. The body of `octo.program` is a graph region: the order of the ops
    means nothing, except that it numbers the blocks (`octo.tb`, `octo.switch`,
    `octo.select`, `octo.loop`, `octo.fork`) from 0, and the segments.
  }];
  // Kernels keep the phases of bodies as the dialect owg describes them.
  let dependentDialects = ["::octo::owg::OWGDialect"];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    void registerTypes();
  }];
}

#endif // OCTO_DIALECT_OCTO_IR_OCTODIALECT_TD
