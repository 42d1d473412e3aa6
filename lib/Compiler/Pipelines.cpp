//===- Pipelines.cpp - The default pipeline -------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The order of passes, told once.
//
//===----------------------------------------------------------------------===//

#include "octo/Compiler/Pipelines.h"

#include "octo/Conversion/Passes.h"
#include "octo/Dialect/OWG/Transforms/Passes.h"
#include "octo/Dialect/Octo/IR/Octo.h"
#include "octo/Dialect/Octo/Transforms/Passes.h"
#include "octo/KernelCodegen/Passes.h"

#include "mlir/Conversion/TosaToArith/TosaToArith.h"
#include "mlir/Conversion/TosaToLinalg/TosaToLinalg.h"
#include "mlir/Conversion/TosaToSCF/TosaToSCF.h"
#include "mlir/Conversion/TosaToTensor/TosaToTensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Dialect/Tosa/Transforms/Passes.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace octo {

namespace {
/// Lowers the functions that have tosa in them. All others stay as they are:
/// the patterns would fold and move constants in whatever they see.
class TosaBodies : public PassWrapper<TosaBodies, OperationPass<func::FuncOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TosaBodies)

  TosaBodies() : passes(func::FuncOp::getOperationName()) {
    passes.addPass(tosa::createTosaOptionalDecompositionsPass());
    passes.addPass(tosa::createTosaInferShapesPass());
    passes.addPass(tosa::createTosaMakeBroadcastablePass());
    passes.addPass(tosa::createTosaToLinalgNamed());
    passes.addPass(tosa::createTosaToLinalg());
    passes.addPass(createTosaToArithPass());
    passes.addPass(createTosaToTensorPass());
    passes.addPass(createTosaToSCFPass());
    // What is left over, shapes mostly, is dead.
    passes.addPass(createCSEPass());
  }

  // A name, so that reproducers of the pipeline can be read back.
  StringRef getArgument() const override { return "octo-tosa-bodies"; }
  StringRef getDescription() const override {
    return "Lower functions that have tosa in them to linalg";
  }

  void getDependentDialects(DialectRegistry &registry) const override {
    passes.getDependentDialects(registry);
  }

  void runOnOperation() override {
    auto hasTosa = [](Operation *op) {
      return isa_and_present<tosa::TosaDialect>(op->getDialect())
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    };
    if (getOperation().walk(hasTosa).wasInterrupted() &&
        failed(runPipeline(passes, getOperation())))
      signalPassFailure();
  }

private:
  OpPassManager passes;
};
} // namespace

