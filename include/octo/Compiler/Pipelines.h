//===- Pipelines.h - The default pipeline -----------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// octo-default-pipeline for octo-opt and for other compilers that embed the
// passes.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_COMPILER_PIPELINES_H
#define OCTO_COMPILER_PIPELINES_H

#include "mlir/Pass/PassManager.h"

#include <functional>
#include <string>
#include <vector>

namespace octo {

struct PipelineOptions {
  /// Target file for octo-set-machine; "": the module has its octo.machine.
  std::string target;
  bool kernels = true;
  std::string kernelCpu;
  unsigned kernelOpt = 2;
  std::string kernelCache;
  std::string kernelCachePolicy;
  bool recordDecisions = false;
  double gangEfficiency = 0.7;
  double tailPercent = 99;
  /// Flows within segments may be streamed.
  bool streams = true;
};

/// One stage of the pipeline: the name of its (last) pass and what adds it.
struct PipelineStage {
  std::string name;
  std::function<void(mlir::OpPassManager &)> build;
  /// The IR is verified after this stage.
  bool verify = false;
};

/// The stages of the default pipeline, from owg to a complete octo module.
std::vector<PipelineStage> defaultPipeline(const PipelineOptions &options);

/// Adds all of them to a pass manager for modules, as octo-default-pipeline.
void buildDefaultPipeline(mlir::OpPassManager &pm,
                          const PipelineOptions &options);

/// Registers octo-default-pipeline{target=... kernels=... kernel-cpu=...
/// kernel-opt=...}.
void registerOctoPipelines();

} // namespace octo

#endif // OCTO_COMPILER_PIPELINES_H
