//===- ImportStg.cpp - Standard Task Graphs as workflows ------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Translation/ImportStg.h"

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace octo;
using namespace octo::owg;

static llvm::cl::opt<uint64_t>
    stgCycles("stg-cycles", llvm::cl::init(1000),
              llvm::cl::desc("Cycles of a unit of time of --import-stg"));

/// Longer times could not be added up.
static constexpr uint64_t mostCycles = uint64_t(1) << 48;

namespace {

struct StgTask {
  uint64_t id = 0, time = 0;
  unsigned line = 0;
  SmallVector<uint64_t, 4> needs; // by id
  SmallVector<unsigned, 4> preds; // by index
  bool isNeeded = false;
};

class StgReader {
public:
  StgReader(StringRef text, StringRef file, uint64_t cyclesPerUnit,
            MLIRContext *context)
      : rest(text), file(file), cyclesPerUnit(cyclesPerUnit), context(context) {
  }

  /// Tasks in topological order.
  FailureOr<std::vector<StgTask>> read();

  Location at(unsigned line, unsigned column = 1) const {
    return FileLineColLoc::get(context, file, line, column);
  }

private:
  FailureOr<uint64_t> number(StringRef what);
  LogicalResult order(std::vector<StgTask> &tasks);
  /// Goes to the next word; false at the end of the file.
  bool skipSpace();

  StringRef rest;
  StringRef file;
  uint64_t cyclesPerUnit;
  MLIRContext *context;
  unsigned line = 1, column = 1;
};

bool StgReader::skipSpace() {
  while (!rest.empty()) {
    if (rest.front() == '#') {
      rest = rest.drop_until([](char c) { return c == '\n'; });
      continue;
    }
    if (!llvm::isSpace(rest.front()))
      return true;
    ++column;
    if (rest.front() == '\n')
      ++line, column = 1;
    rest = rest.drop_front();
  }
  return false;
}

FailureOr<uint64_t> StgReader::number(StringRef what) {
  if (!skipSpace()) {
    emitError(at(line, column))
        << "the file ends where " << what << " is expected";
    return failure();
  }
  StringRef word = rest.take_until([](char c) { return llvm::isSpace(c); });
  uint64_t value = 0;
  if (word.getAsInteger(10, value)) {
    emitError(at(line, column))
        << "expected " << what << ", an integer of at least 0, not '"
        << word.take_front(40) << "'";
    return failure();
  }
  rest = rest.drop_front(word.size());
  column += unsigned(word.size());
  return value;
}

FailureOr<std::vector<StgTask>> StgReader::read() {
  FailureOr<uint64_t> count = number("the number of tasks");
  if (failed(count))
    return failure();
  std::vector<StgTask> tasks;
  DenseMap<uint64_t, unsigned> indexOf;
  while (skipSpace()) {
    StgTask task;
    task.line = line;
    FailureOr<uint64_t> id = number("the number of a task");
    FailureOr<uint64_t> time = failure(), preds = failure();
    if (succeeded(id))
      time = number("the time of the task");
    if (succeeded(time) && *time > mostCycles / cyclesPerUnit)
      return emitError(at(line))
                 << "task " << *id << " takes " << *time << " units of "
                 << cyclesPerUnit << " cycles, more than 2^48 cycles",
             failure();
    if (succeeded(time))
      preds = number("how many predecessors the task has");
    if (failed(preds))
      return failure();
    for (uint64_t i = 0; i < *preds; ++i) {
      FailureOr<uint64_t> need = number("the number of a predecessor");
      if (failed(need))
        return failure();
      task.needs.push_back(*need);
    }
    task.id = *id, task.time = *time;
    // Both are reserved by the map.
    if (*id >= ~uint64_t(0) - 1 ||
        !indexOf.try_emplace(*id, unsigned(tasks.size())).second) {
      InFlightDiagnostic diagnostic = emitError(at(task.line))
                                      << "task " << *id << " is there twice";
      if (auto it = indexOf.find(*id); it != indexOf.end())
        diagnostic.attachNote(at(tasks[it->second].line))
            << "the first one is here";
      return failure();
    }
    tasks.push_back(std::move(task));
  }
  // With or without the entry and exit that the set adds.
  if (tasks.size() != *count && tasks.size() != *count + 2)
    return emitError(at(1))
               << "the file says " << *count << " tasks, but lists "
               << tasks.size() << " (an entry and an exit may be added)",
           failure();
  for (StgTask &task : tasks)
    for (uint64_t need : task.needs) {
      auto it = need >= ~uint64_t(0) - 1 ? indexOf.end() : indexOf.find(need);
      if (it == indexOf.end())
        return emitError(at(task.line)) << "task " << task.id << " needs task "
                                        << need << ", which is not there",
               failure();
      task.preds.push_back(it->second);
    }
  if (failed(order(tasks)))
    return failure();
  return std::move(tasks);
}

/// Puts predecessors first, otherwise as in the file.
LogicalResult StgReader::order(std::vector<StgTask> &tasks) {
  const unsigned size = unsigned(tasks.size());
  std::vector<SmallVector<unsigned, 4>> next(size);
  std::vector<unsigned> open(size), sorted;
  for (unsigned i = 0; i < size; ++i) {
    open[i] = unsigned(tasks[i].preds.size());
    for (unsigned p : tasks[i].preds)
      next[p].push_back(i);
    if (!open[i])
      sorted.push_back(i);
  }
  for (size_t i = 0; i < sorted.size(); ++i)
    for (unsigned n : next[sorted[i]])
      if (--open[n] == 0)
        sorted.push_back(n);
  if (sorted.size() != size) {
    for (unsigned i = 0; i < size; ++i)
      if (open[i])
        return emitError(at(tasks[i].line))
               << "task " << tasks[i].id
               << " needs itself, directly or through others";
  }
  std::vector<unsigned> position(size);
  std::vector<StgTask> result;
  for (unsigned i = 0; i < size; ++i) {
    position[sorted[i]] = i;
    result.push_back(std::move(tasks[sorted[i]]));
  }
  for (StgTask &task : result)
    for (unsigned &p : task.preds) {
      p = position[p];
      result[p].isNeeded = true;
    }
  tasks = std::move(result);
  return success();
}

} // namespace

