//===- WorkModel.cpp - The work of a body of ordinary MLIR ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A symbolic walk over a body. Sizes are polynomials in the dimensions of the
// inputs; the work of an operation is its size times how often it runs. What
// counts as what is told in docs/timing-model.md.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/Transforms/WorkModel.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/TypeSwitch.h"

#include <array>
#include <cmath>
#include <map>

using namespace mlir;
using namespace octo::owg;

namespace {

/// A polynomial: coefficients by sorted products of symbols.
class Poly {
public:
  using Symbols = std::vector<uint32_t>;

  Poly() = default;
  static Poly constant(double value) {
    Poly p;
    if (value != 0)
      p.terms[{}] = value;
    return p;
  }
  static Poly symbol(uint32_t s) {
    Poly p;
    p.terms[{s}] = 1;
    return p;
  }

  bool isZero() const { return terms.empty(); }
  std::optional<double> asConstant() const {
    if (terms.empty())
      return 0.0;
    if (terms.size() == 1 && terms.begin()->first.empty())
      return terms.begin()->second;
    return std::nullopt;
  }
  const std::map<Symbols, double> &getTerms() const { return terms; }

  Poly &operator+=(const Poly &other) {
    for (const auto &[symbols, coefficient] : other.terms)
      add(symbols, coefficient);
    return *this;
  }
  Poly operator+(const Poly &other) const { return Poly(*this) += other; }
  Poly operator-(const Poly &other) const { return *this + other * -1.0; }
  Poly operator*(double factor) const {
    Poly p;
    if (factor != 0)
      for (const auto &[symbols, coefficient] : terms)
        p.terms[symbols] = coefficient * factor;
    return p;
  }
  Poly operator*(const Poly &other) const {
    Poly p;
    for (const auto &[a, x] : terms)
      for (const auto &[b, y] : other.terms) {
        Symbols symbols;
        std::merge(a.begin(), a.end(), b.begin(), b.end(),
                   std::back_inserter(symbols));
        p.add(symbols, x * y);
      }
    return p;
  }

  double evaluate(llvm::function_ref<double(uint32_t)> value) const {
    double sum = 0;
    for (const auto &[symbols, coefficient] : terms) {
      double product = coefficient;
      for (uint32_t s : symbols)
        product *= value(s);
      sum += product;
    }
    return sum;
  }

private:
  void add(const Symbols &symbols, double coefficient) {
    double &mine = terms[symbols];
    mine += coefficient;
    if (mine == 0)
      terms.erase(symbols);
  }

  std::map<Symbols, double> terms;
};

using Work = std::array<Poly, 5>;

/// What is known inside one function: sizes of its arguments.
struct Frame {
  llvm::DenseMap<Value, Poly> scalars;
  llvm::DenseMap<std::pair<Value, unsigned>, Poly> dims;
  Frame *caller = nullptr;
  Operation *function = nullptr;
};

class Analysis {
public:
  Analysis(SymbolTableCollection &symbols, const WorkModelOptions &options)
      : symbols(symbols), options(options) {}

  FailureOr<WorkEstimate> run(Region &body);

private:
  //===--------------------------------------------------------------------===//
  // Sizes
  //===--------------------------------------------------------------------===//
  std::optional<Poly> scalarOf(Value value, unsigned depth = 0);
  std::optional<Poly> affineOf(AffineExpr expr, ValueRange operands,
                               unsigned numDims, unsigned depth);
  std::optional<Poly> foldedOf(OpFoldResult value) {
    if (std::optional<int64_t> constant = getConstantIntValue(value))
      return Poly::constant(double(*constant));
    if (Value v = llvm::dyn_cast_if_present<Value>(value))
      return scalarOf(v);
    return std::nullopt;
  }
  Poly dimOf(Value value, unsigned dim, unsigned depth = 0);
  std::optional<Poly> computeDim(Value value, unsigned dim, unsigned depth);
  Poly elementsOf(Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    Poly product = Poly::constant(1);
    if (type)
      for (int64_t d = 0; d < type.getRank(); ++d)
        product = product * dimOf(value, d);
    return product;
  }
  Poly unknownDim() const {
    return Poly::constant(double(options.expectedDim));
  }
  double expect(const Poly &poly) const {
    return poly.evaluate([&](uint32_t symbol) {
      if (WorkTermAttr::isCounter(symbol))
        return expectedCounters[symbol & 0x7fffffffu];
      return double(options.expectedDim);
    });
  }

