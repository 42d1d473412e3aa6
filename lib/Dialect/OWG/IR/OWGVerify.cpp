//===- OWGVerify.cpp - Verifiers of the owg operations --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What makes a workflow valid. Every check costs time in proportion to the
// operation it belongs to; what concerns the whole module (recursion, purity of
// shared bodies) is checked once, at its first workflow.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Program/Limits.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>

using namespace mlir;
using namespace octo::owg;

//===----------------------------------------------------------------------===//
// What may stand where
//===----------------------------------------------------------------------===//

/// Reports the first operation of `region` (with all that is nested in it) that
/// is no pure code. Calls are looked into by verifyModule. `where` completes
/// "cannot stand in".
static LogicalResult verifyCode(Region &region, const Twine &where) {
  WalkResult result = region.walk([&](Operation *op) -> WalkResult {
    if (isa<YieldOp, DecideOp>(op))
      return WalkResult::advance();
    if (isa_and_nonnull<OWGDialect>(op->getDialect()))
      return op->emitOpError() << "cannot stand in " << where
                               << ", which holds code; blocks stand in "
                                  "workflows and in the cases, members, "
                                  "iterations and copies of control blocks";
    // A failed assertion fails the request; functions are looked into later.
    if (isa<cf::AssertOp, func::CallOp>(op))
      return WalkResult::advance();
    if (auto effects = dyn_cast<MemoryEffectOpInterface>(op)) {
      SmallVector<MemoryEffects::EffectInstance> list;
      effects.getEffects(list);
      for (const MemoryEffects::EffectInstance &effect : list)
        if (!isa<MemoryEffects::Allocate>(effect.getEffect()))
          return op->emitOpError()
                 << "has side effects and cannot stand in " << where
                 << "; code of a workflow works on values (tensors and "
                    "scalars) "
                    "only";
      return WalkResult::advance();
    }
    if (!op->hasTrait<OpTrait::HasRecursiveMemoryEffects>())
      return op->emitOpError()
             << "may have side effects and cannot stand in " << where
             << "; code of a workflow works on values (tensors and scalars) "
                "only";
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

static bool isScalar(Type type) { return type.isIntOrIndexOrFloat(); }

bool octo::owg::isWiring(Operation *op) {
  if (op->hasTrait<OpTrait::ConstantLike>() ||
      isa<tensor::EmptyOp, tensor::DimOp, tensor::CastOp>(op))
    return true;
  return isa_and_nonnull<arith::ArithDialect, index::IndexDialect,
                         affine::AffineDialect>(op->getDialect()) &&
         op->getNumRegions() == 0 &&
         llvm::all_of(op->getOperandTypes(), isScalar) &&
         llvm::all_of(op->getResultTypes(), isScalar);
}

/// Checks a region that holds blocks: only they and wiring stand in it.
static LogicalResult verifyGraph(Region &region) {
  for (Operation &op : region.getOps()) {
    if (!isa_and_nonnull<OWGDialect>(op.getDialect()) && !isWiring(&op))
      return op.emitOpError()
             << "cannot stand between blocks; put it into an owg.task (only "
                "constants, tensor.empty, tensor.dim, tensor.cast and scalar "
                "arithmetic can stand there)";
  }
  return success();
}

/// Whether `region` holds blocks rather than code.
static bool holdsBlocks(Region &region) {
  return llvm::any_of(region.getOps(), [](Operation &op) {
    return isa<LabelledOpInterface, GetWeightOp, NothingOp>(op);
  });
}

/// Checks that the block of `region` ends in `Terminator`.
template <typename Terminator>
static LogicalResult verifyEnd(Operation *op, Region &region, StringRef name) {
  if (region.empty())
    return success();
  Block &block = region.front();
  if (!block.empty() && isa<Terminator>(block.back()))
    return success();
  return op->emitOpError() << "region '" << name << "' must end in "
                           << Terminator::getOperationName();
}

/// Checks that the terminator of `region` (checked by verifyEnd) gives, after
/// its first `skip` operands, values of `types`, which are `what` of `op`.
static LogicalResult verifyGives(Operation *op, Region &region, TypeRange types,
                                 StringRef what, unsigned skip = 0) {
  Operation &end = region.front().back();
  auto given = end.getOperands().drop_front(skip);
  if (given.getTypes() == types)
    return success();
  return end.emitOpError()
         << "gives (" << given.getTypes() << ") but '"
         << cast<LabelledOpInterface>(op).getOpLabel().getValue() << "' has "
         << what << " (" << types << ")";
}

/// Checks that the block arguments of `region`, after the first `skip`, are the
/// inputs.
static LogicalResult verifyBound(Operation *op, Region &region,
                                 ValueRange inputs, StringRef name,
                                 unsigned skip = 0) {
  if (region.empty())
    return success();
  auto arguments = region.getArguments().drop_front(
      std::min<size_t>(skip, region.getNumArguments()));
  if (ValueRange(arguments).getTypes() == inputs.getTypes())
    return success();
  return op->emitOpError() << "arguments of region '" << name
                           << "' must have the types of the inputs";
}

//===----------------------------------------------------------------------===//
// Labels, profiles
//===----------------------------------------------------------------------===//

static LogicalResult verifyLabel(Operation *op) {
  StringRef label = cast<LabelledOpInterface>(op).getOpLabel();
  if (label.empty())
    return op->emitOpError() << "needs a label that is not empty";
  if (llvm::any_of(label, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      }))
    return op->emitOpError() << "label must not contain control characters";
  // A module-level block would have no workflow that its label is unique in.
  if (!isa_and_nonnull<WorkflowOp, BranchOp, SelectOp, LoopOp, FanoutOp>(
          op->getParentOp()))
    return op->emitOpError() << "must stand in an owg.workflow";
  return success();
}

/// The limit of programs, told where it can be mended. Only the outermost block
/// that is beyond it complains.
static LogicalResult verifyNesting(Operation *op) {
  unsigned depth = 1;
  for (Operation *outer = op->getParentOp();
       outer && !isa<WorkflowOp>(outer) && depth <= octo::maxNesting + 1;
       outer = outer->getParentOp())
    ++depth;
  if (depth != octo::maxNesting + 1)
    return success();
  return op->emitOpError()
         << "stands in " << octo::maxNesting
         << " control blocks, and a program has no more than that in each "
            "other; write the inner ones as code (scf) in the body of a task";
}

/// Checks that the profile of `block` holds only entries among `known`, and as
/// many output sizes as results; the same for every part of a drift.
static LogicalResult verifyProfile(BlockOpInterface block,
                                   ArrayRef<StringLiteral> known) {
  ProfileAttr profile = block.getOpProfile();
  if (!profile)
    return success();
  auto verifyOne = [&](ProfileAttr part) -> LogicalResult {
    for (NamedAttribute entry : part.getEntries())
      if (!llvm::is_contained(known, entry.getName().strref())) {
        InFlightDiagnostic diag = block->emitOpError()
                                  << "cannot use entry '"
                                  << entry.getName().strref()
                                  << "' of its profile; it can use ";
        llvm::interleaveComma(known, diag);
        return diag;
      }
    if (ArrayAttr bytes = part.getOutBytes();
        bytes && bytes.size() != block->getNumResults())
      return block->emitOpError()
             << "has " << block->getNumResults() << " results but "
             << bytes.size() << " entries in out_bytes of its profile";
    return success();
  };
  if (failed(verifyOne(profile)))
    return failure();
  if (ArrayAttr drift = profile.getDrift())
    for (auto part : drift.getAsRange<DriftAttr>())
      if (failed(verifyOne(part.getProfile())))
        return failure();
  return success();
}

/// Calls `check` on the frequencies of the profile and of every part of its
/// drift.
static LogicalResult
forEachFrequencies(ProfileAttr profile,
                   function_ref<LogicalResult(ArrayRef<double>)> check) {
  if (!profile)
    return success();
  if (!profile.getFrequencies().empty() &&
      failed(check(profile.getFrequencies())))
    return failure();
  if (ArrayAttr drift = profile.getDrift())
    for (auto part : drift.getAsRange<DriftAttr>())
      if (!part.getProfile().getFrequencies().empty() &&
          failed(check(part.getProfile().getFrequencies())))
        return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Workflow
//===----------------------------------------------------------------------===//

LogicalResult WorkflowOp::verify() {
  // A symbol table inside would hide the module's functions from the bodies.
  auto verifyNames = [&](auto getAttr, unsigned count,
                         StringRef what) -> LogicalResult {
    llvm::SmallDenseSet<StringRef> seen;
    for (unsigned i = 0; i < count; ++i)
      if (auto name = dyn_cast_or_null<StringAttr>(
              getAttr(i, OWGDialect::getNameAttrName()));
          name && !seen.insert(name.getValue()).second)
        return emitOpError()
               << "has two " << what << " named '" << name.getValue() << "'";
    return success();
  };
  if (failed(verifyNames(
          [&](unsigned i, StringRef name) { return getArgAttr(i, name); },
          getNumArguments(), "arguments")))
    return failure();
  return verifyNames(
      [&](unsigned i, StringRef name) { return getResultAttr(i, name); },
      getNumResults(), "results");
}

LogicalResult WorkflowOp::verifyRegions() {
  if (failed(verifyGraph(getBody())))
    return failure();
  DenseMap<StringAttr, Operation *> labels;
  WalkResult result =
      getBody().walk<WalkOrder::PreOrder>([&](Operation *op) -> WalkResult {
        auto labelled = dyn_cast<LabelledOpInterface>(op);
        if (!labelled)
          return WalkResult::skip();
        auto [it, inserted] = labels.try_emplace(labelled.getOpLabel(), op);
        if (!inserted) {
          InFlightDiagnostic diag =
              op->emitOpError()
              << "label '" << labelled.getOpLabel().getValue()
              << "' is used twice in workflow @" << getSymName();
          diag.attachNote(it->second->getLoc()) << "used here first";
          return diag;
        }
        return isa<TaskOp>(op) ? WalkResult::skip() : WalkResult::advance();
      });
  return failure(result.wasInterrupted());
}

LogicalResult ReturnOp::verify() {
  auto workflow = (*this)->getParentOfType<WorkflowOp>();
  if (getOperandTypes() == TypeRange(workflow.getResultTypes()))
    return success();
  InFlightDiagnostic diag = emitOpError()
                            << "gives (" << getOperandTypes()
                            << ") but workflow @" << workflow.getSymName()
                            << " returns (" << workflow.getResultTypes() << ")";
  return diag;
}

namespace {
/// The checks that need the whole module, each done once.
class ModuleVerifier {
public:
  ModuleVerifier(Operation *module, SymbolTableCollection &symbols)
      : module(module), symbols(symbols) {}

  LogicalResult run() {
    for (Region &region : module->getRegions())
      for (WorkflowOp workflow : region.getOps<WorkflowOp>())
        if (failed(collect(workflow)))
          return failure();
    return verifyNoRecursion();
  }

private:
  struct Callee {
    WorkflowOp workflow;
    CallOp call;
  };

  /// Notes the calls of `workflow` and checks the functions that it reaches.
  LogicalResult collect(WorkflowOp workflow) {
    order.push_back(workflow);
    SmallVector<Callee> &callees = calls[workflow];
    WalkResult result = workflow.walk([&](Operation *op) -> WalkResult {
      if (auto call = dyn_cast<CallOp>(op)) {
        if (auto callee = symbols.lookupNearestSymbolFrom<WorkflowOp>(
                op, call.getCalleeAttr()))
          callees.push_back({callee, call});
        return WalkResult::advance();
      }
      if (auto task = dyn_cast<TaskOp>(op); task && task.isOutlined())
        return verifyFunction(op, task.getCalleeAttr());
      if (auto call = dyn_cast<func::CallOp>(op))
        return verifyFunction(op, call.getCalleeAttr());
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  /// Checks that the function that `user` names is pure, and those it calls.
  LogicalResult verifyFunction(Operation *user, FlatSymbolRefAttr name) {
    SmallVector<std::pair<Operation *, FlatSymbolRefAttr>> todo = {
        {user, name}};
    while (!todo.empty()) {
      auto [caller, symbol] = todo.pop_back_val();
      // Other kinds of callees are reported by the verifiers of the callers.
      auto function =
          symbols.lookupNearestSymbolFrom<func::FuncOp>(caller, symbol);
      if (!function || !checked.insert(function).second)
        continue;
      if (function.isExternal()) {
        InFlightDiagnostic diag = caller->emitOpError()
                                  << "needs the body of function @"
                                  << function.getSymName()
                                  << ", to know that it has no side effects";
        diag.attachNote(function.getLoc()) << "declared here, without a body";
        return diag;
      }
      if (failed(verifyCode(function.getBody(), "function @" +
                                                    function.getSymName() +
                                                    ", which a task uses")))
        return failure();
      function.walk([&](func::CallOp call) {
        todo.emplace_back(call, call.getCalleeAttr());
      });
    }
    return success();
  }

  /// Depth-first search over the calls; a call to a workflow that is still
  /// being visited closes a cycle.
  LogicalResult verifyNoRecursion() {
    enum class State { Unseen, Open, Done };
    DenseMap<Operation *, State> states;
    struct Frame {
      WorkflowOp workflow;
      unsigned next;
    };
    for (WorkflowOp root : order) {
      if (states.lookup(root) != State::Unseen)
        continue;
      SmallVector<Frame> stack = {{root, 0}};
      states[root] = State::Open;
      while (!stack.empty()) {
        Frame &frame = stack.back();
        ArrayRef<Callee> callees = calls[frame.workflow];
        if (frame.next == callees.size()) {
          states[frame.workflow] = State::Done;
          stack.pop_back();
          continue;
        }
        Callee callee = callees[frame.next++];
        State &state = states[callee.workflow];
        if (state == State::Done)
          continue;
        if (state == State::Open)
          return reportCycle(
              llvm::map_to_vector(stack, [](Frame &f) { return f.workflow; }),
              callee);
        state = State::Open;
        stack.push_back({callee.workflow, 0});
      }
    }
    return success();
  }

  LogicalResult reportCycle(ArrayRef<WorkflowOp> stack, Callee last) {
    auto *first = llvm::find(stack, last.workflow);
    std::string cycle;
    for (auto *it = first; it != stack.end(); ++it)
      cycle += ("@" + WorkflowOp(*it).getSymName() + " -> ").str();
    cycle += ("@" + last.workflow.getSymName()).str();
    InFlightDiagnostic diag =
        last.call.emitOpError()
        << "makes workflow @" << last.workflow.getSymName()
        << " call itself: " << cycle << "; use an owg.loop for what repeats";
    diag.attachNote(last.workflow.getLoc()) << "called workflow";
    return diag;
  }

  Operation *module;
  SymbolTableCollection &symbols;
  SmallVector<WorkflowOp> order;
  DenseMap<Operation *, SmallVector<Callee>> calls;
  DenseSet<Operation *> checked;
};
} // namespace

LogicalResult WorkflowOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // The first workflow of a module answers for all of them. Looking back costs
  // each workflow the distance to the one before.
  for (Operation *op = (*this)->getPrevNode(); op; op = op->getPrevNode())
    if (isa<WorkflowOp>(op))
      return success();
  return ModuleVerifier((*this)->getParentOp(), symbols).run();
}

//===----------------------------------------------------------------------===//
// Call
//===----------------------------------------------------------------------===//

/// Checks that `op` passes and takes what a callee of type `type` takes and
/// gives.
static LogicalResult verifySignature(Operation *op, ValueRange inputs,
                                     FunctionType type, Operation *callee,
                                     StringRef name) {
  if (inputs.getTypes() == TypeRange(type.getInputs()) &&
      op->getResultTypes() == TypeRange(type.getResults()))
    return success();
  InFlightDiagnostic diag = op->emitOpError();
  diag << "takes (" << inputs.getTypes() << ") and gives ("
       << op->getResultTypes() << "), but @" << name << " has type " << type;
  diag.attachNote(callee->getLoc()) << "declared here";
  return diag;
}

LogicalResult CallOp::verify() { return verifyLabel(*this); }

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto callee =
      symbols.lookupNearestSymbolFrom<WorkflowOp>(*this, getCalleeAttr());
  if (!callee)
    return emitOpError() << "calls @" << getCallee()
                         << ", which is no owg.workflow of this module";
  return verifySignature(*this, getInputs(), callee.getFunctionType(), callee,
                         getCallee());
}

//===----------------------------------------------------------------------===//
// Task
//===----------------------------------------------------------------------===//

LogicalResult TaskOp::verify() {
  if (failed(verifyLabel(*this)) ||
      failed(verifyProfile(*this, {"cycles", "work", "alpha", "max_gang",
                                   "gang", "state_bytes", "code_bytes",
                                   "out_bytes", "drift"})) ||
      failed(verifyEnd<YieldOp>(*this, getBody(), "body")) ||
      failed(verifyBound(*this, getBody(), getInputs(), "body")))
    return failure();
  if (isInline() && isOutlined())
    return emitOpError() << "has a body and also calls @" << *getCallee()
                         << "; give one of them";
  if (isProfiled()) {
    ProfileAttr profile = getProfileAttr();
    if (!profile || (!profile.getCycles() && !profile.getWork()))
      return emitOpError()
             << "has neither body nor callee, so its profile must "
                "give 'cycles' or 'work', as in profile "
                "#owg.profile<cycles = exp<1000>>";
    for (auto [index, type] : llvm::enumerate(getResultTypes()))
      if (auto data = dyn_cast<DataType>(type);
          data && data.isDynamic() && !profile.getOutBytes())
        return emitOpError()
               << "result #" << index
               << " is !owg.data<?>, so its profile must give 'out_bytes'";
    return success();
  }
  for (Type type :
       llvm::concat<const Type>(getOperandTypes(), getResultTypes()))
    if (isTimingOnlyType(type))
      return emitOpError() << "has code, so it cannot take or give " << type
                           << "; leave out body and callee and give a profile "
                              "to make the task timing-only";
  return success();
}

LogicalResult TaskOp::verifyRegions() {
  if (!isInline())
    return success();
  if (failed(verifyGives(*this, getBody(), getResultTypes(), "results")))
    return failure();
  return verifyCode(getBody(), "the body of task '" + getLabel() + "'");
}

LogicalResult TaskOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!isOutlined())
    return success();
  auto callee =
      symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getCalleeAttr());
  if (!callee)
    return emitOpError() << "calls @" << *getCallee()
                         << ", which is no func.func of this module";
  return verifySignature(*this, getInputs(), callee.getFunctionType(), callee,
                         *getCallee());
}

//===----------------------------------------------------------------------===//
// Branch
//===----------------------------------------------------------------------===//

/// The terminator of a region whose end was checked.
static DecideOp decisionOf(Region &region) {
  return cast<DecideOp>(region.front().back());
}

LogicalResult BranchOp::verify() {
  if (failed(verifyLabel(*this)) || failed(verifyNesting(*this)) ||
      failed(verifyProfile(*this, {"frequencies", "out_bytes", "drift"})) ||
      failed(verifyEnd<DecideOp>(*this, getDecideRegion(), "decide")) ||
      failed(verifyBound(*this, getDecideRegion(), getInputs(), "decide")) ||
      failed(verifyEnd<YieldOp>(*this, getDefaultRegion(), "default")) ||
      failed(
          verifyGives(*this, getDefaultRegion(), getResultTypes(), "results")))
    return failure();
  for (auto [index, region] : llvm::enumerate(getCaseRegions())) {
    if (failed(
            verifyEnd<YieldOp>(*this, region, getPathRegionName(index + 2))) ||
        failed(verifyGives(*this, region, getResultTypes(), "results")))
      return failure();
    if (region.getNumArguments())
      return emitOpError() << "cases take no arguments; they use values from "
                              "outside directly";
  }
  if (getDefaultRegion().getNumArguments())
    return emitOpError() << "cases take no arguments; they use values from "
                            "outside directly";
  ProfileAttr profile = getProfileAttr();
  if (!hasDecide() && (!profile || profile.getFrequencies().empty()))
    return emitOpError()
           << "has neither 'decide' nor frequencies; add a decide region, or a "
              "profile with "
           << getNumCases() + 1
           << " frequencies (cases in order, then default), as in profile "
              "#owg.profile<frequencies = [0.5, 0.5]>";
  return forEachFrequencies(
      profile, [&](ArrayRef<double> frequencies) -> LogicalResult {
        if (frequencies.size() != getNumCases() + 1)
          return emitOpError()
                 << "has " << getNumCases() << " cases and a default, so its "
                 << "profile must give " << getNumCases() + 1
                 << " frequencies, got " << frequencies.size();
        double sum = 0.0;
        for (double f : frequencies)
          sum += f;
        if (std::fabs(sum - 1.0) > 1e-6)
          return emitOpError()
                 << "frequencies of a branch must sum to 1 (within 1e-6)";
        return success();
      });
}

LogicalResult BranchOp::verifyRegions() {
  for (unsigned i = 0; i <= getNumCases(); ++i)
    if (failed(verifyGraph(getAlternative(i))))
      return failure();
  if (!hasDecide())
    return success();
  DecideOp decide = decisionOf(getDecideRegion());
  Type type = decide.getDecision().getType();
  if (!decide.getForwarded().empty())
    return decide.emitOpError()
           << "forwards values, which only the decision of "
              "a loop does";
  if (type.isInteger(1)) {
    if (getNumCases() != 1)
      return decide.emitOpError()
             << "decides by an i1, which needs exactly one case and a default; "
                "decide by an index to choose among "
             << getNumCases() + 1;
  } else if (!type.isIndex()) {
    return decide.emitOpError()
           << "of a branch must be of type index or i1, got " << type;
  }
  return verifyCode(getDecideRegion(),
                    "the decision of branch '" + getLabel() + "'");
}

//===----------------------------------------------------------------------===//
// Combination of results
//===----------------------------------------------------------------------===//

/// Whether two sizes can be equal at run time.
static bool canBeEqual(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}

/// Checks the type of one operand of a concatenation against the result.
static LogicalResult verifyConcat(Operation *op, unsigned index, Type type,
                                  Type result, StringRef what) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  auto whole = cast<RankedTensorType>(result);
  bool fits = tensor && tensor.getRank() == whole.getRank() &&
              tensor.getElementType() == whole.getElementType();
  if (fits)
    for (auto [a, b] : llvm::zip_equal(tensor.getShape().drop_front(),
                                       whole.getShape().drop_front()))
      fits &= canBeEqual(a, b);
  if (fits)
    return success();
  return op->emitOpError() << "result #" << index << " of type " << result
                           << " cannot be a concatenation along dimension 0 "
                              "that contains "
                           << what << " of type " << type;
}

