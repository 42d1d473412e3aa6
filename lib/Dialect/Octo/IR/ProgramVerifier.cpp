//===- ProgramVerifier.cpp - Verifies a program as a whole ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tag-depth verifier and the checks of ops against the kernels, weights and
// the machine that they name. Everything here is linear in the program.
//
//===----------------------------------------------------------------------===//

#include "Payloads.h"
#include "PlacementVerifier.h"

using namespace mlir;
using namespace octo::spatial;

/// How messages name an op: by its path, if it has one.
static std::string nameOf(Operation *op) {
  if (auto block = dyn_cast<BlockOpInterface>(op))
    return "'" + block.getPathAttr().getValue().str() + "' ";
  if (isa<MergeOp, JoinOp, DecideOp>(op))
    if (auto block = op->getOperand(0).getDefiningOp<BlockOpInterface>())
      return "of '" + block.getPathAttr().getValue().str() + "' ";
  return "";
}

namespace {
/// Checks that values stay in their scopes.
class ScopeVerifier {
public:
  explicit ScopeVerifier(ProgramOp program) : program(program) {}

  LogicalResult verify() {
    if (program.getBlock().getNumArguments())
      return program.emitOpError()
             << "has block arguments; its arguments are the results of "
                "octo.entry";
    for (Operation &op : program.getBlock())
      if (failed(collect(&op)))
        return failure();
    if (!entry)
      return program.emitOpError() << "has no octo.entry";
    if (!exit)
      return program.emitOpError() << "has no octo.exit";
    if (auto names = program.getArgNamesAttr())
      if (names.size() != entry.getArgs().size())
        return program.emitOpError() << "names " << names.size() << " of "
                                     << entry.getArgs().size() << " arguments";
    if (auto names = program.getResultNamesAttr())
      if (names.size() != exit.getResults_().size())
        return program.emitOpError() << "names " << names.size() << " of "
                                     << exit.getResults_().size() << " results";
    if (failed(verifyTree()))
      return failure();
    for (Operation &op : program.getBlock())
      if (failed(verifyOp(&op)))
        return failure();
    return success();
  }

private:
  LogicalResult collect(Operation *op) {
    if (auto found = dyn_cast<EntryOp>(op)) {
      if (entry)
        return op->emitOpError() << "is the second of its program";
      entry = found;
      return success();
    }
    if (auto found = dyn_cast<ExitOp>(op)) {
      if (exit)
        return op->emitOpError() << "is the second of its program";
      exit = found;
      return success();
    }
    if (auto control = dyn_cast<ControlOpInterface>(op)) {
      unsigned at = 1;
      for (int32_t size : control.getImportSizes()) {
        Value act = op->getResult(at);
        for (int32_t i = 0; i <= size; ++i)
          imports[op->getResult(at + i)] = act;
        at += 1 + size;
      }
      return success();
    }
    if (auto flow = dyn_cast<FlowOp>(op)) {
      // In a graph region a flow may reach itself. Two fingers find it.
      Value slow = flow.getValue(), fast = flow.getSource();
      while (slow != fast) {
        for (int step = 0; step < 2; ++step) {
          auto next = fast.getDefiningOp<FlowOp>();
          if (!next)
            return success();
          fast = next.getSource();
        }
        slow = slow.getDefiningOp<FlowOp>().getSource();
      }
      return op->emitOpError() << "leads back to itself";
    }
    if (isa<TbOp, MergeOp, JoinOp, DecideOp, UseWeightOp, SegmentOp>(op))
      return success();
    return op->emitOpError() << "does not belong in an octo.program";
  }

  /// Where a value may be used: an activation, or null for anywhere.
  Value scopeOf(Value value) {
    value = skipFlows(value);
    Operation *op = value.getDefiningOp();
    if (isa<EntryOp>(op))
      return entry.getAct();
    if (auto block = dyn_cast<TbOp>(op))
      return block.getAct();
    if (isa<UseWeightOp>(op))
      return {};
    if (isa<ControlOpInterface>(op))
      return imports.lookup(value);
    // A closing op; its first operand is the token of what it closes.
    return op->getOperand(0).getDefiningOp<BlockOpInterface>().getActivation();
  }

