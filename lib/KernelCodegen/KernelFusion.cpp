//===- KernelFusion.cpp - Less traffic between the parts of a kernel ------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On tensors: element-wise operations are fused with the one operation that
// uses them, and what reduces rows and then uses the sums on the same rows
// (softmax, layer norm) runs row by row, so that a row stays in the cache.
// On buffers: temporaries of such loops are allocated once.
//
//===----------------------------------------------------------------------===//

#include "KernelPasses.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace octo {
namespace {

/// Results of fewer bytes stay in the cache without being cut into rows.
constexpr int64_t minRowwiseBytes = 64 * 1024;

//===----------------------------------------------------------------------===//
// Element-wise operations
//===----------------------------------------------------------------------===//

/// Fuses a producer whose elements are all used just once.
struct FuseElementwise : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const final {
    for (OpOperand &operand : op->getOpOperands()) {
      Operation *producer = operand.get().getDefiningOp();
      if (!producer || !producer->hasOneUse() ||
          op.getMatchingIndexingMap(&operand).getNumResults() !=
              op.getNumLoops() ||
          !linalg::areElementwiseOpsFusable(&operand))
        continue;
      FailureOr<linalg::ElementwiseOpFusionResult> fused =
          linalg::fuseElementwiseOps(rewriter, &operand);
      if (failed(fused))
        continue;
      for (auto [old, made] : fused->replacements)
        rewriter.replaceUsesWithIf(old, made, [&](OpOperand &use) {
          return use.get().getDefiningOp() != producer;
        });
      rewriter.eraseOp(op);
      return success();
    }
    return failure();
  }
};

/// Fusion wants linalg.generic.
void generalize(ModuleOp module) {
  SmallVector<linalg::LinalgOp> ops;
  module.walk([&](linalg::LinalgOp op) {
    if (isa<linalg::GenericOp, linalg::FillOp, linalg::CopyOp>(
            op.getOperation()))
      return;
    if (op.getNumReductionLoops() == 0 ||
        isa<linalg::ReduceOp>(op.getOperation()))
      ops.push_back(op);
  });
  IRRewriter rewriter(module.getContext());
  for (linalg::LinalgOp op : ops) {
    rewriter.setInsertionPoint(op);
    // What cannot be generalised stays as it is.
    (void)linalg::generalizeNamedOp(rewriter, op);
  }
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// Computes every row of its result from rows, and none twice.
bool isRowwise(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics())
    return false;
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  bool reduces = op.getNumReductionLoops() != 0;
  for (OpOperand *input : op.getDpsInputOperands()) {
    auto type = dyn_cast<RankedTensorType>(input->get().getType());
    if (!type)
      continue;
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!map.isProjectedPermutation())
      return false;
    // A product reads its operands again for other results.
    for (auto [loop, kind] : llvm::enumerate(kinds))
      if (reduces && type.getRank() != 0 &&
          kind == utils::IteratorType::parallel && !map.isFunctionOfDim(loop))
        return false;
  }
  return true;
}

/// What can run in the same block as `op` and makes one of its operands.
linalg::LinalgOp rowwiseProducer(Operation *op, Value operand) {
  auto producer = operand.getDefiningOp<linalg::LinalgOp>();
  if (!producer || producer->getBlock() != op->getBlock() ||
      !isRowwise(producer))
    return nullptr;
  return producer;
}

using Loops = SmallVector<unsigned>;

/// The loops of the producer of `operand` that run with the loops `rows` of its
/// user, or none: then it makes the same elements for several rows.
std::optional<Loops> followRows(OpOperand &operand, ArrayRef<unsigned> rows) {
  auto user = cast<linalg::LinalgOp>(operand.getOwner());
  auto result = cast<OpResult>(operand.get());
  auto producer = cast<linalg::LinalgOp>(result.getOwner());
  AffineMap used = user.getMatchingIndexingMap(&operand);
  AffineMap made = producer.getIndexingMapMatchingResult(result);
  Loops loops;
  for (unsigned row : rows) {
    std::optional<unsigned> position =
        used.getResultPosition(getAffineDimExpr(row, user->getContext()));
    if (!position)
      return std::nullopt;
    auto dim = dyn_cast<AffineDimExpr>(made.getResult(*position));
    if (!dim)
      return std::nullopt;
    loops.push_back(dim.getPosition());
  }
  return loops;
}

