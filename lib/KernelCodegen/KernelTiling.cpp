//===- KernelTiling.cpp - Reductions in registers -------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lowers linalg operations with reduction loops (contractions, convolutions,
// pooling, sums) on buffers to loops over vectors whose accumulators stay in
// registers. One scheme serves them all, whatever their indexing maps:
//
//  * "columns": the vector runs along a parallel loop that the result walks
//    with unit stride. A tile of rows x width results is accumulated over all
//    reduction loops, in their order. An operand that cannot be loaded along
//    the vector, or whose reuse pays for it, is packed into panels first.
//  * "lanes": where no such loop exists the vector runs along a reduction loop:
//    every lane keeps a partial result, and the lanes are combined pairwise at
//    the end. The number of lanes does not depend on the CPU.
//
// docs/kernels.md has the table of tile sizes and the order of sums.
//
//===----------------------------------------------------------------------===//

#include "KernelPasses.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace octo {
namespace {

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// Bytes of the accumulators of one result in the scheme "lanes": 32 lanes of
/// f32, 16 of f64, on every CPU.
constexpr int64_t laneBytes = 128;
/// A reduction loop that is known to be shorter is summed in order.
constexpr int64_t minLaneLoop = 64;
/// Fewer iterations than this are left to plain loops.
constexpr int64_t minIterations = 1024;
/// Most reduction iterations between two packings, and so the length of a
/// panel: with 128 bytes a row it takes a part of a second-level cache.
constexpr int64_t maxPanelRows = 640;
/// An operand of fewer bytes stays in the first-level cache without packing.
constexpr int64_t minPackedBytes = 16 * 1024;

/// What a tile of accumulators measures.
struct TileShape {
  int64_t rows;
  int64_t vectors; // registers of a row
};

/// With rows: enough independent sums to hide the latency of multiply-add, and
/// registers left for one row of the vector operand and one broadcast.
TileShape tileWithRows(const VectorShape &shape) {
  return shape.registers >= 32 ? TileShape{8, 2} : TileShape{5, 2};
}
/// Without: one row, wide, so that a pass over a matrix touches whole lines.
constexpr TileShape tileWithoutRows = {1, 8};
/// Rows of the scheme "lanes" that share loads.
int64_t laneRows(const VectorShape &shape) { return shape.bits >= 512 ? 4 : 2; }

//===----------------------------------------------------------------------===//
// Analysis
//===----------------------------------------------------------------------===//

/// The coefficient of a loop in a linear index, or none.
std::optional<int64_t> coefficient(AffineExpr expr, unsigned dim) {
  if (!expr.isFunctionOfDim(dim))
    return 0;
  if (isa<AffineDimExpr>(expr))
    return 1;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return std::nullopt;
  std::optional<int64_t> left = coefficient(binary.getLHS(), dim);
  std::optional<int64_t> right = coefficient(binary.getRHS(), dim);
  if (!left || !right)
    return std::nullopt;
  if (binary.getKind() == AffineExprKind::Add)
    return *left + *right;
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (binary.getKind() == AffineExprKind::Mul && factor)
    return *left * factor.getValue();
  return std::nullopt;
}

/// An operand of the operation.
struct Operand {
  Value memref;
  AffineMap map;
  SmallVector<int64_t> strides;
  bool used = true;

  bool dependsOn(unsigned dim) const { return map.isFunctionOfDim(dim); }

  /// One element further in memory for every step of the loop.
  bool isUnitAlong(unsigned dim) const {
    bool found = false;
    for (auto [expr, stride] : llvm::zip_equal(map.getResults(), strides)) {
      if (!expr.isFunctionOfDim(dim))
        continue;
      if (found || coefficient(expr, dim) != 1 || stride != 1)
        return false;
      found = true;
    }
    return found;
  }
};

/// How the body combines: sequential code is always right; lanes need a
/// combination that may be regrouped.
struct Combiner {
  Operation *op = nullptr; // the operation that takes the accumulator
  bool isFma = false;
};

bool isVectorizable(Operation &op) {
  if (isa<linalg::YieldOp>(op) || op.hasTrait<OpTrait::ConstantLike>())
    return true;
  if (op.getNumRegions() != 0 || op.getNumResults() != 1 ||
      !OpTrait::hasElementwiseMappableTraits(&op))
    return false;
  // Divisions of integers are checked one by one; special functions are calls.
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
          arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp,
          arith::RemFOp>(op))
    return false;
  if (isa<math::MathDialect>(op.getDialect()))
    return isa<math::FmaOp, math::AbsFOp, math::AbsIOp, math::SqrtOp,
               math::FloorOp, math::CeilOp, math::TruncOp, math::RoundEvenOp,
               math::CopySignOp>(op);
  return isa<arith::ArithDialect>(op.getDialect());
}