  /// Every scope leads to the body.
  LogicalResult verifyTree() {
    llvm::DenseSet<Value> good{entry.getAct()};
    for (Operation &op : program.getBlock()) {
      auto control = dyn_cast<ControlOpInterface>(op);
      if (!control)
        continue;
      SmallVector<Value> walk;
      llvm::SmallDenseSet<Value> seen;
      Value act = control.getActivation();
      while (!good.count(act)) {
        if (!seen.insert(act).second)
          return op.emitOpError()
                 << nameOf(&op) << "is in " << describeScope(act)
                 << ", which is never activated: its activation leads back to "
                    "itself";
        walk.push_back(act);
        act = act.getDefiningOp<ControlOpInterface>().getActivation();
      }
      good.insert(walk.begin(), walk.end());
    }
    return success();
  }

  LogicalResult verifyUse(Operation *op, Value value, Value scope) {
    Value own = scopeOf(value);
    if (!own || own == scope)
      return verifyStreamTo(op, value);
    InFlightDiagnostic diagnostic =
        op->emitOpError() << nameOf(op) << "takes a value of "
                          << describeScope(own) << " where one of "
                          << describeScope(scope)
                          << " is expected; take it in through 'scopes' of the "
                             "op that opens the scope, or out through the op "
                             "that closes it";
    diagnostic.attachNote(value.getLoc()) << "the value is defined here";
    return diagnostic;
  }

  /// What a stream comes from.
  LogicalResult verifyStream(FlowOp flow) {
    if (!flow.getChunks())
      return success();
    if (FlowOp other = getStream(flow.getSource())) {
      InFlightDiagnostic diagnostic = flow.emitOpError() << "is streamed twice";
      diagnostic.attachNote(other.getLoc()) << "for the first time here";
      return diagnostic;
    }
    if (!isa_and_nonnull<TbOp>(getProducer(flow.getSource())))
      return flow.emitOpError()
             << "streams what no octo.tb makes; streams lead from task block "
                "to task block: drop 'streamed'";
    return success();
  }

  /// What a stream leads to. Without slots its segment is not known yet.
  LogicalResult verifyStreamTo(Operation *op, Value value) {
    FlowOp stream = getStream(value);
    auto from = dyn_cast_or_null<TbOp>(getProducer(value));
    if (!stream || !from) // Of another producer the octo.flow speaks itself.
      return success();
    auto to = dyn_cast<TbOp>(op);
    if (to) {
      SlotAttr first = from.getSlotAttr(), second = to.getSlotAttr();
      if (first && second ? first.getSegment() == second.getSegment()
                          : !first && !second)
        return success();
    }
    InFlightDiagnostic diagnostic = op->emitOpError() << nameOf(op);
    if (to)
      diagnostic << "takes a stream from '" << from.getPath()
                 << "', which is not in the same segment";
    else
      diagnostic << "takes a stream and is no octo.tb";
    diagnostic << ": drop 'streamed'";
    diagnostic.attachNote(stream.getLoc()) << "the stream is here";
    return diagnostic;
  }

  LogicalResult verifyUses(Operation *op, ValueRange values, Value scope) {
    for (Value value : values)
      if (failed(verifyUse(op, value, scope)))
        return failure();
    return success();
  }

  LogicalResult verifyOp(Operation *op) {
    if (auto control = dyn_cast<ControlOpInterface>(op)) {
      if (failed(verifyUses(op, control.getBlockInputs(),
                            control.getActivation())))
        return failure();
      if (auto loop = dyn_cast<LoopOp>(op))
        if (failed(verifyUses(op, loop.getNext(), control.getScopeAct(1))))
          return failure();
      return verifyClosed(control);
    }
    if (auto block = dyn_cast<TbOp>(op))
      return verifyUses(op, block.getInputs(), block.getAct());
    if (auto end = dyn_cast<ExitOp>(op)) {
      if (end.getAct() != entry.getAct())
        return op->emitOpError()
               << "ends " << describeScope(end.getAct()) << ", not the body";
      return verifyUses(op, end.getResults_(), entry.getAct());
    }
    if (auto merge = dyn_cast<MergeOp>(op))
      return verifyYields<SwitchOp>(op, merge.getYields());
    if (auto join = dyn_cast<JoinOp>(op)) {
      if (join.getBlock().getDefiningOp<ForkOp>())
        return verifyYields<ForkOp>(op, join.getYields());
      return verifyYields<SelectOp>(op, join.getYields());
    }
    if (auto decide = dyn_cast<DecideOp>(op))
      return verifyDecide(decide);
    if (auto flow = dyn_cast<FlowOp>(op))
      return verifyStream(flow);
    return success();
  }

