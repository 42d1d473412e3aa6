//===- YamlWorkflowReader.cpp - YAML text to plain workflows --------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads yaml-cpp's events into a flat tree (its own node tree costs several
// times more, and workflows have 100,000 steps) and the tree against the schema
// of docs/yaml-workflows.md. Compiled with exceptions, without MLIR.
//
//===----------------------------------------------------------------------===//

#include "YamlWorkflow.h"

#include "octo/Support/YamlReader.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>

#include <sstream>
#include <unordered_set>

using namespace octo;
using namespace octo::yamlflow;
using yaml::SchemaError;

/// Aliases can make a small file stand for a huge one. The reader gives up when
/// it has seen this many values and this many times the values written.
static constexpr uint64_t freeValues = uint64_t(1) << 20;
static constexpr uint64_t maxExpansion = 8;
/// The largest quantity that the runtime's integers can scale.
static constexpr double maxQuantity = 1e15;
static constexpr int64_t maxBytes = int64_t(1) << 50;

namespace {

//===----------------------------------------------------------------------===//
// The tree
//===----------------------------------------------------------------------===//

enum class NodeKind : uint8_t { Null, Scalar, List, Map };

struct Node {
  NodeKind kind = NodeKind::Null;
  /// A scalar without quotes.
  bool isPlain = false;
  /// Whether an alias may name it: its end was seen.
  bool isComplete = false;
  Place place;
  std::string text;
  /// Of a map: key, value, key, value...
  std::vector<uint32_t> children;
};

class TreeBuilder : public YAML::EventHandler {
public:
  explicit TreeBuilder(std::string_view file) : file(file) {}

  std::vector<Node> nodes;
  std::optional<uint32_t> root;

  void OnDocumentStart(const YAML::Mark &mark) override {
    // yaml-cpp does not get past some characters that cannot stand here (a
    // comma): it gives empty documents for ever.
    if (mark.pos == documentStart)
      throw SchemaError{{file, unsigned(mark.line) + 1,
                         unsigned(mark.column) + 1,
                         "malformed YAML: a document cannot begin with this"}};
    documentStart = mark.pos;
    nodes.clear();
    open.clear();
    anchors.clear();
    root.reset();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark &mark, YAML::anchor_t anchor) override {
    add(NodeKind::Null, mark, anchor);
  }
  void OnAlias(const YAML::Mark &mark, YAML::anchor_t anchor) override {
    uint32_t node = anchors.at(anchor);
    if (!nodes[node].isComplete)
      throw SchemaError{{file, unsigned(mark.line) + 1,
                         unsigned(mark.column) + 1,
                         "this alias names a value that contains it"}};
    attach(node);
  }
  void OnScalar(const YAML::Mark &mark, const std::string &tag,
                YAML::anchor_t anchor, const std::string &value) override {
    Node &node = add(NodeKind::Scalar, mark, anchor);
    node.isPlain = tag != "!";
    node.text = value;
  }
  void OnSequenceStart(const YAML::Mark &mark, const std::string &,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(NodeKind::List, mark, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark &mark, const std::string &,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    start(NodeKind::Map, mark, anchor);
  }
  void OnMapEnd() override { end(); }

private:
  Node &add(NodeKind kind, const YAML::Mark &mark, YAML::anchor_t anchor) {
    uint32_t index = uint32_t(nodes.size());
    Node &node = nodes.emplace_back();
    node.kind = kind;
    node.isComplete = kind == NodeKind::Null || kind == NodeKind::Scalar;
    node.place = {unsigned(mark.line) + 1, unsigned(mark.column) + 1};
    if (anchor)
      anchors[anchor] = index;
    attach(index);
    return nodes.back();
  }
  void attach(uint32_t node) {
    if (open.empty())
      root = node;
    else
      nodes[open.back()].children.push_back(node);
  }
  void start(NodeKind kind, const YAML::Mark &mark, YAML::anchor_t anchor) {
    add(kind, mark, anchor);
    open.push_back(uint32_t(nodes.size()) - 1);
  }
  void end() {
    nodes[open.back()].isComplete = true;
    open.pop_back();
  }

  std::string file;
  int documentStart = -1;
  std::vector<uint32_t> open;
  std::map<YAML::anchor_t, uint32_t> anchors;
};

//===----------------------------------------------------------------------===//
// The schema
//===----------------------------------------------------------------------===//

using Keys = std::initializer_list<std::string_view>;
using Entries = std::vector<std::pair<std::string_view, const Node *>>;

const Node *find(const Entries &entries, std::string_view key) {
  for (const auto &[name, value] : entries)
    if (name == key)
      return value;
  return nullptr;
}

class Reader {
public:
  Reader(std::string_view file) : file(file) {}

