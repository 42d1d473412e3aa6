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

using namespace mlir;
using namespace octo;

static spatial::DistributionAttr toAttr(MLIRContext *context,
                                        const Distribution &table) {
  return spatial::DistributionAttr::get(context, table.u(), table.x(),
                                        table.meanQ16(), table.discrete());
}

/// The kinds are numbered alike.
static Expected<Distribution> makeTable(owg::DistributionAttr distribution) {
  return Distribution::make(
      static_cast<DistributionForm>(distribution.getKind()),
      distribution.getParameters().asArrayRef());
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

FailureOr<ProfileTable::TaskWork>
ProfileTable::convertWork(Operation *task, DictionaryAttr work) {
  if (!target)
    return task->emitOpError()
           << "has a profile of 'work', which only a machine turns into "
              "cycles; add an octo.machine to the module (octo-compile does), "
              "or give 'cycles'";
  struct Part {
    Distribution table;
    StringRef kind;
  };
  SmallVector<Part> parts;
  SmallVector<uint64_t> draws{0};
  bool discrete = true;
  for (StringRef kind : owg::ProfileAttr::getWorkKinds()) {
    auto distribution = work.getAs<owg::DistributionAttr>(kind);
    if (!distribution)
      continue;
    Expected<Distribution> table = makeTable(distribution);
    if (!table)
      return task->emitOpError()
             << "has work '" << kind
             << "' that cannot be drawn in integers: " << table.error().message;
    discrete &= table->discrete();
    for (uint64_t u : table->u()) {
      draws.push_back(u);
      // Where one table jumps, the sum does.
      if (table->discrete() && u)
        draws.push_back(u - 1);
    }
    parts.push_back({std::move(*table), kind});
  }
  llvm::sort(draws);
  draws.erase(llvm::unique(draws), draws.end());

  TaskWork best;
  uint64_t bestMean = std::numeric_limits<uint64_t>::max();
  for (unsigned peaClass = 0; peaClass < numPeaClasses; ++peaClass) {
    const PeaRatesDesc &rates = target->pea.rates[peaClass];
    if (rates == PeaRatesDesc())
      continue;
    SmallVector<uint64_t> u;
    SmallVector<int64_t> x;
    for (uint64_t draw : draws) {
      unsigned __int128 compute = 0, bytes = 0;
      for (const Part &part : parts) {
        auto amount = static_cast<unsigned __int128>(part.table.sample(draw));
        if (part.kind == "bytes") {
          uint64_t rate = target->scratchpad.bytesPerCycle;
          bytes += (amount + rate - 1) / rate;
          continue;
        }
        uint64_t rate = part.kind == "mac"      ? rates.macQ16
                        : part.kind == "vector" ? rates.vectorQ16
                                                : rates.scalarQ16;
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
    flatbuffers::FlatBufferBuilder buffer;
    std::vector<uint32_t> offsets{0, static_cast<uint32_t>(u.size())};
    std::vector<uint64_t> us(u.begin(), u.end()), means{0};
    std::vector<int64_t> xs(x.begin(), x.end());
    std::vector<uint8_t> flags{discrete};
    buffer.Finish(fb::CreateDistributionTableDirect(buffer, &offsets, &us, &xs,
                                                    &means, &flags));
    Distribution table = Distribution::fromTable(
        *flatbuffers::GetRoot<fb::DistributionTable>(buffer.GetBufferPointer()),
        0);
    // Among equals the more general class.
    if (table.meanQ16() <= bestMean) {
      bestMean = table.meanQ16();
      best.cycles = toAttr(task->getContext(), table);
      best.peaClass = static_cast<spatial::PeaClass>(peaClass);
    }
  }
  return best;
}

FailureOr<spatial::ProfileAttr>
ProfileTable::convert(owg::BlockOpInterface block) {
  owg::ProfileAttr profile = block.getOpProfile();
  if (!profile)
    return spatial::ProfileAttr();
  SmallVector<int64_t> starts{0};
  if (ArrayAttr drift = profile.getDrift())
    for (auto change : drift.getAsRange<owg::DriftAttr>())
      if (change.getFrom() > 0)
        starts.push_back(change.getFrom());

  SmallVector<spatial::Epoch> epochs;
  Operation *op = block;
  for (int64_t start : starts) {
    owg::ProfileAttr at = profile.getAt(start);
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