/// The operations that can run in the loop over the `outer` outermost loops of
/// `root`: those that only it and each other use, and row by row.
llvm::SetVector<Operation *> rowwiseGroup(linalg::LinalgOp root,
                                          unsigned outer) {
  llvm::DenseSet<Operation *> excluded;
  for (;;) {
    size_t before = excluded.size();
    llvm::SetVector<Operation *> group;
    llvm::DenseMap<Operation *, Loops> rows;
    group.insert(root);
    rows[root] = llvm::to_vector(llvm::seq(0u, outer));
    for (unsigned i = 0; i < group.size(); ++i)
      for (OpOperand &operand : group[i]->getOpOperands()) {
        linalg::LinalgOp producer = rowwiseProducer(group[i], operand.get());
        if (!producer || excluded.contains(producer))
          continue;
        std::optional<Loops> loops = followRows(operand, Loops(rows[group[i]]));
        if (!loops || (group.contains(producer) && rows[producer] != *loops)) {
          excluded.insert(producer);
          continue;
        }
        rows[producer] = *loops;
        group.insert(producer);
      }
    for (Operation *op : group)
      if (op != root && llvm::any_of(op->getUsers(), [&](Operation *user) {
            return !group.contains(user) || excluded.contains(user);
          }))
        excluded.insert(op);
    if (excluded.size() == before)
      return group;
  }
}

bool isLarge(RankedTensorType type) {
  if (!type.hasStaticShape())
    return true;
  Type element = type.getElementType();
  int64_t bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return type.getNumElements() * bits / 8 >= minRowwiseBytes;
}

/// Cuts `root` and what it uses into rows if there is a reduction among them
/// whose result it needs row by row.
void runByRows(IRRewriter &rewriter, linalg::LinalgOp root) {
  auto type = dyn_cast<RankedTensorType>(root->getResult(0).getType());
  if (root->getNumResults() != 1 || root.getNumReductionLoops() != 0 ||
      root.getNumLoops() < 2 || !type || !isLarge(type) || !isRowwise(root) ||
      !root.getMatchingIndexingMap(root.getDpsInitOperand(0)).isIdentity())
    return;

  // Rows are cut from the outermost loops: those that an operand of lower rank
  // runs along.
  unsigned outer = root.getNumLoops();
  for (OpOperand *input : root.getDpsInputOperands()) {
    AffineMap map = root.getMatchingIndexingMap(input);
    if (map.getNumResults() == root.getNumLoops() ||
        !rowwiseProducer(root, input->get()))
      continue;
    unsigned length = 0;
    while (length < map.getNumResults() && map.isFunctionOfDim(length))
      ++length;
    if (length != 0)
      outer = std::min(outer, length);
  }
  if (outer == root.getNumLoops())
    return;
  llvm::SetVector<Operation *> set = rowwiseGroup(root, outer);
  if (llvm::none_of(set, [](Operation *op) {
        return cast<linalg::LinalgOp>(op).getNumReductionLoops() != 0;
      }))
    return;

  SmallVector<OpFoldResult> sizes(root.getNumLoops(), rewriter.getIndexAttr(0));
  for (unsigned i = 0; i < outer; ++i)
    sizes[i] = rewriter.getIndexAttr(1);
  scf::SCFTileAndFuseOptions options;
  options.tilingOptions.setTileSizes(sizes);
  options.setFusionControlFn(
      [&](tensor::ExtractSliceOp, OpResult producer,
          bool) -> std::optional<scf::SCFTileAndFuseOptions::ControlFnResult> {
        if (!set.contains(producer.getOwner()))
          return std::nullopt;
        return scf::SCFTileAndFuseOptions::ControlFnResult{};
      });
  rewriter.setInsertionPoint(root);
  FailureOr<scf::SCFTileAndFuseResult> result =
      scf::tileConsumerAndFuseProducersUsingSCF(
          rewriter, cast<TilingInterface>(root.getOperation()), options);
  if (failed(result))
    return;
  for (OpResult old : root->getResults())
    if (Value made = result->replacements.lookup(old))
      rewriter.replaceAllUsesWith(old, made);
}

