//===- ApplyProfile.cpp - Recorded profiles on workflows ------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Records are gathered by path; distributions keep at most 64 quantiles. The
// numbers and tags that a record speaks of are those of the program it was
// recorded with; they are translated by walking both trees of frames at once.
//
//===----------------------------------------------------------------------===//

#include "ApplyProfile.h"

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/IR/ProgramLayout.h"
#include "octo/Program/Tag.h"
#include "octo/Support/CompileReport.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"

#include <algorithm>
#include <map>

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

namespace {
/// One line of the records.
struct Entry {
  uint64_t value = 0;
  /// Of a select of more than 64 members: the rest of its mask.
  std::vector<uint64_t> sizes;
  /// Absent where the value was drawn.
  std::optional<std::vector<uint64_t>> symbols;
};

/// A block of the profile.
struct SeenBlock {
  std::string workflow, path;
  bool isSelect = false;
  std::vector<std::string> symbols;
  std::vector<uint64_t> values;
  /// Select: how often each of its members was taken.
  std::vector<uint64_t> taken;

  /// One of the masks of a select, 64 members a word.
  void addMask(uint64_t first, ArrayRef<uint64_t> more) {
    size_t begin = 0;
    auto add = [&](uint64_t word) {
      for (; word; word &= word - 1) {
        size_t member = begin + size_t(llvm::countr_zero(word));
        if (member >= taken.size())
          taken.resize(member + 1);
        ++taken[member];
      }
      begin += 64;
    };
    add(first);
    llvm::for_each(more, add);
  }
};

/// What one request did: by block of the profile (below 0: arguments) and tag.
using Request = std::map<std::pair<int64_t, uint64_t>, Entry>;
} // namespace

struct RecordedProfile::Content {
  std::string file;
  std::vector<SeenBlock> blocks;
  /// First block of each workflow: numbers in tags count from there.
  std::map<std::string, size_t> firstOf;
  std::map<uint64_t, Request> requests;

  Location location(MLIRContext *context, unsigned line = 1,
                    unsigned column = 1) const {
    return FileLineColLoc::get(context, file, line, column);
  }
};

RecordedProfile::RecordedProfile(std::unique_ptr<Content> content)
    : content(std::move(content)) {}
RecordedProfile::~RecordedProfile() = default;

static bool readList(const llvm::json::Value &json,
                     std::vector<uint64_t> &list) {
  const llvm::json::Array *array = json.getAsArray();
  if (!array)
    return false;
  for (const llvm::json::Value &item : *array) {
    std::optional<uint64_t> value = item.getAsUINT64();
    if (!value)
      return false;
    list.push_back(*value);
  }
  return true;
}