  //===--------------------------------------------------------------------===//
  // Work
  //===--------------------------------------------------------------------===//
  void add(WorkClass workClass, const Poly &amount) {
    work[unsigned(workClass)] += amount;
  }
  LogicalResult visit(Region &region, const Poly &times);
  LogicalResult visit(Operation &op, const Poly &times);
  LogicalResult visitCall(func::CallOp call, const Poly &times);
  LogicalResult visitArms(MutableArrayRef<Region> arms, const Poly &times);
  void visitLinalg(linalg::LinalgOp op, const Poly &times);
  std::optional<Poly> tripsOf(Value lower, Value upper, Value step);
  uint32_t addCounter(Operation *loop, const Poly &times) {
    uint32_t counter = uint32_t(countedLoops.size());
    countedLoops.push_back(loop);
    expectedCounters.push_back(double(options.expectedTrips) *
                               std::max(1.0, expect(times)));
    return counter;
  }

  SymbolTableCollection &symbols;
  const WorkModelOptions &options;
  Frame *frame = nullptr;
  Work work;
  SmallVector<Operation *> countedLoops;
  std::vector<double> expectedCounters;
  SmallVector<int64_t> matmuls;
  uint64_t visited = 0;
  static constexpr uint64_t mostOperations = 1000000;
  static constexpr unsigned mostDepth = 256;
};

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

std::optional<Poly> Analysis::affineOf(AffineExpr expr, ValueRange operands,
                                       unsigned numDims, unsigned depth) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return Poly::constant(double(constant.getValue()));
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return scalarOf(operands[dim.getPosition()], depth + 1);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return scalarOf(operands[numDims + symbol.getPosition()], depth + 1);
  auto binary = cast<AffineBinaryOpExpr>(expr);
  std::optional<Poly> lhs =
      affineOf(binary.getLHS(), operands, numDims, depth + 1);
  std::optional<Poly> rhs =
      affineOf(binary.getRHS(), operands, numDims, depth + 1);
  if (!lhs || !rhs)
    return std::nullopt;
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return *lhs + *rhs;
  case AffineExprKind::Mul:
    return *lhs * *rhs;
  case AffineExprKind::FloorDiv:
  case AffineExprKind::CeilDiv:
    if (std::optional<double> divisor = rhs->asConstant();
        divisor && *divisor > 0) {
      if (std::optional<double> value = lhs->asConstant())
        return Poly::constant(expr.getKind() == AffineExprKind::CeilDiv
                                  ? std::ceil(*value / *divisor)
                                  : std::floor(*value / *divisor));
      return *lhs * (1.0 / *divisor);
    }
    return std::nullopt;
  default:
    return std::nullopt;
  }
}

