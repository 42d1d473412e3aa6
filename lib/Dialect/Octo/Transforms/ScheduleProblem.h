//===- ScheduleProblem.h - A program as a scheduling problem ----*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Between octo.program and octo::sched::Problem, both ways.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_DIALECT_OCTO_TRANSFORMS_SCHEDULEPROBLEM_H
#define OCTO_LIB_DIALECT_OCTO_TRANSFORMS_SCHEDULEPROBLEM_H

#include "octo/Dialect/Octo/IR/ProgramLayout.h"
#include "octo/Dialect/Octo/Transforms/KernelVariants.h"
#include "octo/Scheduling/RequestPath.h"
#include "octo/Scheduling/Verify.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

namespace octo::spatial {

/// A program with everything that the passes ask about it.
struct ScheduleProblem {
  ProgramLayout layout;
  sched::Problem problem;
  /// By kernel number of the problem.
  std::vector<KernelOp> kernels;
  /// Why a block is of its class, by block.
  std::vector<std::string> reason;

  mlir::Operation *op(uint32_t block) const {
    BlockOpInterface found = layout.blocks[block].op;
    return found.getOperation();
  }
};

/// The one machine of a module and its topology.
struct ModuleMachine {
  TargetDesc target;
  std::unique_ptr<Topology> topology;
};

/// Fails, with an error that says which pass must run first, if the module has
/// no programs or no machine, or with the error of the machine.
mlir::FailureOr<ModuleMachine> getMachine(mlir::ModuleOp module,
                                          llvm::StringRef pass);

/// Reads the program. Its kernels must have their variants.
mlir::FailureOr<ScheduleProblem>
buildProblem(ProgramOp program, const TargetDesc &target,
             mlir::SymbolTableCollection &symbols,
             const EstimateAssumptions &assume);

/// What differs between the requests of a program, as its problem was built.
sched::RequestModel buildRequestModel(ProgramOp program,
                                      const ScheduleProblem &from,
                                      const EstimateAssumptions &assume);

/// The kernels of the program's tasks, in order of first use, each once.
mlir::FailureOr<std::vector<KernelOp>>
usedKernels(ProgramOp program, mlir::SymbolTableCollection &symbols);

/// The places that the blocks have. Fails if a block has none: `pass` needs
/// octo-allocate-peas first.
mlir::FailureOr<sched::Placement> readPlacement(const ScheduleProblem &from,
                                                llvm::StringRef pass);

/// A program as the passes behind octo-allocate-peas take it.
struct PlacedProgram {
  ProgramOp program;
  ScheduleProblem from;
  sched::Placement placement;
};

/// Reads each program of the module and its places, and calls `visit` with it.
/// Ends at the first that fails.
mlir::LogicalResult forEachPlacedProgram(
    mlir::ModuleOp module, const TargetDesc &target,
    const EstimateAssumptions &assume, llvm::StringRef pass,
    llvm::function_ref<mlir::LogicalResult(PlacedProgram &)> visit);

/// Gives a block the replicas that `placement` has for it. Several programs on
/// one machine share each PEA evenly.
void writePlace(BlockOpInterface op, const sched::Placement &placement,
                uint32_t block, uint32_t numPrograms);

/// A record of the scheduling library as an attribute.
DecisionAttr makeDecision(mlir::MLIRContext *context,
                          const sched::Decision &decision);

/// The timetables that segments and slots state.
sched::Schedule readSchedule(const ScheduleProblem &from);

/// Reports a violation as an error at its block with notes at the others.
void emitViolation(ProgramOp program, const ScheduleProblem &problem,
                   const sched::Violation &violation);

} // namespace octo::spatial

#endif // OCTO_LIB_DIALECT_OCTO_TRANSFORMS_SCHEDULEPROBLEM_H