std::unique_ptr<RecordedProfile>
RecordedProfile::parse(MLIRContext *context, StringRef text, StringRef file) {
  auto content = std::make_unique<Content>();
  content->file = file.str();
  auto fail = [&](const Twine &message, unsigned line = 1,
                  unsigned column = 1) {
    emitError(content->location(context, line, column)) << message;
    return nullptr;
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
    return fail("the profile is not valid JSON: " + message +
                    "; record it again with 'octo-run run --record-profile'",
                line, column);
  }
  const llvm::json::Object *root = json->getAsObject();
  if (!root || root->getString("kind").value_or("") != "octopus-profile")
    return fail("not a profile: expected \"kind\": \"octopus-profile\", as "
                "'octo-run run --record-profile' writes it");
  const llvm::json::Array *blocks = root->getArray("blocks");
  const llvm::json::Array *records = root->getArray("records");
  if (!blocks || !records)
    return fail("the profile has no list \"blocks\" or \"records\"");

  for (auto [i, block] : llvm::enumerate(*blocks)) {
    const llvm::json::Object *object = block.getAsObject();
    std::optional<StringRef> path =
        object ? object->getString("path") : std::nullopt;
    if (!path)
      return fail("block " + Twine(i) + " of the profile has no path");
    SeenBlock seen;
    seen.path = path->str();
    seen.workflow = object->getString("workflow").value_or("").str();
    seen.isSelect = object->getString("kind").value_or("") == "select";
    if (const llvm::json::Array *symbols = object->getArray("symbols"))
      for (const llvm::json::Value &symbol : *symbols)
        seen.symbols.push_back(symbol.getAsString().value_or("").str());
    content->firstOf.try_emplace(seen.workflow, i);
    content->blocks.push_back(std::move(seen));
  }

  for (auto [i, record] : llvm::enumerate(*records)) {
    const llvm::json::Array *fields = record.getAsArray();
    std::optional<uint64_t> request, value;
    std::optional<int64_t> block;
    uint64_t tag = 0;
    Entry entry;
    bool good = fields && fields->size() >= 4 && fields->size() <= 6;
    if (good) {
      request = (*fields)[0].getAsUINT64();
      block = (*fields)[1].getAsInteger();
      value = (*fields)[3].getAsUINT64();
      std::optional<StringRef> hash = (*fields)[2].getAsString();
      good = request && value && hash && !hash->getAsInteger(16, tag) &&
             block && *block < int64_t(content->blocks.size());
    }
    if (good && fields->size() > 4)
      good = readList((*fields)[4], entry.sizes);
    if (good && fields->size() > 5)
      good = readList((*fields)[5], entry.symbols.emplace());
    if (!good)
      return fail("record " + Twine(i) +
                  " of the profile is not [request, block, tag, value, sizes, "
                  "symbols] with a block of the list");
    entry.value = *value;
    if (*block >= 0) {
      SeenBlock &seen = content->blocks[*block];
      seen.values.push_back(*value);
      if (seen.isSelect)
        seen.addMask(*value, entry.sizes);
    }
    content->requests[*request].try_emplace({*block, tag}, std::move(entry));
  }
  return std::unique_ptr<RecordedProfile>(
      new RecordedProfile(std::move(content)));
}

//===----------------------------------------------------------------------===//
// Distributions, to plan with
//===----------------------------------------------------------------------===//