  Workflow readWorkflow(const std::vector<Node> &tree, uint32_t root);

private:
  //===--- Errors ---===//

  template <class... Args>
  [[noreturn]] void fail(Place at, fmt::format_string<Args...> format,
                         Args &&...args) const {
    throw SchemaError{{std::string(file), at.line, at.column,
                       fmt::format(format, std::forward<Args>(args)...)}};
  }

  static std::string describe(const Node &node) {
    switch (node.kind) {
    case NodeKind::Null:
      return "nothing";
    case NodeKind::List:
      return "a list";
    case NodeKind::Map:
      return "a map";
    case NodeKind::Scalar:
      break;
    }
    std::string text = node.text.substr(0, 40);
    for (char &c : text)
      if (static_cast<unsigned char>(c) < 0x20)
        c = ' ';
    return fmt::format("{}`{}{}`", node.isPlain ? "" : "the string ", text,
                       node.text.size() > 40 ? "..." : "");
  }

  [[noreturn]] void expected(const Node &node, std::string_view what) const {
    fail(node.place, "expected {}, found {}", what, describe(node));
  }

  //===--- Values ---===//

  const Node &child(const Node &node, size_t index) const {
    return (*tree)[node.children[index]];
  }

  void spend(const Node &node) {
    values += node.children.size();
    if (values > freeValues + maxExpansion * tree->size())
      fail(node.place,
           "the aliases of this file stand for more than {} values, but it has "
           "only {}; use fewer of them",
           values, tree->size());
  }

  /// The entries of a map whose keys are among `keys`; `owner` completes "of".
  Entries readMap(const Node &node, Keys keys, std::string_view owner) {
    if (node.kind != NodeKind::Map)
      expected(node,
               fmt::format("a map with {} ({})", yaml::listNames(keys), owner));
    spend(node);
    Entries entries;
    entries.reserve(node.children.size() / 2);
    for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
      const Node &key = child(node, i);
      if (key.kind != NodeKind::Scalar)
        expected(key, "a key");
      if (std::find(keys.begin(), keys.end(), key.text) == keys.end()) {
        std::string hint = yaml::didYouMean(key.text, keys);
        fail(key.place, "{}: unknown key {}{}", owner, describe(key),
             hint.empty() ? "; the keys here are " + yaml::listNames(keys)
                          : hint);
      }
      if (find(entries, key.text))
        fail(key.place, "{}: key `{}` is given twice", owner, key.text);
      entries.emplace_back(key.text, &child(node, i + 1));
    }
    return entries;
  }

  const Node &require(const Node &node, const Entries &entries,
                      std::string_view key, std::string_view owner,
                      std::string_view remedy) const {
    if (const Node *value = find(entries, key))
      return *value;
    fail(node.place, "{} has no `{}`; {}", owner, key, remedy);
  }

  /// The elements of a list, which must not be empty.
  std::vector<const Node *> readList(const Node &node, std::string_view what) {
    if (node.kind != NodeKind::List)
      expected(node, what);
    spend(node);
    if (node.children.empty())
      fail(node.place, "expected {}, found an empty list", what);
    std::vector<const Node *> elements;
    elements.reserve(node.children.size());
    for (uint32_t element : node.children)
      elements.push_back(&(*tree)[element]);
    return elements;
  }

  Name readName(const Node &node, std::string_view what) const {
    if (node.kind != NodeKind::Scalar || node.text.empty())
      expected(node, what);
    for (char c : node.text)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/')
        fail(node.place,
             "a name must not contain `/` or control characters, found {}",
             describe(node));
    return {node.text, node.place};
  }

  /// One name, or a list of names.
  std::vector<Name> readNames(const Node &node, std::string_view what) {
    std::vector<Name> names;
    if (node.kind == NodeKind::Scalar) {
      names.push_back(readName(node, what));
      return names;
    }
    if (node.kind != NodeKind::List)
      expected(node, fmt::format("{}, or a list of them", what));
    spend(node);
    names.reserve(node.children.size());
    for (uint32_t element : node.children)
      names.push_back(readName((*tree)[element], what));
    return names;
  }

  double readNumber(const Node &node, double low, double high) const {
    double value = 0;
    const char *last = node.text.data() + node.text.size();
    bool good = node.kind == NodeKind::Scalar && node.isPlain;
    if (good) {
      auto [end, error] = std::from_chars(node.text.data(), last, value);
      good = error == std::errc() && end == last && std::isfinite(value) &&
             value >= low && value <= high;
    }
    if (!good)
      expected(node, fmt::format("a number from {} to {}", low, high));
    return value;
  }