std::optional<Poly> Analysis::scalarOf(Value value, unsigned depth) {
  if (depth > mostDepth)
    return std::nullopt;
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return Poly::constant(double(constant.getSExtValue()));
  if (auto it = frame->scalars.find(value); it != frame->scalars.end())
    return it->second;
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  auto operand = [&](unsigned i) {
    return scalarOf(op->getOperand(i), depth + 1);
  };
  auto binary = [&](auto combine) -> std::optional<Poly> {
    std::optional<Poly> lhs = operand(0), rhs = operand(1);
    if (!lhs || !rhs)
      return std::nullopt;
    return combine(*lhs, *rhs);
  };
  auto divide = [&](const Poly &lhs, const Poly &rhs,
                    bool up) -> std::optional<Poly> {
    std::optional<double> divisor = rhs.asConstant();
    if (!divisor || *divisor <= 0)
      return std::nullopt;
    if (std::optional<double> dividend = lhs.asConstant()) {
      double quotient = *dividend / *divisor;
      return Poly::constant(up ? std::ceil(quotient) : std::floor(quotient));
    }
    return lhs * (1.0 / *divisor);
  };
  // Bounds that depend on where a tile lies are taken at their constant.
  auto least = [](std::optional<Poly> best,
                  std::optional<Poly> next) -> std::optional<Poly> {
    if (!best || !next)
      return best ? best : next;
    std::optional<double> a = best->asConstant(), b = next->asConstant();
    if (a && b)
      return *a <= *b ? best : next;
    return a ? best : b ? next : best;
  };

  std::optional<Poly> result =
      llvm::TypeSwitch<Operation *, std::optional<Poly>>(op)
          .Case([&](tensor::DimOp dim) -> std::optional<Poly> {
            std::optional<int64_t> index = dim.getConstantIndex();
            auto type = dyn_cast<RankedTensorType>(dim.getSource().getType());
            if (!index || !type || *index < 0 || *index >= type.getRank())
              return std::nullopt;
            return computeDim(dim.getSource(), *index, depth + 1);
          })
          .Case([&](arith::IndexCastOp) { return operand(0); })
          .Case([&](arith::IndexCastUIOp) { return operand(0); })
          .Case([&](arith::ExtSIOp) { return operand(0); })
          .Case([&](arith::ExtUIOp) { return operand(0); })
          .Case([&](arith::AddIOp) {
            return binary([](const Poly &a, const Poly &b) { return a + b; });
          })
          .Case([&](arith::SubIOp) {
            return binary([](const Poly &a, const Poly &b) { return a - b; });
          })
          .Case([&](arith::MulIOp) {
            return binary([](const Poly &a, const Poly &b) { return a * b; });
          })
          .Case<arith::DivUIOp, arith::DivSIOp, arith::FloorDivSIOp>([&](auto) {
            std::optional<Poly> a = operand(0), b = operand(1);
            return a && b ? divide(*a, *b, false) : std::nullopt;
          })
          .Case<arith::CeilDivUIOp, arith::CeilDivSIOp>([&](auto) {
            std::optional<Poly> a = operand(0), b = operand(1);
            return a && b ? divide(*a, *b, true) : std::nullopt;
          })
          .Case<arith::MinSIOp, arith::MinUIOp>(
              [&](auto) { return least(operand(0), operand(1)); })
          .Case([&](affine::AffineApplyOp apply) {
            return affineOf(apply.getAffineMap().getResult(0),
                            apply.getMapOperands(),
                            apply.getAffineMap().getNumDims(), depth);
          })
          .Case([&](affine::AffineMinOp min) {
            std::optional<Poly> best;
            for (AffineExpr expr : min.getAffineMap().getResults())
              best =
                  least(best, affineOf(expr, min.getOperands(),
                                       min.getAffineMap().getNumDims(), depth));
            return best;
          })
          .Default([](Operation *) { return std::nullopt; });
  if (result)
    frame->scalars[value] = *result;
  return result;
}

Poly Analysis::dimOf(Value value, unsigned dim, unsigned depth) {
  return computeDim(value, dim, depth).value_or(unknownDim());
}

