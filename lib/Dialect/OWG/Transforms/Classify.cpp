//===- Classify.cpp - Static or dynamic, in time and in frequency ---------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tells for each block what is known about it at compile time, and why not
// more. Linear: the reasons of a region are found once and handed down.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/Transforms/Passes.h"
#include "octo/Dialect/OWG/Transforms/WorkModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/Format.h"

namespace octo::owg {
#define GEN_PASS_DEF_OWGCLASSIFY
#include "octo/Dialect/OWG/Transforms/Passes.h.inc"
} // namespace octo::owg

using namespace mlir;
using namespace octo::owg;

namespace {

class Classify : public octo::owg::impl::OWGClassifyBase<Classify> {
public:
  using OWGClassifyBase::OWGClassifyBase;

  void runOnOperation() override {
    if (!(tolerance >= 0)) {
      emitError(UnknownLoc::get(&getContext()))
          << "owg-classify: the tolerance is a coefficient of variation, at "
             "least 0";
      return signalPassFailure();
    }
    SymbolTableCollection symbols;
    table = &symbols.getSymbolTable(getOperation());
    for (WorkflowOp workflow : getOperation().getOps<WorkflowOp>())
      if (failed(classify(workflow.getBody(), "")))
        return signalPassFailure();
  }

private:
  /// Why a distribution is not static, or "".
  std::string spread(DistributionAttr distribution, StringRef what) {
    double variation = distribution.getCoefficientOfVariation();
    if (variation <= tolerance)
      return "";
    std::string text;
    llvm::raw_string_ostream os(text);
    os << what << " of the profile vary by "
       << llvm::format("%.0f", variation * 100) << " %";
    return text;
  }

  /// Why the time of a task is dynamic, or "". Fails if its cost is missing.
  FailureOr<std::string> timeReason(TaskOp task) {
    if (ProfileAttr profile = task.getProfileAttr()) {
      auto check = [&](ProfileAttr epoch) -> std::string {
        if (DistributionAttr cycles = epoch.getCycles())
          return spread(cycles, "the cycles");
        if (DictionaryAttr work = epoch.getWork())
          for (NamedAttribute entry : work)
            if (std::string why = spread(
                    cast<DistributionAttr>(entry.getValue()),
                    ("the " + entry.getName().getValue() + " work").str());
                !why.empty())
              return why;
        return "";
      };
      bool speaks = profile.getCycles() || profile.getWork();
      if (ArrayAttr drift = profile.getDrift())
        for (auto entry : drift.getAsRange<DriftAttr>())
          if (entry.getProfile().getCycles() || entry.getProfile().getWork())
            return std::string("the profile drifts from request ") +
                   std::to_string(entry.getFrom()) + " on";
      if (speaks)
        return check(profile);
    }
    Operation *callable = task;
    if (task.isOutlined())
      callable = table->lookup(task.getCalleeAttr().getValue());
    if (task.isProfiled())
      return std::string();
    CostAttr cost = callable ? getCost(callable) : CostAttr();
    if (!cost) {
      task.emitOpError() << "has no cost yet; run owg-estimate-cost before "
                            "owg-classify";
      return failure();
    }
    std::optional<uint32_t> symbol = cost.getFirstSymbol();
    if (!symbol)
      return std::string();
    if (FormAttr::isCounter(*symbol))
      return std::string("a loop in the body depends on data (counter ") +
             std::to_string(*symbol & 0x7fffffffu) + ")";
    return std::string("dimension ") + std::to_string(*symbol & 255) +
           " of input " + std::to_string(*symbol >> 8) +
           " is known only at run time";
  }

  /// Why the regions of a control block run a varying number of times, or "".
  std::string frequencyReason(Operation *op) {
    std::string label =
        ("'" + cast<LabelledOpInterface>(op).getOpLabel().getValue() + "'")
            .str();
    ProfileAttr profile = cast<BlockOpInterface>(op).getOpProfile();
    auto drifts = [&](auto speaks) {
      if (profile)
        if (ArrayAttr drift = profile.getDrift())
          for (auto entry : drift.getAsRange<DriftAttr>())
            if (speaks(entry.getProfile()))
              return true;
      return false;
    };
    if (isa<BranchOp, SelectOp>(op)) {
      // A decision that always goes one way is as good as none.
      if (profile &&
          !drifts([](ProfileAttr p) { return !p.getFrequencies().empty(); }) &&
          !profile.getFrequencies().empty() &&
          llvm::all_of(profile.getFrequencies(),
                       [](double f) { return f == 0 || f == 1; }))
        return "";
      return (isa<BranchOp>(op) ? "a case of branch " : "a member of select ") +
             label;
    }
    if (isa<LoopOp>(op)) {
      DistributionAttr trips =
          profile ? profile.getTrips() : DistributionAttr();
      if (trips && !cast<LoopOp>(op).hasBefore() &&
          trips.getCoefficientOfVariation() <= tolerance &&
          !drifts([](ProfileAttr p) { return bool(p.getTrips()); }))
        return "";
      return "the trip count of loop " + label;
    }
    auto fanout = cast<FanoutOp>(op);
    DistributionAttr count = profile ? profile.getCount() : DistributionAttr();
    if (!fanout.getCount() && count &&
        count.getCoefficientOfVariation() <= tolerance &&
        !drifts([](ProfileAttr p) { return bool(p.getCount()); }))
      return "";
    if (Value value = fanout.getCount())
      if (APInt constant; matchPattern(value, m_ConstantInt(&constant)))
        return "";
    return "the copies of fan-out " + label;
  }

  LogicalResult classify(Region &region, const std::string &frequency) {
    for (Block &block : region)
      for (Operation &op : block) {
        auto inner = dyn_cast<BlockOpInterface>(op);
        if (!inner)
          continue;
        std::string time, own;
        if (auto task = dyn_cast<TaskOp>(op)) {
          FailureOr<std::string> why = timeReason(task);
          if (failed(why))
            return failure();
          time = *why;
        } else {
          own = frequencyReason(&op);
          // How long a control block takes is how its regions run.
          time = own;
        }
        std::string reason;
        if (!time.empty())
          reason = "time: " + time;
        if (!frequency.empty())
          reason +=
              (reason.empty() ? "frequency: " : "; frequency: ") + frequency;
        if (reason.empty())
          reason = "known at compile time";
        op.setAttr(ClassAttr::attrName(),
                   ClassAttr::get(&getContext(), !time.empty(),
                                  !frequency.empty(),
                                  StringAttr::get(&getContext(), reason)));
        if (isa<TaskOp>(op))
          continue;
        for (Region &nested : op.getRegions())
          if (failed(classify(nested, own.empty() ? frequency : own)))
            return failure();
      }
    return success();
  }

  SymbolTable *table = nullptr;
};

} // namespace