struct KernelFusionPass
    : PassWrapper<KernelFusionPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(KernelFusionPass)

  StringRef getArgument() const final { return "octo-kernel-fusion"; }
  StringRef getDescription() const final {
    return "Fuse element-wise operations of kernels on tensors, and run what "
           "works on rows row by row";
  }
  void getDependentDialects(DialectRegistry &registry) const final {
    registry.insert<affine::AffineDialect, arith::ArithDialect,
                    linalg::LinalgDialect, scf::SCFDialect,
                    tensor::TensorDialect>();
  }

  void runOnOperation() final {
    ModuleOp module = getOperation();
    if (!module.walk([](linalg::LinalgOp) { return WalkResult::interrupt(); })
             .wasInterrupted())
      return;
    generalize(module);
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseElementwise>(&getContext());
    // Checks of shapes must not keep a result alive.
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    if (failed(
            applyPatternsGreedily(module, std::move(patterns),
                                  GreedyRewriteConfig().enableFolding(false))))
      return signalPassFailure();

    // The last operation of a group is its root.
    SmallVector<linalg::LinalgOp> roots;
    module.walk([&](linalg::LinalgOp op) {
      if (op->getNumResults() == 1)
        roots.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    // Later groups have left the operations that they took over without uses.
    for (linalg::LinalgOp root : llvm::reverse(roots)) {
      if (!root->use_empty())
        runByRows(rewriter, root);
      if (isOpTriviallyDead(root))
        rewriter.eraseOp(root);
    }
  }
};

//===----------------------------------------------------------------------===//
// Special functions
//===----------------------------------------------------------------------===//

struct KernelMathPass : PassWrapper<KernelMathPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(KernelMathPass)

  StringRef getArgument() const final { return "octo-kernel-math"; }
  StringRef getDescription() const final {
    return "Expand special functions of kernels to polynomials that vectorise";
  }
  void getDependentDialects(DialectRegistry &registry) const final {
    registry.insert<arith::ArithDialect, math::MathDialect,
                    vector::VectorDialect>();
  }

  void runOnOperation() final {
    bool found = false;
    getOperation().walk([&](Operation *op) {
      found |= isa<math::MathDialect>(op->getDialect());
    });
    if (!found)
      return;
    // Those whose approximation is within 1e-6 of the function; measured by the
    // test KernelMath.
    auto isGood = [](StringRef name) {
      return llvm::is_contained({"math.exp", "math.expm1", "math.log",
                                 "math.log1p", "math.log2", "math.tanh",
                                 "math.erf"},
                                name);
    };
    RewritePatternSet patterns(&getContext());
    populateMathF32ExpansionPatterns(patterns, isGood);
    populateMathPolynomialApproximationPatterns(patterns, isGood);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns),
                                  GreedyRewriteConfig().enableFolding(false))))
      signalPassFailure();
  }
};

//===----------------------------------------------------------------------===//
// Temporaries
//===----------------------------------------------------------------------===//

struct KernelHoistPass : PassWrapper<KernelHoistPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(KernelHoistPass)

  StringRef getArgument() const final { return "octo-kernel-hoist"; }
  StringRef getDescription() const final {
    return "Allocate temporaries of loops of kernels on buffers once";
  }

  void runOnOperation() final {
    // Inner loops first. Nothing leaves an iteration of a loop that carries
    // nothing, so its iterations can share a buffer. Sizes are those of other
    // buffers: another could be negative where the loop never runs.
    getOperation().walk([](scf::ForOp loop) {
      if (loop.getNumResults() != 0)
        return;
      for (auto op : llvm::make_early_inc_range(
               loop.getBody()->getOps<memref::AllocOp>()))
        if (llvm::all_of(op.getOperands(), [&](Value value) {
              return loop.isDefinedOutsideOfLoop(value) &&
                     value.getDefiningOp<memref::DimOp>();
            }))
          op->moveBefore(loop);
    });
  }
};

} // namespace

std::unique_ptr<Pass> createKernelFusionPass() {
  return std::make_unique<KernelFusionPass>();
}
std::unique_ptr<Pass> createKernelMathPass() {
  return std::make_unique<KernelMathPass>();
}
std::unique_ptr<Pass> createKernelHoistPass() {
  return std::make_unique<KernelHoistPass>();
}

} // namespace octo