/// The size of a dimension, or nothing where data decides.
std::optional<Poly> Analysis::computeDim(Value value, unsigned dim,
                                         unsigned depth) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || depth > mostDepth)
    return std::nullopt;
  if (!type.isDynamicDim(dim))
    return Poly::constant(double(type.getDimSize(dim)));
  auto key = std::make_pair(value, dim);
  if (auto it = frame->dims.find(key); it != frame->dims.end())
    return it->second;
  auto same = [&](Value other) { return computeDim(other, dim, depth + 1); };

  std::optional<Poly> result;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    unsigned number = argument.getArgNumber();
    if (auto loop = dyn_cast<scf::ForOp>(parent)) {
      // Loop-carried tensors are taken to keep the size that they begin with.
      if (number >= 1)
        result = same(loop.getInitArgs()[number - 1]);
    } else if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
      if (argument.getOwner()->getParent() == &loop.getBefore())
        result = same(loop.getInits()[number]);
      else
        result = same(loop.getConditionOp().getArgs()[number]);
    } else if (auto loop = dyn_cast<scf::ForallOp>(parent)) {
      unsigned first = loop.getRank();
      if (number >= first)
        result = same(loop.getOutputs()[number - first]);
    }
  } else {
    Operation *op = value.getDefiningOp();
    unsigned number = cast<OpResult>(value).getResultNumber();
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](tensor::EmptyOp empty) {
          result = foldedOf(empty.getMixedSizes()[dim]);
        })
        .Case([&](tensor::GenerateOp generate) {
          unsigned at = type.getDynamicDimIndex(dim);
          result = scalarOf(generate.getDynamicExtents()[at], depth + 1);
        })
        .Case([&](tensor::CastOp cast) {
          if (isa<RankedTensorType>(cast.getSource().getType()))
            result = same(cast.getSource());
        })
        .Case([&](tensor::ExtractSliceOp slice) {
          llvm::SmallBitVector dropped = slice.getDroppedDims();
          unsigned left = dim;
          for (unsigned i = 0; i < dropped.size(); ++i) {
            if (dropped[i])
              continue;
            if (left-- == 0) {
              result = foldedOf(slice.getMixedSizes()[i]);
              break;
            }
          }
        })
        .Case([&](tensor::PadOp pad) {
          std::optional<Poly> inner = same(pad.getSource());
          std::optional<Poly> low = foldedOf(pad.getMixedLowPad()[dim]);
          std::optional<Poly> high = foldedOf(pad.getMixedHighPad()[dim]);
          if (inner && low && high)
            result = *inner + *low + *high;
        })
        .Case([&](tensor::ConcatOp concat) {
          if (dim != concat.getDim()) {
            result = same(concat.getInputs().front());
            return;
          }
          Poly sum;
          for (Value input : concat.getInputs()) {
            std::optional<Poly> part = same(input);
            if (!part)
              return;
            sum += *part;
          }
          result = sum;
        })
        .Case([&](tensor::CollapseShapeOp collapse) {
          Poly product = Poly::constant(1);
          for (int64_t i : collapse.getReassociationIndices()[dim]) {
            std::optional<Poly> part =
                computeDim(collapse.getSrc(), unsigned(i), depth + 1);
            if (!part)
              return;
            product = product * *part;
          }
          result = product;
        })
        .Case([&](tensor::ExpandShapeOp expand) {
          result = foldedOf(expand.getMixedOutputShape()[dim]);
        })
        .Case(
            [&](scf::ForOp loop) { result = same(loop.getInitArgs()[number]); })
        .Case([&](scf::WhileOp loop) {
          result = same(loop.getConditionOp().getArgs()[number]);
        })
        .Case([&](scf::IfOp branch) {
          if (!branch.getThenRegion().empty())
            result = same(branch.thenYield().getOperand(number));
        })
        .Case([&](scf::ExecuteRegionOp region) {
          if (region.getRegion().hasOneBlock())
            result = same(
                region.getRegion().front().getTerminator()->getOperand(number));
        })
        .Case([&](arith::SelectOp select) {
          result = same(select.getTrueValue());
        })
        .Case([&](DestinationStyleOpInterface destination) {
          result =
              same(destination.getTiedOpOperand(cast<OpResult>(value))->get());
        })
        .Default([&](Operation *other) {
          // Elementwise: the operand of the same type.
          if (OpTrait::hasElementwiseMappableTraits(other))
            for (Value operand : other->getOperands()) {
              auto mine = dyn_cast<RankedTensorType>(operand.getType());
              if (mine && mine.getShape() == type.getShape()) {
                result = same(operand);
                return;
              }
            }
        });
  }
  if (result)
    frame->dims[key] = *result;
  return result;
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

