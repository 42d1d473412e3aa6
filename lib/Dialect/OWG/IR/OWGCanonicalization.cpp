//===- OWGCanonicalization.cpp - Canonicalisation of blocks ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Simplifications that hold for every request. Profiled blocks are never
// touched: they are their own meaning.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace octo::owg;

void TaskOp::getCanonicalizationPatterns(RewritePatternSet &, MLIRContext *) {}
void BranchOp::getCanonicalizationPatterns(RewritePatternSet &, MLIRContext *) {
}
void SelectOp::getCanonicalizationPatterns(RewritePatternSet &, MLIRContext *) {
}
void LoopOp::getCanonicalizationPatterns(RewritePatternSet &, MLIRContext *) {}
void FanoutOp::getCanonicalizationPatterns(RewritePatternSet &, MLIRContext *) {
}
