//===- KernelPasses.h - Steps of the lowering of kernels --------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The passes that the pipeline of KernelPipeline.cpp has of its own.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_KERNELCODEGEN_KERNELPASSES_H
#define OCTO_LIB_KERNELCODEGEN_KERNELPASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace octo {

struct KernelTarget;

/// Attribute of the module: the type of the kernel on tensors, kept for the
/// entry function.
inline constexpr llvm::StringLiteral kernelTypeAttrName = "octo.kernel_type";
/// Attribute of the module: the number of counters.
inline constexpr llvm::StringLiteral kernelCountersAttrName =
    "octo.kernel_counters";
/// Attribute of the module: the numbers of the donated inputs.
inline constexpr llvm::StringLiteral kernelDonatedAttrName =
    "octo.kernel_donated";
/// Attribute of the module: the numbers of the donated inputs that the code
/// overwrites or gives back. Stays until the end.
inline constexpr llvm::StringLiteral kernelOverwrittenAttrName =
    "octo.kernel_overwritten";
/// Attribute of the module: for each result the input that it is returned in,
/// or -1. The function has no such results any more.
inline constexpr llvm::StringLiteral kernelInPlaceAttrName =
    "octo.kernel_in_place";
/// Function that data-dependent loops call: (call, counter, iterations).
inline constexpr llvm::StringLiteral countFunctionName = "octo.count";
/// Function that takes the fuel of so many iterations, and traps when there is
/// none left: (call, iterations).
inline constexpr llvm::StringLiteral burnFunctionName = "octo.burn";
/// Function that failed checks call: (call, status, message).
inline constexpr llvm::StringLiteral trapFunctionName = "octo.trap";

/// What the vector unit of a CPU offers.
struct VectorShape {
  unsigned bits = 128;
  unsigned registers = 16;
  bool fma = false;
};

/// That of the CPU of a target.
VectorShape vectorShapeOf(const KernelTarget &target);

/// On tensors: hands the call to every function, counts data-dependent loops,
/// checks slices and shapes, and decomposes what bufferization does not know.
std::unique_ptr<mlir::Pass> createKernelPreparePass();
/// On buffers: gives donated inputs back as results.
std::unique_ptr<mlir::Pass> createKernelDonationsPass();
/// On tensors: fuses element-wise operations with their users, and runs what
/// reduces and then uses rows row by row.
std::unique_ptr<mlir::Pass> createKernelFusionPass();
/// On tensors: special functions of f32 and narrower become polynomials.
std::unique_ptr<mlir::Pass> createKernelMathPass();
/// On buffers, before deallocation: temporaries of loops are allocated once.
std::unique_ptr<mlir::Pass> createKernelHoistPass();
/// On buffers: keeps results apart from each other.
std::unique_ptr<mlir::Pass> createKernelResultsPass();
/// On buffers: copies become loops where memcpy will not do, and loops are
/// ordered for unit stride.
std::unique_ptr<mlir::Pass> createKernelLoopOrderPass();
/// On buffers: reductions become tiles in vector registers. Without a shape the
/// pass takes it from its options.
std::unique_ptr<mlir::Pass> createKernelTilingPass();
std::unique_ptr<mlir::Pass> createKernelTilingPass(const VectorShape &shape);
/// On loops: checks divisions, powers and sizes of allocations.
std::unique_ptr<mlir::Pass> createKernelChecksPass();
/// On control flow: cf.assert becomes a call of the trap function, and the
/// special functions without a precise intrinsic become calls of libm.
std::unique_ptr<mlir::Pass> createKernelTrapsPass();
/// On the LLVM dialect: memory through the call, and the exported function.
std::unique_ptr<mlir::Pass> createKernelEntryPass();

/// The kernel: the one public function with a body, or null.
template <class FuncOp>
FuncOp findKernel(mlir::ModuleOp module) {
  FuncOp kernel;
  for (FuncOp function : module.getOps<FuncOp>()) {
    if (function.isExternal() || function.isPrivate())
      continue;
    if (kernel)
      return nullptr;
    kernel = function;
  }
  return kernel;
}

} // namespace octo

#endif // OCTO_LIB_KERNELCODEGEN_KERNELPASSES_H
