//===- embed.cpp - A workflow made, compiled and run from C++ -------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// embed TARGET.yaml [OUT.octo]
//
// Builds a workflow with OpBuilder, runs the default pipeline on it, makes a
// program of the module and runs that (run.cpp). No text of MLIR is involved.
//
//===----------------------------------------------------------------------===//

#include "run.h"

#include "octo/Compiler/Pipelines.h"
#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/InitAllDialects.h"
#include "octo/Translation/ProgramTranslation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include <cstdio>
#include <fstream>

using namespace mlir;
namespace owg = octo::owg;

/// owg.workflow @embed(%x: tensor<4xf32>) -> tensor<4xf32>: squares the
/// elements; where the first square is above 1, takes the roots again.
static OwningOpRef<ModuleOp> buildWorkflow(MLIRContext &context) {
  OpBuilder b(&context);
  Location loc = b.getUnknownLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  b.setInsertionPointToEnd(module->getBody());

  // The workflow comes with an entry block that has its arguments. Names are
  // those by which a run gives inputs and takes outputs.
  auto vector = RankedTensorType::get({4}, b.getF32Type());
  auto workflow = owg::WorkflowOp::create(
      b, loc, "embed", b.getFunctionType({vector}, {vector}));
  workflow.setArgAttr(0, "owg.name", b.getStringAttr("x"));
  workflow.setResultAttr(0, "owg.name", b.getStringAttr("y"));
  b.setInsertionPointToEnd(&workflow.getBodyBlock());
  Value x = workflow.getArgument(0);

  // A task is isolated: its body sees what it takes as inputs.
  auto square = owg::TaskOp::create(
      b, loc, "square", TypeRange{vector}, ValueRange{x},
      [](OpBuilder &b, Location loc, ValueRange inputs) {
        Value y = arith::MulFOp::create(b, loc, inputs[0], inputs[0]);
        owg::YieldOp::create(b, loc, y);
      });
  Value squared = square.getResult(0);

  // A branch with one case has empty blocks: `decide`, the case, the default.
  auto branch = owg::BranchOp::create(b, loc, "above-one", TypeRange{vector},
                                      ValueRange{squared}, /*numCases=*/1);
  Block &decide = branch.getDecideRegion().front();
  b.setInsertionPointToEnd(&decide);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value first = tensor::ExtractOp::create(b, loc, decide.getArgument(0), zero);
  Value one = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(1));
  Value above =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, first, one);
  owg::DecideOp::create(b, loc, above, /*forwarded=*/ValueRange{});

  b.setInsertionPointToEnd(&branch.getCaseRegions().front().front());
  auto root = owg::TaskOp::create(
      b, loc, "root", TypeRange{vector}, ValueRange{squared},
      [](OpBuilder &b, Location loc, ValueRange inputs) {
        Value y = math::SqrtOp::create(b, loc, inputs[0]);
        owg::YieldOp::create(b, loc, y);
      });
  owg::YieldOp::create(b, loc, root.getResults());

  b.setInsertionPointToEnd(&branch.getDefaultRegion().front());
  owg::YieldOp::create(b, loc, squared);

  b.setInsertionPointToEnd(&workflow.getBodyBlock());
  owg::ReturnOp::create(b, loc, branch.getResults());
  return module;
}

/// The program file of a module of workflows, for the machine of a target file.
static FailureOr<std::vector<uint8_t>> compile(ModuleOp module,
                                               const char *target) {
  if (failed(verify(module)))
    return failure();
  octo::PipelineOptions options;
  options.target = target;
  // Your own passes may come before, on what becomes workflows, or after, on
  // what octo-allocate-peas and the others decided.
  PassManager pm(module->getName());
  octo::buildDefaultPipeline(pm, options);
  if (failed(pm.run(module)))
    return failure();
  return octo::translateToProgram(module);
}

int main(int argc, char **argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: embed TARGET.yaml [OUT.octo]\n");
    return 2;
  }
  DialectRegistry registry;
  octo::registerAllDialects(registry);
  registry
      .insert<arith::ArithDialect, math::MathDialect, tensor::TensorDialect>();
  MLIRContext context(registry);
  context.loadAllAvailableDialects(); // a builder makes ops of loaded ones

  OwningOpRef<ModuleOp> module = buildWorkflow(context);
  FailureOr<std::vector<uint8_t>> program = compile(*module, argv[1]);
  if (failed(program))
    return 1; // diagnostics have said why

  if (argc == 3) {
    std::ofstream out(argv[2], std::ios::binary);
    out.write(reinterpret_cast<const char *>(program->data()),
              static_cast<std::streamsize>(program->size()));
    if (!out.flush()) {
      std::fprintf(stderr, "%s: cannot be written\n", argv[2]);
      return 1;
    }
  }
  // From here on bytes are all there is: the compiler floor ends.
  return runAndPrint(octo::Session::fromBytes(*program, "embed"));
}