/// Special functions take longer than an addition: the class `special`.
static bool isSpecial(Operation *op) {
  if (isa<arith::DivFOp, arith::RemFOp, arith::DivSIOp, arith::DivUIOp,
          arith::RemSIOp, arith::RemUIOp, arith::CeilDivSIOp,
          arith::CeilDivUIOp, arith::FloorDivSIOp>(op))
    return true;
  return isa<math::MathDialect>(op->getDialect()) &&
         !isa<math::AbsFOp, math::AbsIOp, math::FmaOp, math::CopySignOp,
              math::CeilOp, math::FloorOp, math::RoundOp, math::RoundEvenOp,
              math::TruncOp, math::CountLeadingZerosOp,
              math::CountTrailingZerosOp, math::CtPopOp, math::IsFiniteOp,
              math::IsInfOp, math::IsNaNOp, math::IsNormalOp>(op);
}

/// Operations that cost nothing: they only name or reshape.
static bool isFree(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() ||
         op->hasTrait<OpTrait::IsTerminator>() ||
         isa<tensor::EmptyOp, tensor::DimOp, tensor::RankOp, tensor::CastOp,
             tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ReshapeOp>(
             op);
}

namespace {
/// Operations of one point of a linalg body.
struct PointWork {
  unsigned macs = 0;
  unsigned vector = 0;
  unsigned special = 0;
};
} // namespace

/// Multiplications that are added to an accumulator count as one
/// multiply-accumulate each.
static PointWork countPoint(Block &body, bool reduces) {
  PointWork point;
  for (Operation &op : body.without_terminator()) {
    if (op.hasTrait<OpTrait::ConstantLike>() || isa<linalg::IndexOp>(op))
      continue;
    if (isSpecial(&op)) {
      ++point.special;
      continue;
    }
    bool isAdd = isa<arith::AddFOp, arith::AddIOp>(op);
    bool product = false;
    if (isAdd && reduces)
      for (Value operand : op.getOperands())
        product |= operand.getDefiningOp<arith::MulFOp>() ||
                   operand.getDefiningOp<arith::MulIOp>();
    if (isa<math::FmaOp>(op) && reduces) {
      ++point.macs;
    } else if (isAdd && product) {
      // Its multiplication has been counted as a vector operation.
      ++point.macs;
      if (point.vector)
        --point.vector;
    } else if (reduces &&
               isa<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp>(op)) {
      // Widening before a product is part of the PE.
    } else {
      ++point.vector;
    }
  }
  return point;
}

void Analysis::visitLinalg(linalg::LinalgOp op, const Poly &times) {
  // Range of each loop: the dimension of an operand that it indexes.
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  SmallVector<std::optional<Poly>> ranges(iterators.size());
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    for (auto [d, expr] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr);
          dim && !ranges[dim.getPosition()])
        ranges[dim.getPosition()] = dimOf(operand.get(), d);
  }
  Poly points = times, outputs = times;
  bool reduces = false;
  for (auto [range, iterator] : llvm::zip(ranges, iterators)) {
    Poly size = range.value_or(unknownDim());
    points = points * size;
    if (iterator == utils::IteratorType::parallel)
      outputs = outputs * size;
    else
      reduces = true;
  }

  PointWork point = countPoint(op->getRegion(0).front(), reduces);
  if (point.macs)
    add(WorkClass::Mac, points * double(point.macs));
  if (point.vector)
    add(WorkClass::Vector, points * double(point.vector));
  if (point.special)
    add(WorkClass::Special, points * double(point.special));
  // Moves and fills still write every element.
  if (!point.macs && !point.vector && !point.special)
    add(WorkClass::Vector, outputs);

  // Shape of the matrix product, for the fold formula of PE arrays. As for
  // convolutions by im2col, m are the loops of the output that only the first
  // operand has, n those that only the second has, k the reductions; loops that
  // both operands and the output have are a batch.
  if (point.macs != 1 || op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return;
  auto uses = [&](OpOperand *operand, unsigned loop) {
    return op.getMatchingIndexingMap(operand).isFunctionOfDim(loop);
  };
  double m = 1, n = 1, k = 1;
  Poly batch = times;
  for (unsigned loop = 0; loop < iterators.size(); ++loop) {
    Poly size = ranges[loop].value_or(unknownDim());
    bool first = uses(op.getDpsInputOperand(0), loop);
    bool second = uses(op.getDpsInputOperand(1), loop);
    if (iterators[loop] == utils::IteratorType::parallel && first && second) {
      batch = batch * size;
      continue;
    }
    std::optional<double> constant = size.asConstant();
    if (!constant || !ranges[loop])
      return;
    if (iterators[loop] != utils::IteratorType::parallel)
      k *= *constant;
    else if (first)
      m *= *constant;
    else
      n *= *constant;
  }
  std::optional<double> count = batch.asConstant();
  if (count && *count >= 1 && m * n * k >= 1 && m * n * k * *count < 9e15)
    matmuls.append(
        {int64_t(m), int64_t(n), int64_t(k), int64_t(std::llround(*count))});
}

