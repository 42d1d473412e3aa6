//===- Profiles.cpp - Profiles as integer tables --------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns what a user says about a block into what a program file can hold.
//
//===----------------------------------------------------------------------===//

#include "Profiles.h"

#include "octo/Program/Distribution.h"
#include "octo/Program/program_generated.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

using namespace mlir;
using namespace octo;

/// The kinds are numbered alike.
static Expected<Distribution> makeTable(owg::DistributionAttr distribution) {
  return Distribution::make(
      static_cast<DistributionForm>(distribution.getKind()),
      distribution.getParameters().asArrayRef());
}

spatial::DistributionAttr ProfileTable::toAttr(MLIRContext *context,
                                               const Distribution &table) {
  auto [known, isNew] = curves.try_emplace(table.curve().get());
  if (isNew) {
    const Curve &curve = *table.curve();
    known->second.curve = table.curve();
    known->second.attr =
        spatial::CurveAttr::get(context, curve.u, curve.x, curve.discrete);
  }
  return spatial::DistributionAttr::get(context, known->second.attr,
                                        table.meanQ16(), table.scale(),
                                        table.shift());
}

FailureOr<spatial::DistributionAttr>
ProfileTable::convert(Operation *block, owg::DistributionAttr distribution) {
  spatial::DistributionAttr &result = distributions[distribution];
  if (result)
    return result;
  Expected<Distribution> table = makeTable(distribution);
  if (!table)
    return block->emitOpError()
           << "has a distribution that cannot be drawn in integers: "
           << table.error().message;
  result = toAttr(distribution.getContext(), *table);
  return result;
}

/// Probabilities in 2^-32. If they are those of exclusive cases they sum to
/// 2^32: each is rounded down, and what is missing goes to those that lost
/// most.
static SmallVector<uint64_t, 4> toFixedPoint(ArrayRef<double> probabilities,
                                             bool exclusive) {
  constexpr double one = 4294967296.0;
  SmallVector<uint64_t, 4> fixed;
  uint64_t sum = 0;
  for (double p : probabilities) {
    double scaled = std::clamp(p, 0.0, 1.0) * one;
    fixed.push_back(static_cast<uint64_t>(
        exclusive ? std::floor(scaled) : std::floor(scaled + 0.5)));
    sum += fixed.back();
  }
  if (!exclusive || fixed.empty())
    return fixed;
  const uint64_t whole = uint64_t(1) << 32;
  // Given probabilities sum to 1 only up to rounding.
  if (sum > whole) {
    *std::max_element(fixed.begin(), fixed.end()) -= sum - whole;
    return fixed;
  }
  SmallVector<std::pair<double, unsigned>> losses;
  for (auto [i, p] : llvm::enumerate(probabilities))
    losses.push_back({std::floor(p * one) - p * one, i});
  llvm::sort(losses);
  uint64_t missing = whole - sum;
  for (auto [rank, loss] : llvm::enumerate(losses))
    fixed[loss.second] +=
        missing / fixed.size() + (rank < missing % fixed.size());
  return fixed;
}

namespace {
/// One kind of work of a task.
struct Part {
  Distribution table;
  StringRef kind;
};
} // namespace

static uint64_t rateQ16(const PeaRatesDesc &rates, StringRef kind) {
  return kind == "mac"      ? rates.macQ16
         : kind == "vector" ? rates.vectorQ16
                            : rates.scalarQ16;
}

