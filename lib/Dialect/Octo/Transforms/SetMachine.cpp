//===- SetMachine.cpp - A target file as the machine of a module ----------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the target and writes it down as an octo.machine.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/Octo/IR/Octo.h"
#include "octo/Dialect/Octo/Transforms/Passes.h"
#include "octo/Target/Topology.h"

namespace octo::spatial {
#define GEN_PASS_DEF_OCTOSETMACHINE
#include "octo/Dialect/Octo/Transforms/Passes.h.inc"
} // namespace octo::spatial

using namespace mlir;
using namespace octo::spatial;

void octo::spatial::setMachine(ModuleOp module, const TargetDesc &target) {
  std::string name = "machine";
  SmallVector<MachineOp> old(module.getOps<MachineOp>());
  if (!old.empty())
    name = old.front().getSymName().str();
  for (MachineOp machine : old)
    machine.erase();
  // A name that nothing else in the module has.
  SymbolTable table(module);
  std::string unique = name;
  for (unsigned i = 0; table.lookup(unique); ++i)
    unique = name + "_" + std::to_string(i);
  auto builder = OpBuilder::atBlockBegin(module.getBody());
  MachineOp::create(builder, module.getLoc(), unique, target);
  auto reference = FlatSymbolRefAttr::get(module.getContext(), unique);
  for (ProgramOp program : module.getOps<ProgramOp>())
    program.setMachineAttr(reference);
}

namespace {

class SetMachine : public octo::spatial::impl::OctoSetMachineBase<SetMachine> {
public:
  using OctoSetMachineBase::OctoSetMachineBase;

  void runOnOperation() override {
    if (target.empty()) {
      emitError(UnknownLoc::get(&getContext()))
          << "octo-set-machine needs a target file: "
             "octo-set-machine{target=FILE}";
      return signalPassFailure();
    }
    octo::Expected<octo::TargetDesc> desc = octo::readTarget(target);
    if (!desc) {
      const octo::Diagnostic &error = desc.error();
      Location loc =
          error.line ? Location(FileLineColLoc::get(&getContext(), error.file,
                                                    error.line, error.column))
                     : Location(UnknownLoc::get(&getContext()));
      emitError(loc) << (error.line || error.file.empty() ? ""
                                                          : error.file + ": ")
                     << error.message;
      return signalPassFailure();
    }
    setMachine(getOperation(), *desc);
  }
};

} // namespace
