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
#include "octo/Program/CycleModel.h"

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

/// Integer arithmetic that stays at the largest number instead of wrapping.
int64_t plus(int64_t a, int64_t b) {
  return octo::saturate(static_cast<__int128>(a) + b);
}
int64_t times(int64_t a, int64_t b) {
  return octo::saturate(static_cast<__int128>(a) * b);
}

/// A polynomial: coefficients by sorted products of symbols.
class Poly {
public:
  using Symbols = std::vector<uint32_t>;

  Poly() = default;
  static Poly constant(int64_t value) {
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
  std::optional<int64_t> asConstant() const {
    if (terms.empty())
      return 0;
    if (terms.size() == 1 && terms.begin()->first.empty())
      return terms.begin()->second;
    return std::nullopt;
  }
  const std::map<Symbols, int64_t> &getTerms() const { return terms; }
  /// Sizes are never negative, so neither is a sum of them.
  bool isNeverNegative() const {
    return llvm::all_of(terms, [](auto &term) { return term.second >= 0; });
  }
  bool isMultipleOf(int64_t divisor) const {
    return llvm::all_of(terms,
                        [&](auto &term) { return term.second % divisor == 0; });
  }
  bool hasCounter() const {
    return llvm::any_of(terms, [](auto &term) {
      return llvm::any_of(term.first, FormAttr::isCounter);
    });
  }
  /// The terms that have a counter.
  Poly counted() const {
    Poly p;
    for (const auto &[symbols, coefficient] : terms)
      if (llvm::any_of(symbols, FormAttr::isCounter))
        p.terms[symbols] = coefficient;
    return p;
  }

  Poly &operator+=(const Poly &other) {
    for (const auto &[symbols, coefficient] : other.terms)
      add(symbols, coefficient);
    return *this;
  }
  Poly operator+(const Poly &other) const { return Poly(*this) += other; }
  Poly operator-(const Poly &other) const { return *this + other * -1; }
  Poly operator*(int64_t factor) const {
    Poly p;
    if (factor != 0)
      for (const auto &[symbols, coefficient] : terms)
        p.terms[symbols] = times(coefficient, factor);
    return p;
  }
  Poly operator*(const Poly &other) const {
    Poly p;
    for (const auto &[a, x] : terms)
      for (const auto &[b, y] : other.terms) {
        Symbols symbols;
        std::merge(a.begin(), a.end(), b.begin(), b.end(),
                   std::back_inserter(symbols));
        p.add(symbols, times(x, y));
      }
    return p;
  }
  /// All coefficients by a number that divides them.
  Poly operator/(int64_t divisor) const {
    Poly p;
    for (const auto &[symbols, coefficient] : terms)
      p.terms[symbols] = coefficient / divisor;
    return p;
  }
  bool operator<(const Poly &other) const { return terms < other.terms; }

  double evaluate(llvm::function_ref<double(uint32_t)> value) const {
    double sum = 0;
    for (const auto &[symbols, coefficient] : terms) {
      double product = double(coefficient);
      for (uint32_t s : symbols)
        product *= value(s);
      sum += product;
    }
    return sum;
  }

private:
  void add(const Symbols &symbols, int64_t coefficient) {
    int64_t &mine = terms[symbols];
    mine = plus(mine, coefficient);
    if (mine == 0)
      terms.erase(symbols);
  }

  std::map<Symbols, int64_t> terms;
};

/// A phase that is being put together.
struct Phase {
  PhaseKind kind;
  StringRef name;
  /// Different for each phase, also of arms that do not count.
  unsigned serial;
  std::array<Poly, PhaseAttr::numForms> forms;