std::optional<Poly> Analysis::tripsOf(Value lower, Value upper, Value step) {
  std::optional<Poly> lb = scalarOf(lower), ub = scalarOf(upper),
                      by = scalarOf(step);
  if (!lb || !ub || !by)
    return std::nullopt;
  std::optional<double> stride = by->asConstant();
  if (!stride || *stride <= 0)
    return std::nullopt;
  Poly span = *ub - *lb;
  if (std::optional<double> constant = span.asConstant())
    return Poly::constant(std::max(0.0, std::ceil(*constant / *stride)));
  return span * (1.0 / *stride);
}

/// Of several arms one runs: in each class the larger amount, where larger is
/// judged by expectation. What counters count is exact and is added up.
LogicalResult Analysis::visitArms(MutableArrayRef<Region> arms,
                                  const Poly &times) {
  Work before = std::move(work), counted, largest;
  for (Region &arm : arms) {
    work = Work();
    if (failed(visit(arm, times)))
      return failure();
    for (unsigned c = 0; c < work.size(); ++c) {
      Poly plain;
      for (const auto &[symbols, coefficient] : work[c].getTerms()) {
        Poly term = Poly::constant(coefficient);
        bool isCounted = false;
        for (uint32_t s : symbols) {
          term = term * Poly::symbol(s);
          isCounted |= WorkTermAttr::isCounter(s);
        }
        (isCounted ? counted[c] : plain) += term;
      }
      if (expect(plain) > expect(largest[c]))
        largest[c] = plain;
    }
  }
  work = std::move(before);
  for (unsigned c = 0; c < work.size(); ++c) {
    work[c] += counted[c];
    work[c] += largest[c];
  }
  return success();
}

LogicalResult Analysis::visitCall(func::CallOp call, const Poly &times) {
  auto callee =
      symbols.lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
  if (!callee || callee.isExternal())
    return call.emitOpError() << "calls '" << call.getCallee()
                              << "', whose body is not known, so its work "
                                 "cannot be estimated; define it in the module "
                                 "or give the task a profile with 'cycles'";
  for (Frame *f = frame; f; f = f->caller)
    if (f->function == callee)
      return call.emitOpError()
             << "calls '" << call.getCallee()
             << "' recursively, so its work cannot be estimated; use a loop";
  Frame inner;
  inner.caller = frame;
  inner.function = callee;
  for (auto [argument, operand] :
       llvm::zip(callee.getArguments(), call.getOperands())) {
    if (auto type = dyn_cast<RankedTensorType>(argument.getType())) {
      for (int64_t d = 0; d < type.getRank(); ++d)
        inner.dims[{argument, unsigned(d)}] = dimOf(operand, d);
    } else if (std::optional<Poly> value = scalarOf(operand)) {
      inner.scalars[argument] = *value;
    }
  }
  frame = &inner;
  LogicalResult result = visit(callee.getBody(), times);
  SmallVector<std::pair<Value, Value>> returned;
  if (succeeded(result) && callee.getBody().hasOneBlock())
    for (auto [outer, value] :
         llvm::zip(call.getResults(),
                   callee.getBody().front().getTerminator()->getOperands()))
      returned.push_back({outer, value});
  for (auto [outer, value] : returned)
    if (auto type = dyn_cast<RankedTensorType>(value.getType()))
      for (int64_t d = 0; d < type.getRank(); ++d)
        if (std::optional<Poly> size = computeDim(value, d, 0))
          inner.caller->dims[{outer, unsigned(d)}] = *size;
  frame = inner.caller;
  return result;
}