  int64_t readInteger(const Node &node, int64_t low, int64_t high) const {
    int64_t value = 0;
    const char *last = node.text.data() + node.text.size();
    bool good = node.kind == NodeKind::Scalar && node.isPlain;
    if (good) {
      auto [end, error] = std::from_chars(node.text.data(), last, value);
      good =
          error == std::errc() && end == last && value >= low && value <= high;
    }
    if (!good)
      expected(node, fmt::format("an integer from {} to {}", low, high));
    return value;
  }

  int64_t readBytes(const Node &node) const {
    constexpr std::string_view what =
        "a number of bytes up to 2^50, as 4096, 4KiB, 4MiB or 4GiB";
    if (node.kind != NodeKind::Scalar || !node.isPlain)
      expected(node, what);
    int64_t value = 0;
    const char *last = node.text.data() + node.text.size();
    auto [end, error] = std::from_chars(node.text.data(), last, value);
    std::string_view unit(end, size_t(last - end));
    while (!unit.empty() && unit.front() == ' ')
      unit.remove_prefix(1);
    unsigned shift = unit == "KiB"   ? 10
                     : unit == "MiB" ? 20
                     : unit == "GiB" ? 30
                                     : 0;
    if (error != std::errc() || value < 0 ||
        (shift == 0 && !unit.empty() && unit != "B") ||
        value > maxBytes >> shift)
      expected(node, what);
    return value << shift;
  }

  //===--- Distributions ---===//

  enum class Unit { Quantity, Bytes };

  double readQuantity(const Node &node, Unit unit) const {
    return unit == Unit::Bytes ? double(readBytes(node))
                               : readNumber(node, 0, maxQuantity);
  }

  Dist readDist(const Node &node, Unit unit);
  Dist readEmpirical(const Node &node, Unit unit);

  //===--- Steps ---===//

  std::vector<Output> readOutputs(const Node *outBytes, const Node *outputs);
  std::vector<double> readProbabilities(const Node &node, size_t count,
                                        bool mustSumToOne,
                                        std::string_view owner);
  void readTaskProfile(const Entries &entries, Profile &profile);
  void readDrift(const Node &node, Step &step, const std::string &owner);
  void readPin(const Node &node, Step &step, const std::string &owner);
  void readBody(const Node &node, const Entries &entries, Section &region,
                bool stepsNeeded);
  void readAlternatives(const Node &node, Step &step, const std::string &owner);
  void readCarry(const Node &node, Step &step, const std::string &owner);
  Step readStep(const Node &node);