  Poly &operator[](octo::PhaseForm form) { return forms[unsigned(form)]; }
  const Poly &operator[](octo::PhaseForm form) const {
    return forms[unsigned(form)];
  }
  Poly &work(WorkClass workClass) {
    return forms[unsigned(octo::PhaseForm::Mac) + unsigned(workClass)];
  }
};

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
      return Poly::constant(*constant);
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
    return Poly::constant(int64_t(options.expectedDim));
  }
  double expect(const Poly &poly) const {
    return poly.evaluate([&](uint32_t symbol) {
      if (FormAttr::isCounter(symbol))
        return expectedCounters[symbol & 0x7fffffffu];
      if (FormAttr::isSize(symbol))
        return expectedSizes[symbol & 0x3fffffffu];
      return double(options.expectedDim);
    });
  }
  /// A size that is no polynomial: a symbol of its own.
  Poly derive(SizeKind kind, const Poly &first, const Poly &second);
  /// The quotient, rounded down or up; nothing for divisors below 1.
  std::optional<Poly> divide(const Poly &lhs, const Poly &rhs, bool up);
  Poly least(const Poly &a, const Poly &b) {
    return derive(SizeKind::Min, a, b);
  }
  Poly largest(const Poly &a, const Poly &b) {
    return derive(SizeKind::Max, a, b);
  }

  //===--------------------------------------------------------------------===//
  // Work
  //===--------------------------------------------------------------------===//
  /// A new phase of `op`, which runs `times` times a call.
  Phase &addPhase(PhaseKind kind, Operation *op, const Poly &times);
  /// The phase that scalar operations at this place belong to.
  Phase &scalarPhase(Operation *op);
  LogicalResult visit(Region &region, const Poly &times);
  LogicalResult visitBlock(Block &block, const Poly &times);
  LogicalResult visit(Operation &op, const Poly &times);
  LogicalResult visitCall(func::CallOp call, const Poly &times);
  LogicalResult visitArms(MutableArrayRef<Region> arms, const Poly &times);
  void visitLinalg(linalg::LinalgOp op, const Poly &times);
  void setShape(Phase &phase, const Poly &points, const Poly &reduction) {
    phase[octo::PhaseForm::M] = points;
    phase[octo::PhaseForm::K] = reduction;
  }
  std::optional<Poly> tripsOf(Value lower, Value upper, Value step);
  uint32_t addCounter(Operation *loop, const Poly &times) {
    uint32_t counter = uint32_t(countedLoops.size());
    countedLoops.push_back(loop);
    expectedCounters.push_back(double(options.expectedTrips) *
                               std::max(1.0, expect(times)));
    return counter;
  }

  //===--------------------------------------------------------------------===//
  // Bytes
  //===--------------------------------------------------------------------===//
  Poly bytesOf(Value value) {
    Type element = getElementTypeOrSelf(value.getType());
    int64_t bytes =
        element.isIntOrFloat() ? (element.getIntOrFloatBitWidth() + 7) / 8 : 8;
    return elementsOf(value) * bytes;
  }
  Poly operandBytes(Operation &op) {
    Poly sum;
    for (Value operand : op.getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        sum += bytesOf(operand);
    return sum;
  }
  std::optional<unsigned> inputOf(Value value);
  void noteUses(Operation &op, unsigned serial);
  void addLive(Block &block, ArrayRef<std::pair<unsigned, unsigned>> phasesOf);
  void addTransfers(Block &entry);

  SymbolTableCollection &symbols;
  const WorkModelOptions &options;
  Frame *frame = nullptr;
  std::vector<Phase> phases;
  SmallVector<Operation *> countedLoops;
  std::vector<double> expectedCounters;
  struct Size {
    SizeKind kind;
    Poly first, second;
  };
  std::vector<Size> sizes;
  std::vector<double> expectedSizes;
  std::map<std::tuple<SizeKind, Poly, Poly>, uint32_t> sizeNumbers;
  /// Arguments of called functions: what the caller gives.
  llvm::DenseMap<Value, Value> given;
  /// The phase, by its serial number, that first reads an input.
  std::vector<unsigned> firstReader;
  /// By operation of the entry block: the last phase in it.
  llvm::DenseMap<Operation *, unsigned> lastPhase;
  Block *entryBlock = nullptr;
  unsigned nextSerial = 0;
  uint64_t visited = 0;
  static constexpr uint64_t mostOperations = 1000000;
  static constexpr unsigned mostDepth = 256;
};

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Poly Analysis::derive(SizeKind kind, const Poly &first, const Poly &second) {
  std::optional<int64_t> a = first.asConstant(), b = second.asConstant();
  auto apply = [&](double x, double y) {
    switch (kind) {
    case SizeKind::FloorDiv:
      return y > 0 ? std::floor(x / y) : 0;
    case SizeKind::CeilDiv:
      return y > 0 ? std::ceil(x / y) : 0;
    case SizeKind::Min:
      return std::min(x, y);
    case SizeKind::Max:
      return std::max(x, y);
    }
    llvm_unreachable("all kinds are handled");
  };
  if (a && b)
    switch (kind) {
    case SizeKind::FloorDiv:
      return Poly::constant(octo::floorDivide(*a, *b));
    case SizeKind::CeilDiv:
      return Poly::constant(-octo::floorDivide(-*a, *b));
    case SizeKind::Min:
      return Poly::constant(std::min(*a, *b));
    case SizeKind::Max:
      return Poly::constant(std::max(*a, *b));
    }
  auto [found, isNew] = sizeNumbers.try_emplace(
      std::make_tuple(kind, first, second), uint32_t(sizes.size()));
  if (isNew) {
    sizes.push_back({kind, first, second});
    expectedSizes.push_back(apply(expect(first), expect(second)));
  }
  return Poly::symbol(FormAttr::sizeSymbol(found->second));
}

