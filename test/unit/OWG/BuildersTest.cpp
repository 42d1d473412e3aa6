//===- BuildersTest.cpp - Building workflows from C++ ---------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every builder makes an operation that verifies; captures are found.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace octo::owg;

namespace {
class BuildersTest : public ::testing::Test {
protected:
  BuildersTest() : builder(&context), loc(builder.getUnknownLoc()) {
    context.loadDialect<OWGDialect, arith::ArithDialect, func::FuncDialect>();
    module = ModuleOp::create(loc);
    builder.setInsertionPointToEnd(module->getBody());
  }

  /// A workflow (f32, index, i1) -> (f32); the builder is left in its body.
  WorkflowOp startWorkflow(StringRef name) {
    builder.setInsertionPointToEnd(module->getBody());
    auto workflow = WorkflowOp::create(
        builder, loc, name,
        builder.getFunctionType(
            {builder.getF32Type(), builder.getIndexType(), builder.getI1Type()},
            {builder.getF32Type()}));
    builder.setInsertionPointToEnd(&workflow.getBodyBlock());
    return workflow;
  }

  void yieldIn(Region &region, ValueRange values) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&region.front());
    YieldOp::create(builder, loc, values);
  }

  ProfileAttr cycles() {
    return ProfileAttr::get(builder.getDictionaryAttr(builder.getNamedAttr(
        "cycles", DistributionAttr::getConst(&context, 5))));
  }

  MLIRContext context;
  OpBuilder builder;
  Location loc;
  OwningOpRef<ModuleOp> module;
};

TEST_F(BuildersTest, Everything) {
  Type f32 = builder.getF32Type();
  auto tensor = RankedTensorType::get({1}, f32);
  WeightOp::create(builder, loc, "seeded", tensor, /*seed=*/3, /*scale=*/1.0);
  WeightOp::create(builder, loc, "given",
                   cast<ElementsAttr>(DenseElementsAttr::get(tensor, 1.0f)));

  WorkflowOp inner = startWorkflow("inner");
  ReturnOp::create(builder, loc, inner.getArgument(0));

  WorkflowOp outer = startWorkflow("outer");
  Value x = outer.getArgument(0), n = outer.getArgument(1),
        bit = outer.getArgument(2);
  GetWeightOp::create(builder, loc, tensor, "seeded");

  auto task =
      TaskOp::create(builder, loc, "task", TypeRange(f32), ValueRange(x),
                     [](OpBuilder &b, Location at, ValueRange arguments) {
                       YieldOp::create(b, at, arguments);
                     });
  EXPECT_TRUE(task.isInline());
  EXPECT_FALSE(task.isOutlined() || task.isProfiled());

  auto profiled = TaskOp::create(builder, loc, "profiled", TypeRange(f32),
                                 ValueRange(x), cycles());
  EXPECT_TRUE(profiled.isProfiled() && profiled.hasProfiledBehaviour());

  auto branch = BranchOp::create(builder, loc, "branch", TypeRange(f32),
                                 ValueRange(bit), /*numCases=*/1);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&branch.getDecideRegion().front());
    DecideOp::create(builder, loc, branch.getDecideRegion().getArgument(0),
                     ValueRange());
  }
  yieldIn(branch.getAlternative(0), task.getResult(0));
  yieldIn(branch.getAlternative(1), x);
  EXPECT_EQ(getImplicitCaptures(branch),
            SmallVector<Value>({x, task.getResult(0)}));
  EXPECT_EQ(getImplicitCaptures(branch.getAlternative(0)),
            SmallVector<Value>({task.getResult(0)}));
  EXPECT_EQ(&branch.getRegionFor(APInt(1, 1)), &branch.getAlternative(0));
  EXPECT_EQ(&branch.getRegionFor(APInt(1, 0)), &branch.getDefaultRegion());
  EXPECT_EQ(&branch.getRegionFor(APInt(64, 0)), &branch.getAlternative(0));
  EXPECT_EQ(&branch.getRegionFor(APInt(64, -1, true)),
            &branch.getDefaultRegion());

  auto select = SelectOp::create(builder, loc, "select", TypeRange(f32),
                                 ValueRange(), ValueRange(x),
                                 ArrayRef{CombineKind::Add}, /*numMembers=*/2,
                                 /*profiled=*/true);
  double halves[] = {0.5, 0.5};
  select.setProfileAttr(
      ProfileAttr::get(builder.getDictionaryAttr(builder.getNamedAttr(
          "frequencies", builder.getDenseF64ArrayAttr(halves)))));
  for (Region &member : select.getMemberRegions())
    yieldIn(member, x);

  auto loop =
      LoopOp::create(builder, loc, "loop", TypeRange(f32), ValueRange(x));
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&loop.getBeforeRegion().front());
    DecideOp::create(builder, loc, bit, loop.getBeforeRegion().getArguments());
  }
  yieldIn(loop.getAfterRegion(), loop.getAfterRegion().getArguments());

  auto fanout =
      FanoutOp::create(builder, loc, "fanout", TypeRange(f32), ValueRange(x), n,
                       ValueRange(x), ArrayRef{CombineKind::Max});
  EXPECT_TRUE(fanout.getIndexArgument().getType().isIndex());
  yieldIn(fanout.getEachRegion(), fanout.getEachRegion().getArgument(1));

  auto call =
      CallOp::create(builder, loc, "call", inner, ValueRange({x, n, bit}));
  ReturnOp::create(builder, loc, call.getResult(0));

  EXPECT_TRUE(succeeded(verify(*module)));
  for (auto block : outer.getBody().getOps<BlockOpInterface>()) {
    EXPECT_FALSE(block.getOpLabel().empty());
    EXPECT_FALSE(block.getOpPath());
    block.setOpPath(builder.getStringAttr("p"));
    EXPECT_EQ(block.getOpPath().getValue(), "p");
  }
}

TEST_F(BuildersTest, PathRegionNames) {
  startWorkflow("w");
  auto branch = BranchOp::create(builder, loc, "b", TypeRange(), ValueRange(),
                                 /*numCases=*/2);
  auto name = [&](Region &region) {
    return branch.getPathRegionName(region.getRegionNumber());
  };
  EXPECT_EQ(name(branch.getDecideRegion()), "decide");
  EXPECT_EQ(name(branch.getAlternative(0)), "case0");
  EXPECT_EQ(name(branch.getAlternative(1)), "case1");
  EXPECT_EQ(name(branch.getAlternative(2)), "default");
}
} // namespace