/// Checks kinds, inits, yields and results of a select or fan-out.
static LogicalResult verifyCombined(Operation *op, OperandRange inits,
                                    ArrayRef<int32_t> combines,
                                    MutableArrayRef<Region> regions) {
  if (combines.size() != op->getNumResults() ||
      inits.size() != op->getNumResults())
    return op->emitOpError()
           << "has " << op->getNumResults()
           << " results, so it needs as many inits, got " << inits.size()
           << "; as in init(add %zero : tensor<4xf32>)";
  for (Region &region : regions) {
    Operation *yield = region.front().getTerminator();
    if (yield->getNumOperands() != op->getNumResults())
      return yield->emitOpError()
             << "gives " << yield->getNumOperands() << " values, but '"
             << cast<LabelledOpInterface>(op).getOpLabel().getValue()
             << "' has " << op->getNumResults() << " results";
  }
  for (auto [i, result] : llvm::enumerate(op->getResults())) {
    unsigned index = i;
    if (!symbolizeCombineKind(combines[index]))
      return op->emitOpError() << "combination #" << index << " is unknown";
    auto kind = static_cast<CombineKind>(combines[index]);
    Type type = result.getType(), init = inits[index].getType();
    auto forEachYield =
        [&](function_ref<LogicalResult(Operation *, Type)> check) {
          for (Region &region : regions) {
            Operation *yield = region.front().getTerminator();
            if (failed(check(yield, yield->getOperand(index).getType())))
              return failure();
          }
          return LogicalResult::success();
        };
    if (kind != CombineKind::Concat) {
      Type element = getElementTypeOrSelf(type);
      bool combinable =
          isa<DataType>(type) ||
          (isa<RankedTensorType>(type) ? isScalar(element) : isScalar(type));
      if (!combinable)
        return op->emitOpError()
               << "result #" << index << " of type " << type
               << " cannot be combined by '" << stringifyCombineKind(kind)
               << "', which works on tensors and scalars of numbers";
      auto same = [&](Operation *at, Type other, StringRef what) {
        if (other == type)
          return LogicalResult::success();
        return LogicalResult(at->emitOpError()
                             << what << " #" << index << " has type " << other
                             << " but '" << stringifyCombineKind(kind)
                             << "' needs the type of the result, " << type);
      };
      if (failed(same(op, init, "init")) ||
          failed(forEachYield([&](Operation *yield, Type yielded) {
            return same(yield, yielded, "value");
          })))
        return failure();
      continue;
    }
    if (isTimingOnlyType(type)) {
      auto data = dyn_cast<DataType>(type);
      if (data && !data.isDynamic())
        return op->emitOpError()
               << "result #" << index << " is a concatenation, so its type is "
               << DataType::get(op->getContext(), DataType::kDynamic);
      auto same = [&](Operation *at, Type other, StringRef what) {
        if (isa<DataType>(other) == isa<DataType>(type) &&
            isTimingOnlyType(other))
          return LogicalResult::success();
        return LogicalResult(at->emitOpError()
                             << what << " #" << index << " of type " << other
                             << " cannot be concatenated to " << type);
      };
      if (failed(same(op, init, "init")) ||
          failed(forEachYield([&](Operation *yield, Type yielded) {
            return same(yield, yielded, "value");
          })))
        return failure();
      continue;
    }
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.getRank() == 0 || !tensor.isDynamicDim(0))
      return op->emitOpError()
             << "result #" << index
             << " is a concatenation, so its type must be a tensor with a "
                "dynamic dimension 0, got "
             << type;
    if (failed(verifyConcat(op, index, init, type, "an init")) ||
        failed(forEachYield([&](Operation *yield, Type yielded) {
          return verifyConcat(op, index, yielded, type, "a value");
        })))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Select
//===----------------------------------------------------------------------===//

LogicalResult SelectOp::verify() {
  if (failed(verifyLabel(*this)) || failed(verifyNesting(*this)) ||
      failed(verifyProfile(*this, {"frequencies", "out_bytes", "drift"})) ||
      failed(verifyEnd<DecideOp>(*this, getDecideRegion(), "decide")) ||
      failed(verifyBound(*this, getDecideRegion(), getInputs(), "decide")))
    return failure();
  if (getNumMembers() == 0)
    return emitOpError() << "needs at least one member";
  for (auto [index, region] : llvm::enumerate(getMemberRegions())) {
    if (failed(verifyEnd<YieldOp>(*this, region, getPathRegionName(index + 1))))
      return failure();
    if (region.getNumArguments())
      return emitOpError() << "members take no arguments; they use values from "
                              "outside directly";
  }
  ProfileAttr profile = getProfileAttr();
  if (!hasDecide() && (!profile || profile.getFrequencies().empty()))
    return emitOpError()
           << "has neither 'decide' nor frequencies; add a decide region, or a "
              "profile with "
           << getNumMembers()
           << " frequencies (one per member), as in profile "
              "#owg.profile<frequencies = [0.5, 0.5]>";
  return forEachFrequencies(
      profile, [&](ArrayRef<double> frequencies) -> LogicalResult {
        if (frequencies.size() == getNumMembers())
          return success();
        return emitOpError()
               << "has " << getNumMembers()
               << " members, so its profile must give as many frequencies, got "
               << frequencies.size();
      });
}

LogicalResult SelectOp::verifyRegions() {
  for (Region &region : getMemberRegions())
    if (failed(verifyGraph(region)))
      return failure();
  if (failed(
          verifyCombined(*this, getInits(), getCombines(), getMemberRegions())))
    return failure();
  if (!hasDecide())
    return success();
  DecideOp decide = decisionOf(getDecideRegion());
  if (!decide.getForwarded().empty())
    return decide.emitOpError()
           << "forwards values, which only the decision of "
              "a loop does";
  auto mask = RankedTensorType::get({static_cast<int64_t>(getNumMembers())},
                                    IntegerType::get(getContext(), 1));
  if (decide.getDecision().getType() != mask)
    return decide.emitOpError() << "of a select with " << getNumMembers()
                                << " members must be a mask of type " << mask
                                << ", got " << decide.getDecision().getType();
  return verifyCode(getDecideRegion(),
                    "the decision of select '" + getLabel() + "'");
}

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

LogicalResult LoopOp::verify() {
  if (failed(verifyLabel(*this)) || failed(verifyNesting(*this)) ||
      failed(verifyProfile(*this,
                           {"trips", "state_bytes", "out_bytes", "drift"})) ||
      failed(verifyEnd<DecideOp>(*this, getBeforeRegion(), "before")) ||
      failed(verifyBound(*this, getBeforeRegion(), getInputs(), "before")) ||
      failed(verifyEnd<YieldOp>(*this, getAfterRegion(), "after")) ||
      failed(verifyGives(*this, getAfterRegion(), getOperandTypes(), "inputs")))
    return failure();
  if (getBound() && static_cast<int64_t>(*getBound()) < 1)
    return emitOpError() << "bound must be at least 1 iteration";
  if (hasBefore()) {
    if (getAfterRegion().getArgumentTypes() != getResultTypes())
      return emitOpError() << "arguments of region 'after' must have the types "
                              "of the results";
    return verifyGives(*this, getBeforeRegion(), getResultTypes(), "results",
                       /*skip=*/1);
  }
  ProfileAttr profile = getProfileAttr();
  if (!profile || !profile.getTrips())
    return emitOpError()
           << "has neither 'before' nor trips; add a before region, or a "
              "profile, as in profile #owg.profile<trips = geometric<0.5>>";
  if (getOperandTypes() != getResultTypes())
    return emitOpError()
           << "without 'before' must give the types that it takes, "
              "("
           << getOperandTypes() << "), but gives (" << getResultTypes() << ")";
  return verifyBound(*this, getAfterRegion(), getInputs(), "after");
}

LogicalResult LoopOp::verifyRegions() {
  if (failed(verifyGraph(getAfterRegion())))
    return failure();
  if (!hasBefore())
    return success();
  DecideOp decide = decisionOf(getBeforeRegion());
  if (!decide.getDecision().getType().isInteger(1))
    return decide.emitOpError() << "of a loop must be of type i1, got "
                                << decide.getDecision().getType();
  return holdsBlocks(getBeforeRegion())
             ? verifyGraph(getBeforeRegion())
             : verifyCode(getBeforeRegion(),
                          "the decision of loop '" + getLabel() + "'");
}

//===----------------------------------------------------------------------===//
// Fanout
//===----------------------------------------------------------------------===//

LogicalResult FanoutOp::verify() {
  if (failed(verifyLabel(*this)) || failed(verifyNesting(*this)) ||
      failed(verifyProfile(*this, {"count", "out_bytes", "drift"})) ||
      failed(verifyEnd<YieldOp>(*this, getEachRegion(), "each")))
    return failure();
  if (getEachRegion().getNumArguments() == 0 ||
      !getEachRegion().getArgument(0).getType().isIndex())
    return emitOpError() << "region 'each' must take the index first";
  if (failed(verifyBound(*this, getEachRegion(), getInputs(), "each", 1)))
    return failure();
  ProfileAttr profile = getProfileAttr();
  if (!getCount() && (!profile || !profile.getCount()))
    return emitOpError()
           << "has neither a count nor one in its profile; add 'count %n', or "
              "a "
              "profile, as in profile #owg.profile<count = uniform<1, 5>>";
  return success();
}

LogicalResult FanoutOp::verifyRegions() {
  if (failed(verifyGraph(getEachRegion())))
    return failure();
  return verifyCombined(*this, getInits(), getCombines(),
                        MutableArrayRef(getEachRegion()));
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

LogicalResult WeightOp::verify() {
  int sources = (getValueAttr() != nullptr) + (getFileAttr() != nullptr) +
                (getSeedAttr() != nullptr);
  if (sources != 1)
    return emitOpError() << "needs exactly one of elements, a file, a seed";
  RankedTensorType type = getTensorType();
  Type element = type.getElementType();
  if (ElementsAttr value = getValueAttr(); value && value.getType() != type)
    return emitOpError() << "has type " << type
                         << " but its elements have type " << value.getType();
  if (getFileAttr()) {
    if (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() % 8 != 0)
      return emitOpError() << "read from a file must have elements of whole "
                              "bytes, got "
                           << element;
    if (getFile()->empty())
      return emitOpError() << "needs the name of its file";
    std::optional<StringRef> digest = getSha256();
    if (!digest || digest->size() != 64 || !llvm::all_of(*digest, [](char c) {
          return llvm::isDigit(c) || (c >= 'a' && c <= 'f');
        }))
      return emitOpError() << "needs the SHA-256 digest of its file, 64 lower "
                              "case hexadecimal digits";
    if (getOffset() && static_cast<int64_t>(*getOffset()) < 0)
      return emitOpError() << "offset into its file must not be negative";
  } else if (getSha256Attr() || getOffsetAttr()) {
    return emitOpError() << "has a digest or an offset but no file";
  }
  if (getSeedAttr()) {
    if (!element.isF32() && !element.isF64() && !element.isF16() &&
        !element.isBF16())
      return emitOpError()
             << "made from a seed must have elements of type f32, "
                "f64, f16 or bf16, got "
             << element;
    if (!getScaleAttr() || !std::isfinite(getScale()->convertToDouble()) ||
        getScale()->convertToDouble() < 0.0)
      return emitOpError()
             << "made from a seed needs a scale that is finite and "
                "not negative";
  } else if (getScaleAttr()) {
    return emitOpError() << "has a scale but no seed";
  }
  return success();
}

LogicalResult GetWeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto weight =
      symbols.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError() << "names @" << getWeight()
                         << ", which is no owg.weight of this module";
  if (weight.getTensorType() == getType())
    return success();
  InFlightDiagnostic diag =
      emitOpError() << "has type " << getType() << " but weight @"
                    << getWeight() << " has type " << weight.getTensorType();
  diag.attachNote(weight.getLoc()) << "declared here";
  return diag;
}

LogicalResult NothingOp::verify() {
  auto data = dyn_cast<DataType>(getType());
  if (!data || data.getBytes() == 0)
    return success();
  return emitOpError() << "is of type !owg.data<0> or !owg.token, got "
                       << getType();
}
