//===----------------------------------------------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Interfaces of the ops of the dialect `octo`.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OCTO_IR_OCTOINTERFACES_TD
#define OCTO_DIALECT_OCTO_IR_OCTOINTERFACES_TD

include "mlir/IR/OpBase.td"

def Octo_BlockOpInterface : OpInterface<"BlockOpInterface"> {
  let cppNamespace = "::octo::spatial";
  let description = [{
    What all blocks (`octo.tb`, `octo.switch`, `octo.select`, `octo.loop`,
    `octo.fork`) have in common: the rows of the program file's block table.
  }];
  let methods = [
    InterfaceMethod<"Path id.", "::mlir::StringAttr", "getPathAttr">,
    InterfaceMethod<"The activation that the block belongs to.",
      "::mlir::Value", "getActivation", (ins), [{ return $_op.getAct(); }]>,
    InterfaceMethod<"Kernel of a task, decide kernel of a control block, or null.",
      "::mlir::FlatSymbolRefAttr", "getKernelAttr">,
    InterfaceMethod<"Profile, or null.", "::octo::spatial::ProfileAttr",
      "getProfileAttr">,
    InterfaceMethod<"Sets the profile.", "void", "setProfileAttr",
      (ins "::octo::spatial::ProfileAttr":$profile)>,
    InterfaceMethod<"The user's pin, or null.", "::octo::spatial::PinAttr",
      "getPinAttr">,
    InterfaceMethod<"Place, or null before allocation.",
      "::octo::spatial::PlaceAttr", "getPlaceAttr">,
    InterfaceMethod<"Sets the place.", "void", "setPlaceAttr",
      (ins "::octo::spatial::PlaceAttr":$place)>,
    InterfaceMethod<"Row of the run-time tables, or null before they are made.",
      "::octo::spatial::PolicyAttr", "getPolicyAttr">,
    InterfaceMethod<"Sets the row of the run-time tables.", "void",
      "setPolicyAttr", (ins "::octo::spatial::PolicyAttr":$policy)>,
    InterfaceMethod<"Record of decisions (array of DecisionAttr), or null.",
      "::mlir::ArrayAttr", "getDecisionsAttr">,
    InterfaceMethod<"Sets the record of decisions.", "void", "setDecisionsAttr",
      (ins "::mlir::ArrayAttr":$decisions)>,
  ];
  let extraSharedClassDeclaration = [{
    /// Inputs in the order of the program file's block table.
    ::mlir::OperandRange getBlockInputs() {
      return ::octo::spatial::detail::getBlockInputs($_op);
    }
    /// Outputs of the block, in the scope that the block belongs to: those of
    /// the closing op, for a control block. Constant time.
    ::mlir::ResultRange getBlockOutputs() {
      return ::octo::spatial::detail::getBlockOutputs($_op);
    }
    /// True for `octo.tb`.
    bool isTask() { return ::octo::spatial::detail::isTask($_op); }
  }];
}

def Octo_ControlOpInterface
    : OpInterface<"ControlOpInterface", [Octo_BlockOpInterface]> {
  let cppNamespace = "::octo::spatial";
  let description = [{
    What all control blocks have in common: they open scopes. The results of the
    op are the token that ties it to its closing op, then for each scope its
    activation and its imports.
  }];
  let methods = [
    InterfaceMethod<[{For each import of each scope, where it comes from: the
      number of an input of the block, 0x40000000 (the index of the copy), or
      0x80000000 | j (value j forwarded by the decide of the loop).}],
      "::llvm::ArrayRef<int32_t>", "getImports">,
    InterfaceMethod<"How many imports each scope has.",
      "::llvm::ArrayRef<int32_t>", "getImportSizes">,
    InterfaceMethod<"Role of the scopes; of the first one, for a loop.",
      "::octo::spatial::ScopeRole", "getFirstRole">,
  ];
  let extraSharedClassDeclaration = [{
    static constexpr uint32_t copyIndex = 0x40000000u;
    static constexpr uint32_t forwarded = 0x80000000u;

    unsigned getNumScopes() { return $_op.getImportSizes().size(); }
    ::octo::spatial::ScopeRole getScopeRole(unsigned scope) {
      return static_cast<::octo::spatial::ScopeRole>(
          static_cast<unsigned>($_op.getFirstRole()) +
          ($_op.getFirstRole() == ::octo::spatial::ScopeRole::Before ? scope : 0));
    }
    /// The activation of a scope. Linear in the number of scopes before it.
    ::mlir::Value getScopeAct(unsigned scope) {
      unsigned at = 1;
      for (unsigned i = 0; i < scope; ++i)
        at += 1 + $_op.getImportSizes()[i];
      return $_op->getResult(at);
    }
    /// The values that a scope takes in.
    ::mlir::ResultRange getScopeImports(unsigned scope) {
      unsigned at = ::llvm::cast<::mlir::OpResult>(getScopeAct(scope))
                        .getResultNumber() + 1;
      return $_op->getResults().slice(at, $_op.getImportSizes()[scope]);
    }
    /// The op that closes the block, or null while there is none.
    ::mlir::Operation *getCloser() {
      return ::octo::spatial::detail::getCloser($_op);
    }
  }];
}

#endif // OCTO_DIALECT_OCTO_IR_OCTOINTERFACES_TD