bool isVectorElement(Type type) {
  return type.isF16() || type.isBF16() || type.isF32() || type.isF64() ||
         type.isIndex() ||
         (type.isSignlessInteger() && type.getIntOrFloatBitWidth() >= 8);
}

/// Everything that the lowering of one operation decides and needs.
struct Plan {
  linalg::LinalgOp op;
  SmallVector<Operand> inputs;
  Operand output;
  SmallVector<int64_t> sizes; // static extents of the loops
  SmallVector<unsigned> parallel, reductions;

  bool lanes = false;
  unsigned vectorDim = 0;
  std::optional<unsigned> rowDim;
  int64_t rows = 1;
  int64_t width = 1; // elements of a vector
  int64_t registerWidth = 1;
  std::optional<unsigned> packed; // an input
  Combiner combiner;

  /// Panels: the reduction loops before `blockLoop` (a position in
  /// `reductions`) run outside, `block` iterations of it and the loops after it
  /// run inside.
  unsigned blockLoop = 0;
  int64_t block = 0;
  int64_t panelRows = 0;

  bool isShort(unsigned dim, int64_t least) const {
    return !ShapedType::isDynamic(sizes[dim]) && sizes[dim] < least;
  }
};

/// Fills in operands and loops; false if there is no scheme for the operation.
bool describeOperands(Plan &plan) {
  linalg::LinalgOp op = plan.op;
  if (!op.hasPureBufferSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() == 0 || op.hasIndexSemantics())
    return false;
  for (Operation &inner : *op.getBlock())
    if (!isVectorizable(inner))
      return false;
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    if (!isVectorElement(argument.getType()))
      return false;
    bool isScalar = !isa<MemRefType>(operand.get().getType());
    Operand made{operand.get(), op.getMatchingIndexingMap(&operand), {}, true};
    made.used = !argument.use_empty();
    if (!isScalar) {
      int64_t offset;
      if (failed(cast<MemRefType>(operand.get().getType())
                     .getStridesAndOffset(made.strides, offset)))
        return false;
    }
    if (op.isDpsInit(&operand))
      plan.output = std::move(made);
    else
      plan.inputs.push_back(std::move(made));
  }
  plan.sizes = op.getStaticLoopRanges();
  for (auto [i, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    (kind == utils::IteratorType::parallel ? plan.parallel : plan.reductions)
        .push_back(i);
  if (!isa<MemRefType>(plan.output.memref.getType()) || !plan.output.used ||
      llvm::is_contained(plan.sizes, 0))
    return false;
  // Every turn of the parallel loops has a result of its own.
  unsigned numLoops = 0;
  for (AffineExpr expr : plan.output.map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (dim && !llvm::is_contained(plan.parallel, dim.getPosition()))
      return false;
    if (!dim && !isa<AffineConstantExpr>(expr))
      return false;
    numLoops += dim ? 1 : 0;
  }
  return numLoops == plan.parallel.size() &&
         llvm::all_of(plan.parallel,
                      [&](unsigned dim) { return plan.output.dependsOn(dim); });
}

/// The product of extents, and whether one of them is only known at run time.
struct Extent {
  int64_t known = 1;
  bool dynamic = false;

  bool atLeast(int64_t bound) const { return dynamic || known >= bound; }
};

Extent extentOf(const Plan &plan, ArrayRef<unsigned> dims,
                llvm::function_ref<bool(unsigned)> filter) {
  Extent extent;
  for (unsigned dim : dims) {
    if (!filter(dim))
      continue;
    if (ShapedType::isDynamic(plan.sizes[dim]))
      extent.dynamic = true;
    else
      extent.known = std::min<int64_t>(
          extent.known * std::max<int64_t>(plan.sizes[dim], 1), 1 << 30);
  }
  return extent;
}

int64_t registerWidthOf(Plan &plan, const VectorShape &shape) {
  Type element = plan.op.getBlock()->getArguments().back().getType();
  int64_t bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return shape.bits / bits;
}

/// The parallel loop for the rows of a tile: one that the vector operands do
/// not all depend on (they are loaded once for all rows), long enough, and
/// inner rather than outer.
std::optional<unsigned> chooseRows(const Plan &plan, unsigned vectorDim) {
  // Not the rows of a tile: the choice is the same on every CPU, and with it
  // the order of sums.
  constexpr int64_t wanted = 8;
  std::optional<unsigned> best;
  std::pair<bool, int64_t> bestScore;
  for (unsigned dim : plan.parallel) {
    if (dim == vectorDim || plan.sizes[dim] == 1)
      continue;
    bool shares = llvm::any_of(plan.inputs, [&](const Operand &input) {
      return input.used && input.dependsOn(vectorDim) && !input.dependsOn(dim);
    });
    int64_t size = ShapedType::isDynamic(plan.sizes[dim])
                       ? wanted
                       : std::min(plan.sizes[dim], wanted);
    std::pair<bool, int64_t> score(shares, size);
    if (best && score < bestScore)
      continue;
    best = dim;
    bestScore = score;
  }
  return best;
}

/// Lengths of panels for the packed operand.
void choosePanel(Plan &plan) {
  int64_t inner = 1;
  unsigned position = plan.reductions.size() - 1;
  for (;; --position) {
    int64_t size = plan.sizes[plan.reductions[position]];
    if (position == 0 || ShapedType::isDynamic(size) ||
        inner * size > maxPanelRows)
      break;
    inner *= size;
  }
  int64_t size = plan.sizes[plan.reductions[position]];
  int64_t block = std::max<int64_t>(maxPanelRows / inner, 1);
  if (ShapedType::isDynamic(size)) {
    // Whole cache lines.
    block = std::max<int64_t>(block / 16 * 16, 1);
  } else {
    int64_t blocks = std::max<int64_t>(llvm::divideCeil(size, block), 1);
    block = std::max<int64_t>(llvm::divideCeil(size, blocks), 1);
  }
  plan.blockLoop = position;
  plan.block = block;
  plan.panelRows = block * inner;
}

/// Fits the scheme "columns" to the operation.
bool planColumns(Plan &plan, const VectorShape &shape) {
  std::optional<unsigned> vectorDim;
  for (unsigned dim : plan.parallel)
    if (!plan.isShort(dim, 4) && plan.output.isUnitAlong(dim))
      vectorDim = dim;
  if (!vectorDim)
    return false;

  TileShape tile = tileWithRows(shape);
  std::optional<unsigned> rows = chooseRows(plan, *vectorDim);
  std::optional<unsigned> packed;
  for (auto [i, input] : llvm::enumerate(plan.inputs)) {
    if (!input.used || !input.dependsOn(*vectorDim))
      continue;
    bool direct = input.isUnitAlong(*vectorDim);
    auto isElsewhere = [&](unsigned dim) { return !input.dependsOn(dim); };
    bool canPack = rows && !input.dependsOn(*rows) &&
                   llvm::all_of(plan.reductions, [&](unsigned dim) {
                     return input.dependsOn(dim);
                   });
    Extent reuse = extentOf(plan, plan.parallel, isElsewhere);
    Extent panel =
        extentOf(plan, plan.reductions, [](unsigned) { return true; });
    Extent columns =
        extentOf(plan, {*vectorDim}, [](unsigned) { return true; });
    if (!direct) {
      if (!canPack || packed || !reuse.atLeast(4))
        return false;
      packed = i;
      continue;
    }
    bool pays = input.map.isProjectedPermutation() &&
                reuse.atLeast(4 * tile.rows) &&
                (panel.dynamic || columns.dynamic ||
                 panel.known * columns.known * 4 >= minPackedBytes);
    if (canPack && pays && !packed)
      packed = i;
  }
  plan.lanes = false;
  plan.vectorDim = *vectorDim;
  plan.rowDim = rows;
  plan.packed = packed;
  plan.registerWidth = registerWidthOf(plan, shape);
  if (!rows)
    tile = tileWithoutRows;
  plan.rows = tile.rows;
  plan.width = tile.vectors * plan.registerWidth;
  if (rows && !ShapedType::isDynamic(plan.sizes[*rows])) {
    // Without a remainder if that costs few rows.
    int64_t size = plan.sizes[*rows];
    plan.rows = std::min(plan.rows, std::max<int64_t>(size, 1));
    for (int64_t fewer = plan.rows; fewer > plan.rows / 2; --fewer)
      if (size % fewer == 0) {
        plan.rows = fewer;
        break;
      }
  }
  if (packed)
    choosePanel(plan);
  return true;
}

/// Fits the scheme "lanes" to the operation.
bool planLanes(Plan &plan, const VectorShape &shape) {
  Block *body = plan.op.getBlock();
  BlockArgument accumulator = body->getArguments().back();
  Value yielded = cast<linalg::YieldOp>(body->getTerminator()).getOperand(0);
  Combiner combiner;
  if (auto fma = yielded.getDefiningOp<math::FmaOp>();
      fma && fma.getC() == accumulator && accumulator.hasOneUse()) {
    combiner = {fma, true};
  } else {
    SmallVector<Operation *> ops;
    if (!matchReduction(plan.op.getRegionOutputArgs(), 0, ops) ||
        ops.size() != 1 || ops[0]->getNumOperands() != 2 ||
        !arith::getNeutralElement(ops[0]))
      return false;
    combiner = {ops[0], false};
  }

  std::optional<unsigned> vectorDim;
  for (unsigned dim : plan.reductions) {
    if (plan.isShort(dim, minLaneLoop))
      continue;
    bool depends = false, good = true;
    for (const Operand &input : plan.inputs) {
      if (!input.used || !input.dependsOn(dim))
        continue;
      depends = true;
      good &= input.isUnitAlong(dim);
    }
    if (depends && good)
      vectorDim = dim;
  }
  if (!vectorDim)
    return false;

  plan.lanes = true;
  plan.combiner = combiner;
  plan.vectorDim = *vectorDim;
  plan.registerWidth = registerWidthOf(plan, shape);
  plan.width = laneBytes * 8 / (shape.bits / plan.registerWidth);
  plan.rows = 1;
  plan.rowDim = chooseRows(plan, *vectorDim);
  if (plan.rowDim)
    plan.rows = laneRows(shape);
  plan.packed.reset();
  return true;
}

/// Decides how to lower the operation; false: by plain loops.
bool choosePlan(Plan &plan, const VectorShape &shape) {
  if (!describeOperands(plan))
    return false;
  auto all = [](unsigned) { return true; };
  Extent outer = extentOf(plan, plan.parallel, all);
  Extent inner = extentOf(plan, plan.reductions, all);
  if (!outer.dynamic && !inner.dynamic &&
      outer.known * inner.known < minIterations)
    return false;
  return planColumns(plan, shape) || planLanes(plan, shape);
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

class Emitter {
public:
  Emitter(Plan &plan, OpBuilder &builder)
      : plan(plan), b(builder), loc(plan.op.getLoc()) {}

  void emit() {
    linalg::LinalgOp op = plan.op;
    zero = constant(0);
    one = constant(1);
    for (const Range &range : op.createLoopRanges(b, loc))
      extents.push_back(getValueOrCreateConstantIndexOp(b, loc, range.size));
    dims.assign(extents.size(), zero);
    if (plan.lanes)
      return overLoops(outerLoops({}), [&] { overRows([&] { laneTile(); }); });
    if (!plan.packed)
      return overLoops(outerLoops({}), [&] {
        overColumns([&] { overRows([&] { columnTile(); }); });
      });

    const Operand &packed = plan.inputs[*plan.packed];
    Type element = cast<MemRefType>(packed.memref.getType()).getElementType();
    panel = memref::AllocOp::create(
        b, loc, MemRefType::get({plan.panelRows, plan.width}, element));
    auto isPacked = [&](unsigned dim) { return packed.dependsOn(dim); };
    ArrayRef<unsigned> reductions(plan.reductions);
    overLoops(outerLoops(isPacked), [&] {
      overLoops(reductions.take_front(plan.blockLoop), [&] {
        overBlocks([&] {
          overColumns([&] {
            pack();
            overLoops(outerLoops([&](unsigned dim) { return !isPacked(dim); }),
                      [&] { overRows([&] { columnTile(); }); });
          });
        });
      });
    });
    memref::DeallocOp::create(b, loc, panel);
  }

private:
  using Code = llvm::function_ref<void()>;

  //===--- Loops ----------------------------------------------------------===//

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  Value add(Value left, int64_t right) {
    if (right == 0)
      return left;
    return arith::AddIOp::create(b, loc, left, constant(right));
  }

  /// Parallel loops other than those of the vector and the rows.
  SmallVector<unsigned> outerLoops(std::function<bool(unsigned)> filter) const {
    SmallVector<unsigned> loops;
    for (unsigned dim : plan.parallel)
      if (dim != plan.rowDim && (plan.lanes || dim != plan.vectorDim) &&
          (!filter || filter(dim)))
        loops.push_back(dim);
    return loops;
  }

  void loop(Value low, Value high, Value step,
            llvm::function_ref<void(Value)> code) {
    auto op = scf::ForOp::create(b, loc, low, high, step);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.getBody());
    code(op.getInductionVar());
  }

  /// A nest of loops over whole extents.
  void overLoops(ArrayRef<unsigned> loops, Code code) {
    if (loops.empty())
      return code();
    loop(zero, extents[loops.front()], one, [&](Value i) {
      dims[loops.front()] = i;
      overLoops(loops.drop_front(), code);
    });
  }

  /// Tiles of rows: `firstRow` and `tileRows` change.
  void overRows(Code code) {
    firstRow = zero;
    tileRows = 1;
    if (!plan.rowDim)
      return code();
    int64_t size = plan.sizes[*plan.rowDim], rows = plan.rows;
    auto tiles = [&](Value low, Value high, int64_t step) {
      tileRows = step;
      loop(low, high, constant(step), [&](Value i) {
        firstRow = i;
        code();
      });
    };
    if (ShapedType::isDynamic(size)) {
      Value rest =
          arith::RemUIOp::create(b, loc, extents[*plan.rowDim], constant(rows));
      Value main = arith::SubIOp::create(b, loc, extents[*plan.rowDim], rest);
      tiles(zero, main, rows);
      tiles(main, extents[*plan.rowDim], 1);
      return;
    }
    int64_t main = size / rows * rows;
    if (main > 0)
      tiles(zero, constant(main), rows);
    if (main < size) {
      firstRow = constant(main);
      tileRows = size - main;
      code();
    }
  }

  /// Tiles of columns: `tileWidth`, `valid` and `mask` change.
  void overColumns(Code code) {
    unsigned dim = plan.vectorDim;
    int64_t size = plan.sizes[dim];
    auto tiles = [&](Value low, Value high) {
      tileWidth = plan.width;
      loop(low, high, constant(plan.width), [&](Value i) {
        dims[dim] = i;
        code();
      });
    };
    auto maskTo = [&](Value count) {
      valid = count;
      mask = vector::CreateMaskOp::create(
          b, loc, VectorType::get({tileWidth}, b.getI1Type()), count);
    };
    if (ShapedType::isDynamic(size)) {
      Value rest =
          arith::RemUIOp::create(b, loc, extents[dim], constant(plan.width));
      Value main = arith::SubIOp::create(b, loc, extents[dim], rest);
      tiles(zero, main);
      // Once or never.
      loop(main, extents[dim], constant(plan.width), [&](Value i) {
        dims[dim] = i;
        maskTo(rest);
        code();
      });
    } else {
      int64_t main = size / plan.width * plan.width, rest = size - main;
      if (main > 0)
        tiles(zero, constant(main));
      if (rest > 0) {
        dims[dim] = constant(main);
        tileWidth = rest <= plan.registerWidth
                        ? int64_t(llvm::PowerOf2Ceil(rest))
                        : int64_t(llvm::alignTo(rest, plan.registerWidth));
        if (tileWidth != rest)
          maskTo(constant(rest));
        code();
      }
    }
    valid = mask = Value();
  }

  /// Blocks of the reduction loop that panels are cut from.
  void overBlocks(Code code) {
    unsigned dim = plan.reductions[plan.blockLoop];
    if (plan.sizes[dim] == plan.block) {
      blockLow = zero;
      blockHigh = extents[dim];
      return code();
    }
    loop(zero, extents[dim], constant(plan.block), [&](Value low) {
      blockLow = low;
      blockHigh =
          arith::MinSIOp::create(b, loc, add(low, plan.block), extents[dim]);
      code();
    });
  }

  /// Runs `code` in the reduction loops from `position` on, with values carried
  /// from iteration to iteration. `low` and `high` bound the first of them.
  SmallVector<Value>
  reduce(ArrayRef<unsigned> loops, Value low, Value high, ValueRange carried,
         llvm::function_ref<SmallVector<Value>(ValueRange)> code) {
    if (loops.empty())
      return code(carried);
    auto op = scf::ForOp::create(b, loc, low, high, one, carried);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.getBody());
    dims[loops.front()] = op.getInductionVar();
    ArrayRef<unsigned> rest = loops.drop_front();
    SmallVector<Value> results =
        reduce(rest, zero, rest.empty() ? Value() : extents[rest.front()],
               op.getRegionIterArgs(), code);
    if (!carried.empty())
      scf::YieldOp::create(b, loc, results);
    return SmallVector<Value>(op.getResults());
  }

  //===--- Memory ---------------------------------------------------------===//

  SmallVector<Value> indices(const Operand &operand) {
    SmallVector<Value> made;
    for (AffineExpr expr : operand.map.getResults())
      made.push_back(affine::expandAffineExpr(b, loc, expr, dims, {}));
    return made;
  }

  VectorType vectorOf(Type element) {
    return VectorType::get({tileWidth}, element);
  }
  Value splat(Value scalar) {
    return vector::BroadcastOp::create(b, loc, vectorOf(scalar.getType()),
                                       scalar);
  }

  Value load(Value memref, ValueRange position, Value laneMask) {
    Type element = cast<MemRefType>(memref.getType()).getElementType();
    VectorType type = vectorOf(element);
    if (!laneMask)
      return vector::LoadOp::create(b, loc, type, memref, position);
    Value nothing =
        arith::ConstantOp::create(b, loc, type, b.getZeroAttr(type));
    return vector::MaskedLoadOp::create(b, loc, type, memref, position,
                                        laneMask, nothing);
  }
  void store(Value value, Value memref, ValueRange position, Value laneMask) {
    if (laneMask)
      vector::MaskedStoreOp::create(b, loc, memref, position, laneMask, value);
    else
      vector::StoreOp::create(b, loc, value, memref, position);
  }

  /// What an operand gives the body: a vector, or a scalar for all of it.
  Value read(const Operand &operand, Value laneMask) {
    if (!isa<MemRefType>(operand.memref.getType()))
      return operand.memref;
    if (operand.dependsOn(plan.vectorDim))
      return load(operand.memref, indices(operand), laneMask);
    return memref::LoadOp::create(b, loc, operand.memref, indices(operand));
  }

  /// The row of the panel for the present iteration.
  Value panelRow() {
    ArrayRef<unsigned> loops =
        ArrayRef<unsigned>(plan.reductions).drop_front(plan.blockLoop);
    Value row = arith::SubIOp::create(b, loc, dims[loops.front()], blockLow);
    for (unsigned dim : loops.drop_front()) {
      row = arith::MulIOp::create(b, loc, row, constant(plan.sizes[dim]));
      row = arith::AddIOp::create(b, loc, row, dims[dim]);
    }
    return row;
  }

  /// Copies a block of the packed operand to the panel, zeros beyond its edge.
  void pack() {
    const Operand &packed = plan.inputs[*plan.packed];
    ArrayRef<unsigned> loops =
        ArrayRef<unsigned>(plan.reductions).drop_front(plan.blockLoop);
    Value column = dims[plan.vectorDim];
    reduce(loops, blockLow, blockHigh, {}, [&](ValueRange) {
      Value row = panelRow();
      if (packed.isUnitAlong(plan.vectorDim)) {
        store(load(packed.memref, indices(packed), mask), panel, {row, zero},
              Value());
        return SmallVector<Value>();
      }
      Value end = valid ? valid : constant(tileWidth);
      loop(zero, end, one, [&](Value i) {
        dims[plan.vectorDim] = arith::AddIOp::create(b, loc, column, i);
        Value element =
            memref::LoadOp::create(b, loc, packed.memref, indices(packed));
        memref::StoreOp::create(b, loc, element, panel, ValueRange{row, i});
      });
      dims[plan.vectorDim] = column;
      if (valid) {
        Type type = cast<MemRefType>(panel.getType()).getElementType();
        Value nothing =
            arith::ConstantOp::create(b, loc, type, b.getZeroAttr(type));
        loop(end, constant(tileWidth), one, [&](Value i) {
          memref::StoreOp::create(b, loc, nothing, panel, ValueRange{row, i});
        });
      }
      return SmallVector<Value>();
    });
  }

  //===--- Tiles ----------------------------------------------------------===//

  /// The body on vectors. Operations that see only scalars stay scalar.
  Value cloneBody(ArrayRef<Value> inputs, Value accumulator) {
    linalg::LinalgOp op = plan.op;
    Block *body = op.getBlock();
    IRMapping mapping;
    for (auto [argument, value] : llvm::zip(body->getArguments(), inputs))
      if (value)
        mapping.map(argument, value);
    mapping.map(body->getArguments().back(), accumulator);
    for (Operation &inner : body->without_terminator()) {
      bool isVector = llvm::any_of(inner.getOperands(), [&](Value value) {
        return isa<VectorType>(mapping.lookupOrDefault(value).getType());
      });
      Operation *copy = b.clone(inner, mapping);
      if (!isVector)
        continue;
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(copy);
      for (OpOperand &operand : copy->getOpOperands())
        if (!isa<VectorType>(operand.get().getType()))
          operand.set(splat(operand.get()));
      for (OpResult result : copy->getResults())
        result.setType(vectorOf(result.getType()));
    }
    Value yielded =
        mapping.lookupOrDefault(body->getTerminator()->getOperand(0));
    return isa<VectorType>(yielded.getType()) ? yielded : splat(yielded);
  }

  /// One step of all rows of a tile.
  SmallVector<Value> step(ValueRange accumulators, Value laneMask) {
    SmallVector<Value> shared(plan.inputs.size()), results;
    for (auto [i, input] : llvm::enumerate(plan.inputs)) {
      if (!input.used || (plan.rowDim && input.dependsOn(*plan.rowDim)))
        continue;
      if (plan.packed == i)
        shared[i] = load(panel, {panelRow(), zero}, Value());
      else
        shared[i] = read(input, laneMask);
    }
    for (auto [row, accumulator] : llvm::enumerate(accumulators)) {
      setRow(row);
      SmallVector<Value> values(shared);
      for (auto [i, input] : llvm::enumerate(plan.inputs))
        if (input.used && !values[i])
          values[i] = read(input, laneMask);
      results.push_back(cloneBody(values, accumulator));
    }
    return results;
  }

  void setRow(int64_t row) {
    if (plan.rowDim)
      dims[*plan.rowDim] = add(firstRow, row);
  }

  void columnTile() {
    SmallVector<Value> accumulators;
    for (int64_t row = 0; row < tileRows; ++row) {
      setRow(row);
      accumulators.push_back(
          load(plan.output.memref, indices(plan.output), mask));
    }
    ArrayRef<unsigned> loops(plan.reductions);
    Value low = zero, high = extents[loops.front()];
    if (plan.packed) {
      loops = loops.drop_front(plan.blockLoop);
      low = blockLow;
      high = blockHigh;
    }
    accumulators = reduce(loops, low, high, accumulators,
                          [&](ValueRange sums) { return step(sums, mask); });
    for (int64_t row = 0; row < tileRows; ++row) {
      setRow(row);
      store(accumulators[row], plan.output.memref, indices(plan.output), mask);
    }
  }

  void laneTile() {
    unsigned dim = plan.vectorDim;
    tileWidth = plan.width;
    Type element = plan.op.getBlock()->getArguments().back().getType();
    // The negative zero is neutral for sums, the positive one is not.
    TypedAttr neutral =
        plan.combiner.isFma || isa<arith::AddFOp>(plan.combiner.op)
            ? TypedAttr(b.getFloatAttr(
                  element,
                  APFloat::getZero(cast<FloatType>(element).getFloatSemantics(),
                                   /*Negative=*/true)))
            : *arith::getNeutralElement(plan.combiner.op);
    Value start = splat(arith::ConstantOp::create(b, loc, neutral));
    SmallVector<Value> sums(tileRows, start);
    SmallVector<unsigned> loops;
    for (unsigned loop : plan.reductions)
      if (loop != dim)
        loops.push_back(loop);

    sums = reduce(loops, zero, loops.empty() ? Value() : extents[loops.front()],
                  sums, [&](ValueRange carried) { return overLanes(carried); });

    for (int64_t row = 0; row < tileRows; ++row) {
      setRow(row);
      Value sum = combineLanes(sums[row]);
      SmallVector<Value> position = indices(plan.output);
      Value old = memref::LoadOp::create(b, loc, plan.output.memref, position);
      memref::StoreOp::create(b, loc, combine(old, sum), plan.output.memref,
                              position);
    }
  }

  /// The loop of the vector: whole vectors, then what is left under a mask.
  SmallVector<Value> overLanes(ValueRange carried) {
    unsigned dim = plan.vectorDim;
    int64_t size = plan.sizes[dim];
    auto run = [&](Value low, Value high, Value laneMask, ValueRange sums) {
      auto op =
          scf::ForOp::create(b, loc, low, high, constant(plan.width), sums);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(op.getBody());
      dims[dim] = op.getInductionVar();
      SmallVector<Value> next = step(op.getRegionIterArgs(), laneMask);
      if (laneMask)
        for (auto [value, old] : llvm::zip(next, op.getRegionIterArgs()))
          value = arith::SelectOp::create(b, loc, laneMask, value, old);
      scf::YieldOp::create(b, loc, next);
      return SmallVector<Value>(op.getResults());
    };
    Value rest, main;
    if (ShapedType::isDynamic(size)) {
      rest = arith::RemUIOp::create(b, loc, extents[dim], constant(plan.width));
      main = arith::SubIOp::create(b, loc, extents[dim], rest);
    } else {
      rest = constant(size % plan.width);
      main = constant(size - size % plan.width);
    }
    SmallVector<Value> sums = run(zero, main, Value(), carried);
    if (!ShapedType::isDynamic(size) && size % plan.width == 0)
      return sums;
    Value laneMask = vector::CreateMaskOp::create(
        b, loc, VectorType::get({plan.width}, b.getI1Type()), rest);
    return run(main, extents[dim], laneMask, sums);
  }

  Value combine(Value left, Value right) {
    if (plan.combiner.isFma)
      return arith::AddFOp::create(b, loc, left, right);
    Operation *copy = plan.combiner.op->clone();
    b.insert(copy);
    copy->setOperands({left, right});
    copy->getResult(0).setType(left.getType());
    return copy->getResult(0);
  }

  /// Lane i with lane i + width/2, and so on.
  Value combineLanes(Value lanes) {
    for (int64_t half = plan.width / 2; half > 0; half /= 2) {
      auto part = [&](int64_t offset) -> Value {
        return vector::ExtractStridedSliceOp::create(
            b, loc, lanes, ArrayRef<int64_t>{offset}, ArrayRef<int64_t>{half},
            ArrayRef<int64_t>{1});
      };
      Value low = part(0), high = part(half);
      lanes = combine(low, high);
    }
    return vector::ExtractOp::create(b, loc, lanes, int64_t(0));
  }

  Plan &plan;
  OpBuilder &b;
  Location loc;
  Value zero, one;
  SmallVector<Value> extents;
  SmallVector<Value> dims; // where the loops stand
  Value firstRow;
  int64_t tileRows = 1;
  int64_t tileWidth = 1;
  Value valid, mask; // of a tile that is cut off; null: all of it
  Value blockLow, blockHigh;
  Value panel;
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// sum + a * b in f32 or f64 is rounded once.
void fuseMultiplyAdd(RewriterBase &rewriter, linalg::LinalgOp op) {
  if (op.getNumDpsInits() != 1)
    return;
  Block *body = op.getBlock();
  auto sum =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum || !(sum.getType().isF32() || sum.getType().isF64()))
    return;
  Value accumulator = body->getArguments().back();
  for (auto [term, other] : {std::pair(sum.getLhs(), sum.getRhs()),
                             std::pair(sum.getRhs(), sum.getLhs())}) {
    auto product = term.getDefiningOp<arith::MulFOp>();
    if (other != accumulator || !product || !product->hasOneUse() ||
        product->getBlock() != body)
      continue;
    rewriter.setInsertionPoint(sum);
    rewriter.replaceOpWithNewOp<math::FmaOp>(sum, product.getLhs(),
                                             product.getRhs(), accumulator);
    rewriter.eraseOp(product);
    return;
  }
}