OwningOpRef<ModuleOp> octo::importStg(StringRef text, StringRef file,
                                      uint64_t cyclesPerUnit,
                                      MLIRContext *context) {
  context->getOrLoadDialect<OWGDialect>();
  StgReader reader(text, file, cyclesPerUnit, context);
  if (cyclesPerUnit == 0) {
    emitError(reader.at(1)) << "--stg-cycles is at least 1";
    return {};
  }
  FailureOr<std::vector<StgTask>> tasks = reader.read();
  if (failed(tasks))
    return {};

  OwningOpRef<ModuleOp> module =
      ModuleOp::create(FileLineColLoc::get(context, file, 0, 0));
  OpBuilder builder(context);
  builder.setInsertionPointToEnd(module->getBody());
  // What no other task needs is what the workflow gives.
  auto isDummy = [](const StgTask &task) {
    return task.time == 0 && (task.preds.empty() || !task.isNeeded);
  };
  std::vector<bool> isResult(tasks->size(), false);
  for (size_t i = 0; i < tasks->size(); ++i) {
    const StgTask &task = (*tasks)[i];
    if (isDummy(task) && !task.isNeeded)
      for (unsigned p : task.preds)
        isResult[p] = true;
    else if (!task.isNeeded)
      isResult[i] = true;
  }
  unsigned numResults = 0;
  for (size_t i = 0; i < tasks->size(); ++i) {
    isResult[i] = isResult[i] && !isDummy((*tasks)[i]);
    numResults += isResult[i];
  }
  if (numResults == 0) {
    emitError(reader.at(1)) << "no task of the graph takes any time";
    return {};
  }
  Type token = TokenType::get(context);
  std::string name = llvm::sys::path::stem(file).str();
  for (char &c : name)
    if (!llvm::isAlnum(c))
      c = '_';
  if (name.empty() || llvm::isDigit(name.front()))
    name.insert(0, "stg_");
  auto workflow = WorkflowOp::create(
      builder, reader.at(1), name,
      builder.getFunctionType({token}, SmallVector<Type>(numResults, token)));
  StringRef nameAttr = OWGDialect::getNameAttrName();
  workflow.setArgAttr(0, nameAttr, builder.getStringAttr("start"));
  builder.setInsertionPointToEnd(&workflow.getBodyBlock());

  const Value start = workflow.getBodyBlock().getArgument(0);
  std::vector<Value> done(tasks->size());
  SmallVector<Value> results, inputs;
  SmallVector<DictionaryAttr> names;
  for (size_t i = 0; i < tasks->size(); ++i) {
    const StgTask &task = (*tasks)[i];
    if (isDummy(task)) {
      done[i] = start; // an exit is nobody's input
      continue;
    }
    inputs.clear();
    for (unsigned p : task.preds)
      if (!llvm::is_contained(inputs, done[p]))
        inputs.push_back(done[p]);
    // The start says nothing beside a task that waits for it.
    if (inputs.size() > 1)
      llvm::erase(inputs, start);
    if (inputs.empty())
      inputs.push_back(start);
    std::string label = "t" + std::to_string(task.id);
    auto profile = ProfileAttr::get(builder.getDictionaryAttr({
        builder.getNamedAttr("cycles",
                             DistributionAttr::getConst(
                                 context, double(std::max<uint64_t>(
                                              1, task.time * cyclesPerUnit)))),
        builder.getNamedAttr("max_gang", builder.getI64IntegerAttr(1)),
    }));
    auto op = TaskOp::create(builder, reader.at(task.line), label,
                             TypeRange(token), inputs, profile);
    done[i] = op.getResult(0);
    if (isResult[i]) {
      names.push_back(builder.getDictionaryAttr(
          builder.getNamedAttr(nameAttr, builder.getStringAttr(label))));
      results.push_back(done[i]);
    }
  }
  workflow.setAllResultAttrs(names);
  ReturnOp::create(builder, reader.at(1), results);
  if (failed(verify(*module)))
    return {};
  return module;
}

void octo::registerImportStg() {
  static TranslateToMLIRRegistration registration(
      "import-stg",
      "Build owg from a Standard Task Graph (--stg-cycles: cycles of a unit)",
      [](llvm::SourceMgr &sourceMgr,
         MLIRContext *context) -> OwningOpRef<Operation *> {
        const llvm::MemoryBuffer *buffer =
            sourceMgr.getMemoryBuffer(sourceMgr.getMainFileID());
        OwningOpRef<ModuleOp> module =
            importStg(buffer->getBuffer(), buffer->getBufferIdentifier(),
                      stgCycles, context);
        return OwningOpRef<Operation *>(module.release());
      },
      [](DialectRegistry &registry) { registry.insert<OWGDialect>(); });
}