  std::string_view file;
  const std::vector<Node> *tree = nullptr;
  uint64_t values = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// Distributions
//===----------------------------------------------------------------------===//

namespace {
struct DistInfo {
  std::string_view name;
  std::vector<std::string_view> parameters;
  bool isUnitless;
};
} // namespace

static const std::vector<DistInfo> &getDistInfos() {
  static const std::vector<DistInfo> infos = {
      {"const", {"value"}, false},
      {"uniform", {"low", "high"}, false},
      {"exp", {"mean"}, false},
      {"normal", {"mean", "sd"}, false},
      {"lognormal", {"mean", "cv"}, false},
      {"geometric", {"p"}, true},
      {"bernoulli", {"p"}, true},
  };
  return infos;
}

static const std::vector<std::string_view> &getDistNames() {
  static const std::vector<std::string_view> names = {
      "const",     "uniform",   "exp",       "normal",
      "lognormal", "geometric", "bernoulli", "empirical"};
  return names;
}

Dist Reader::readEmpirical(const Node &node, Unit unit) {
  const Node *values = &node, *weights = nullptr;
  if (node.kind == NodeKind::Map) {
    Entries entries = readMap(node, {"values", "weights"}, "`empirical`");
    values = &require(node, entries, "values", "`empirical`",
                      "list the values, as in [100, 900]");
    weights = find(entries, "weights");
  }
  Dist dist;
  dist.kind = "empirical";
  for (const Node *value : readList(*values, "a list of measured values"))
    dist.parameters.push_back(readQuantity(*value, unit));
  size_t count = dist.parameters.size();
  if (!weights) {
    dist.parameters.resize(2 * count, 1.0);
    return dist;
  }
  double sum = 0;
  for (const Node *weight : readList(*weights, "a list of weights")) {
    dist.parameters.push_back(readNumber(*weight, 0, maxQuantity));
    sum += dist.parameters.back();
  }
  if (dist.parameters.size() != 2 * count)
    fail(weights->place,
         "`empirical` has {} values but {} weights; give one weight a value",
         count, dist.parameters.size() - count);
  if (!(sum > 0))
    fail(weights->place, "the weights of `empirical` are all 0; at least one "
                         "must be above");
  return dist;
}

Dist Reader::readDist(const Node &node, Unit unit) {
  constexpr std::string_view what =
      "a number or a distribution, as in {lognormal: [12000, 0.4]}";
  if (node.kind == NodeKind::Scalar)
    return {"const", {readQuantity(node, unit)}};
  if (node.kind == NodeKind::List)
    fail(node.place,
         "expected {}, found a list; measured values are "
         "{{empirical: [...]}}",
         what);
  if (node.kind != NodeKind::Map)
    expected(node, what);
  spend(node);
  if (node.children.size() != 2)
    fail(node.place,
         "a distribution is a map with one key, as in {{exp: 1000}}, found {}",
         node.children.size() / 2);
  const Node &key = child(node, 0), &value = child(node, 1);
  if (key.kind != NodeKind::Scalar)
    expected(key, "the name of a distribution");
  if (key.text == "empirical")
    return readEmpirical(value, unit);
  const DistInfo *info = nullptr;
  for (const DistInfo &candidate : getDistInfos())
    if (candidate.name == key.text)
      info = &candidate;
  if (!info) {
    std::string hint = yaml::didYouMean(key.text, getDistNames());
    fail(key.place, "unknown distribution {}{}", describe(key),
         hint.empty() ? "; there are " + yaml::listNames(getDistNames())
                      : hint);
  }

  size_t count = info->parameters.size();
  std::vector<const Node *> given;
  if (value.kind == NodeKind::Map) {
    // readMap wants its keys as they are written.
    Entries entries =
        count == 1 ? readMap(value, {info->parameters[0]}, key.text)
                   : readMap(value, {info->parameters[0], info->parameters[1]},
                             key.text);
    for (std::string_view parameter : info->parameters)
      given.push_back(&require(value, entries, parameter, key.text,
                               "every parameter is needed"));
  } else if (value.kind == NodeKind::Scalar) {
    given.push_back(&value);
  } else {
    given = readList(value, "the parameters of the distribution");
  }
  if (given.size() != count)
    fail(value.place, "{} takes {} parameter{} ({}), found {}", key.text, count,
         count == 1 ? "" : "s", fmt::join(info->parameters, ", "),
         given.size());

  Dist dist;
  dist.kind = key.text;
  for (size_t i = 0; i < count; ++i) {
    if (info->isUnitless)
      dist.parameters.push_back(readNumber(*given[i], 0, 1));
    else if (info->parameters[i] == "cv")
      dist.parameters.push_back(readNumber(*given[i], 0, 1000));
    else
      dist.parameters.push_back(readQuantity(*given[i], unit));
  }
  if (key.text == "uniform" && dist.parameters[0] > dist.parameters[1])
    fail(value.place, "uniform needs low <= high, found {} and {}",
         dist.parameters[0], dist.parameters[1]);
  if (key.text == "lognormal" && !(dist.parameters[0] > 0))
    fail(given[0]->place, "lognormal needs a mean above 0");
  if (key.text == "geometric" && !(dist.parameters[0] > 0))
    fail(given[0]->place, "geometric needs a probability above 0; its mean is "
                          "(1 - p) / p");
  return dist;
}

//===----------------------------------------------------------------------===//
// Parts of steps
//===----------------------------------------------------------------------===//

std::vector<Output> Reader::readOutputs(const Node *outBytes,
                                        const Node *outputs) {
  if (outBytes && outputs)
    fail(outputs->place, "give `out_bytes` (one output) or `outputs` (several "
                         "with names), not both");
  auto readOne = [&](std::string name, const Node &node) -> Output {
    if (node.kind == NodeKind::Scalar && node.text == "token")
      return {std::move(name), true, {}};
    return {std::move(name), false, readDist(node, Unit::Bytes)};
  };
  std::vector<Output> result;
  if (outBytes) {
    result.push_back(readOne("", *outBytes));
    return result;
  }
  if (!outputs)
    return result;
  if (outputs->kind != NodeKind::Map || outputs->children.empty())
    expected(*outputs, "a map from names to bytes, as {text: 4KiB, done: "
                       "token}");
  spend(*outputs);
  std::unordered_set<std::string_view> seen;
  for (size_t i = 0; i < outputs->children.size(); i += 2) {
    const Node &key = child(*outputs, i);
    Name name = readName(key, "the name of an output");
    if (!seen.insert(key.text).second)
      fail(key.place, "output `{}` is given twice", name.text);
    result.push_back(readOne(name.text, child(*outputs, i + 1)));
  }
  return result;
}

std::vector<double> Reader::readProbabilities(const Node &node, size_t count,
                                              bool mustSumToOne,
                                              std::string_view owner) {
  std::vector<double> result;
  double sum = 0;
  for (const Node *element : readList(node, "a list of probabilities")) {
    result.push_back(readNumber(*element, 0, 1));
    sum += result.back();
  }
  if (result.size() != count)
    fail(node.place,
         "{} has {} regions but {} probabilities here; give one a "
         "region, in their order",
         owner, count, result.size());
  if (mustSumToOne && std::fabs(sum - 1) > 1e-6)
    fail(node.place,
         "the probabilities of the cases of {} sum to {}; they must sum to 1",
         owner, sum);
  return result;
}

void Reader::readTaskProfile(const Entries &entries, Profile &profile) {
  if (const Node *node = find(entries, "cycles"))
    profile.cycles = readDist(*node, Unit::Quantity);
  if (const Node *node = find(entries, "work")) {
    Entries kinds =
        readMap(*node, {"mac", "vector", "scalar", "bytes"}, "`work`");
    if (kinds.empty())
      expected(*node, "at least one of `mac`, `vector`, `scalar` or `bytes`");
    for (const auto &[kind, value] : kinds)
      profile.work.emplace_back(
          kind,
          readDist(*value, kind == "bytes" ? Unit::Bytes : Unit::Quantity));
    if (profile.cycles)
      fail(node->place, "give `cycles` or `work`, not both");
  }
  if (const Node *node = find(entries, "alpha"))
    profile.alpha = readNumber(*node, 0, 1);
  if (const Node *node = find(entries, "max_gang"))
    profile.maxGang = readInteger(*node, 1, 65535);
  if (const Node *node = find(entries, "gang")) {
    profile.gang = readInteger(*node, 1, 65535);
    if (profile.maxGang)
      fail(node->place, "give `gang` (exactly) or `max_gang` (at most), not "
                        "both");
  }
  if (const Node *node = find(entries, "code_bytes"))
    profile.codeBytes = readBytes(*node);
  if (const Node *node = find(entries, "state_bytes"))
    profile.stateBytes = readBytes(*node);
}

void Reader::readDrift(const Node &node, Step &step, const std::string &owner) {
  int64_t last = 0;
  for (const Node *element : readList(node, "a list of {from: N, ...}")) {
    Drift &drift = step.drift.emplace_back();
    Profile &profile = drift.profile;
    std::string where = "drift of " + owner;
    Entries entries;
    switch (step.kind) {
    case StepKind::Task:
      entries = readMap(*element,
                        {"from", "cycles", "work", "alpha", "max_gang", "gang",
                         "state_bytes", "code_bytes", "out_bytes", "outputs"},
                        where);
      break;
    case StepKind::Branch:
    case StepKind::Select:
      entries = readMap(*element, {"from", "probabilities"}, where);
      break;
    case StepKind::Loop:
      entries = readMap(*element, {"from", "trips"}, where);
      break;
    default:
      entries = readMap(*element, {"from", "count"}, where);
      break;
    }
    const Node &from = require(*element, entries, "from", where,
                               "say from which request on it holds");
    drift.from = readInteger(from, 1, int64_t(1) << 50);
    if (drift.from <= last)
      fail(from.place,
           "the parts of a drift must be in order: {} comes after "
           "{}",
           drift.from, last);
    last = drift.from;
    if (entries.size() == 1)
      fail(element->place,
           "this part of the drift changes nothing; give a "
           "value that holds from request {} on",
           drift.from);
    readTaskProfile(entries, profile);
    if ((profile.cycles && !step.profile.work.empty()) ||
        (!profile.work.empty() && step.profile.cycles))
      fail(element->place,
           "{}: a drift keeps to `cycles` or `work` as the "
           "task itself",
           owner);
    if ((profile.gang && step.profile.maxGang) ||
        (profile.maxGang && step.profile.gang))
      fail(element->place,
           "{}: a drift keeps to `gang` or `max_gang` as the "
           "task itself",
           owner);
    profile.outputs =
        readOutputs(find(entries, "out_bytes"), find(entries, "outputs"));
    if (!profile.outputs.empty()) {
      bool same = profile.outputs.size() == step.outputs.size();
      for (size_t i = 0; same && i < step.outputs.size(); ++i)
        same = profile.outputs[i].name == step.outputs[i].name &&
               profile.outputs[i].isToken == step.outputs[i].isToken;
      if (!same)
        fail(element->place,
             "{}: a drift must give the outputs of the task "
             "itself, in their order",
             owner);
    }
    if (const Node *value = find(entries, "probabilities"))
      profile.frequencies = readProbabilities(
          *value, step.regions.size(), step.kind == StepKind::Branch, owner);
    if (const Node *value = find(entries, "trips"))
      profile.trips = readDist(*value, Unit::Quantity);
    if (const Node *value = find(entries, "count"))
      profile.count = readDist(*value, Unit::Quantity);
  }
}

void Reader::readPin(const Node &node, Step &step, const std::string &owner) {
  Entries entries =
      readMap(node, {"cluster", "tbu", "gang"}, "pin of " + owner);
  if (entries.empty())
    expected(node, "at least one of `cluster`, `tbu` or `gang`");
  step.pin = std::make_unique<Pin>();
  if (const Node *value = find(entries, "cluster"))
    step.pin->cluster = readInteger(*value, 0, UINT32_MAX);
  if (const Node *value = find(entries, "tbu")) {
    step.pin->tbu = readInteger(*value, 0, 65535);
    if (!step.pin->cluster)
      fail(value->place, "a pin that gives a `tbu` must give its `cluster` "
                         "too");
  }
  if (const Node *value = find(entries, "gang"))
    step.pin->gang = readInteger(*value, 1, 65535);
}

void Reader::readBody(const Node &node, const Entries &entries, Section &region,
                      bool stepsNeeded) {
  region.place = node.place;
  const Node *steps = find(entries, "steps");
  if (!steps && stepsNeeded)
    fail(node.place, "{} has no `steps`; list what runs in it", region.title);
  if (steps) {
    std::vector<const Node *> list = readList(*steps, "a list of steps");
    region.steps.reserve(list.size());
    for (const Node *step : list)
      region.steps.push_back(readStep(*step));
  }
  if (const Node *result = find(entries, "result"))
    region.results = readNames(*result, "the name of a step or input");
}

void Reader::readAlternatives(const Node &node, Step &step,
                              const std::string &owner) {
  bool isBranch = step.kind == StepKind::Branch;
  std::string_view what = isBranch ? "case" : "member";
  std::vector<const Node *> list =
      readList(node, isBranch ? "a list of cases" : "a list of members");
  step.regions.resize(list.size());
  std::optional<size_t> rest;
  double sum = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    Section &region = step.regions[i];
    std::string number = fmt::format("{} {} of {}", what, i, owner);
    Entries entries =
        readMap(*list[i], {"name", "probability", "steps", "result"}, number);
    region.title = number;
    if (const Node *name = find(entries, "name"))
      region.title = fmt::format("{} `{}` of {}", what,
                                 readName(*name, "a name").text, owner);
    if (const Node *value = find(entries, "probability")) {
      step.profile.frequencies.push_back(readNumber(*value, 0, 1));
      sum += step.profile.frequencies.back();
    } else if (isBranch && !rest) {
      rest = i;
      step.profile.frequencies.push_back(0);
    } else {
      fail(list[i]->place, "{} has no `probability`{}", region.title,
           isBranch ? "; only one case may leave it out and take the rest"
                    : "; give the chance that it runs, from 0 to 1");
    }
    readBody(*list[i], entries, region, /*stepsNeeded=*/false);
  }
  if (!isBranch)
    return;
  if (rest && sum <= 1 + 1e-6)
    // Rounded, so that 1 - 0.8 reads 0.2.
    step.profile.frequencies[*rest] =
        std::max(0.0, std::round((1 - sum) * 1e12) / 1e12);
  else if (std::fabs(sum - 1) > 1e-6)
    fail(node.place,
         "the probabilities of the cases of {} sum to {}; they must sum to 1",
         owner, sum);
}

void Reader::readCarry(const Node &node, Step &step, const std::string &owner) {
  if (node.kind == NodeKind::Map && !node.children.empty()) {
    spend(node);
    for (size_t i = 0; i < node.children.size(); i += 2)
      step.carry.emplace_back(
          readName(child(node, i), "the name inside the loop"),
          readName(child(node, i + 1), "the name of the initial value"));
  } else {
    for (Name &name :
         readNames(node, "the name of a value that the loop carries"))
      step.carry.emplace_back(name, name);
  }
  if (step.carry.empty())
    fail(node.place,
         "{} carries nothing; it starts when the values that it "
         "carries are there, so it needs at least one",
         owner);
  std::unordered_set<std::string_view> seen;
  for (const auto &[inside, initial] : step.carry)
    if (!seen.insert(inside.text).second)
      fail(inside.place, "{} carries `{}` twice", owner, inside.text);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

std::string_view yamlflow::getKeyword(StepKind kind) {
  switch (kind) {
  case StepKind::Task:
    return "task";
  case StepKind::Branch:
    return "branch";
  case StepKind::Select:
    return "select";
  case StepKind::Loop:
    return "loop";
  case StepKind::FanOut:
    return "fan_out";
  case StepKind::Call:
    return "call";
  }
  return {};
}

Step Reader::readStep(const Node &node) {
  constexpr StepKind kinds[] = {StepKind::Task,   StepKind::Branch,
                                StepKind::Select, StepKind::Loop,
                                StepKind::FanOut, StepKind::Call};
  static const std::vector<std::string_view> keywords = {
      "task", "branch", "select", "loop", "fan_out", "call"};
  if (node.kind != NodeKind::Map)
    expected(node, "a step, as in {task: plan, cycles: 1000}");
  Step step;
  const Node *name = nullptr;
  for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const Node &key = child(node, i);
    for (StepKind kind : kinds) {
      if (key.kind != NodeKind::Scalar || key.text != getKeyword(kind))
        continue;
      if (name)
        fail(key.place, "a step is one thing: it is a `{}` already",
             getKeyword(step.kind));
      step.kind = kind;
      name = &child(node, i + 1);
    }
  }
  if (!name) {
    for (size_t i = 0; i + 1 < node.children.size(); i += 2)
      if (const Node &key = child(node, i); key.kind == NodeKind::Scalar)
        if (std::string hint = yaml::didYouMean(key.text, keywords);
            !hint.empty())
          fail(key.place, "unknown key {} of a step that is nothing yet{}",
               describe(key), hint);
    fail(node.place, "a step needs one of {}, with its name",
         yaml::listNames(keywords));
  }
  step.name = readName(*name, "the name of the step");
  std::string owner =
      fmt::format("{} `{}`", getKeyword(step.kind), step.name.text);

  Entries entries;
  switch (step.kind) {
  case StepKind::Task:
    entries = readMap(node,
                      {"task", "needs", "cycles", "work", "alpha", "max_gang",
                       "gang", "state_bytes", "code_bytes", "out_bytes",
                       "outputs", "pin", "drift"},
                      owner);
    readTaskProfile(entries, step.profile);
    if (!step.profile.cycles && step.profile.work.empty())
      fail(node.place,
           "{} has neither `cycles` nor `work`; say how long it takes, as in "
           "cycles: {{lognormal: [12000, 0.4]}}",
           owner);
    step.outputs =
        readOutputs(find(entries, "out_bytes"), find(entries, "outputs"));
    if (step.outputs.empty())
      step.outputs.push_back({"", true, {}});
    break;
  case StepKind::Branch:
    entries =
        readMap(node, {"branch", "needs", "cases", "pin", "drift"}, owner);
    readAlternatives(
        require(node, entries, "cases", owner, "list what it chooses among"),
        step, owner);
    break;
  case StepKind::Select:
    entries = readMap(
        node, {"select", "needs", "members", "combine", "init", "pin", "drift"},
        owner);
    readAlternatives(
        require(node, entries, "members", owner, "list what it chooses among"),
        step, owner);
    break;
  case StepKind::Loop:
    entries = readMap(node,
                      {"loop", "carry", "trips", "bound", "state_bytes",
                       "steps", "result", "pin", "drift"},
                      owner);
    readCarry(require(node, entries, "carry", owner,
                      "name the values that one iteration passes to the next"),
              step, owner);
    step.profile.trips =
        readDist(require(node, entries, "trips", owner,
                         "say how often it repeats, as in trips: {geometric: "
                         "0.4}"),
                 Unit::Quantity);
    if (const Node *bound = find(entries, "bound"))
      step.bound = readInteger(*bound, 1, int64_t(1) << 50);
    if (const Node *bytes = find(entries, "state_bytes"))
      step.profile.stateBytes = readBytes(*bytes);
    break;
  case StepKind::FanOut:
    entries = readMap(node,
                      {"fan_out", "needs", "count", "steps", "result",
                       "combine", "init", "pin", "drift"},
                      owner);
    step.profile.count =
        readDist(require(node, entries, "count", owner,
                         "say how many copies run, as in count: {uniform: [2, "
                         "6]}"),
                 Unit::Quantity);
    break;
  case StepKind::Call:
    entries = readMap(node, {"call", "workflow", "needs"}, owner);
    step.callee = readName(require(node, entries, "workflow", owner,
                                   "name the workflow that it runs"),
                           "the name of a workflow");
    break;
  }

  if (step.kind == StepKind::Loop || step.kind == StepKind::FanOut) {
    Section &body = step.regions.emplace_back();
    body.title = "the body of " + owner;
    readBody(node, entries, body, /*stepsNeeded=*/true);
  }
  if (const Node *needs = find(entries, "needs"))
    step.needs = readNames(*needs, "the name of a step or input");
  if (const Node *node = find(entries, "combine")) {
    step.combines = readNames(*node, "`concat`, `add`, `max` or `min`");
    static const std::vector<std::string_view> kinds = {"concat", "add", "max",
                                                        "min"};
    for (const Name &kind : step.combines)
      if (std::find(kinds.begin(), kinds.end(), kind.text) == kinds.end())
        fail(kind.place, "expected {}, found `{}`{}", yaml::listNames(kinds),
             kind.text, yaml::didYouMean(kind.text, kinds));
    if (step.combines.empty())
      expected(*node, "`concat`, `add`, `max` or `min`");
  }
  if (const Node *init = find(entries, "init"))
    step.inits = readNames(*init, "the name of a step or input");
  if (const Node *pin = find(entries, "pin"))
    readPin(*pin, step, owner);
  if (const Node *drift = find(entries, "drift"))
    readDrift(*drift, step, owner);
  return step;
}

//===----------------------------------------------------------------------===//
// Workflow
//===----------------------------------------------------------------------===//

Workflow Reader::readWorkflow(const std::vector<Node> &nodes, uint32_t root) {
  tree = &nodes;
  const Node &node = nodes[root];
  Workflow workflow;
  Entries entries =
      readMap(node, {"workflow", "description", "inputs", "steps", "outputs"},
              "a workflow");
  workflow.name = readName(require(node, entries, "workflow", "this document",
                                   "give the name of the workflow"),
                           "the name of the workflow");
  workflow.body.title = fmt::format("workflow `{}`", workflow.name.text);
  if (const Node *text = find(entries, "description");
      text && text->kind != NodeKind::Scalar)
    expected(*text, "a text");
  if (const Node *inputs = find(entries, "inputs")) {
    if (inputs->kind != NodeKind::Map)
      expected(*inputs, "a map from names to bytes, as {question: 2KiB}");
    spend(*inputs);
    std::unordered_set<std::string_view> seen;
    for (size_t i = 0; i + 1 < inputs->children.size(); i += 2) {
      const Node &key = child(*inputs, i), &value = child(*inputs, i + 1);
      Input &input = workflow.inputs.emplace_back();
      input.name = readName(key, "the name of an input");
      if (!seen.insert(key.text).second)
        fail(key.place, "input `{}` is given twice", key.text);
      if (value.kind == NodeKind::Scalar && value.text == "token")
        input.isToken = true;
      else if (value.kind != NodeKind::Scalar || value.text != "any")
        input.bytes = readBytes(value);
    }
  }
  readBody(node, entries, workflow.body, /*stepsNeeded=*/true);
  if (const Node *outputs = find(entries, "outputs")) {
    std::vector<Name> &values = workflow.body.results.emplace();
    if (outputs->kind == NodeKind::Map) {
      spend(*outputs);
      for (size_t i = 0; i + 1 < outputs->children.size(); i += 2) {
        workflow.outputNames.push_back(
            readName(child(*outputs, i), "the name of an output"));
        values.push_back(
            readName(child(*outputs, i + 1), "the name of a step or input"));
      }
    } else {
      values = readNames(*outputs, "the name of a step or input");
    }
    if (values.empty())
      expected(*outputs, "at least one output");
  }
  return workflow;
}

namespace {
/// A stream over text that is not copied.
struct TextBuffer : std::streambuf {
  explicit TextBuffer(std::string_view text) {
    char *begin = const_cast<char *>(text.data());
    setg(begin, begin, begin + text.size());
  }
};
} // namespace

Expected<std::vector<Workflow>> yamlflow::readWorkflows(std::string_view text,
                                                        std::string_view file) {
  try {
    TextBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    TreeBuilder builder(file);
    Reader reader(file);
    std::vector<Workflow> workflows;
    while (parser.HandleNextDocument(builder))
      if (builder.root && builder.nodes[*builder.root].kind != NodeKind::Null)
        workflows.push_back(reader.readWorkflow(builder.nodes, *builder.root));
    if (workflows.empty())
      return makeErrorAt(file, 1, 1,
                         "expected a workflow, found nothing; it "
                         "begins with `workflow:` and its name");
    return workflows;
  } catch (const SchemaError &error) {
    return Error(error.diagnostic);
  } catch (const YAML::DeepRecursion &error) {
    return makeErrorAt(file, unsigned(error.mark.line) + 1,
                       unsigned(error.mark.column) + 1,
                       "values are nested more than {} deep; move inner parts "
                       "to workflows of their own and `call` them",
                       error.depth());
  } catch (const YAML::Exception &error) {
    bool known = !error.mark.is_null();
    return makeErrorAt(file, known ? unsigned(error.mark.line) + 1 : 0,
                       known ? unsigned(error.mark.column) + 1 : 0,
                       "malformed YAML: {}", error.msg);
  }
}

std::string yamlflow::suggest(std::string_view found,
                              const std::vector<std::string_view> &names) {
  return yaml::didYouMean(found, names);
}