std::vector<PipelineStage> defaultPipeline(const PipelineOptions &options) {
  std::vector<PipelineStage> stages;
  auto add = [&](std::string name, std::function<void(OpPassManager &)> build,
                 bool verify = false) {
    stages.push_back({std::move(name), std::move(build), verify});
  };
  add("owg-assign-path-ids",
      [](OpPassManager &pm) { pm.addPass(owg::createOWGAssignPathIds()); });
  add("inline", [](OpPassManager &pm) {
    // Without the canonicalizer that it runs by default: see below.
    pm.addPass(createInlinerPass({}, [](OpPassManager &) {}));
  });
  add("owg-outline-tasks",
      [](OpPassManager &pm) { pm.addPass(owg::createOWGOutlineTasks()); });
  // Costs are estimated of linalg.
  add("tosa-to-linalg", [](OpPassManager &pm) {
    pm.addNestedPass<func::FuncOp>(std::make_unique<TosaBodies>());
  });
  // Bodies are functions now, and their lowering canonicalises them with a
  // pattern of MLIR 22 left out that changes sizes. Here only wiring is left.
  add("canonicalize", [](OpPassManager &pm) {
    GreedyRewriteConfig config;
    config.enableConstantCSE(false);
    pm.addNestedPass<owg::WorkflowOp>(createCanonicalizerPass(
        config, {"(anonymous namespace)::ForOpTensorCastFolder",
                 "{anonymous}::ForOpTensorCastFolder"}));
  });
  add(
      "cse",
      [](OpPassManager &pm) {
        pm.addNestedPass<owg::WorkflowOp>(createCSEPass());
      },
      /*verify=*/true);
  add("owg-estimate-cost",
      [](OpPassManager &pm) { pm.addPass(owg::createOWGEstimateCost()); });
  add("owg-classify",
      [](OpPassManager &pm) { pm.addPass(owg::createOWGClassify()); });
  // Before the conversion: profiles that state work become cycles of it.
  if (!options.target.empty())
    add("octo-set-machine", [target = options.target](OpPassManager &pm) {
      spatial::OctoSetMachineOptions machine;
      machine.target = target;
      pm.addPass(spatial::createOctoSetMachine(machine));
    });
  add(
      "convert-owg-to-octo",
      [](OpPassManager &pm) { pm.addPass(createConvertOWGToOcto()); },
      /*verify=*/true);
  // While bodies are functions.
  if (options.streams)
    add("octo-find-streams", [](OpPassManager &pm) {
      pm.addPass(spatial::createOctoFindStreams());
    });
  if (options.kernels)
    add("octo-lower-kernels", [options](OpPassManager &pm) {
      OctoLowerKernelsOptions lower;
      if (!options.kernelCpu.empty())
        lower.kernelCpu = options.kernelCpu;
      lower.kernelOpt = options.kernelOpt;
      lower.cache = options.kernelCache;
      lower.cachePolicy = options.kernelCachePolicy;
      pm.addPass(createOctoLowerKernels(lower));
    });
  add("octo-allocate-peas",
      [record = options.recordDecisions,
       efficiency = options.gangEfficiency](OpPassManager &pm) {
        spatial::OctoAllocatePeasOptions allocate;
        allocate.gangEfficiency = efficiency;
        allocate.decisions = record ? "on" : "auto";
        pm.addPass(spatial::createOctoAllocatePeas(allocate));
      });
  add("octo-static-schedule", [](OpPassManager &pm) {
    pm.addPass(spatial::createOctoStaticSchedule());
  });
  if (options.streams)
    add("octo-stream-flows",
        [record = options.recordDecisions](OpPassManager &pm) {
          spatial::OctoStreamFlowsOptions stream;
          stream.record = record;
          pm.addPass(spatial::createOctoStreamFlows(stream));
        });
  add(
      "octo-runtime-tables",
      [percent = options.tailPercent](OpPassManager &pm) {
        spatial::OctoRuntimeTablesOptions tables;
        tables.tailPercent = percent;
        pm.addPass(spatial::createOctoRuntimeTables(tables));
      },
      /*verify=*/true);
  add("octo-verify-schedule", [](OpPassManager &pm) {
    pm.addPass(spatial::createOctoVerifySchedule());
  });
  return stages;
}

void buildDefaultPipeline(OpPassManager &pm, const PipelineOptions &options) {
  for (const PipelineStage &stage : defaultPipeline(options))
    stage.build(pm);
}

namespace {
struct CommandLineOptions : PassPipelineOptions<CommandLineOptions> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("Target file (default: the module's octo.machine)")};
  Option<bool> kernels{*this, "kernels",
                       llvm::cl::desc("Make images of the bodies"),
                       llvm::cl::init(true)};
  Option<bool> streams{*this, "streams",
                       llvm::cl::desc("Stream flows where it pays"),
                       llvm::cl::init(true)};
  Option<std::string> kernelCpu{*this, "kernel-cpu",
                                llvm::cl::desc("CPU that images are made for")};
  Option<unsigned> kernelOpt{
      *this, "kernel-opt",
      llvm::cl::desc("2: optimised bodies; 0: quick to compile"),
      llvm::cl::init(2)};
};
} // namespace

void registerOctoPipelines() {
  PassRegistration<TosaBodies>();
  PassPipelineRegistration<CommandLineOptions>(
      "octo-default-pipeline",
      "From workflows to a complete, verified octo module",
      [](OpPassManager &pm, const CommandLineOptions &given) {
        PipelineOptions options;
        options.target = given.target;
        options.kernels = given.kernels;
        options.streams = given.streams;
        options.kernelCpu = given.kernelCpu;
        options.kernelOpt = given.kernelOpt;
        buildDefaultPipeline(pm, options);
      });
}

} // namespace octo