struct KernelTilingPass
    : PassWrapper<KernelTilingPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(KernelTilingPass)

  KernelTilingPass() = default;
  KernelTilingPass(const KernelTilingPass &other) : PassWrapper(other) {}
  explicit KernelTilingPass(const VectorShape &shape) {
    bits = shape.bits;
    registers = shape.registers;
    fma = shape.fma;
  }

  StringRef getArgument() const final { return "octo-kernel-tiling"; }
  StringRef getDescription() const final {
    return "Lower reductions of kernels on buffers to tiles in vector "
           "registers";
  }
  void getDependentDialects(DialectRegistry &registry) const final {
    registry
        .insert<affine::AffineDialect, arith::ArithDialect,
                linalg::LinalgDialect, math::MathDialect, memref::MemRefDialect,
                scf::SCFDialect, vector::VectorDialect>();
  }

  Option<unsigned> bits{*this, "bits", llvm::cl::desc("Bits of a register"),
                        llvm::cl::init(256)};
  Option<unsigned> registers{*this, "registers",
                             llvm::cl::desc("Registers of the CPU"),
                             llvm::cl::init(16)};
  Option<bool> fma{*this, "fma",
                   llvm::cl::desc("The CPU multiplies and adds in one step"),
                   llvm::cl::init(true)};

  void runOnOperation() final {
    if (bits < 64 || !llvm::isPowerOf2_32(bits) || bits > 2048 ||
        registers < 8) {
      getOperation().emitError(
          "octo-kernel-tiling needs bits=64..2048, a power of 2, and "
          "registers=8 or more");
      return signalPassFailure();
    }
    VectorShape shape{bits, registers, fma};
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (op.getNumReductionLoops() != 0)
        ops.push_back(op);
    });
    for (linalg::LinalgOp op : ops) {
      if (!isa<linalg::GenericOp>(op.getOperation())) {
        rewriter.setInsertionPoint(op);
        FailureOr<linalg::GenericOp> generic =
            linalg::generalizeNamedOp(rewriter, op);
        if (failed(generic))
          continue;
        op = cast<linalg::LinalgOp>(generic->getOperation());
      }
      if (fma)
        fuseMultiplyAdd(rewriter, op);
      Plan plan;
      plan.op = op;
      if (!choosePlan(plan, shape))
        continue;
      rewriter.setInsertionPoint(op);
      Emitter(plan, rewriter).emit();
      rewriter.eraseOp(op);
    }
  }
};

} // namespace

std::unique_ptr<Pass> createKernelTilingPass() {
  return std::make_unique<KernelTilingPass>();
}
std::unique_ptr<Pass> createKernelTilingPass(const VectorShape &shape) {
  return std::make_unique<KernelTilingPass>(shape);
}

} // namespace octo
