//===- Passes.td - Passes on kernels -----------------------*- tablegen -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_KERNELCODEGEN_PASSES_TD
#define OCTO_KERNELCODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def OctoLowerKernels : Pass<"octo-lower-kernels", "::mlir::ModuleOp"> {
  let summary = "compile the bodies of kernels to object files";
  let description = [{
    For every kernel of kind `image` with a body and no image yet: compiles the
    function `body`, with the functions that it calls and the counters of its
    data-dependent loops, makes the kernel refer to an `octo.image` with the
    object, and drops the reference to the body. Kernels with equal code share
    an image. Functions that nothing refers to any more are erased. The objects
    are the same whatever the number of threads. Errors are at the kernel.
  }];
  let options = [
    Option<"kernelCpu", "kernel-cpu", "std::string", /*default=*/"\"portable\"",
           "CPU to compile for: portable (x86-64-v3 on x86-64), host, generic, "
           "or a name of the code generator">,
    Option<"kernelOpt", "kernel-opt", "unsigned", /*default=*/"2",
           "2: tiled, vectorised and optimised; 0: quick to compile">,
    Option<"cache", "cache", "std::string", /*default=*/"",
           "folder where objects are kept for the next time (default: none)">,
    Option<"cachePolicy", "cache-policy", "std::string", /*default=*/"",
           "what the cache keeps, as LLVM's cache pruning policy (default: "
           "cache_size_bytes=1g:cache_size=0%)">,
    Option<"threads", "threads", "unsigned", /*default=*/"0",
           "most threads to compile on (0: those of this machine)">
  ];
  let dependentDialects = ["::octo::owg::OWGDialect",
                           "::octo::spatial::OctoDialect"];
}

#endif // OCTO_KERNELCODEGEN_PASSES_TD
