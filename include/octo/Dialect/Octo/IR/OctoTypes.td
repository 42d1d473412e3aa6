//===----------------------------------------------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Types of the dialect `octo`.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OCTO_IR_OCTOTYPES_TD
#define OCTO_DIALECT_OCTO_IR_OCTOTYPES_TD

include "octo/Dialect/Octo/IR/OctoAttrs.td"
include "mlir/IR/AttrTypeBase.td"

class Octo_Type<string name, string typeMnemonic, list<Trait> traits = []>
    : TypeDef<Octo_Dialect, name, traits> {
  let mnemonic = typeMnemonic;
}

def Octo_ActType : Octo_Type<"Act", "act"> {
  let summary = "an activation of a scope";
  let description = [{
    Stands for one activation of a scope. An op with this operand belongs to the
    scope and is done once in each of its activations.
  }];
}

def Octo_BlockType : Octo_Type<"Block", "block"> {
  let summary = "ties the op that opens a control block to the one that closes it";
  let description = [{
    The first result of `octo.switch`, `octo.select`, `octo.loop` and
    `octo.fork`. The one op that takes it ends their scopes: `octo.merge` a
    switch, `octo.decide` a loop, `octo.join` a select or a fork.
  }];
}

def Octo_DataType : Octo_Type<"Data", "data"> {
  let summary = "content of a profiled workflow: it has a size, never a value";
  let description = [{
    The payload of flows between tasks that have a profile and no code. How
    large it is stands in the type of the flow.

    Example: `!octo.flow<!octo.data, 64>`.
  }];
}

def Octo_TokenType : Octo_Type<"Token", "token"> {
  let summary = "order without content";
  let description = [{
    The payload of a flow that says only that its producer is done. It takes a
    message of the control plane and none of the data plane.

    Example: `!octo.flow<!octo.token>`.
  }];
}

def Octo_FlowType : Octo_Type<"Flow", "flow"> {
  let summary = "a value on its way from its producer to its consumers";
  let description = [{
    `payload` is the type of the content: a ranked tensor or scalar of i1, i8,
    i16, i32, i64, index, f16, bf16, f32 or f64, `!octo.data` or `!octo.token`.
    `bytes` is the size when every dimension is known, else the compiler's
    expectation (0: none). `distribution` draws the size in timing-only runs.

    Example: `!octo.flow<tensor<4xf32>, 16>`, `!octo.flow<!octo.data, 64>`.
  }];
  let parameters = (ins "::mlir::Type":$payload,
                        DefaultValuedParameter<"uint64_t", "0">:$bytes,
                        OptionalParameter<"::octo::spatial::DistributionAttr">:$distribution);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let builders = [
    // A flow of the payload's own size.
    TypeBuilderWithInferredContext<(ins "::mlir::Type":$payload), [{
      return $_get(payload.getContext(), payload,
                   FlowType::staticBytes(payload), DistributionAttr());
    }]>
  ];
  let extraClassDeclaration = [{
    /// True for what a flow can carry.
    static bool isPayload(::mlir::Type type);
    /// Bytes of a payload when its shape is known, else 0. Tokens and data: 0.
    static uint64_t staticBytes(::mlir::Type payload);
  }];
}

#endif // OCTO_DIALECT_OCTO_IR_OCTOTYPES_TD
