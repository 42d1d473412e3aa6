//===- ApplyProfile.cpp - Recorded profiles on workflows ------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Records are gathered by path; distributions keep at most 64 quantiles.
//
//===----------------------------------------------------------------------===//

#include "ApplyProfile.h"

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Support/CompileReport.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"

#include <algorithm>

using namespace mlir;
using namespace octo;

/// The observed values as an empirical distribution.
static owg::DistributionAttr makeDistribution(MLIRContext *context,
                                              std::vector<uint64_t> values) {
  std::sort(values.begin(), values.end());
  std::vector<double> points, weights;
  for (uint64_t value : values) {
    if (!points.empty() && points.back() == double(value))
      weights.back() += 1;
    else
      points.push_back(double(value)), weights.push_back(1);
  }
  constexpr size_t most = 64;
  if (points.size() > most) {
    // Means of slices of equal probability keep the mean as it was.
    points.clear();
    weights.clear();
    for (size_t i = 0; i < most; ++i) {
      size_t begin = values.size() * i / most;
      size_t end = values.size() * (i + 1) / most;
      if (begin == end)
        continue;
      double sum = 0;
      for (size_t j = begin; j < end; ++j)
        sum += double(values[j]);
      points.push_back(sum / double(end - begin));
      weights.push_back(double(end - begin));
    }
  }
  if (points.size() == 1)
    return owg::DistributionAttr::getConst(context, points.front());
  double total = 0;
  for (double weight : weights)
    total += weight;
  for (double &weight : weights)
    weight /= total;
  return owg::DistributionAttr::getEmpirical(context, points, weights);
}

LogicalResult octo::applyProfile(ModuleOp module, StringRef text,
                                 StringRef file) {
  MLIRContext *context = module.getContext();
  auto fail = [&](unsigned line, const Twine &message) {
    return emitError(FileLineColLoc::get(context, file, line, 1)) << message;
  };
  llvm::Expected<llvm::json::Value> json = llvm::json::parse(text);
  if (!json) {
    unsigned line = 1, column = 1;
    std::string message;
    llvm::handleAllErrors(
        json.takeError(),
        [&](const llvm::ErrorInfoBase &error) { message = error.message(); });
    // The parser says "[line:column, byte=N]: what".
    StringRef rest = message;
    if (rest.consume_front("[") && !rest.consumeInteger(10, line) &&
        rest.consume_front(":"))
      // Counted from 0 there.
      column = rest.consumeInteger(10, column) ? 1 : column + 1;
    return emitError(FileLineColLoc::get(context, file, line, column))
           << "the profile is not valid JSON: " << message
           << "; record it again with 'octo-run run --record-profile'";
  }
  const llvm::json::Object *root = json->getAsObject();
  if (!root || root->getString("kind").value_or("") != "octopus-profile")
    return fail(1, "not a profile: expected \"kind\": \"octopus-profile\", as "
                   "'octo-run run --record-profile' writes it");
  const llvm::json::Array *blocks = root->getArray("blocks");
  const llvm::json::Array *records = root->getArray("records");
  if (!blocks || !records)
    return fail(1, "the profile has no list \"blocks\" or \"records\"");

  std::vector<std::vector<uint64_t>> values(blocks->size());
  for (auto [i, record] : llvm::enumerate(*records)) {
    const llvm::json::Array *fields = record.getAsArray();
    std::optional<int64_t> block, value;
    if (fields && fields->size() == 4) {
      block = (*fields)[1].getAsInteger();
      if (std::optional<uint64_t> u = (*fields)[3].getAsUINT64())
        value = int64_t(std::min<uint64_t>(*u, INT64_MAX));
    }
    if (!block || !value || *block < 0 || size_t(*block) >= values.size())
      return fail(1, "record " + Twine(i) +
                         " of the profile is not [request, block, tag, value] "
                         "with a block of the list");
    values[size_t(*block)].push_back(uint64_t(*value));
  }
  llvm::StringMap<size_t> byPath;
  for (auto [i, block] : llvm::enumerate(*blocks)) {
    const llvm::json::Object *object = block.getAsObject();
    std::optional<StringRef> path =
        object ? object->getString("path") : std::nullopt;
    if (!path)
      return fail(1, "block " + Twine(i) + " of the profile has no path");
    byPath[*path] = i;
  }

  uint64_t applied = 0;
  WalkResult walk = module.walk([&](owg::BlockOpInterface block) {
    StringAttr path = block.getOpPath();
    auto found = path ? byPath.find(path.getValue()) : byPath.end();
    if (found == byPath.end() || values[found->second].empty())
      return WalkResult::advance();
    const std::vector<uint64_t> &seen = values[found->second];
    NamedAttrList entries;
    auto frequencies = [&](size_t count, auto counts) -> Attribute {
      std::vector<double> result(count, 0);
      for (uint64_t value : seen)
        counts(value, result);
      for (double &f : result)
        f /= double(seen.size());
      return DenseF64ArrayAttr::get(context, result);
    };
    Operation *op = block;
    if (isa<owg::TaskOp>(op)) {
      entries.set("cycles", makeDistribution(context, seen));
    } else if (auto branch = dyn_cast<owg::BranchOp>(op)) {
      size_t cases = branch.getNumCases() + 1;
      entries.set("frequencies",
                  frequencies(cases, [&](uint64_t v, std::vector<double> &r) {
                    ++r[std::min<uint64_t>(v, cases - 1)];
                  }));
    } else if (auto select = dyn_cast<owg::SelectOp>(op)) {
      size_t members = select.getNumMembers();
      entries.set("frequencies",
                  frequencies(members, [&](uint64_t v, std::vector<double> &r) {
                    for (size_t i = 0; i < members && i < 64; ++i)
                      r[i] += double(v >> i & 1);
                  }));
    } else if (isa<owg::LoopOp>(op)) {
      entries.set("trips", makeDistribution(context, seen));
    } else if (isa<owg::FanoutOp>(op)) {
      entries.set("count", makeDistribution(context, seen));
    }
    auto measured = owg::ProfileAttr::get(entries.getDictionary(context));
    if (owg::ProfileAttr own = block.getOpProfile()) {
      // Measured cycles replace a statement of work, and drift is over.
      NamedAttrList kept(own.getEntries());
      if (entries.get("cycles"))
        kept.erase("work");
      kept.erase("drift");
      measured = owg::ProfileAttr::get(kept.getDictionary(context))
                     .mergedWith(measured);
    }
    block.setOpProfile(measured);
    ++applied;
    return WalkResult::advance();
  });
  (void)walk;
  CompileReport::add("apply-profile", "blocks", applied);
  if (!applied && !byPath.empty())
    emitWarning(FileLineColLoc::get(context, file, 1, 1))
        << "no block of the workflow has a path that the profile knows; was it "
           "recorded with another workflow?";
  return success();
}
