//===- ImportYaml.cpp - YAML workflows to the owg dialect -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Three passes over each workflow, callees first, each linear:
//   Resolver  what every name refers to, and an order of each region's steps;
//   Sizer     how many values every step gives, and which of them must agree in
//             size (a union-find over values: the cases of a branch, what a
//             loop carries);
//   Builder   the operations. Values that meet with different sizes are
//             !owg.data<?> at the tasks that produce them.
//
//===----------------------------------------------------------------------===//

#include "octo/Translation/ImportYaml.h"

#include "YamlWorkflow.h"

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace octo;
using namespace octo::owg;
using namespace octo::yamlflow;

namespace {

//===----------------------------------------------------------------------===//
// What names refer to
//===----------------------------------------------------------------------===//

/// A step with what the passes find out about it.
struct StepInfo;

/// What a name refers to: an argument of a region (an input of the workflow, a
/// value that a loop carries) or a step, and of that one output or all.
struct Target {
  struct RegionInfo *region = nullptr;
  unsigned argument = 0;
  StepInfo *step = nullptr;
  std::optional<unsigned> output;
};

/// A value of the workflow, numbered.
using ValueId = unsigned;

struct RegionInfo {
  const Section *region = nullptr;
  StepInfo *owner = nullptr;
  std::vector<StepInfo> steps;
  /// Positions of `steps` such that each comes after those it needs; in the
  /// order of the file where that allows it.
  std::vector<unsigned> order;
  /// Parallel to region->results.
  std::vector<Target> results;
  /// Inputs of the workflow, carried values.
  SmallVector<ValueId> arguments;
  /// What the region yields.
  SmallVector<ValueId> yields;
};

struct StepInfo {
  const Step *step = nullptr;
  RegionInfo *parent = nullptr;
  unsigned position = 0;
  /// Positions in the parent of the steps that must come before.
  SmallVector<unsigned, 4> after;
  bool isNeeded = false;
  std::vector<Target> needs, inits;
  std::vector<RegionInfo> regions;
  /// Call.
  struct WorkflowInfo *callee = nullptr;
  SmallVector<ValueId, 2> outputs;
  SmallVector<ValueId, 4> inputs;
};

struct WorkflowInfo {
  const Workflow *workflow = nullptr;
  RegionInfo body;
  SmallVector<StepInfo *> calls;
  /// Names of the results to the outside.
  SmallVector<std::string> resultNames;
  bool isCalled = false;
  WorkflowOp op;
};

/// Names a step in messages.
std::string title(const Step &step) {
  return (Twine(llvm::StringRef(getKeyword(step.kind))) + " `" +
          step.name.text + "`")
      .str();
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

class Reporter {
public:
  Reporter(StringRef file, MLIRContext *context)
      : file(StringAttr::get(context, file)) {}

  Location at(Place place) const {
    return FileLineColLoc::get(file, place.line, place.column);
  }
  InFlightDiagnostic error(Place place) const { return emitError(at(place)); }

private:
  StringAttr file;
};

//===----------------------------------------------------------------------===//
// Resolver
//===----------------------------------------------------------------------===//

class Resolver {
public:
  Resolver(WorkflowInfo &workflow, Reporter &reporter)
      : workflow(workflow), reporter(reporter) {}

  LogicalResult run();

private:
  LogicalResult addSteps(RegionInfo &region, const Section &from);
  LogicalResult enter(RegionInfo &region);
  LogicalResult resolveStep(StepInfo &step);
  LogicalResult resolve(const Name &name, std::vector<Target> &targets);
  LogicalResult reportUnknown(const Name &name);
  LogicalResult sort(RegionInfo &region);
  LogicalResult reportCycle(RegionInfo &region, ArrayRef<unsigned> path,
                            unsigned first);

  WorkflowInfo &workflow;
  Reporter &reporter;
  /// All steps of the workflow by name.
  llvm::StringMap<StepInfo *> steps;
  /// What each name means here, the innermost last.
  llvm::StringMap<SmallVector<Target, 1>> scope;
  /// The steps around the place that is being resolved, outermost first.
  SmallVector<StepInfo *> around;
};

LogicalResult Resolver::addSteps(RegionInfo &region, const Section &from) {
  region.region = &from;
  region.steps.resize(from.steps.size());
  for (auto [position, step] : llvm::enumerate(from.steps)) {
    StepInfo &info = region.steps[position];
    info.step = &step;
    info.parent = &region;
    info.position = position;
    auto [it, inserted] = steps.try_emplace(step.name.text, &info);
    if (!inserted) {
      InFlightDiagnostic diag = reporter.error(step.name.place)
                                << "name `" << step.name.text
                                << "` is used twice in workflow `"
                                << workflow.workflow->name.text
                                << "`; every step needs a name of its own";
      diag.attachNote(reporter.at(it->second->step->name.place))
          << "used here first";
      return diag;
    }
    info.regions.resize(step.regions.size());
    for (auto [child, childFrom] :
         llvm::zip_equal(info.regions, step.regions)) {
      child.owner = &info;
      if (failed(addSteps(child, childFrom)))
        return failure();
    }
  }
  return success();
}

/// Describes where the steps of `region` are seen.
static std::string describe(const RegionInfo &region) {
  return region.region->title;
}

LogicalResult Resolver::reportUnknown(const Name &name) {
  // The step may exist where this place does not see it, as a whole or as the
  // part of the name before the last dot.
  StringRef text = name.text;
  for (StringRef candidate : {text, text.rsplit('.').first}) {
    auto it = steps.find(candidate);
    if (it == steps.end() || !scope.lookup(candidate).empty())
      continue;
    StepInfo *owner = it->second->parent->owner;
    InFlightDiagnostic diag = reporter.error(name.place)
                              << "`" << text << "` is a step of "
                              << describe(*it->second->parent)
                              << " and is seen only there";
    if (owner)
      diag << "; make it a `result` of that and name `"
           << owner->step->name.text << "` here";
    diag.attachNote(reporter.at(it->second->step->name.place))
        << "the step is here";
    return diag;
  }
  std::vector<std::string_view> names;
  for (auto &entry : scope)
    if (!entry.second.empty())
      names.push_back(entry.first());
  // The order of a hash table must not reach a message.
  llvm::sort(names);
  std::string hint = suggest(text, names);
  return reporter.error(name.place)
         << "there is no step or input `" << text << "`"
         << (hint.empty() ? "; add it, or take the name out" : hint);
}

LogicalResult Resolver::resolve(const Name &name,
                                std::vector<Target> &targets) {
  StringRef text = name.text;
  auto it = scope.find(text);
  Target target;
  if (it != scope.end() && !it->second.empty()) {
    target = it->second.back();
  } else {
    auto [base, part] = text.rsplit('.');
    auto baseIt = scope.find(base);
    if (part.empty() || baseIt == scope.end() || baseIt->second.empty() ||
        !baseIt->second.back().step)
      return reportUnknown(name);
    target = baseIt->second.back();
    const Step &step = *target.step->step;
    unsigned index = 0;
    if (step.kind == StepKind::Task) {
      std::vector<std::string_view> names;
      for (const Output &output : step.outputs)
        if (!output.name.empty())
          names.push_back(output.name);
      auto found = llvm::find(names, std::string_view(part));
      if (found == names.end()) {
        InFlightDiagnostic diag = reporter.error(name.place);
        diag << title(step) << " has no output `" << part << "`";
        std::string hint = suggest(part, names);
        if (names.empty())
          diag << "; its one output is named `" << base << "`";
        else if (!hint.empty())
          diag << hint;
        else {
          diag << "; it has ";
          llvm::interleaveComma(names, diag,
                                [&](auto name) { diag << "`" << name << "`"; });
        }
        return diag;
      }
      index = found - names.begin();
    } else if (part.getAsInteger(10, index)) {
      return reporter.error(name.place)
             << "results of " << title(step) << " are named by number, `"
             << base << ".0` and so on, found `" << part << "`";
    }
    target.output = index;
  }
  targets.push_back(target);

  // The step around this place that stands in the region of the target comes
  // after the target.
  if (!target.step)
    return success();
  for (StepInfo *step : llvm::reverse(around))
    if (step->parent == target.step->parent) {
      step->after.push_back(target.step->position);
      target.step->isNeeded = true;
      break;
    }
  return success();
}

LogicalResult Resolver::resolveStep(StepInfo &info) {
  const Step &step = *info.step;
  around.push_back(&info);
  for (const Name &name : step.needs)
    if (failed(resolve(name, info.needs)))
      return failure();
  for (const auto &[inside, initial] : step.carry)
    if (failed(resolve(initial, info.needs)))
      return failure();
  for (const Name &name : step.inits)
    if (failed(resolve(name, info.inits)))
      return failure();
  if (step.kind == StepKind::Call)
    workflow.calls.push_back(&info);
  for (RegionInfo &region : info.regions)
    if (failed(enter(region)))
      return failure();
  around.pop_back();
  return success();
}

LogicalResult Resolver::enter(RegionInfo &region) {
  SmallVector<std::pair<StringRef, Place>> arguments;
  if (!region.owner)
    for (const Input &input : workflow.workflow->inputs)
      arguments.emplace_back(input.name.text, input.name.place);
  else
    for (const auto &[inside, initial] : region.owner->step->carry)
      arguments.emplace_back(inside.text, inside.place);
  llvm::StringMap<Place> argumentPlaces;
  for (auto [index, argument] : llvm::enumerate(arguments)) {
    Target target;
    target.region = &region;
    target.argument = index;
    scope[argument.first].push_back(target);
    argumentPlaces[argument.first] = argument.second;
  }
  for (StepInfo &step : region.steps) {
    if (auto it = argumentPlaces.find(step.step->name.text);
        it != argumentPlaces.end()) {
      InFlightDiagnostic diag =
          reporter.error(step.step->name.place)
          << "name `" << step.step->name.text << "` is that of "
          << (region.owner ? "a value that the loop carries"
                           : "an input of the workflow")
          << "; call the step something else";
      diag.attachNote(reporter.at(it->second)) << "named here";
      return diag;
    }
    Target target;
    target.step = &step;
    scope[step.step->name.text].push_back(target);
  }

  for (StepInfo &step : region.steps)
    if (failed(resolveStep(step)))
      return failure();
  if (region.region->results)
    for (const Name &name : *region.region->results)
      if (failed(resolve(name, region.results)))
        return failure();

  for (StepInfo &step : region.steps)
    scope[step.step->name.text].pop_back();
  for (auto &[name, place] : arguments)
    scope[name].pop_back();
  return sort(region);
}

LogicalResult Resolver::reportCycle(RegionInfo &region, ArrayRef<unsigned> path,
                                    unsigned first) {
  ArrayRef<unsigned> cycle =
      path.drop_front(llvm::find(path, first) - path.begin());
  const Step &start = *region.steps[first].step;
  InFlightDiagnostic diag = reporter.error(start.name.place);
  diag << "the steps need each other in a circle: `" << start.name.text << "`";
  constexpr unsigned maxShown = 8;
  for (unsigned position : cycle.drop_front().take_front(maxShown))
    diag << " needs `" << region.steps[position].step->name.text << "`";
  if (cycle.size() > maxShown + 1)
    diag << " needs (" << cycle.size() - maxShown - 1 << " more)";
  diag << " needs `" << start.name.text
       << "`; take one of the needs out, or use a `loop` for what repeats";
  return diag;
}

/// Depth-first search along the needs, from each step in the order of the file.
LogicalResult Resolver::sort(RegionInfo &region) {
  enum State : char { Unseen, Open, Done };
  std::vector<State> states(region.steps.size(), Unseen);
  region.order.reserve(region.steps.size());
  SmallVector<unsigned> path;
  std::vector<unsigned> next(region.steps.size(), 0);
  for (unsigned root = 0; root < region.steps.size(); ++root) {
    if (states[root] != Unseen)
      continue;
    path.push_back(root);
    states[root] = Open;
    while (!path.empty()) {
      unsigned current = path.back();
      StepInfo &step = region.steps[current];
      if (next[current] == step.after.size()) {
        states[current] = Done;
        region.order.push_back(current);
        path.pop_back();
        continue;
      }
      unsigned before = step.after[next[current]++];
      if (states[before] == Open)
        return reportCycle(region, path, before);
      if (states[before] == Unseen) {
        states[before] = Open;
        path.push_back(before);
      }
    }
  }
  return success();
}

LogicalResult Resolver::run() {
  return failure(failed(addSteps(workflow.body, workflow.workflow->body)) ||
                 failed(enter(workflow.body)));
}

//===----------------------------------------------------------------------===//
// Sizer
//===----------------------------------------------------------------------===//

/// Classes of values whose types must be equal.
class Values {
public:
  enum class Form { Unknown, Token, Data };
  /// Size of data that takes the size of what it meets.
  static constexpr int64_t kAnySize = -2;
  struct Class {
    ValueId parent;
    Form form = Form::Unknown;
    /// Or kAnySize, or DataType::kDynamic.
    int64_t bytes = 0;
    /// An input with a given size, which nothing can vary.
    const Input *fixed = nullptr;
  };

  ValueId add(Form form = Form::Unknown, int64_t bytes = 0,
              const Input *fixed = nullptr) {
    classes.push_back({ValueId(classes.size()), form, bytes, fixed});
    return classes.size() - 1;
  }
  Class &get(ValueId value) {
    while (classes[value].parent != value) {
      classes[value].parent = classes[classes[value].parent].parent;
      value = classes[value].parent;
    }
    return classes[value];
  }

  enum class Outcome { Good, TokenAndData, FixedSize };
  /// Says that `a` and `b` have one type.
  Outcome unite(ValueId a, ValueId b) {
    Class &x = get(a), &y = get(b);
    if (&x == &y)
      return Outcome::Good;
    // The older value stays, so that paths are short in the usual case.
    Class &keep = x.parent < y.parent ? x : y;
    Class &drop = x.parent < y.parent ? y : x;
    if (keep.form == Form::Unknown) {
      keep.form = drop.form;
      keep.bytes = drop.bytes;
    } else if (drop.form != Form::Unknown) {
      if (keep.form != drop.form)
        return Outcome::TokenAndData;
      if (keep.bytes == kAnySize)
        keep.bytes = drop.bytes;
      else if (drop.bytes != kAnySize && keep.bytes != drop.bytes)
        keep.bytes = DataType::kDynamic;
    }
    if (!keep.fixed)
      keep.fixed = drop.fixed;
    drop.parent = keep.parent;
    if (keep.fixed && keep.bytes != *keep.fixed->bytes)
      return Outcome::FixedSize;
    return Outcome::Good;
  }
  size_t size() const { return classes.size(); }

private:
  std::vector<Class> classes;
};

class Sizer {
public:
  Sizer(WorkflowInfo &workflow, Values &values, Reporter &reporter)
      : workflow(workflow), values(values), reporter(reporter) {}

  LogicalResult run();

private:
  LogicalResult sizeRegion(RegionInfo &region);
  LogicalResult sizeStep(StepInfo &step);
  LogicalResult sizeBranch(StepInfo &step);
  LogicalResult sizeCombined(StepInfo &step);
  LogicalResult sizeLoop(StepInfo &step);
  LogicalResult sizeCall(StepInfo &step);
  LogicalResult nameResults();

  /// Appends the values that `target`, written as `name`, stands for.
  LogicalResult expand(const Target &target, const Name &name,
                       SmallVectorImpl<ValueId> &result);
  LogicalResult expandOne(const Target &target, const Name &name,
                          SmallVectorImpl<ValueId> &result);
  LogicalResult expectCount(const RegionInfo &region, size_t count,
                            const Twine &why);
  /// `what` completes "sizes differ in".
  LogicalResult unite(ValueId a, ValueId b, Place place, const Twine &what);

  WorkflowInfo &workflow;
  Values &values;
  Reporter &reporter;
};

LogicalResult Sizer::expand(const Target &target, const Name &name,
                            SmallVectorImpl<ValueId> &result) {
  if (!target.step) {
    result.push_back(target.region->arguments[target.argument]);
    return success();
  }
  ArrayRef<ValueId> outputs = target.step->outputs;
  if (!target.output) {
    if (outputs.empty())
      return reporter.error(name.place)
             << title(*target.step->step)
             << " gives nothing that a step could wait for; add a `result` to "
                "its regions";
    llvm::append_range(result, outputs);
    return success();
  }
  if (*target.output >= outputs.size())
    return reporter.error(name.place)
           << title(*target.step->step) << " has " << outputs.size()
           << " results, numbered from 0; there is no `" << name.text << "`";
  result.push_back(outputs[*target.output]);
  return success();
}

LogicalResult Sizer::expandOne(const Target &target, const Name &name,
                               SmallVectorImpl<ValueId> &result) {
  size_t before = result.size();
  if (failed(expand(target, name, result)))
    return failure();
  if (result.size() == before + 1)
    return success();
  const Step &step = *target.step->step;
  return reporter.error(name.place)
         << "one value is needed here, but `" << name.text << "` has "
         << result.size() - before << "; name one of them, as in `" << name.text
         << "."
         << (step.kind == StepKind::Task ? step.outputs[0].name
                                         : std::string("0"))
         << "`";
}

LogicalResult Sizer::unite(ValueId a, ValueId b, Place place,
                           const Twine &what) {
  switch (values.unite(a, b)) {
  case Values::Outcome::Good:
    return success();
  case Values::Outcome::TokenAndData:
    return reporter.error(place)
           << "a token and data meet in " << what
           << "; give `out_bytes` to the tasks that have none";
  case Values::Outcome::FixedSize:
    break;
  }
  const Input &input = *values.get(a).fixed;
  InFlightDiagnostic diag =
      reporter.error(place)
      << "input `" << input.name.text << "` has always " << *input.bytes
      << " bytes, but meets another size in " << what
      << "; give both the same size, declare the input of a called workflow as "
         "`any`, or let a task with `out_bytes` stand between";
  diag.attachNote(reporter.at(input.name.place)) << "the input";
  return diag;
}

LogicalResult Sizer::expectCount(const RegionInfo &region, size_t count,
                                 const Twine &why) {
  if (region.yields.size() == count)
    return success();
  return reporter.error(region.region->place)
         << region.region->title << " gives " << region.yields.size()
         << " values, but " << why << "; name them in `result`";
}

LogicalResult Sizer::sizeRegion(RegionInfo &region) {
  for (unsigned position : region.order)
    if (failed(sizeStep(region.steps[position])))
      return failure();
  if (region.region->results) {
    for (auto [target, name] :
         llvm::zip_equal(region.results, *region.region->results))
      if (failed(expand(target, name, region.yields)))
        return failure();
    return success();
  }
  for (StepInfo &step : region.steps)
    if (!step.isNeeded)
      llvm::append_range(region.yields, step.outputs);
  return success();
}

LogicalResult Sizer::sizeBranch(StepInfo &info) {
  const RegionInfo &first = info.regions.front();
  for (const RegionInfo &region : info.regions)
    if (failed(expectCount(region, first.yields.size(),
                           Twine(first.region->title) + " gives " +
                               Twine(first.yields.size()))))
      return failure();
  for (size_t i = 0; i < first.yields.size(); ++i) {
    ValueId output = info.outputs.emplace_back(values.add());
    for (const RegionInfo &region : info.regions)
      if (failed(
              unite(output, region.yields[i], info.step->name.place,
                    Twine("result ") + Twine(i) + " of " + title(*info.step))))
        return failure();
  }
  return success();
}

LogicalResult Sizer::sizeCombined(StepInfo &info) {
  const Step &step = *info.step;
  const RegionInfo &first = info.regions.front();
  size_t count = first.yields.size();
  for (const RegionInfo &region : info.regions)
    if (failed(
            expectCount(region, count,
                        Twine(first.region->title) + " gives " + Twine(count))))
      return failure();
  if (step.combines.size() > 1 && step.combines.size() != count)
    return reporter.error(step.combines.front().place)
           << title(step) << " has " << count << " results, but "
           << step.combines.size()
           << " combinations; give one for all, or one for each";
  SmallVector<ValueId> inits;
  for (auto [target, name] : llvm::zip_equal(info.inits, step.inits))
    if (failed(expandOne(target, name, inits)))
      return failure();
  if (!inits.empty() && inits.size() != count)
    return reporter.error(step.inits.front().place)
           << title(step) << " has " << count << " results, but "
           << inits.size() << " values in `init`; give one for each";
  for (size_t i = 0; i < count; ++i) {
    std::string what =
        (Twine("result ") + Twine(i) + " of " + title(step)).str();
    Name kind = step.combines.empty()
                    ? Name{"concat", step.name.place}
                    : step.combines[step.combines.size() > 1 ? i : 0];
    ValueId output;
    if (kind.text == "concat") {
      // The parts keep their own sizes; only the whole varies.
      Values::Form form = values.get(first.yields[i]).form;
      auto check = [&](ValueId part) {
        return values.get(part).form == form
                   ? success()
                   : LogicalResult(
                         reporter.error(step.name.place)
                         << "a token and data meet in " << what
                         << "; give `out_bytes` to the tasks that have none");
      };
      for (const RegionInfo &region : info.regions)
        if (failed(check(region.yields[i])))
          return failure();
      if (!inits.empty() && failed(check(inits[i])))
        return failure();
      output = values.add(form, DataType::kDynamic);
    } else {
      if (inits.empty())
        return reporter.error(kind.place)
               << title(step) << " combines by `" << kind.text
               << "`, so it needs `init`: the value that the combination "
                  "starts "
                  "from";
      output = values.add();
      if (failed(unite(output, inits[i], step.name.place, what)))
        return failure();
      for (const RegionInfo &region : info.regions)
        if (failed(unite(output, region.yields[i], step.name.place, what)))
          return failure();
      if (values.get(output).form == Values::Form::Token)
        return reporter.error(kind.place)
               << what << " is a token, which only `concat` combines";
    }
    info.outputs.push_back(output);
  }
  return success();
}

LogicalResult Sizer::sizeLoop(StepInfo &info) {
  const Step &step = *info.step;
  RegionInfo &body = info.regions.front();
  if (failed(sizeRegion(body)) ||
      failed(expectCount(body, step.carry.size(),
                         title(step) + " carries " + Twine(step.carry.size()))))
    return failure();
  for (size_t i = 0; i < step.carry.size(); ++i) {
    ValueId output = info.outputs.emplace_back(values.add());
    const Name &name = step.carry[i].first;
    std::string what =
        "what " + title(step) + " carries as `" + name.text + "`";
    if (failed(unite(output, body.arguments[i], name.place, what)) ||
        failed(unite(output, body.yields[i], name.place, what)))
      return failure();
  }
  return success();
}

LogicalResult Sizer::sizeCall(StepInfo &info) {
  const Step &step = *info.step;
  WorkflowInfo &callee = *info.callee;
  const std::vector<Input> &inputs = callee.workflow->inputs;
  if (info.inputs.size() != inputs.size()) {
    InFlightDiagnostic diag =
        reporter.error(step.name.place)
        << title(step) << " passes " << info.inputs.size()
        << " values, but workflow `" << callee.workflow->name.text << "` takes "
        << inputs.size() << "; `needs` gives them in its order";
    diag.attachNote(reporter.at(callee.workflow->name.place))
        << "the workflow is here";
    return diag;
  }
  for (auto [index, value] : llvm::enumerate(info.inputs))
    if (failed(
            unite(callee.body.arguments[index], value, step.name.place,
                  "input `" + inputs[index].name.text + "` of " + title(step))))
      return failure();
  for (auto [index, value] : llvm::enumerate(callee.body.yields)) {
    ValueId output = info.outputs.emplace_back(values.add());
    if (failed(unite(output, value, step.name.place,
                     Twine("result ") + Twine(index) + " of " + title(step))))
      return failure();
  }
  return success();
}

LogicalResult Sizer::sizeStep(StepInfo &info) {
  const Step &step = *info.step;
  for (auto [target, name] : llvm::zip(info.needs, step.needs))
    if (failed(expand(target, name, info.inputs)))
      return failure();
  switch (step.kind) {
  case StepKind::Task: {
    bool drifts = llvm::any_of(step.drift, [](const Drift &drift) {
      return !drift.profile.outputs.empty();
    });
    for (const Output &output : step.outputs) {
      if (output.isToken)
        info.outputs.push_back(values.add(Values::Form::Token));
      else
        info.outputs.push_back(values.add(
            Values::Form::Data, output.bytes.isConst() && !drifts
                                    ? int64_t(output.bytes.parameters[0])
                                    : DataType::kDynamic));
    }
    return success();
  }
  case StepKind::Loop: {
    for (auto [target, carried] : llvm::zip_equal(info.needs, step.carry))
      if (failed(expandOne(target, carried.second, info.inputs)))
        return failure();
    RegionInfo &body = info.regions.front();
    for (auto [index, initial] : llvm::enumerate(info.inputs)) {
      const Name &name = step.carry[index].first;
      body.arguments.push_back(values.add());
      if (failed(
              unite(body.arguments.back(), initial, name.place,
                    "what " + title(step) + " carries as `" + name.text + "`")))
        return failure();
    }
    return sizeLoop(info);
  }
  case StepKind::Call:
    return sizeCall(info);
  case StepKind::Branch:
  case StepKind::Select:
  case StepKind::FanOut:
    for (RegionInfo &region : info.regions)
      if (failed(sizeRegion(region)))
        return failure();
    return step.kind == StepKind::Branch ? sizeBranch(info)
                                         : sizeCombined(info);
  }
  return failure();
}

LogicalResult Sizer::run() {
  for (const Input &input : workflow.workflow->inputs) {
    workflow.body.arguments.push_back(
        input.isToken ? values.add(Values::Form::Token)
                      : values.add(Values::Form::Data,
                                   input.bytes.value_or(Values::kAnySize),
                                   input.bytes ? &input : nullptr));
    if (!input.isToken && !input.bytes && !workflow.isCalled)
      return reporter.error(input.name.place)
             << "input `" << input.name.text
             << "` is of any size, but nothing in this file calls workflow `"
             << workflow.workflow->name.text << "`; give its bytes";
  }
  if (failed(sizeRegion(workflow.body)))
    return failure();
  return nameResults();
}

/// Results are named as `outputs` says, or as the steps that give them.
LogicalResult Sizer::nameResults() {
  const Section &body = workflow.workflow->body;
  llvm::StringMap<Place> seen;
  auto add = [&](const std::string &name, Place place) -> LogicalResult {
    workflow.resultNames.push_back(name);
    if (seen.try_emplace(name, place).second)
      return success();
    return reporter.error(place)
           << "workflow `" << workflow.workflow->name.text
           << "` has two outputs `" << name
           << "`; name them apart, as in outputs: {first: x, second: x}";
  };
  auto addAll = [&](const Target &target, const std::string &name,
                    Place place) -> LogicalResult {
    if (!target.step || target.output || target.step->outputs.size() == 1)
      return add(name, place);
    const Step &step = *target.step->step;
    for (size_t i = 0; i < target.step->outputs.size(); ++i)
      if (failed(add(name + "." +
                         (step.kind == StepKind::Task ? step.outputs[i].name
                                                      : std::to_string(i)),
                     place)))
        return failure();
    return success();
  };
  if (!body.results) {
    for (StepInfo &step : workflow.body.steps) {
      if (step.isNeeded)
        continue;
      Target target;
      target.step = &step;
      if (failed(addAll(target, step.step->name.text, step.step->name.place)))
        return failure();
    }
    return success();
  }
  bool isMap = !workflow.workflow->outputNames.empty();
  for (auto [index, name] : llvm::enumerate(*body.results)) {
    const Target &target = workflow.body.results[index];
    if (!isMap) {
      if (failed(addAll(target, name.text, name.place)))
        return failure();
      continue;
    }
    SmallVector<ValueId> one;
    const Name &outside = workflow.workflow->outputNames[index];
    if (failed(expandOne(target, name, one)) ||
        failed(add(outside.text, outside.place)))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Builder
//===----------------------------------------------------------------------===//

class WorkflowBuilder {
public:
  WorkflowBuilder(OpBuilder &builder, Values &values, Reporter &reporter,
                  StringRef file)
      : b(builder), values(values), reporter(reporter), file(file),
        valueOf(values.size()) {}

  void build(WorkflowInfo &workflow);

private:
  void buildRegion(RegionInfo &region, Block &block);
  void buildStep(StepInfo &step);
  Operation *buildCombined(StepInfo &step, Location loc, ValueRange inputs,
                           TypeRange outputs);

  Type typeOf(ValueId value) {
    Values::Class &c = values.get(value);
    if (c.form == Values::Form::Token)
      return TokenType::get(b.getContext());
    return DataType::get(b.getContext(), c.bytes);
  }
  SmallVector<Type> typesOf(ArrayRef<ValueId> ids) {
    return llvm::map_to_vector(ids, [&](ValueId id) { return typeOf(id); });
  }
  SmallVector<Value> lookup(ArrayRef<ValueId> ids) {
    return llvm::map_to_vector(ids, [&](ValueId id) { return valueOf[id]; });
  }
  void define(ArrayRef<ValueId> ids, ValueRange range) {
    for (auto [id, value] : llvm::zip_equal(ids, range))
      valueOf[id] = value;
  }

  DistributionAttr getDist(const Dist &dist);
  ArrayAttr getOutBytes(const std::vector<Output> &outputs);
  ProfileAttr getProfile(const Profile &profile, ArrayAttr outBytes,
                         ArrayRef<Drift> drift);

  OpBuilder &b;
  Values &values;
  Reporter &reporter;
  StringRef file;
  /// What stands for each value at the place being built.
  std::vector<Value> valueOf;
};

DistributionAttr WorkflowBuilder::getDist(const Dist &dist) {
  return DistributionAttr::get(
      b.getContext(), *symbolizeDistributionKind(dist.kind), dist.parameters);
}

ArrayAttr WorkflowBuilder::getOutBytes(const std::vector<Output> &outputs) {
  SmallVector<Attribute> sizes;
  for (const Output &output : outputs)
    sizes.push_back(output.isToken
                        ? DistributionAttr::getConst(b.getContext(), 0)
                        : getDist(output.bytes));
  return b.getArrayAttr(sizes);
}

ProfileAttr WorkflowBuilder::getProfile(const Profile &profile,
                                        ArrayAttr outBytes,
                                        ArrayRef<Drift> drift) {
  NamedAttrList entries;
  if (profile.cycles)
    entries.set("cycles", getDist(*profile.cycles));
  if (!profile.work.empty()) {
    NamedAttrList work;
    for (const auto &[kind, dist] : profile.work)
      work.set(kind, getDist(dist));
    entries.set("work", work.getDictionary(b.getContext()));
  }
  auto setInteger = [&](StringRef key, std::optional<int64_t> value) {
    if (value)
      entries.set(key, b.getI64IntegerAttr(*value));
  };
  if (profile.alpha)
    entries.set("alpha", b.getF64FloatAttr(*profile.alpha));
  setInteger("max_gang", profile.maxGang);
  setInteger("gang", profile.gang);
  setInteger("state_bytes", profile.stateBytes);
  setInteger("code_bytes", profile.codeBytes);
  if (outBytes)
    entries.set("out_bytes", outBytes);
  if (!profile.frequencies.empty())
    entries.set("frequencies", b.getDenseF64ArrayAttr(profile.frequencies));
  if (profile.trips)
    entries.set("trips", getDist(*profile.trips));
  if (profile.count)
    entries.set("count", getDist(*profile.count));
  if (!drift.empty()) {
    SmallVector<Attribute> parts;
    for (const Drift &part : drift) {
      ArrayAttr sizes = part.profile.outputs.empty()
                            ? ArrayAttr()
                            : getOutBytes(part.profile.outputs);
      parts.push_back(DriftAttr::get(b.getContext(), part.from,
                                     getProfile(part.profile, sizes, {})));
    }
    entries.set("drift", b.getArrayAttr(parts));
  }
  return ProfileAttr::get(entries.getDictionary(b.getContext()));
}

void WorkflowBuilder::buildRegion(RegionInfo &region, Block &block) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(&block);
  for (unsigned position : region.order)
    buildStep(region.steps[position]);
  Location loc = reporter.at(region.region->place);
  if (region.owner)
    YieldOp::create(b, loc, lookup(region.yields));
  else
    ReturnOp::create(b, loc, lookup(region.yields));
}

Operation *WorkflowBuilder::buildCombined(StepInfo &info, Location loc,
                                          ValueRange inputs,
                                          TypeRange outputs) {
  const Step &step = *info.step;
  SmallVector<CombineKind> kinds;
  SmallVector<Value> inits;
  // The same size as the results, or empty; expandOne gave one value each.
  for (auto [target, name] : llvm::zip_equal(info.inits, step.inits)) {
    ValueId id = target.step ? target.step->outputs[target.output.value_or(0)]
                             : target.region->arguments[target.argument];
    inits.push_back(valueOf[id]);
  }
  for (auto [index, type] : llvm::enumerate(outputs)) {
    kinds.push_back(
        step.combines.empty()
            ? CombineKind::Concat
            : *symbolizeCombineKind(
                  step.combines[step.combines.size() > 1 ? index : 0].text));
    if (step.inits.empty())
      inits.push_back(NothingOp::create(
          b, loc,
          isa<TokenType>(type) ? type : DataType::get(b.getContext(), 0)));
  }
  if (step.kind == StepKind::FanOut)
    return FanoutOp::create(b, loc, step.name.text, outputs, inputs,
                            /*count=*/Value(), inits, kinds);
  return SelectOp::create(b, loc, step.name.text, outputs, inputs, inits, kinds,
                          info.regions.size(), /*profiled=*/true);
}

void WorkflowBuilder::buildStep(StepInfo &info) {
  const Step &step = *info.step;
  Location loc = reporter.at(step.name.place);
  SmallVector<Value> inputs = lookup(info.inputs);
  SmallVector<Type> outputs = typesOf(info.outputs);

  if (step.kind == StepKind::Call) {
    auto call = CallOp::create(b, loc, step.name.text, info.callee->op, inputs);
    define(info.outputs, call.getResults());
    return;
  }

  Operation *op = nullptr;
  ArrayAttr outBytes;
  switch (step.kind) {
  case StepKind::Task:
    // The type says the size of the others.
    if (llvm::any_of(outputs, [](Type type) {
          auto data = dyn_cast<DataType>(type);
          return data && data.isDynamic();
        }))
      outBytes = getOutBytes(step.outputs);
    op = TaskOp::create(b, loc, step.name.text, outputs, inputs, ProfileAttr());
    break;
  case StepKind::Branch:
    op = BranchOp::create(b, loc, step.name.text, outputs, inputs,
                          info.regions.size() - 1, /*profiled=*/true);
    break;
  case StepKind::Loop: {
    auto loop = LoopOp::create(b, loc, step.name.text, outputs, inputs,
                               /*profiled=*/true);
    if (step.bound)
      loop.setBound(*step.bound);
    op = loop;
    break;
  }
  case StepKind::Select:
  case StepKind::FanOut:
    op = buildCombined(info, loc, inputs, outputs);
    break;
  case StepKind::Call:
    break;
  }

  op->setAttr("profile", getProfile(step.profile, outBytes, step.drift));
  op->setAttr("source",
              SourceAttr::get(b.getContext(), file, step.name.place.line,
                              step.name.place.column, StringAttr()));
  if (step.pin)
    op->setAttr("pin", PinAttr::get(b.getContext(), step.pin->cluster,
                                    step.pin->tbu, step.pin->gang));

  switch (step.kind) {
  case StepKind::Branch: {
    auto branch = cast<BranchOp>(op);
    for (auto [index, region] : llvm::enumerate(info.regions))
      buildRegion(region, branch.getAlternative(index).front());
    break;
  }
  case StepKind::Select:
    for (auto [region, member] :
         llvm::zip_equal(info.regions, cast<SelectOp>(op).getMemberRegions()))
      buildRegion(region, member.front());
    break;
  case StepKind::Loop: {
    RegionInfo &body = info.regions.front();
    Block &block = cast<LoopOp>(op).getAfterRegion().front();
    define(body.arguments, block.getArguments());
    buildRegion(body, block);
    break;
  }
  case StepKind::FanOut: {
    // Inside, the inputs are the arguments.
    Block &block = cast<FanoutOp>(op).getEachRegion().front();
    define(info.inputs, block.getArguments().drop_front());
    buildRegion(info.regions.front(), block);
    define(info.inputs, inputs);
    break;
  }
  default:
    break;
  }
  define(info.outputs, op->getResults());
}

void WorkflowBuilder::build(WorkflowInfo &info) {
  const Workflow &workflow = *info.workflow;
  auto type = b.getFunctionType(typesOf(info.body.arguments),
                                typesOf(info.body.yields));
  auto op = WorkflowOp::create(b, reporter.at(workflow.name.place),
                               workflow.name.text, type);
  info.op = op;
  if (info.isCalled)
    op.setPrivate();
  StringRef nameAttr = OWGDialect::getNameAttrName();
  // All at a time: each list of names lives as long as the context.
  auto named = [&](StringRef name) {
    return b.getDictionaryAttr(b.getNamedAttr(nameAttr, b.getStringAttr(name)));
  };
  op.setAllArgAttrs(llvm::map_to_vector(
      workflow.inputs, [&](auto &input) { return named(input.name.text); }));
  op.setAllResultAttrs(llvm::map_to_vector(info.resultNames, named));
  define(info.body.arguments, op.getBodyBlock().getArguments());
  buildRegion(info.body, op.getBodyBlock());
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

/// Finds the callees and an order in which they come before their callers.
LogicalResult orderWorkflows(MutableArrayRef<WorkflowInfo> workflows,
                             Reporter &reporter,
                             SmallVectorImpl<WorkflowInfo *> &order) {
  llvm::StringMap<WorkflowInfo *> byName;
  for (WorkflowInfo &info : workflows) {
    const Name &name = info.workflow->name;
    auto [it, inserted] = byName.try_emplace(name.text, &info);
    if (inserted)
      continue;
    InFlightDiagnostic diag = reporter.error(name.place)
                              << "there are two workflows `" << name.text
                              << "` in this file";
    diag.attachNote(reporter.at(it->second->workflow->name.place))
        << "the first is here";
    return diag;
  }
  for (WorkflowInfo &info : workflows)
    for (StepInfo *call : info.calls) {
      const Name &name = call->step->callee;
      auto it = byName.find(name.text);
      if (it == byName.end()) {
        std::vector<std::string_view> names;
        for (WorkflowInfo &other : workflows)
          names.push_back(other.workflow->name.text);
        return reporter.error(name.place)
               << "there is no workflow `" << name.text << "` in this file"
               << suggest(name.text, names);
      }
      call->callee = it->second;
      it->second->isCalled = true;
    }

  llvm::DenseMap<WorkflowInfo *, bool> isDone;
  struct Frame {
    WorkflowInfo *info;
    unsigned next = 0;
  };
  for (WorkflowInfo &root : workflows) {
    if (isDone.contains(&root))
      continue;
    SmallVector<Frame> stack = {{&root}};
    isDone[&root] = false;
    while (!stack.empty()) {
      Frame &frame = stack.back();
      if (frame.next == frame.info->calls.size()) {
        isDone[frame.info] = true;
        order.push_back(frame.info);
        stack.pop_back();
        continue;
      }
      StepInfo *call = frame.info->calls[frame.next++];
      WorkflowInfo *callee = call->callee;
      auto [it, isNew] = isDone.try_emplace(callee, false);
      if (isNew) {
        stack.push_back({callee});
      } else if (!it->second) {
        InFlightDiagnostic diag = reporter.error(call->step->name.place)
                                  << "workflow `" << callee->workflow->name.text
                                  << "` calls itself: ";
        auto *first = llvm::find_if(
            stack, [&](const Frame &f) { return f.info == callee; });
        for (const Frame &f : llvm::make_range(first, stack.end()))
          diag << "`" << f.info->workflow->name.text << "` calls ";
        diag << "`" << callee->workflow->name.text
             << "`; use a `loop` for what repeats";
        return diag;
      }
    }
  }
  return success();
}

} // namespace

OwningOpRef<ModuleOp> octo::importYaml(StringRef text, StringRef file,
                                       MLIRContext *context) {
  context->getOrLoadDialect<OWGDialect>();
  Reporter reporter(file, context);
  Expected<std::vector<Workflow>> read = readWorkflows(text, file);
  if (!read) {
    reporter.error({read.error().line, read.error().column})
        << read.error().message;
    return {};
  }

  std::vector<WorkflowInfo> workflows(read->size());
  for (auto [info, workflow] : llvm::zip_equal(workflows, *read)) {
    info.workflow = &workflow;
    if (failed(Resolver(info, reporter).run()))
      return {};
  }
  SmallVector<WorkflowInfo *> order;
  if (failed(orderWorkflows(workflows, reporter, order)))
    return {};
  Values values;
  for (WorkflowInfo *info : order)
    if (failed(Sizer(*info, values, reporter).run()))
      return {};

  OwningOpRef<ModuleOp> module =
      ModuleOp::create(FileLineColLoc::get(context, file, 0, 0));
  OpBuilder builder(context);
  builder.setInsertionPointToEnd(module->getBody());
  WorkflowBuilder workflowBuilder(builder, values, reporter, file);
  for (WorkflowInfo *info : order)
    workflowBuilder.build(*info);
  if (failed(verify(*module)))
    return {};
  return module;
}

void octo::registerImportYaml() {
  static TranslateToMLIRRegistration registration(
      "import-yaml", "Build owg from a YAML workflow",
      [](llvm::SourceMgr &sourceMgr,
         MLIRContext *context) -> OwningOpRef<Operation *> {
        const llvm::MemoryBuffer *buffer =
            sourceMgr.getMemoryBuffer(sourceMgr.getMainFileID());
        OwningOpRef<ModuleOp> module = importYaml(
            buffer->getBuffer(), buffer->getBufferIdentifier(), context);
        return OwningOpRef<Operation *>(module.release());
      },
      [](DialectRegistry &registry) { registry.insert<OWGDialect>(); });
}