  LogicalResult verifyClosed(ControlOpInterface control) {
    Value token = control->getResult(0);
    if (token.hasOneUse())
      return success();
    if (token.use_empty())
      return control->emitOpError()
             << nameOf(control) << "is never closed; it needs "
             << (isa<SwitchOp>(*control) ? "an octo.merge"
                 : isa<LoopOp>(*control) ? "an octo.decide"
                                         : "an octo.join");
    InFlightDiagnostic diagnostic =
        control->emitOpError() << nameOf(control) << "is closed more than once";
    for (Operation *user : token.getUsers())
      diagnostic.attachNote(user->getLoc()) << "closed here";
    return diagnostic;
  }

  template <class Opener>
  LogicalResult wrongOpener(Operation *op) {
    return op->emitOpError() << nameOf(op) << "closes "
                             << op->getOperand(0).getDefiningOp()->getName()
                             << ", which is not what it is for";
  }

  /// Yields are the outputs, scope by scope.
  template <class Opener>
  LogicalResult verifyYields(Operation *op, OperandRange yields) {
    auto opener = op->getOperand(0).getDefiningOp<Opener>();
    if (!opener)
      return wrongOpener<Opener>(op);
    auto control = cast<ControlOpInterface>(opener.getOperation());
    size_t outputs = op->getNumResults();
    if (yields.size() != outputs * control.getNumScopes())
      return op->emitOpError()
             << nameOf(op) << "has " << outputs << " results and closes "
             << control.getNumScopes() << " scopes: it needs "
             << outputs * control.getNumScopes() << " yields, not "
             << yields.size();
    unsigned at = 1;
    for (auto [scope, size] : llvm::enumerate(control.getImportSizes())) {
      if (failed(verifyUses(op, yields.slice(scope * outputs, outputs),
                            control->getResult(at))))
        return failure();
      at += 1 + size;
    }
    if constexpr (std::is_same_v<Opener, SwitchOp>) {
      for (auto [i, yield] : llvm::enumerate(yields))
        if (!sameContent(payloadOf(yield),
                         payloadOf(op->getResult(i % outputs))))
          return op->emitOpError() << nameOf(op) << "yields " << yield.getType()
                                   << " for a result of type "
                                   << op->getResult(i % outputs).getType();
    } else {
      if (opener.getInits().size() != outputs)
        return op->emitOpError()
               << nameOf(op) << "has " << outputs << " results, but "
               << opener.getInits().size() << " inits were given";
      auto join = cast<JoinOp>(op);
      if (join.getKernel().has_value() != (outputs > 0))
        return op->emitOpError()
               << nameOf(op)
               << (outputs ? "has results and needs a kernel that joins them"
                           : "has no results, so nothing to join");
    }
    return success();
  }

  LogicalResult verifyDecide(DecideOp op) {
    auto loop = op.getBlock().getDefiningOp<LoopOp>();
    if (!loop)
      return wrongOpener<LoopOp>(op);
    auto control = cast<ControlOpInterface>(loop.getOperation());
    Value before = control.getScopeAct(0);
    if (failed(verifyUses(op, op.getDecideInputs(), before)) ||
        failed(verifyUses(op, op.getForwards(), before)))
      return failure();
    OperandRange forwards = op.getForwards();
    if (forwards.size() != op.getOutputs().size())
      return op.emitOpError()
             << nameOf(op) << "forwards " << forwards.size()
             << " values but has " << op.getOutputs().size() << " results";
    for (auto [forward, output] : llvm::zip(forwards, op.getOutputs()))
      if (!sameContent(payloadOf(forward), payloadOf(output)))
        return op.emitOpError()
               << nameOf(op) << "forwards " << forward.getType()
               << " as a result of type " << output.getType();
    ArrayRef<int32_t> after =
        loop.getImports().drop_front(loop.getImportSizes()[0]);
    for (auto [import, value] : llvm::zip(after, control.getScopeImports(1))) {
      auto from = static_cast<uint32_t>(import);
      if (!(from & ControlOpInterface::forwarded))
        continue;
      from &= ~ControlOpInterface::forwarded;
      if (from >= forwards.size())
        return op.emitOpError()
               << nameOf(op) << "forwards " << forwards.size()
               << " values, but the loop takes in number " << from;
      if (!sameContent(payloadOf(forwards[from]), payloadOf(value)))
        return op.emitOpError()
               << nameOf(op) << "forwards " << forwards[from].getType()
               << " where the loop takes in " << value.getType();
    }
    return success();
  }

