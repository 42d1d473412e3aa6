//===- Kernels.h - Kernels and weights of the converted module --*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Makes octo.kernel and octo.weight ops, each distinct one once.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_CONVERSION_OWGTOOCTO_KERNELS_H
#define OCTO_LIB_CONVERSION_OWGTOOCTO_KERNELS_H

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/IR/Octo.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"

#include <map>

namespace octo {

/// The payload of a flow that carries values of an owg type, or null if none
/// can.
mlir::Type getPayload(mlir::Type type);

/// What of an owg.profile speaks of the kernel of a task.
struct KernelProfile {
  uint32_t alphaPermille = 0;
  uint32_t maxGang = 0;
  uint64_t stateBytes = 0;
  uint64_t codeBytes = 0;
  spatial::PeaClass peaClass = spatial::PeaClass::General;
  auto operator<=>(const KernelProfile &) const = default;
};

class KernelTable {
public:
  /// Outlined functions come at the end of the module.
  explicit KernelTable(mlir::ModuleOp module);

  /// The kernel of a task that calls `callee`. Null, after an error at `task`,
  /// if the callee is unknown or its cost has not been estimated.
  /// `codeBytes` overrides the estimate.
  mlir::FlatSymbolRefAttr getTaskKernel(mlir::Operation *task,
                                        mlir::FlatSymbolRefAttr callee,
                                        std::optional<uint64_t> codeBytes);

  /// The kernel of a task without code, by profile.
  mlir::FlatSymbolRefAttr getProfiledKernel(const KernelProfile &profile);

  /// The kernel that combines results, by types and how.
  mlir::FlatSymbolRefAttr getJoinKernel(mlir::FunctionType type,
                                        spatial::Combine combine);

  /// The kernel of a function that the conversion has made (not yet in the
  /// module). An equal one that exists already is taken instead and the
  /// function erased. Null after an error.
  mlir::FlatSymbolRefAttr getOutlinedKernel(mlir::func::FuncOp function);

  /// The octo.weight for an owg.weight. Null after an error.
  spatial::WeightOp getWeight(mlir::Operation *user,
                              mlir::FlatSymbolRefAttr name);

  /// A weight with these elements, which stands for a constant.
  spatial::WeightOp getConstant(mlir::Type payload, mlir::ElementsAttr value);

  /// A symbol that the module does not have yet.
  std::string makeName(llvm::StringRef base);

  /// New ops come before `program`, if it is the first.
  void insertBefore(mlir::Operation *program) {
    if (!placed)
      builder.setInsertionPoint(program);
    placed = true;
  }

private:
  spatial::KernelOp
  makeKernel(mlir::Location loc, llvm::StringRef name, spatial::KernelKind kind,
             mlir::FunctionType type,
             llvm::function_ref<void(spatial::KernelOp::Properties &)> fill);
  spatial::KernelOp makeImageKernel(mlir::func::FuncOp function,
                                    owg::CostAttr cost, uint64_t codeBytes);

  mlir::ModuleOp module;
  mlir::OpBuilder builder;
  bool placed = false;
  mlir::SymbolTableCollection symbols;
  llvm::StringSet<> names;
  llvm::StringMap<unsigned> nextNumber;
  llvm::DenseMap<std::pair<mlir::Attribute, uint64_t>, mlir::FlatSymbolRefAttr>
      taskKernels;
  std::map<KernelProfile, mlir::FlatSymbolRefAttr> profiledKernels;
  llvm::DenseMap<std::pair<mlir::Type, unsigned>, mlir::FlatSymbolRefAttr>
      joinKernels;
  llvm::DenseMap<llvm::hash_code,
                 llvm::SmallVector<
                     std::pair<mlir::func::FuncOp, mlir::FlatSymbolRefAttr>, 1>>
      outlined;
  llvm::DenseMap<mlir::Attribute, spatial::WeightOp> weights;
  llvm::DenseMap<std::pair<mlir::Type, mlir::Attribute>, spatial::WeightOp>
      constants;
};

} // namespace octo

#endif // OCTO_LIB_CONVERSION_OWGTOOCTO_KERNELS_H
