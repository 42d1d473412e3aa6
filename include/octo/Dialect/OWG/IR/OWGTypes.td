//===- OWGTypes.td - Types of timing-only flows ------------*- tablegen -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The types of flows that carry no values, only sizes or order.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OWG_IR_OWGTYPES_TD
#define OCTO_DIALECT_OWG_IR_OWGTYPES_TD

include "mlir/IR/AttrTypeBase.td"
include "octo/Dialect/OWG/IR/OWGDialect.td"

class OWG_Type<string name, string typeMnemonic>
    : TypeDef<OWG_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def OWG_DataType : OWG_Type<"Data", "data"> {
  let summary = "a value of which only the size is known";
  let description = [{
    The result of a profiled block: `bytes` bytes whose contents are unknown.
    `?` means that the size is drawn per instance from `out_bytes` of the
    producer's profile.

    ```
    !owg.data<4096>
    !owg.data<?>
    ```
  }];
  // Bytes, or kDynamic.
  let parameters = (ins "int64_t":$bytes);
  let genVerifyDecl = 1;
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    static constexpr int64_t kDynamic = -1;
    bool isDynamic() const { return getBytes() == kDynamic; }
  }];
}

def OWG_TokenType : OWG_Type<"Token", "token"> {
  let summary = "order without data";
  let description = [{
    Says that its producer is done; carries no bytes on the data plane.

    ```
    !owg.token
    ```
  }];
}

#endif // OCTO_DIALECT_OWG_IR_OWGTYPES_TD
