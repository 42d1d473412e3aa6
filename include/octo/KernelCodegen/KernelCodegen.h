//===- KernelCodegen.h - From a tensor function to an object ----*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles the body of a task block or decision, a function on tensors and
// scalars, to an object file with the interface of octo-c/Kernel.h.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_KERNELCODEGEN_KERNELCODEGEN_H
#define OCTO_KERNELCODEGEN_KERNELCODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Support/LLVM.h"

#include <string>
#include <vector>

namespace mlir {
class OpPassManager;
class PassManager;
} // namespace mlir

namespace octo {

/// Set on an argument of the kernel's function (unit attribute): the kernel may
/// overwrite this input, one of the first 64.
inline constexpr llvm::StringLiteral donatedAttrName = "octo.donated";

/// Set on an scf.while or scf.for (i64): the counter that its iterations are
/// added to. WorkModel.h tells how loops are numbered.
inline constexpr llvm::StringLiteral counterAttrName = "octo.counter";

/// What to compile for.
struct KernelTarget {
  /// CPU for the code generator: what Program.image_cpu records.
  std::string cpu;
  /// LLVM target triple.
  std::string triple;
  /// 2: tiled, vectorised and optimised; 0: the quick tier, plain loops that
  /// compile several times as fast. Both give the same counters and checks.
  unsigned optLevel = 2;
};

/// Resolves the option --kernel-cpu: "portable" (or empty) is x86-64-v3 on
/// x86-64 and "generic" elsewhere, "host" is the CPU that this runs on, and
/// anything else is a name that the code generator knows. The triple is that of
/// this host. `optLevel` is 0 or 2. On failure `error` says what is allowed.
mlir::FailureOr<KernelTarget> resolveKernelTarget(llvm::StringRef option,
                                                  unsigned optLevel,
                                                  std::string &error);

/// One kernel to compile: a module (text or bytecode) with one public function,
/// the kernel, and the private functions that it calls. Types of arguments and
/// results are tensors of static rank and scalars, of the element kinds of
/// octo-c/Kernel.h. Equal `module` strings are compiled once.
struct KernelSource {
  std::string name; // for messages
  std::string module;
};

/// What became of a KernelSource: an object, or the diagnostics of why not.
struct KernelImage {
  std::string object;
  std::string digest; // SHA-256 of object, as hex
  /// Bit i: the code overwrites input i, which is marked as donated.
  uint64_t overwritten = 0;
  /// Empty on success. Each message has the place that MLIR gave.
  std::vector<std::string> errors;
};

class KernelCache;

/// Compiles `sources` on up to `threads` threads, each with a context of its
/// own; what `cache` (if any) has is not compiled again. The result has one
/// image per source, in order; the same sources and target give the same bytes,
/// whatever the number of threads and the cache.
std::vector<KernelImage> compileKernels(llvm::ArrayRef<KernelSource> sources,
                                        const KernelTarget &target,
                                        unsigned threads,
                                        KernelCache *cache = nullptr);

/// Writes the module for `kernel`: a copy of the function, renamed to "kernel"
/// and public, and of the functions it calls, without locations, so that equal
/// code gives equal text. The error of a call that cannot be followed is
/// emitted at the call.
mlir::FailureOr<std::string> serializeKernel(mlir::FunctionOpInterface kernel,
                                             mlir::SymbolTable &symbols);

/// Appends the passes that take the module of a kernel to the LLVM dialect, in
/// the tier and for the CPU of `target`.
void buildKernelToLLVMPipeline(mlir::OpPassManager &pm,
                               const KernelTarget &target);

/// Registers the pipeline as `octo-kernel-to-llvm{kernel-cpu=...
/// kernel-opt=...}`, and its steps as passes.
void registerKernelCodegenPasses();

} // namespace octo

#endif // OCTO_KERNELCODEGEN_KERNELCODEGEN_H