LogicalResult Analysis::visit(Region &region, const Poly &times) {
  for (Block &block : region)
    for (Operation &op : block)
      if (failed(visit(op, times)))
        return failure();
  return success();
}

LogicalResult Analysis::visit(Operation &op, const Poly &times) {
  if (++visited > mostOperations)
    return op.emitOpError() << "is past the " << mostOperations
                            << " operations that a body may have with its "
                               "calls expanded; give the task a profile";
  if (isFree(&op))
    return success();

  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    add(WorkClass::Scalar, times);
    if (std::optional<Poly> trips =
            tripsOf(loop.getLowerBound(), loop.getUpperBound(), loop.getStep()))
      return visit(loop.getRegion(), times * *trips);
    uint32_t counter = addCounter(&op, times);
    return visit(loop.getRegion(),
                 Poly::symbol(WorkTermAttr::counterSymbol(counter)));
  }
  if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    Poly runs =
        Poly::symbol(WorkTermAttr::counterSymbol(addCounter(&op, times)));
    if (failed(visit(loop.getBefore(), runs + times)))
      return failure();
    return visit(loop.getAfter(), runs);
  }
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    add(WorkClass::Scalar, times);
    return visitArms(op.getRegions(), times);
  }
  if (isa<scf::IndexSwitchOp>(op)) {
    add(WorkClass::Scalar, times);
    return visitArms(op.getRegions(), times);
  }
  if (auto loop = dyn_cast<scf::ForallOp>(op)) {
    Poly trips = times;
    for (auto [lb, ub, by] :
         llvm::zip(loop.getMixedLowerBound(), loop.getMixedUpperBound(),
                   loop.getMixedStep())) {
      std::optional<Poly> l = foldedOf(lb), u = foldedOf(ub), s = foldedOf(by);
      std::optional<double> stride = s ? s->asConstant() : std::nullopt;
      trips = trips * (l && u && stride && *stride > 0
                           ? (*u - *l) * (1.0 / *stride)
                           : Poly::constant(double(options.expectedTrips)));
    }
    return visit(loop.getRegion(), trips);
  }
  if (auto loop = dyn_cast<scf::ParallelOp>(op)) {
    Poly trips = times;
    for (auto [lb, ub, by] :
         llvm::zip(loop.getLowerBound(), loop.getUpperBound(), loop.getStep()))
      trips =
          trips * tripsOf(lb, ub, by)
                      .value_or(Poly::constant(double(options.expectedTrips)));
    return visit(loop.getRegion(), trips);
  }
  if (auto call = dyn_cast<func::CallOp>(op))
    return visitCall(call, times);
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    visitLinalg(linalgOp, times);
    return success();
  }
  if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op)) {
    // Maximum, subtraction, sum; exponential, division.
    Poly points = times * elementsOf(softmax.getInput());
    add(WorkClass::Vector, points * 3.0);
    add(WorkClass::Special, points * 2.0);
    return success();
  }
  if (auto generate = dyn_cast<tensor::GenerateOp>(op)) {
    Poly points = times * elementsOf(generate.getResult());
    PointWork point = countPoint(generate.getBody().front(), false);
    add(WorkClass::Vector, points * double(std::max(1u, point.vector)));
    if (point.special)
      add(WorkClass::Special, points * double(point.special));
    return success();
  }

  // Movements count the elements that move, elementwise operations those of
  // their result, scalar operations one.
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
    add(WorkClass::Vector, times * elementsOf(insert.getSource()));
    return success();
  }
  if (auto insert = dyn_cast<tensor::ParallelInsertSliceOp>(op)) {
    add(WorkClass::Vector, times * elementsOf(insert.getSource()));
    return success();
  }
  if (op.getNumRegions() && !isa<tensor::PadOp>(op)) {
    for (Region &region : op.getRegions())
      if (failed(visit(region, times)))
        return failure();
    return success();
  }
  bool onTensors =
      op.getNumResults() && isa<RankedTensorType>(op.getResult(0).getType());
  if (isa<tensor::ExtractOp, tensor::InsertOp>(op) || !onTensors) {
    add(isSpecial(&op) ? WorkClass::Special : WorkClass::Scalar, times);
    return success();
  }
  add(isSpecial(&op) ? WorkClass::Special : WorkClass::Vector,
      times * elementsOf(op.getResult(0)));
  return success();
}

