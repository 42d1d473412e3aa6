//===- OWGInterfaces.td - What all blocks have in common ---*- tablegen -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Uniform access to label, path, profile, pin and source of any block.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OWG_IR_OWGINTERFACES_TD
#define OCTO_DIALECT_OWG_IR_OWGINTERFACES_TD

include "mlir/IR/OpBase.td"

def OWG_LabelledOpInterface : OpInterface<"LabelledOpInterface"> {
  let cppNamespace = "::octo::owg";
  let description = [{
    An operation with a label that is unique in its workflow: every block, and
    the call of another workflow.
  }];
  let methods = [
    InterfaceMethod<"The label.", "::mlir::StringAttr", "getOpLabel", (ins),
                    [{ return $_op.getLabelAttr(); }]>,
    InterfaceMethod<"Replaces the label.", "void", "setOpLabel",
                    (ins "::mlir::StringAttr":$label),
                    [{ $_op.setLabelAttr(label); }]>,
    InterfaceMethod<"The path id, or null before it was assigned.",
                    "::mlir::StringAttr", "getOpPath", (ins),
                    [{ return $_op.getPathAttr(); }]>,
    InterfaceMethod<"Fixes the path id.", "void", "setOpPath",
                    (ins "::mlir::StringAttr":$path),
                    [{ $_op.setPathAttr(path); }]>,
    InterfaceMethod<[{
        The name of a region of this operation in path ids: `case0`, `default`,
        `decide`, `member0`, `before`, `after`, `each`, `body`.
      }], "std::string", "getPathRegionName", (ins "unsigned":$region)>,
  ];
}

def OWG_BlockOpInterface
    : OpInterface<"BlockOpInterface", [OWG_LabelledOpInterface]> {
  let cppNamespace = "::octo::owg";
  let description = [{A task block or a control block.}];
  let methods = [
    InterfaceMethod<"The profile, or null.", "::octo::owg::ProfileAttr",
                    "getOpProfile", (ins),
                    [{ return $_op.getProfileAttr(); }]>,
    InterfaceMethod<"Sets (or, with null, removes) the profile.", "void",
                    "setOpProfile", (ins "::octo::owg::ProfileAttr":$profile),
                    [{ $_op.setProfileAttr(profile); }]>,
    InterfaceMethod<"The user's pin, or null.", "::octo::owg::PinAttr",
                    "getOpPin", (ins), [{ return $_op.getPinAttr(); }]>,
    InterfaceMethod<"The place in the user's own file, or null.",
                    "::octo::owg::SourceAttr", "getOpSource", (ins),
                    [{ return $_op.getSourceAttr(); }]>,
    InterfaceMethod<"Whether the block has no code and follows its profile.",
                    "bool", "hasProfiledBehaviour">,
  ];
}

#endif // OCTO_DIALECT_OWG_IR_OWGINTERFACES_TD