std::optional<Poly> Analysis::divide(const Poly &lhs, const Poly &rhs,
                                     bool up) {
  std::optional<int64_t> divisor = rhs.asConstant();
  if (divisor && *divisor <= 0)
    return std::nullopt;
  if (divisor && lhs.isMultipleOf(*divisor))
    return lhs / *divisor;
  return derive(up ? SizeKind::CeilDiv : SizeKind::FloorDiv, lhs, rhs);
}

std::optional<Poly> Analysis::affineOf(AffineExpr expr, ValueRange operands,
                                       unsigned numDims, unsigned depth) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return Poly::constant(constant.getValue());
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
    return divide(*lhs, *rhs, expr.getKind() == AffineExprKind::CeilDiv);
  case AffineExprKind::Mod:
    if (std::optional<Poly> quotient = divide(*lhs, *rhs, false))
      return *lhs - *quotient * *rhs;
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
    return Poly::constant(constant.getSExtValue());
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
  auto quotient = [&](bool up) -> std::optional<Poly> {
    std::optional<Poly> a = operand(0), b = operand(1);
    return a && b ? divide(*a, *b, up) : std::nullopt;
  };
  // Bounds that depend on where a tile lies are not known: the other one is.
  auto lesser = [&](std::optional<Poly> a,
                    std::optional<Poly> b) -> std::optional<Poly> {
    return a && b ? least(*a, *b) : a ? a : b;
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
          .Case<arith::DivUIOp, arith::DivSIOp, arith::FloorDivSIOp>(
              [&](auto) { return quotient(false); })
          .Case<arith::CeilDivUIOp, arith::CeilDivSIOp>(
              [&](auto) { return quotient(true); })
          .Case<arith::RemUIOp, arith::RemSIOp>(
              [&](auto) -> std::optional<Poly> {
                std::optional<Poly> whole = quotient(false);
                return whole ? *operand(0) - *whole * *operand(1)
                             : std::optional<Poly>();
              })
          .Case<arith::MinSIOp, arith::MinUIOp>(
              [&](auto) { return lesser(operand(0), operand(1)); })
          .Case<arith::MaxSIOp, arith::MaxUIOp>([&](auto) {
            return binary(
                [&](const Poly &a, const Poly &b) { return largest(a, b); });
          })
          .Case([&](affine::AffineApplyOp apply) {
            return affineOf(apply.getAffineMap().getResult(0),
                            apply.getMapOperands(),
                            apply.getAffineMap().getNumDims(), depth);
          })
          .Case([&](affine::AffineMinOp min) {
            std::optional<Poly> best;
            for (AffineExpr expr : min.getAffineMap().getResults())
              best = lesser(best,
                            affineOf(expr, min.getOperands(),
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
    return Poly::constant(type.getDimSize(dim));
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
  Poly outputs = Poly::constant(1), reduction = outputs;
  bool reduces = false;
  for (auto [range, iterator] : llvm::zip(ranges, iterators)) {
    Poly size = range.value_or(unknownDim());
    if (iterator == utils::IteratorType::parallel) {
      outputs = outputs * size;
    } else {
      reduction = reduction * size;
      reduces = true;
    }
  }
  Poly points = outputs * reduction;

  PointWork point = countPoint(op->getRegion(0).front(), reduces);
  bool moves = !point.macs && !point.vector && !point.special;
  PhaseKind kind = point.macs      ? PhaseKind::Matrix
                   : moves         ? PhaseKind::Move
                   : point.special ? PhaseKind::Special
                                   : PhaseKind::Vector;
  Phase &phase = addPhase(kind, op, times);
  phase.work(WorkClass::Mac) = times * points * point.macs;
  phase.work(WorkClass::Vector) = times * points * point.vector;
  phase.work(WorkClass::Special) = times * points * point.special;
  // Moves and fills still write every element.
  if (moves)
    phase.work(WorkClass::Vector) = times * outputs;
  setShape(phase, outputs, reduction);
  Poly left, result;
  for (OpOperand *input : op.getDpsInputOperands())
    if (isa<RankedTensorType>(input->get().getType()))
      left += bytesOf(input->get());
  for (Value init : op.getDpsInits())
    result += bytesOf(init);
  phase[octo::PhaseForm::Left] = left;
  phase[octo::PhaseForm::Result] = result;

  // Shape of the matrix product, for the fold formulas of PE arrays. As for
  // convolutions by im2col, m are the loops of the output that only the first
  // operand has, n those that only the second has, k the reductions; loops that
  // both operands and the output have are a batch.
  if (point.macs != 1 || op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return;
  auto uses = [&](OpOperand *operand, unsigned loop) {
    return op.getMatchingIndexingMap(operand).isFunctionOfDim(loop);
  };
  Poly m = Poly::constant(1), n = m, batch = m;
  for (unsigned loop = 0; loop < iterators.size(); ++loop) {
    if (iterators[loop] != utils::IteratorType::parallel)
      continue;
    bool first = uses(op.getDpsInputOperand(0), loop);
    bool second = uses(op.getDpsInputOperand(1), loop);
    Poly &factor = first && second ? batch : first ? m : n;
    factor = factor * ranges[loop].value_or(unknownDim());
  }
  phase[octo::PhaseForm::M] = m;
  phase[octo::PhaseForm::N] = n;
  phase[octo::PhaseForm::Count] = batch;
  phase[octo::PhaseForm::Left] = bytesOf(op.getDpsInputOperand(0)->get());
  phase[octo::PhaseForm::Right] = bytesOf(op.getDpsInputOperand(1)->get());
}

std::optional<Poly> Analysis::tripsOf(Value lower, Value upper, Value step) {
  std::optional<Poly> lb = scalarOf(lower), ub = scalarOf(upper),
                      by = scalarOf(step);
  if (!lb || !ub || !by)
    return std::nullopt;
  Poly span = *ub - *lb;
  if (!span.isNeverNegative())
    span = largest(span, Poly());
  return divide(span, *by, true);
}

Phase &Analysis::addPhase(PhaseKind kind, Operation *op, const Poly &times) {
  Phase &phase = phases.emplace_back();
  phase.kind = kind;
  phase.name =
      kind == PhaseKind::Scalar ? "scalar" : op->getName().getStringRef();
  phase.serial = nextSerial++;
  for (octo::PhaseForm form : {octo::PhaseForm::M, octo::PhaseForm::N,
                               octo::PhaseForm::K, octo::PhaseForm::Count})
    phase[form] = Poly::constant(1);
  phase[octo::PhaseForm::Times] =
      kind == PhaseKind::Scalar ? Poly::constant(1) : times;
  noteUses(*op, phase.serial);
  return phase;
}

/// Scalar operations between two tensor operations are one phase, loops and
/// all; it runs on one PEA.
Phase &Analysis::scalarPhase(Operation *op) {
  if (phases.empty() || phases.back().kind != PhaseKind::Scalar)
    return addPhase(PhaseKind::Scalar, op, Poly());
  noteUses(*op, phases.back().serial);
  return phases.back();
}

/// Of several arms one runs. What counters count is exact and is added up; of
/// the rest the arm with the most operations counts.
LogicalResult Analysis::visitArms(MutableArrayRef<Region> arms,
                                  const Poly &times) {
  std::vector<Phase> before = std::move(phases);
  std::vector<std::vector<Phase>> ran;
  size_t dearest = 0;
  double most = -1;
  for (Region &arm : arms) {
    phases.clear();
    if (failed(visit(arm, times)))
      return failure();
    double operations = 0;
    for (Phase &phase : phases)
      for (unsigned c = 0; c < 4; ++c)
        operations += expect(phase.work(WorkClass(c)) -
                             phase.work(WorkClass(c)).counted());
    if (operations > most) {
      most = operations;
      dearest = ran.size();
    }
    ran.push_back(std::move(phases));
  }
  phases = std::move(before);
  for (auto [number, arm] : llvm::enumerate(ran))
    for (Phase &phase : arm) {
      if (number != dearest) {
        bool scalar = phase.kind == PhaseKind::Scalar;
        Poly &runs = phase[octo::PhaseForm::Times];
        bool counts = false;
        if (!scalar)
          runs = runs.counted();
        for (unsigned c = 0; c < 4; ++c) {
          Poly &work = phase.work(WorkClass(c));
          work = work.counted();
          counts |= !work.isZero();
        }
        if (!counts)
          continue;
      }
      phases.push_back(std::move(phase));
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
    given[argument] = operand;
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
    if (failed(visitBlock(block, times)))
      return failure();
  return success();
}

LogicalResult Analysis::visitBlock(Block &block, const Poly &times) {
  SmallVector<std::pair<unsigned, unsigned>> phasesOf;
  bool any = false;
  for (Operation &op : block) {
    unsigned first = phases.size();
    if (failed(visit(op, times)))
      return failure();
    phasesOf.push_back({first, unsigned(phases.size())});
    any |= first != phases.size();
    if (&block == entryBlock && first != phases.size())
      lastPhase[&op] = phases.back().serial;
  }
  if (any)
    addLive(block, phasesOf);
  return success();
}

LogicalResult Analysis::visit(Operation &op, const Poly &times) {
  if (++visited > mostOperations)
    return op.emitOpError() << "is past the " << mostOperations
                            << " operations that a body may have with its "
                               "calls expanded; give the task a profile";
  if (isFree(&op))
    return success();

  auto countScalar = [&](WorkClass workClass = WorkClass::Scalar) -> Phase & {
    Phase &phase = scalarPhase(&op);
    phase.work(workClass) += times;
    return phase;
  };
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    countScalar();
    if (std::optional<Poly> trips =
            tripsOf(loop.getLowerBound(), loop.getUpperBound(), loop.getStep()))
      return visit(loop.getRegion(), times * *trips);
    uint32_t counter = addCounter(&op, times);
    return visit(loop.getRegion(),
                 Poly::symbol(FormAttr::counterSymbol(counter)));
  }
  if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    countScalar();
    Poly runs = Poly::symbol(FormAttr::counterSymbol(addCounter(&op, times)));
    if (failed(visit(loop.getBefore(), runs + times)))
      return failure();
    return visit(loop.getAfter(), runs);
  }
  if (isa<scf::IfOp, scf::IndexSwitchOp>(op)) {
    countScalar();
    return visitArms(op.getRegions(), times);
  }
  if (auto loop = dyn_cast<scf::ForallOp>(op)) {
    Poly trips = times;
    for (auto [lb, ub, by] :
         llvm::zip(loop.getMixedLowerBound(), loop.getMixedUpperBound(),
                   loop.getMixedStep())) {
      std::optional<Poly> l = foldedOf(lb), u = foldedOf(ub), s = foldedOf(by);
      std::optional<Poly> quotient =
          l && u && s ? divide(*u - *l, *s, true) : std::nullopt;
      trips = trips *
              quotient.value_or(Poly::constant(int64_t(options.expectedTrips)));
    }
    return visit(loop.getRegion(), trips);
  }
  if (auto loop = dyn_cast<scf::ParallelOp>(op)) {
    Poly trips = times;
    for (auto [lb, ub, by] :
         llvm::zip(loop.getLowerBound(), loop.getUpperBound(), loop.getStep()))
      trips =
          trips * tripsOf(lb, ub, by)
                      .value_or(Poly::constant(int64_t(options.expectedTrips)));
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
    Poly points = elementsOf(softmax.getInput());
    Phase &phase = addPhase(PhaseKind::Special, &op, times);
    phase.work(WorkClass::Vector) = times * points * 3;
    phase.work(WorkClass::Special) = times * points * 2;
    Poly rows = Poly::constant(1);
    for (int64_t d = 0; d < softmax.getInputOperandRank(); ++d)
      if (d != int64_t(softmax.getDimension()))
        rows = rows * dimOf(softmax.getInput(), unsigned(d));
    setShape(phase, rows,
             dimOf(softmax.getInput(), unsigned(softmax.getDimension())));
    phase[octo::PhaseForm::Left] = phase[octo::PhaseForm::Result] =
        bytesOf(softmax.getInput());
    return success();
  }
  if (auto generate = dyn_cast<tensor::GenerateOp>(op)) {
    Poly points = elementsOf(generate.getResult());
    PointWork point = countPoint(generate.getBody().front(), false);
    Phase &phase = addPhase(
        point.special ? PhaseKind::Special : PhaseKind::Vector, &op, times);
    phase.work(WorkClass::Vector) = times * points * std::max(1u, point.vector);
    phase.work(WorkClass::Special) = times * points * point.special;
    setShape(phase, points, Poly::constant(1));
    phase[octo::PhaseForm::Result] = bytesOf(generate.getResult());
    return success();
  }

  // Movements count the elements that move, elementwise operations those of
  // their result, scalar operations one.
  auto move = [&](Value what) {
    Phase &phase = addPhase(PhaseKind::Move, &op, times);
    phase.work(WorkClass::Vector) = times * elementsOf(what);
    setShape(phase, elementsOf(what), Poly::constant(1));
    phase[octo::PhaseForm::Left] = phase[octo::PhaseForm::Result] =
        bytesOf(what);
    return success();
  };
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return move(insert.getSource());
  if (auto insert = dyn_cast<tensor::ParallelInsertSliceOp>(op))
    return move(insert.getSource());
  if (op.getNumRegions() && !isa<tensor::PadOp>(op)) {
    for (Region &region : op.getRegions())
      if (failed(visit(region, times)))
        return failure();
    return success();
  }
  if (isa<tensor::ExtractSliceOp, tensor::PadOp, tensor::ConcatOp>(op))
    return move(op.getResult(0));
  bool onTensors =
      op.getNumResults() && isa<RankedTensorType>(op.getResult(0).getType());
  if (isa<tensor::ExtractOp, tensor::InsertOp>(op)) {
    // Single elements go over the port when the tensor is not in the SRAM.
    bool reads = isa<tensor::ExtractOp>(op);
    Type type = op.getOperand(reads ? 0 : 1).getType();
    Type element = cast<RankedTensorType>(type).getElementType();
    int64_t bytes =
        element.isIntOrFloat() ? (element.getIntOrFloatBitWidth() + 7) / 8 : 8;
    countScalar()[reads ? octo::PhaseForm::Left : octo::PhaseForm::Result] +=
        times * bytes;
    return success();
  }
  if (!onTensors) {
    countScalar(isSpecial(&op) ? WorkClass::Special : WorkClass::Scalar);
    return success();
  }
  Poly elements = elementsOf(op.getResult(0));
  bool special = isSpecial(&op);
  Phase &phase =
      addPhase(special ? PhaseKind::Special : PhaseKind::Vector, &op, times);
  phase.work(special ? WorkClass::Special : WorkClass::Vector) =
      times * elements;
  setShape(phase, elements, Poly::constant(1));
  phase[octo::PhaseForm::Left] = operandBytes(op);
  phase[octo::PhaseForm::Result] = bytesOf(op.getResult(0));
  return success();
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

/// What a result shares its bytes with.
static Value aliasOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<tensor::CastOp, tensor::ExpandShapeOp,
                      tensor::CollapseShapeOp, tensor::ReshapeOp>(op))
    return op->getOperand(0);
  return {};
}

/// The values that an operation may overwrite with its results.
static SmallVector<Value> reusedBy(Operation &op) {
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return SmallVector<Value>(loop.getInitArgs());
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return SmallVector<Value>(loop.getInits());
  if (auto insert = dyn_cast<tensor::InsertOp>(op))
    return {insert.getDest()};
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return {insert.getDest()};
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return SmallVector<Value>(destination.getDpsInits());
  return {};
}

/// The input of the body that a value is, if it is one.
std::optional<unsigned> Analysis::inputOf(Value value) {
  for (unsigned steps = 0; steps < mostDepth && value; ++steps) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      Operation *parent = argument.getOwner()->getParentOp();
      unsigned number = argument.getArgNumber();
      if (argument.getOwner() == entryBlock)
        return number;
      if (auto loop = dyn_cast<scf::ForOp>(parent))
        value = number ? loop.getInitArgs()[number - 1] : Value();
      else if (auto loop = dyn_cast<scf::WhileOp>(parent))
        value = argument.getOwner()->getParent() == &loop.getBefore()
                    ? loop.getInits()[number]
                    : loop.getConditionOp().getArgs()[number];
      else
        value = given.lookup(value);
    } else {
      value = aliasOf(value);
    }
  }
  return std::nullopt;
}

/// Inputs are loaded in the phase that reads them first.
void Analysis::noteUses(Operation &op, unsigned serial) {
  auto note = [&](Operation *user) {
    for (Value operand : user->getOperands())
      if (std::optional<unsigned> input = inputOf(operand))
        firstReader[*input] = std::min(firstReader[*input], serial);
  };
  note(&op);
  // What the point of a tensor operation reads; loops are visited themselves.
  if (isa<linalg::LinalgOp, tensor::GenerateOp>(op))
    op.getRegion(0).walk(note);
}

/// Adds what is live in this block to the phases of its operations.
/// `phasesOf`: for each operation the phases that it gave.
void Analysis::addLive(Block &block,
                       ArrayRef<std::pair<unsigned, unsigned>> phasesOf) {
  llvm::DenseMap<Operation *, unsigned> position;
  for (Operation &op : block)
    position.try_emplace(&op, position.size());
  // A value lives from where it is made to its last use, in the block or in a
  // region of an operation of the block.
  llvm::DenseMap<Value, unsigned> lastUse;
  auto find = [&](Value value, unsigned made) {
    unsigned last = made;
    for (Operation *user : value.getUsers())
      if (Operation *mine = block.findAncestorOpInBlock(*user))
        last = std::max(last, position.lookup(mine));
    auto [it, isNew] = lastUse.try_emplace(value, last);
    if (!isNew)
      it->second = last = std::max(last, it->second);
    if (Value source = aliasOf(value)) {
      unsigned &whole = lastUse[source];
      whole = std::max(whole, last);
    }
  };
  for (Operation &op : llvm::reverse(block))
    for (Value result : op.getResults())
      if (isa<RankedTensorType>(result.getType()))
        find(result, position.lookup(&op));

  std::vector<Poly> change(phasesOf.size() + 1), heldChange(change.size());
  auto addRange = [&](Value value, unsigned made, bool held) {
    unsigned last = lastUse.lookup(value);
    unsigned end = last + 1;
    // What the last user overwrites is not there beside its result.
    auto lastUser = std::next(block.begin(), last);
    if (last > made && llvm::is_contained(reusedBy(*lastUser), value))
      end = last;
    Poly bytes = bytesOf(value);
    change[made] += bytes;
    change[end] += bytes * -1;
    if (held) {
      heldChange[made] += bytes;
      heldChange[end] += bytes * -1;
    }
  };
  // Arguments of loops and calls are values of the block around.
  if (&block == entryBlock)
    for (BlockArgument argument : block.getArguments())
      if (isa<RankedTensorType>(argument.getType())) {
        find(argument, 0);
        addRange(argument, 0, false);
      }
  for (Operation &op : block) {
    if (isFree(&op))
      continue;
    for (Value result : op.getResults())
      if (isa<RankedTensorType>(result.getType()))
        addRange(result, position.lookup(&op), true);
  }
  Poly live, held;
  for (auto [i, range] : llvm::enumerate(phasesOf)) {
    live += change[i];
    held += heldChange[i];
    for (unsigned p = range.first; p < range.second; ++p) {
      phases[p][octo::PhaseForm::Live] += live;
      phases[p][octo::PhaseForm::Held] += held;
    }
  }
}

/// Inputs come from the scratchpad and results go there, once; in between the
/// tensors stay in the SRAM of the PEAs where they fit.
void Analysis::addTransfers(Block &entry) {
  auto phaseOf = [&](unsigned serial, bool last) -> Phase & {
    for (Phase &phase : phases)
      if (phase.serial == serial)
        return phase;
    return last ? phases.back() : phases.front();
  };
  Operation *terminator =
      entry.mightHaveTerminator() ? entry.getTerminator() : nullptr;
  if (phases.empty()) {
    if (!entry.getNumArguments() &&
        (!terminator || !terminator->getNumOperands()))
      return;
    Phase &phase =
        addPhase(PhaseKind::Move, terminator ? terminator : entry.getParentOp(),
                 Poly::constant(1));
    phase.name = "move";
  }
  for (BlockArgument argument : entry.getArguments())
    phaseOf(firstReader[argument.getArgNumber()],
            false)[octo::PhaseForm::Load] += bytesOf(argument);
  if (!terminator)
    return;
  for (Value result : terminator->getOperands()) {
    Value maker = result;
    while (Value source = aliasOf(maker))
      maker = source;
    unsigned serial = ~0u;
    if (Operation *op = maker.getDefiningOp())
      if (auto it = lastPhase.find(op); it != lastPhase.end())
        serial = it->second;
    phaseOf(serial, true)[octo::PhaseForm::Store] += bytesOf(result);
  }
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
  entryBlock = &entry;
  firstReader.assign(entry.getNumArguments(), ~0u);
  for (BlockArgument argument : entry.getArguments())
    if (auto type = dyn_cast<RankedTensorType>(argument.getType()))
      for (int64_t d = 0; d < type.getRank() && d < 256; ++d)
        if (type.isDynamicDim(d))
          outermost.dims[{argument, unsigned(d)}] = Poly::symbol(
              FormAttr::dimSymbol(argument.getArgNumber(), unsigned(d)));
  if (failed(visit(body, Poly::constant(1))))
    return failure();
  addTransfers(entry);

  auto formOf = [&](const Poly &poly) {
    SmallVector<int64_t> coefficients;
    SmallVector<uint32_t> ends, all;
    for (const auto &[product, coefficient] : poly.getTerms()) {
      coefficients.push_back(coefficient);
      llvm::append_range(all, product);
      ends.push_back(all.size());
    }
    return FormAttr::get(context, coefficients, ends, all);
  };
  SmallVector<SizeAttr> sizeAttrs;
  for (const Size &size : sizes)
    sizeAttrs.push_back(SizeAttr::get(context, size.kind, formOf(size.first),
                                      formOf(size.second)));
  SmallVector<PhaseAttr> phaseAttrs;
  std::array<double, 4> work{};
  for (Phase &phase : phases) {
    SmallVector<FormAttr> forms;
    for (const Poly &form : phase.forms)
      forms.push_back(formOf(form));
    for (unsigned c = 0; c < 4; ++c)
      work[c] += expect(phase.work(WorkClass(c)));
    phaseAttrs.push_back(PhaseAttr::get(
        context, phase.kind, StringAttr::get(context, phase.name), forms));
  }
  double macs = work[0], vector = work[1] + work[2], scalar = work[3];
  UnitClass unit = macs > 0 && macs >= vector           ? UnitClass::Matrix
                   : vector >= 2 * scalar && vector > 0 ? UnitClass::Vector
                                                        : UnitClass::General;
  SmallVector<uint64_t> counters;
  for (double expected : expectedCounters)
    counters.push_back(uint64_t(std::min(std::ceil(expected), 9e15)));
  // Size of a configuration: assumed, 256 bytes and 32 an operation.
  uint64_t codeBytes = 256 + 32 * visited;
  return WorkEstimate{
      CostAttr::get(context, unit, codeBytes, counters, sizeAttrs, phaseAttrs),
      countedLoops};
}

} // namespace

FailureOr<WorkEstimate>
octo::owg::estimateWork(Region &body, SymbolTableCollection &symbols,
                        const WorkModelOptions &options) {
  return Analysis(symbols, options).run(body);
}

CostAttr octo::owg::getCost(Operation *callable) {
  return callable->getAttrOfType<CostAttr>(CostAttr::attrName());
}