  ProgramOp program;
  EntryOp entry;
  ExitOp exit;
  /// Activation of each result of the ops that open scopes.
  llvm::DenseMap<Value, Value> imports;
};

/// Resolves each symbol once.
class SymbolVerifier {
public:
  SymbolVerifier(ProgramOp program, SymbolTableCollection &tables)
      : program(program), tables(tables) {}

  LogicalResult verify() {
    MachineOp machine;
    if (auto name = program.getMachineAttr()) {
      machine = tables.lookupNearestSymbolFrom<MachineOp>(program, name);
      if (!machine)
        return program.emitOpError()
               << "is for machine " << name << ", which is no octo.machine";
    }
    uint32_t numBlocks = 0, numSegments = 0;
    for (Operation &op : program.getBlock()) {
      numBlocks += isa<BlockOpInterface>(op);
      numSegments += isa<SegmentOp>(op);
    }
    for (Operation &op : program.getBlock()) {
      if (auto block = dyn_cast<BlockOpInterface>(op)) {
        if (PolicyAttr policy = block.getPolicyAttr())
          for (uint32_t next : policy.getNext())
            if (next >= numBlocks)
              return op.emitOpError()
                     << nameOf(&op) << "names block " << next
                     << " as a likely next one; the program has " << numBlocks;
        if (PlaceAttr place = block.getPlaceAttr())
          for (const Replica &replica : place.getReplicas())
            if ((replica.peaCount == 0) == block.isTask())
              return op.emitOpError()
                     << nameOf(&op)
                     << (block.isTask()
                             ? "is a task and has a replica without PEAs"
                             : "is a control block and has a replica with "
                               "PEAs; it runs on a CBU");
      }
      if (failed(verifyOp(&op, numSegments)))
        return failure();
    }
    if (!machine)
      return success();
    return verifyPlacement(program, machine, [&](FlatSymbolRefAttr name) {
      return kernels.lookup(name);
    });
  }

private:
  KernelOp lookup(Operation *op, FlatSymbolRefAttr name) {
    auto [found, isNew] = kernels.try_emplace(name);
    if (isNew)
      found->second = tables.lookupNearestSymbolFrom<KernelOp>(program, name);
    if (!found->second)
      op->emitOpError() << nameOf(op) << "names kernel " << name
                        << ", which is no octo.kernel";
    return found->second;
  }

  LogicalResult mismatch(Operation *op, KernelOp kernel, const Twine &what) {
    InFlightDiagnostic diagnostic = op->emitOpError()
                                    << nameOf(op) << what << " of kernel @"
                                    << kernel.getSymName();
    diagnostic.attachNote(kernel.getLoc())
        << "the kernel is " << kernel.getFunctionType();
    return diagnostic;
  }

  LogicalResult verifyValues(Operation *op, KernelOp kernel, ValueRange values,
                             ArrayRef<Type> types, StringRef what) {
    if (values.size() != types.size())
      return mismatch(op, kernel,
                      "has " + Twine(values.size()) + " " + what +
                          "s, not the " + Twine(types.size()));
    for (auto [i, value] : llvm::enumerate(values))
      if (!sameContent(payloadOf(value), types[i]))
        return mismatch(op, kernel,
                        what + " " + Twine(i) + " does not have the type");
    return success();
  }

  LogicalResult verifyDecider(Operation *op, FlatSymbolRefAttr name,
                              OperandRange inputs, Type decision) {
    if (!name)
      return success();
    KernelOp kernel = lookup(op, name);
    if (!kernel)
      return failure();
    if (kernel.getKind() != KernelKind::Image)
      return op->emitOpError() << nameOf(op) << "decides by @"
                               << kernel.getSymName() << ", which has no code";
    FunctionType type = kernel.getFunctionType();
    if (type.getNumResults() != 1 || type.getResult(0) != decision)
      return op->emitOpError() << nameOf(op) << "needs a decision of type "
                               << decision << ", but @" << kernel.getSymName()
                               << " gives " << type.getResults();
    return verifyValues(op, kernel, inputs, type.getInputs(), "decide input");
  }