/// The cycles of work that is constant or of one scaled curve, where either the
/// operations or the bytes take longer at every draw: that curve again. Nothing
/// for other work, nor for so few cycles that rounding them to the nearest, not
/// each part up, would be felt.
static std::optional<Distribution> scaleWork(ArrayRef<Part> parts,
                                             const PeaRatesDesc &rates,
                                             uint64_t bytesPerCycle) {
  struct Line {
    unsigned __int128 scale = 0;
    __int128 shift = 0;
    __int128 at(int64_t x) const {
      return scaleKnot(x, static_cast<uint64_t>(scale),
                       static_cast<int64_t>(shift));
    }
  } compute, bytes;
  std::shared_ptr<const Curve> curve;
  for (const Part &part : parts) {
    bool isBytes = part.kind == "bytes";
    Line &line = isBytes ? bytes : compute;
    uint64_t rate = isBytes ? bytesPerCycle << 16 : rateQ16(rates, part.kind);
    const Distribution &table = part.table;
    if (table.isConstant()) {
      auto amount = static_cast<unsigned __int128>(table.sample(0)) << 16;
      line.shift += static_cast<__int128>((amount + rate - 1) / rate) << 16;
    } else {
      // The sum of what is cut at 0 is no multiple of the curve.
      if (table.isIdentity() || (curve && curve != table.curve()) ||
          (parts.size() > 1 && scaleKnot(table.curve()->x.front(),
                                         table.scale(), table.shift()) < 0))
        return std::nullopt;
      curve = table.curve();
      line.scale +=
          ((static_cast<unsigned __int128>(table.scale()) << 16) + rate / 2) /
          rate;
      line.shift += static_cast<__int128>(table.shift()) * 65536 / rate;
    }
    if (line.scale > maxScale ||
        line.shift > std::numeric_limits<int64_t>::max() ||
        line.shift < std::numeric_limits<int64_t>::min())
      return std::nullopt;
  }
  if (!curve)
    return std::nullopt;
  auto isLonger = [&](const Line &a, const Line &b) {
    return a.at(curve->x.front()) >= b.at(curve->x.front()) &&
           a.at(curve->x.back()) >= b.at(curve->x.back());
  };
  const Line &line = isLonger(compute, bytes) ? compute : bytes;
  if (&line == &bytes && !isLonger(bytes, compute))
    return std::nullopt;
  if (!line.scale ||
      !scaledFits(curve->x.back(), static_cast<uint64_t>(line.scale),
                  static_cast<int64_t>(line.shift)))
    return std::nullopt;
  Distribution cycles(curve, static_cast<uint64_t>(line.scale),
                      static_cast<int64_t>(line.shift));
  if (cycles.isIdentity() || cycles.meanQ16() >> 16 < 1024)
    return std::nullopt;
  return cycles;
}

FailureOr<ProfileTable::TaskWork>
ProfileTable::convertWork(Operation *task, DictionaryAttr work) {
  if (!target)
    return task->emitOpError()
           << "has a profile of 'work', which only a machine turns into "
              "cycles; add an octo.machine to the module (octo-compile does), "
              "or give 'cycles'";
  SmallVector<Part> parts;
  for (StringRef kind : owg::ProfileAttr::getWorkKinds()) {
    auto distribution = work.getAs<owg::DistributionAttr>(kind);
    if (!distribution)
      continue;
    Expected<Distribution> table = makeTable(distribution);
    if (!table)
      return task->emitOpError()
             << "has work '" << kind
             << "' that cannot be drawn in integers: " << table.error().message;
    parts.push_back({std::move(*table), kind});
  }
  // Where the tables of the parts have knots: what a draw costs bends there.
  SmallVector<uint64_t> draws;
  bool discrete = true;
  auto gatherDraws = [&] {
    draws.push_back(0);
    for (const Part &part : parts) {
      const Curve &curve = *part.table.curve();
      discrete &= curve.discrete;
      for (uint64_t u : curve.u) {
        draws.push_back(u);
        // Where one table jumps, the sum does.
        if (curve.discrete && u)
          draws.push_back(u - 1);
      }
    }
    llvm::sort(draws);
    draws.erase(llvm::unique(draws), draws.end());
  };

  TaskWork best;
  std::optional<Distribution> bestTable;
  uint64_t bestMean = std::numeric_limits<uint64_t>::max();
  for (unsigned peaClass = 0; peaClass < numPeaClasses; ++peaClass) {
    const PeaRatesDesc &rates = target->pea.rates[peaClass];
    if (rates == PeaRatesDesc())
      continue;
    std::optional<Distribution> table =
        scaleWork(parts, rates, target->scratchpad.bytesPerCycle);
    if (!table) {
      if (draws.empty())
        gatherDraws();
      std::vector<uint64_t> u;
      std::vector<int64_t> x;
      for (uint64_t draw : draws) {
        unsigned __int128 compute = 0, bytes = 0;
        for (const Part &part : parts) {
          auto amount = static_cast<unsigned __int128>(part.table.sample(draw));
          if (part.kind == "bytes") {
            uint64_t rate = target->scratchpad.bytesPerCycle;
            bytes += (amount + rate - 1) / rate;
            continue;
          }
          uint64_t rate = rateQ16(rates, part.kind);
          compute += ((amount << 16) + rate - 1) / rate;
        }
        unsigned __int128 cycles = std::max(compute, bytes);
        auto limit = static_cast<unsigned __int128>(Distribution::maxValue);
        auto value = static_cast<int64_t>(std::min(cycles, limit));
        // A discrete table is constant between its knots.
        if (discrete && !x.empty() && x.back() == value)
          continue;
        u.push_back(draw);
        x.push_back(value);
      }
      table.emplace(
          std::make_shared<const Curve>(std::move(u), std::move(x), discrete));
    }
    // Among equals the more general class.
    if (uint64_t mean = table->meanQ16(); mean <= bestMean) {
      bestMean = mean;
      best.peaClass = static_cast<spatial::PeaClass>(peaClass);
      bestTable = std::move(table);
    }
  }
  if (bestTable)
    best.cycles = toAttr(task->getContext(), *bestTable);
  return best;
}