FailureOr<WorkEstimate> Analysis::run(Region &body) {
  Frame outermost;
  outermost.function = body.getParentOp();
  frame = &outermost;
  MLIRContext *context = body.getContext();
  if (body.empty())
    return WorkEstimate{
        CostAttr::get(context, UnitClass::General, 0, {}, {}, {}), {}};
  Block &entry = body.front();
  for (BlockArgument argument : entry.getArguments())
    if (auto type = dyn_cast<RankedTensorType>(argument.getType()))
      for (int64_t d = 0; d < type.getRank() && d < 256; ++d)
        if (type.isDynamicDim(d))
          outermost.dims[{argument, unsigned(d)}] = Poly::symbol(
              WorkTermAttr::dimSymbol(argument.getArgNumber(), unsigned(d)));
  if (failed(visit(body, Poly::constant(1))))
    return failure();

  // Inputs come from the scratchpad and results go there, once; in between the
  // working set stays in the SRAM of the PEAs.
  auto bytesOf = [&](Value value) {
    Type element = getElementTypeOrSelf(value.getType());
    double bytes = element.isIntOrFloat()
                       ? std::max(1.0, element.getIntOrFloatBitWidth() / 8.0)
                       : 8.0;
    return elementsOf(value) * bytes;
  };
  for (BlockArgument argument : entry.getArguments())
    add(WorkClass::Bytes, bytesOf(argument));
  if (body.hasOneBlock())
    for (Value result : entry.getTerminator()->getOperands())
      add(WorkClass::Bytes, bytesOf(result));

  SmallVector<WorkTermAttr> terms;
  for (unsigned c = 0; c < work.size(); ++c)
    for (const auto &[symbols, coefficient] : work[c].getTerms()) {
      // Negative terms come from sizes like n - 2 and are left out: the
      // estimate is from above.
      double rounded = std::ceil(coefficient - 1e-9);
      if (rounded < 1)
        continue;
      terms.push_back(WorkTermAttr::get(
          context, WorkClass(c), uint64_t(std::min(rounded, 9e15)), symbols));
    }
  double macs = expect(work[0]), vector = expect(work[1]) + expect(work[2]),
         scalar = expect(work[3]);
  UnitClass unit = macs > 0 && macs >= vector           ? UnitClass::Matrix
                   : vector >= 2 * scalar && vector > 0 ? UnitClass::Vector
                                                        : UnitClass::General;
  SmallVector<uint64_t> counters;
  for (double expected : expectedCounters)
    counters.push_back(uint64_t(std::min(std::ceil(expected), 9e15)));
  // Size of a configuration: assumed, 256 bytes and 32 an operation.
  uint64_t codeBytes = 256 + 32 * visited;
  return WorkEstimate{
      CostAttr::get(context, unit, codeBytes, counters, matmuls, terms),
      countedLoops};
}

} // namespace

FailureOr<WorkEstimate>
octo::owg::estimateWork(Region &body, SymbolTableCollection &symbols,
                        const WorkModelOptions &options) {
  return Analysis(symbols, options).run(body);
}

double
octo::owg::expectedWork(CostAttr cost, WorkClass workClass,
                        llvm::function_ref<double(unsigned, unsigned)> dimOf) {
  double sum = 0;
  for (WorkTermAttr term : cost.getTerms()) {
    if (term.getWorkClass() != workClass)
      continue;
    double product = double(term.getCoefficient());
    for (uint32_t symbol : term.getSymbols())
      product *= WorkTermAttr::isCounter(symbol)
                     ? double(cost.getCounters()[symbol & 0x7fffffffu])
                     : dimOf(symbol >> 8, symbol & 255);
    sum += product;
  }
  return sum;
}

CostAttr octo::owg::getCost(Operation *callable) {
  return callable->getAttrOfType<CostAttr>(CostAttr::attrName());
}