  LogicalResult verifyOp(Operation *op, uint32_t numSegments) {
    Builder builder(op->getContext());
    if (auto tb = dyn_cast<TbOp>(op)) {
      if (auto slot = tb.getSlotAttr()) {
        if (slot.getSegment() >= numSegments)
          return op->emitOpError()
                 << nameOf(op) << "has a slot in segment " << slot.getSegment()
                 << "; the program has " << numSegments;
        if (!tb.getPlaceAttr() ||
            slot.getReplica() >= tb.getPlaceAttr().getReplicas().size())
          return op->emitOpError()
                 << nameOf(op) << "has a slot on replica " << slot.getReplica()
                 << ", which it does not have";
      }
      KernelOp kernel = lookup(op, tb.getKernelAttr());
      if (!kernel)
        return failure();
      if (kernel.getKind() == KernelKind::Join)
        return op->emitOpError() << nameOf(op) << "runs @"
                                 << kernel.getSymName() << ", which is a join";
      if (kernel.getKind() == KernelKind::Profiled) {
        // Without code there is no signature to keep to.
        if (tb.getProfile() && tb.getProfile()->getEpochs().front().draw)
          return success();
        return op->emitOpError()
               << nameOf(op)
               << "runs a profiled kernel; add a profile with "
                  "'draw', the cycles on one PEA";
      }
      if (failed(verifyValues(op, kernel, tb.getInputs(),
                              kernel.getFunctionType().getInputs(), "input")))
        return failure();
      return verifyValues(op, kernel, tb.getOutputs(),
                          kernel.getFunctionType().getResults(), "output");
    }
    if (auto control = dyn_cast<SwitchOp>(op))
      return verifyDecider(op, control.getKernelAttr(),
                           control.getDecideInputs(), builder.getIndexType());
    if (auto control = dyn_cast<SelectOp>(op))
      return verifyDecider(
          op, control.getKernelAttr(), control.getDecideInputs(),
          RankedTensorType::get(
              {static_cast<int64_t>(control.getImportSizes().size())},
              builder.getI1Type()));
    if (auto decide = dyn_cast<DecideOp>(op))
      return verifyDecider(
          op, decide.getBlock().getDefiningOp<LoopOp>().getKernelAttr(),
          decide.getDecideInputs(), builder.getI1Type());
    if (auto join = dyn_cast<JoinOp>(op)) {
      if (!join.getKernelAttr())
        return success();
      KernelOp kernel = lookup(op, join.getKernelAttr());
      if (!kernel)
        return failure();
      if (kernel.getKind() != KernelKind::Join)
        return op->emitOpError() << nameOf(op) << "joins by @"
                                 << kernel.getSymName() << ", which is no join";
      // Joins have no code either, but may say what they are for.
      FunctionType type = kernel.getFunctionType();
      if (!type.getNumInputs() && !type.getNumResults())
        return success();
      OperandRange inits =
          isa<ForkOp>(join.getBlock().getDefiningOp())
              ? cast<ForkOp>(join.getBlock().getDefiningOp()).getInits()
              : cast<SelectOp>(join.getBlock().getDefiningOp()).getInits();
      if (failed(verifyValues(op, kernel, inits, type.getInputs(), "init")))
        return failure();
      return verifyValues(op, kernel, join.getOutputs(), type.getResults(),
                          "output");
    }
    if (auto use = dyn_cast<UseWeightOp>(op)) {
      auto weight = tables.lookupNearestSymbolFrom<WeightOp>(
          program, use.getWeightAttr());
      if (!weight)
        return op->emitOpError() << "names weight " << use.getWeightAttr()
                                 << ", which is no octo.weight";
      if (weight.getType() != payloadOf(use.getValue()))
        return op->emitOpError()
               << "has type " << use.getValue().getType() << ", but weight @"
               << weight.getSymName() << " is " << weight.getType();
    }
    return success();
  }

  ProgramOp program;
  SymbolTableCollection &tables;
  llvm::DenseMap<Attribute, KernelOp> kernels;
};
} // namespace

LogicalResult octo::spatial::verifyScopes(ProgramOp program) {
  return ScopeVerifier(program).verify();
}

LogicalResult ProgramOp::verifyRegions() {
  if (failed(verifyScopes(*this)))
    return failure();
  return success(succeeded(computeLayout(*this)));
}

LogicalResult ProgramOp::verifySymbolUses(SymbolTableCollection &tables) {
  return SymbolVerifier(*this, tables).verify();
}