FailureOr<spatial::ProfileAttr>
ProfileTable::convert(owg::BlockOpInterface block) {
  owg::ProfileAttr profile = block.getOpProfile();
  if (!profile)
    return spatial::ProfileAttr();
  // The changes are in ascending order, so each builds on what was there.
  owg::ProfileAttr at = profile.getAt(0);
  SmallVector<std::pair<int64_t, owg::ProfileAttr>> parts{{0, at}};
  if (ArrayAttr drift = profile.getDrift())
    for (auto change : drift.getAsRange<owg::DriftAttr>()) {
      at = at.mergedWith(change.getProfile());
      parts.push_back({change.getFrom(), at});
    }

  SmallVector<spatial::Epoch> epochs;
  Operation *op = block;
  for (auto [start, at] : parts) {
    spatial::Epoch epoch;
    epoch.from = static_cast<uint64_t>(start);
    owg::DistributionAttr draw;
    if (isa<owg::TaskOp>(op)) {
      draw = at.getCycles();
      if (DictionaryAttr work = at.getWork(); work && !draw) {
        // What a body does is known better from the body.
        bool hasCode = !block.hasProfiledBehaviour();
        if (!hasCode || target) {
          FailureOr<TaskWork> converted = convertWork(op, work);
          if (failed(converted))
            return failure();
          epoch.draw = converted->cycles;
        }
      }
    } else if (isa<owg::LoopOp>(op)) {
      draw = at.getTrips();
    } else if (isa<owg::FanoutOp>(op)) {
      draw = at.getCount();
    } else {
      epoch.frequencies =
          toFixedPoint(at.getFrequencies(), isa<owg::BranchOp>(op));
    }
    if (draw) {
      FailureOr<spatial::DistributionAttr> converted = convert(op, draw);
      if (failed(converted))
        return failure();
      epoch.draw = *converted;
    }
    // Epochs that change nothing here (sizes, say) are not kept.
    if (!epochs.empty() && epochs.back().draw == epoch.draw &&
        epochs.back().frequencies == epoch.frequencies)
      continue;
    epochs.push_back(epoch);
  }
  auto isEmpty = [](const spatial::Epoch &epoch) {
    return !epoch.draw && epoch.frequencies.empty();
  };
  if (llvm::all_of(epochs, isEmpty))
    return spatial::ProfileAttr();
  if (isEmpty(epochs.front()))
    return op->emitOpError()
           << "has a profile that begins at request " << epochs[1].from
           << "; give it for the requests before, outside of 'drift'";
  return spatial::ProfileAttr::get(op->getContext(),
                                   ArrayRef<spatial::Epoch>(epochs));
}