void RecordedProfile::apply(ModuleOp module) const {
  MLIRContext *context = module.getContext();
  llvm::StringMap<size_t> byPath;
  for (auto [i, block] : llvm::enumerate(content->blocks))
    byPath[block.path] = i;

  uint64_t applied = 0;
  module.walk([&](owg::BlockOpInterface block) {
    StringAttr path = block.getOpPath();
    auto found = path ? byPath.find(path.getValue()) : byPath.end();
    if (found == byPath.end() || content->blocks[found->second].values.empty())
      return;
    const std::vector<uint64_t> &seen = content->blocks[found->second].values;
    NamedAttrList entries;
    auto frequencies = [&](std::vector<double> counts) -> Attribute {
      for (double &count : counts)
        count /= double(seen.size());
      return DenseF64ArrayAttr::get(context, counts);
    };
    Operation *op = block;
    if (isa<owg::TaskOp>(op)) {
      entries.set("cycles", makeDistribution(context, seen));
    } else if (auto branch = dyn_cast<owg::BranchOp>(op)) {
      std::vector<double> cases(branch.getNumCases() + 1);
      for (uint64_t value : seen)
        ++cases[std::min<uint64_t>(value, cases.size() - 1)];
      entries.set("frequencies", frequencies(std::move(cases)));
    } else if (auto select = dyn_cast<owg::SelectOp>(op)) {
      const SeenBlock &recorded = content->blocks[found->second];
      if (!recorded.isSelect)
        return;
      std::vector<double> members(recorded.taken.begin(), recorded.taken.end());
      members.resize(select.getNumMembers());
      entries.set("frequencies", frequencies(std::move(members)));
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
  });
  CompileReport::add("apply-profile", "blocks", applied);
  if (!applied && !byPath.empty())
    emitWarning(content->location(context))
        << "no block of the workflow has a path that the profile knows; was it "
           "recorded with another workflow?";
}

//===----------------------------------------------------------------------===//
// Whole requests, to run with
//===----------------------------------------------------------------------===//

namespace {
using namespace octo::spatial;

/// Does the size of the value differ from request to request?
bool sizeVaries(Value value) {
  auto flow = cast<FlowType>(value.getType());
  auto tensor = dyn_cast<RankedTensorType>(flow.getPayload());
  return (tensor && !tensor.hasStaticShape()) || flow.getDistribution();
}

/// Translates requests into the records of one program.
class RecordWriter {
public:
  RecordWriter(const std::vector<SeenBlock> &seen, size_t first,
               const llvm::StringMap<size_t> &byPath,
               const ProgramLayout &layout, SymbolTable &symbols)
      : seen(seen), first(first), layout(layout) {
    for (const ProgramLayout::Block &block : layout.blocks) {
      auto found =
          byPath.find(BlockOpInterface(block.op).getPathAttr().getValue());
      seenAs.push_back(found == byPath.end() ? unseen : int64_t(found->second));
      tasks.push_back(taskOf(block.op, seenAs.back(), symbols));
    }
  }

  DenseI64ArrayAttr write(const Request &request, int64_t workflow,
                          ProgramOp program) {
    rows.clear();
    visit(request, 0, 0, 0);
    auto arguments = request.find({-1 - workflow, 0});
    uint64_t varying = 0;
    for (Value argument : program.getEntry().getArgs())
      varying += sizeVaries(argument);
    if (arguments != request.end() && varying &&
        arguments->second.sizes.size() == varying)
      rows[{ProgramLayout::none, 0}] = arguments->second.sizes;
    SmallVector<int64_t> flat;
    for (const auto &[key, values] : rows) {
      flat.append({key.first == ProgramLayout::none ? -1 : int64_t(key.first),
                   int64_t(key.second), int64_t(values.size())});
      flat.append(values.begin(), values.end());
    }
    return DenseI64ArrayAttr::get(program.getContext(), flat);
  }

private:
  /// How the entries of a task are written.
  struct Task {
    uint64_t varying = 0;
    bool hasCode = false;
    /// Position among the profile's symbols of each symbol of the kernel, or
    /// nothing if the profile does not have them all.
    std::optional<SmallVector<size_t>> from;
  };
  static constexpr int64_t unseen = INT64_MIN;

  Task taskOf(BlockOpInterface op, int64_t seenBlock, SymbolTable &symbols) {
    Task task;
    if (!op.isTask())
      return task;
    for (Value output : op.getBlockOutputs())
      task.varying += sizeVaries(output);
    auto kernel = symbols.lookup<KernelOp>(op.getKernelAttr().getValue());
    if (!kernel || kernel.getKind() != KernelKind::Image || seenBlock < 0)
      return task;
    task.hasCode = true;
    task.from.emplace();
    for (uint32_t symbol : kernel.getWorkSymbols()) {
      std::string name = symbol >> 31
                             ? "counter " + std::to_string(symbol & 0x7fffffff)
                             : "dim " + std::to_string(symbol & 255) +
                                   " of input " + std::to_string(symbol >> 8);
      const std::vector<std::string> &names = seen[seenBlock].symbols;
      auto found = llvm::find(names, name);
      if (found == names.end()) {
        task.from.reset();
        break;
      }
      task.from->push_back(found - names.begin());
    }
    return task;
  }

  /// A frame of `scope`, with its tag then and now.
  void visit(const Request &request, uint32_t scope, uint64_t oldTag,
             uint64_t tag) {
    const ProgramLayout::Scope &region = layout.scopes[scope];
    for (uint32_t b = region.blockBegin; b < region.blockEnd; ++b) {
      if (seenAs[b] == unseen)
        continue;
      auto found = request.find({seenAs[b], oldTag});
      if (found == request.end())
        continue;
      const Entry &entry = found->second;
      BlockOpInterface op = layout.blocks[b].op;
      if (op.isTask())
        writeTask(b, tag, entry);
      else
        visitControl(request, b, entry, oldTag, tag);
    }
  }

  void writeTask(uint32_t b, uint64_t tag, const Entry &entry) {
    const Task &task = tasks[b];
    if (entry.sizes.size() != task.varying)
      return;
    std::vector<uint64_t> row;
    if (task.hasCode && task.from && entry.symbols) {
      // Always the same, so there is nothing to remember.
      if (task.from->empty() && !task.varying)
        return;
      row.push_back(~uint64_t(0));
      llvm::append_range(row, entry.sizes);
      for (size_t i : *task.from) {
        if (i >= entry.symbols->size())
          return;
        row.push_back((*entry.symbols)[i]);
      }
    } else {
      row.push_back(entry.value);
      llvm::append_range(row, entry.sizes);
    }
    rows[{b, tag}] = std::move(row);
  }

  void visitControl(const Request &request, uint32_t b, const Entry &entry,
                    uint64_t oldTag, uint64_t tag) {
    const ProgramLayout::Block &block = layout.blocks[b];
    const uint64_t outcome = entry.value;
    std::vector<uint64_t> row = {outcome};
    uint32_t oldNumber = uint32_t(seenAs[b] - int64_t(first));
    auto child = [&](uint32_t scope, uint64_t index) {
      visit(request, block.scopeBegin + scope,
            childTag(oldTag, oldNumber, uint32_t(index)),
            childTag(tag, b, uint32_t(index)));
    };
    if (isa<SwitchOp>(block.op)) {
      if (outcome >= block.numScopes)
        return;
      child(uint32_t(outcome), outcome);
    } else if (isa<SelectOp>(block.op)) {
      llvm::append_range(row, entry.sizes);
      uint32_t words = llvm::divideCeil(block.numScopes, 64u);
      if (row.size() != words ||
          (block.numScopes % 64 && row.back() >> (block.numScopes % 64)))
        return;
      for (uint32_t i = 0; i < block.numScopes; ++i)
        if (row[i / 64] >> (i % 64) & 1)
          child(i, i);
    } else if (isa<LoopOp>(block.op)) {
      // `before` runs once more than `after`.
      for (uint64_t i = 0; i <= outcome; ++i) {
        child(0, i);
        if (i < outcome)
          child(1, i);
      }
    } else {
      if (outcome > uint64_t(1) << 24)
        return;
      for (uint64_t i = 0; i < outcome; ++i)
        child(0, i);
    }
    rows[{b, tag}] = std::move(row);
  }

  const std::vector<SeenBlock> &seen;
  size_t first;
  const ProgramLayout &layout;
  std::vector<int64_t> seenAs;
  std::vector<Task> tasks;
  std::map<std::pair<uint32_t, uint64_t>, std::vector<uint64_t>> rows;
};
} // namespace

LogicalResult RecordedProfile::attachRecords(ModuleOp module) const {
  llvm::StringMap<size_t> byPath;
  std::vector<std::string> workflows;
  for (auto [i, block] : llvm::enumerate(content->blocks)) {
    byPath[block.path] = i;
    if (!llvm::is_contained(workflows, block.workflow))
      workflows.push_back(block.workflow);
  }
  SymbolTable symbols(module);
  uint64_t attached = 0;
  for (auto program : module.getOps<ProgramOp>()) {
    auto first = content->firstOf.find(program.getSymName().str());
    if (first == content->firstOf.end())
      continue;
    FailureOr<ProgramLayout> layout = computeLayout(program);
    if (failed(layout))
      return failure();
    int64_t number = llvm::find(workflows, first->first) - workflows.begin();
    // The requests of this workflow.
    size_t end = first->second;
    while (end < content->blocks.size() &&
           content->blocks[end].workflow == first->first)
      ++end;
    std::vector<const Request *> mine;
    for (const auto &[id, request] : content->requests) {
      auto block = request.lower_bound({0, 0});
      if (block != request.end() &&
          block->first.first >= int64_t(first->second) &&
          block->first.first < int64_t(end))
        mine.push_back(&request);
    }
    RecordWriter writer(content->blocks, first->second, byPath, *layout,
                        symbols);
    size_t count = std::min(mine.size(), mostRecords);
    SmallVector<Attribute> records;
    for (size_t i = 0; i < count; ++i)
      records.push_back(
          writer.write(*mine[i * mine.size() / count], number, program));
    if (!records.empty())
      program.setRecordsAttr(ArrayAttr::get(program.getContext(), records));
    attached += records.size();
  }
  CompileReport::add("apply-profile", "records", attached);
  return success();
}
