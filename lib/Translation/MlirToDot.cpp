//===- MlirToDot.cpp - Workflows and programs as Graphviz -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A node per block, a cluster per region or scope, an edge per use of a value.
// Wiring (constants, casts, arithmetic between blocks) is drawn where a value
// of a block goes through it.
//
//===----------------------------------------------------------------------===//

#include "octo/Translation/MlirToDot.h"

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/IR/Octo.h"
#include "octo/Translation/ModuleInput.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace octo;

namespace {

//===----------------------------------------------------------------------===//
// The graph
//===----------------------------------------------------------------------===//

/// Collects clusters, nodes and edges, and prints them in the order in which
/// they were made.
class Graph {
public:
  using Id = unsigned;
  static constexpr Id none = ~0u;

  struct Node {
    std::string label;
    StringRef shape;
    std::string tooltip;
  };
  enum class EdgeKind { Data, Token, Control, Back };

  /// The outermost cluster is made with `parent` none.
  Id addCluster(const Twine &label, Id parent) {
    clusters.push_back({label.str(), {}});
    Id id = clusters.size() - 1;
    if (parent == none)
      roots.push_back(id);
    else
      clusters[parent].items.push_back({true, id});
    return id;
  }
  /// A cluster whose parent is set by `place`.
  Id addLooseCluster(const Twine &label) {
    clusters.push_back({label.str(), {}});
    return clusters.size() - 1;
  }
  void place(Id cluster, Id parent) {
    clusters[parent].items.push_back({true, cluster});
  }
  Id addNode(Id cluster, const Twine &label, StringRef shape,
             const Twine &tooltip = "") {
    nodes.push_back({label.str(), shape, tooltip.str()});
    clusters[cluster].items.push_back({false, Id(nodes.size() - 1)});
    return nodes.size() - 1;
  }
  /// Edges from `none` (values that no block makes) are left out.
  void addEdge(Id from, Id to, StringRef label, EdgeKind kind,
               Id toCluster = none) {
    if (from != none && to != none)
      edges.push_back({from, to, label.str(), kind, toCluster});
  }

  void print(raw_ostream &os) const;

private:
  struct Item {
    bool isCluster;
    Id id;
  };
  struct Cluster {
    std::string label;
    std::vector<Item> items;
  };
  struct Edge {
    Id from, to;
    std::string label;
    EdgeKind kind;
    /// The cluster that the edge ends at, or none.
    Id toCluster;
  };

  void printCluster(raw_ostream &os, Id id, unsigned indent) const;

  std::vector<Cluster> clusters;
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  SmallVector<Id> roots;
};

/// Writes `text` as a quoted string of Graphviz; `\n` ends a line.
void printQuoted(raw_ostream &os, StringRef text) {
  os << '"';
  for (char c : text) {
    if (c == '"' || c == '\\')
      os << '\\' << c;
    else if (c == '\n')
      os << "\\n";
    else if (static_cast<unsigned char>(c) < 0x20)
      os << ' ';
    else
      os << c;
  }
  os << '"';
}

void Graph::printCluster(raw_ostream &os, Id id, unsigned indent) const {
  os.indent(indent) << "subgraph cluster_" << id << " {\n";
  os.indent(indent + 2) << "label=";
  printQuoted(os, clusters[id].label);
  os << ";\n";
  for (const Item &item : clusters[id].items) {
    if (item.isCluster) {
      printCluster(os, item.id, indent + 2);
      continue;
    }
    const Node &node = nodes[item.id];
    os.indent(indent + 2) << 'n' << item.id << " [label=";
    printQuoted(os, node.label);
    os << ", shape=" << node.shape;
    if (!node.tooltip.empty()) {
      os << ", tooltip=";
      printQuoted(os, node.tooltip);
    }
    os << "];\n";
  }
  os.indent(indent) << "}\n";
}

void Graph::print(raw_ostream &os) const {
  os << "digraph octopus {\n"
        "  compound=true;\n"
        "  node [shape=box, fontname=\"Helvetica\"];\n"
        "  edge [fontname=\"Helvetica\", fontsize=10];\n"
        "  graph [fontname=\"Helvetica\", style=\"rounded\"];\n";
  for (Id root : roots)
    printCluster(os, root, 2);
  for (const Edge &edge : edges) {
    os << "  n" << edge.from << " -> n" << edge.to;
    SmallVector<std::string, 4> attributes;
    if (!edge.label.empty()) {
      std::string text = "label=";
      llvm::raw_string_ostream stream(text);
      printQuoted(stream, edge.label);
      attributes.push_back(text);
    }
    if (edge.kind == EdgeKind::Token)
      attributes.push_back("style=dotted");
    if (edge.kind == EdgeKind::Control)
      attributes.push_back("style=dashed");
    if (edge.kind == EdgeKind::Back)
      attributes.push_back("style=bold, constraint=false");
    if (edge.toCluster != none)
      attributes.push_back("lhead=cluster_" + std::to_string(edge.toCluster));
    if (!attributes.empty())
      os << " [" << llvm::join(attributes, ", ") << ']';
    os << ";\n";
  }
  os << "}\n";
}

/// A number as people write it: integers in full, others to four digits.
std::string formatNumber(double value) {
  if (value == static_cast<double>(static_cast<int64_t>(value)))
    return std::to_string(static_cast<int64_t>(value));
  std::string text = llvm::formatv("{0:f4}", value).str();
  while (text.back() == '0')
    text.pop_back();
  return text;
}

/// What the label of an edge of type `type` says; computed once a type.
class TypeLabels {
public:
  StringRef get(Type type) {
    auto [it, inserted] = labels.try_emplace(type);
    if (inserted)
      it->second = make(type);
    return it->second;
  }
  static Graph::EdgeKind getKind(Type type) {
    if (auto flow = dyn_cast<spatial::FlowType>(type))
      type = flow.getPayload();
    return isa<owg::TokenType, spatial::TokenType>(type)
               ? Graph::EdgeKind::Token
               : Graph::EdgeKind::Data;
  }

private:
  static std::string make(Type type) {
    if (getKind(type) == Graph::EdgeKind::Token)
      return "";
    if (auto data = dyn_cast<owg::DataType>(type))
      return data.isDynamic() ? "? B" : std::to_string(data.getBytes()) + " B";
    std::string text;
    llvm::raw_string_ostream stream(text);
    if (auto flow = dyn_cast<spatial::FlowType>(type)) {
      if (!isa<spatial::DataType>(flow.getPayload()))
        stream << flow.getPayload() << ", ";
      stream << (flow.getDistribution() ? "~" : "") << flow.getBytes() << " B";
    } else {
      stream << type;
    }
    return text;
  }

  llvm::DenseMap<Type, std::string> labels;
};

//===----------------------------------------------------------------------===//
// owg
//===----------------------------------------------------------------------===//

class WorkflowDrawer {
public:
  WorkflowDrawer(Graph &graph, TypeLabels &labels)
      : graph(graph), labels(labels) {}

  void draw(owg::WorkflowOp workflow);

private:
  using Id = Graph::Id;

  void drawBlock(Block &block, Id cluster);
  void drawOp(Operation &op, Id cluster);
  void drawBranch(owg::BranchOp op, Id node, Id cluster);
  void drawSelect(owg::SelectOp op, Id node, Id cluster);
  void drawLoop(owg::LoopOp op, Id node, Id cluster);
  void drawFanout(owg::FanoutOp op, Id node, Id cluster);
  /// A cluster for a region that `owner` opens, with its entry.
  Id openRegion(Region &region, const Twine &label, StringRef edgeLabel,
                Id owner, Id cluster);
  Id addMerge(Operation *op, StringRef label, Id cluster) {
    return op->getNumResults() ? graph.addNode(cluster, label, "circle")
                               : Graph::none;
  }
  /// Edges from what the region yields.
  void drawYields(Region &region, Id to, Graph::EdgeKind kind);

  Id sourceOf(Value value) const {
    auto it = sources.find(value);
    return it == sources.end() ? Graph::none : it->second;
  }
  void setSource(ValueRange values, Id node) {
    for (Value value : values)
      sources[value] = node;
  }
  void addUse(Value value, Id node) {
    graph.addEdge(sourceOf(value), node, labels.get(value.getType()),
                  TypeLabels::getKind(value.getType()));
  }

  Graph &graph;
  TypeLabels &labels;
  /// The node that makes a value; constants have none.
  llvm::DenseMap<Value, Id> sources;
  /// The entry of the region being drawn, for what it yields unchanged.
  llvm::DenseMap<Region *, Id> entries;
};

std::string describe(owg::BlockOpInterface block) {
  std::string text = block.getOpLabel().str();
  Operation *op = block;
  if (auto task = dyn_cast<owg::TaskOp>(op); task && task.isOutlined())
    text += "\n@" + task.getCallee()->str();
  if (owg::ProfileAttr profile = block.getOpProfile()) {
    if (owg::DistributionAttr cycles = profile.getCycles())
      text += "\n" + formatNumber(cycles.getMean()) + " cycles";
    if (DictionaryAttr work = profile.getWork())
      for (NamedAttribute entry : work)
        text += "\n" +
                formatNumber(
                    cast<owg::DistributionAttr>(entry.getValue()).getMean()) +
                " " + entry.getName().str();
    if (owg::DistributionAttr trips = profile.getTrips())
      text += "\n" + formatNumber(trips.getMean()) + " trips";
    if (owg::DistributionAttr count = profile.getCount())
      text += "\n" + formatNumber(count.getMean()) + " copies";
  }
  if (auto loop = dyn_cast<owg::LoopOp>(op); loop && loop.getBound())
    text += "\nat most " + std::to_string(*loop.getBound());
  return text;
}

std::string describeSource(owg::BlockOpInterface block) {
  owg::SourceAttr source = block.getOpSource();
  return source ? llvm::formatv("{0}:{1}:{2}", source.getFile(),
                                source.getLine(), source.getColumn())
                      .str()
                : "";
}

WorkflowDrawer::Id WorkflowDrawer::openRegion(Region &region,
                                              const Twine &label,
                                              StringRef edgeLabel, Id owner,
                                              Id cluster) {
  Id inner = graph.addCluster(label, cluster);
  Id entry = graph.addNode(inner, "", "point");
  entries[&region] = entry;
  graph.addEdge(owner, entry, edgeLabel, Graph::EdgeKind::Control, inner);
  return inner;
}

void WorkflowDrawer::drawYields(Region &region, Id to, Graph::EdgeKind kind) {
  for (Value value : region.front().getTerminator()->getOperands()) {
    Id from = sourceOf(value);
    if (from == Graph::none)
      from = entries.lookup(&region);
    Graph::EdgeKind own = TypeLabels::getKind(value.getType());
    graph.addEdge(from, to, labels.get(value.getType()),
                  kind == Graph::EdgeKind::Data ? own : kind);
  }
}

/// The chance of alternative `index`, as a label.
std::string getFrequency(owg::ProfileAttr profile, unsigned index) {
  if (!profile || index >= profile.getFrequencies().size())
    return "";
  return formatNumber(profile.getFrequencies()[index]);
}

void WorkflowDrawer::drawBranch(owg::BranchOp op, Id node, Id cluster) {
  Id merge = addMerge(op, "merge", cluster);
  for (unsigned i = 0; i <= op.getNumCases(); ++i) {
    Region &region = op.getAlternative(i);
    Id inner = openRegion(
        region, i < op.getNumCases() ? "case " + Twine(i) : Twine("default"),
        getFrequency(op.getProfileAttr(), i), node, cluster);
    drawBlock(region.front(), inner);
    drawYields(region, merge, Graph::EdgeKind::Data);
  }
  setSource(op->getResults(), merge);
}

void WorkflowDrawer::drawSelect(owg::SelectOp op, Id node, Id cluster) {
  Id merge = addMerge(op, "join", cluster);
  for (auto [index, region] : llvm::enumerate(op.getMemberRegions())) {
    Id inner =
        openRegion(region, "member " + Twine(index),
                   getFrequency(op.getProfileAttr(), index), node, cluster);
    drawBlock(region.front(), inner);
    drawYields(region, merge, Graph::EdgeKind::Data);
  }
  setSource(op->getResults(), merge);
}

void WorkflowDrawer::drawLoop(owg::LoopOp op, Id node, Id cluster) {
  // The node that decides: the loop itself, unless blocks come before.
  Id decider = node;
  if (op.hasBefore()) {
    Region &before = op.getBeforeRegion();
    if (llvm::any_of(before.getOps(), [](Operation &inner) {
          return isa<owg::LabelledOpInterface>(inner);
        })) {
      Id inner = openRegion(before, "before", "", node, cluster);
      setSource(before.getArguments(), entries.lookup(&before));
      drawBlock(before.front(), inner);
      decider = graph.addNode(inner, "decide", "diamond");
      drawYields(before, decider, Graph::EdgeKind::Data);
    } else {
      for (Value value : owg::getImplicitCaptures(before))
        addUse(value, node);
    }
  }
  Region &after = op.getAfterRegion();
  Id inner = openRegion(after, "after", "", decider, cluster);
  setSource(after.getArguments(), entries.lookup(&after));
  drawBlock(after.front(), inner);
  drawYields(after, node, Graph::EdgeKind::Back);
  setSource(op->getResults(), decider);
}

void WorkflowDrawer::drawFanout(owg::FanoutOp op, Id node, Id cluster) {
  Region &each = op.getEachRegion();
  Id merge = addMerge(op, "join", cluster);
  Id inner = openRegion(each, "each", "", node, cluster);
  setSource(each.getArguments(), entries.lookup(&each));
  drawBlock(each.front(), inner);
  drawYields(each, merge, Graph::EdgeKind::Data);
  setSource(op->getResults(), merge);
}

void WorkflowDrawer::drawOp(Operation &op, Id cluster) {
  auto block = dyn_cast<owg::BlockOpInterface>(op);
  if (block) {
    bool isTask = isa<owg::TaskOp>(op);
    Id node = graph.addNode(cluster, describe(block),
                            isTask ? "box" : "diamond", describeSource(block));
    for (Value operand : op.getOperands())
      addUse(operand, node);
    if (auto branch = dyn_cast<owg::BranchOp>(op)) {
      for (Value value : owg::getImplicitCaptures(branch.getDecideRegion()))
        addUse(value, node);
      return drawBranch(branch, node, cluster);
    }
    if (auto select = dyn_cast<owg::SelectOp>(op)) {
      for (Value value : owg::getImplicitCaptures(select.getDecideRegion()))
        addUse(value, node);
      return drawSelect(select, node, cluster);
    }
    if (auto loop = dyn_cast<owg::LoopOp>(op))
      return drawLoop(loop, node, cluster);
    if (auto fanout = dyn_cast<owg::FanoutOp>(op))
      return drawFanout(fanout, node, cluster);
    setSource(op.getResults(), node);
    return;
  }
  if (op.hasTrait<OpTrait::IsTerminator>())
    return;
  std::string label;
  StringRef shape = "plain";
  if (auto call = dyn_cast<owg::CallOp>(op)) {
    label = (call.getLabel() + "\n@" + call.getCallee()).str();
    shape = "component";
  } else if (auto weight = dyn_cast<owg::GetWeightOp>(op)) {
    label = ("@" + weight.getWeight()).str();
    shape = "cylinder";
  } else if (llvm::all_of(op.getOperands(), [&](Value operand) {
               return sourceOf(operand) == Graph::none;
             })) {
    // A constant, or made of constants.
    return;
  } else {
    label = op.getName().getStringRef().str();
  }
  Id node = graph.addNode(cluster, label, shape);
  for (Value operand : op.getOperands())
    addUse(operand, node);
  setSource(op.getResults(), node);
}

void WorkflowDrawer::drawBlock(Block &block, Id cluster) {
  for (Operation &op : block)
    drawOp(op, cluster);
}

void WorkflowDrawer::draw(owg::WorkflowOp workflow) {
  Id cluster =
      graph.addCluster("workflow @" + workflow.getSymName(), Graph::none);
  StringRef nameAttr = owg::OWGDialect::getNameAttrName();
  Block &body = workflow.getBodyBlock();
  for (BlockArgument argument : body.getArguments()) {
    unsigned index = argument.getArgNumber();
    auto name = workflow.getArgAttrOfType<StringAttr>(index, nameAttr);
    sources[argument] = graph.addNode(
        cluster, name ? Twine(name.getValue()) : "argument " + Twine(index),
        "ellipse");
  }
  drawBlock(body, cluster);
  for (auto [index, value] :
       llvm::enumerate(body.getTerminator()->getOperands())) {
    auto name = workflow.getResultAttrOfType<StringAttr>(index, nameAttr);
    addUse(value, graph.addNode(cluster,
                                name ? Twine(name.getValue())
                                     : "result " + Twine(index),
                                "ellipse"));
  }
}

//===----------------------------------------------------------------------===//
// octo
//===----------------------------------------------------------------------===//

class ProgramDrawer {
public:
  ProgramDrawer(Graph &graph, TypeLabels &labels)
      : graph(graph), labels(labels) {}

  void draw(spatial::ProgramOp program);

private:
  using Id = Graph::Id;

  void addScopes(spatial::ControlOpInterface control);
  void addNode(Operation &op, Id program);
  void addUses(Operation &op);
  void addUse(Value value, Id node, bool isBack = false);
  Id clusterOf(Value act, Id program) const {
    auto it = scopes.find(act);
    return it == scopes.end() ? program : it->second;
  }

  Graph &graph;
  TypeLabels &labels;
  /// The cluster of each activation.
  llvm::DenseMap<Value, Id> scopes;
  llvm::DenseMap<Operation *, Id> nodes;
  llvm::DenseMap<Value, Id> sources;
  /// The entry of a scope and the op that activates it.
  struct Entry {
    Operation *owner;
    Id node, cluster;
    std::string label;
  };
  std::vector<Entry> entries;
  /// What a value only passes on: captures taken into a scope, flows.
  llvm::DenseMap<Value, Value> passedOn;
};

std::string describe(spatial::PlaceAttr place) {
  if (!place || place.getReplicas().empty())
    return "";
  const spatial::Replica &first = place.getReplicas().front();
  std::string text = llvm::formatv("\ncluster {0}", first.cluster).str();
  if (first.peaCount)
    text += llvm::formatv(", tbu {0}, pea {1} + {2}", first.tbu, first.peaFirst,
                          first.peaCount)
                .str();
  if (size_t others = place.getReplicas().size() - 1)
    text += llvm::formatv("\n+ {0} replicas", others).str();
  return text;
}

/// The last part of a path id is the label.
StringRef getLabel(StringRef path) {
  return path.rsplit('/').second.empty() ? path : path.rsplit('/').second;
}

void ProgramDrawer::addScopes(spatial::ControlOpInterface control) {
  auto block = cast<spatial::BlockOpInterface>(control.getOperation());
  ValueRange inputs = block.getBlockInputs();
  unsigned next = 0;
  // Results after the token: an activation and its imports, scope by scope.
  unsigned result = 1;
  for (unsigned scope = 0; scope < control.getNumScopes(); ++scope) {
    spatial::ScopeRole role = control.getScopeRole(scope);
    bool isNumbered =
        role == spatial::ScopeRole::Case || role == spatial::ScopeRole::Member;
    StringRef name = spatial::stringifyScopeRole(role);
    scopes[control->getResult(result++)] = graph.addLooseCluster(
        isNumbered ? name + " " + Twine(scope) : Twine(name));
    for (int32_t i = 0; i < control.getImportSizes()[scope]; ++i) {
      Value import = control->getResult(result++);
      auto from = static_cast<uint32_t>(control.getImports()[next++]);
      bool isCarried =
          role == spatial::ScopeRole::Before &&
          from <
              cast<spatial::LoopOp>(control.getOperation()).getInits().size();
      // Carried values and the index come from the block itself, forwarded
      // values from the decision that closes it.
      if (from < inputs.size() && !isCarried)
        passedOn[import] = inputs[from];
      else if (from & spatial::ControlOpInterface::forwarded)
        if (Operation *closer = control.getCloser())
          passedOn[import] =
              closer->getResult(from & ~spatial::ControlOpInterface::forwarded);
    }
  }
}

void ProgramDrawer::addNode(Operation &op, Id program) {
  if (auto block = dyn_cast<spatial::BlockOpInterface>(op)) {
    Id cluster = clusterOf(block.getActivation(), program);
    bool isTask = block.isTask();
    std::string label = getLabel(block.getPathAttr()).str();
    if (FlatSymbolRefAttr kernel = block.getKernelAttr())
      label += ("\n@" + kernel.getValue()).str();
    label += describe(block.getPlaceAttr());
    Id node = graph.addNode(cluster, label, isTask ? "box" : "diamond",
                            block.getPathAttr().getValue());
    nodes[&op] = node;
    for (Value value : op.getResults())
      sources[value] = node;
    if (auto control = dyn_cast<spatial::ControlOpInterface>(op)) {
      spatial::ProfileAttr profile = block.getProfileAttr();
      ArrayRef<uint64_t> frequencies;
      if (profile && !profile.getEpochs().empty())
        frequencies = profile.getEpochs().front().frequencies;
      for (unsigned scope = 0; scope < control.getNumScopes(); ++scope) {
        Id inner = scopes.lookup(control.getScopeAct(scope));
        graph.place(inner, cluster);
        Id entry = graph.addNode(inner, "", "point");
        std::string chance;
        if (scope < frequencies.size())
          chance = formatNumber(static_cast<double>(frequencies[scope]) /
                                4294967296.0);
        Operation *closer =
            control.getScopeRole(scope) == spatial::ScopeRole::After
                ? control.getCloser()
                : nullptr;
        entries.push_back({closer ? closer : &op, entry, inner, chance});
      }
    }
    return;
  }
  if (isa<spatial::MergeOp, spatial::JoinOp, spatial::DecideOp>(op)) {
    // Closes the block that made its first operand.
    Operation *opener = op.getOperand(0).getDefiningOp();
    auto block = dyn_cast_or_null<spatial::BlockOpInterface>(opener);
    Id cluster = block ? clusterOf(block.getActivation(), program) : program;
    // The decision of a loop belongs to what comes before it.
    if (isa_and_nonnull<spatial::LoopOp>(opener))
      cluster = clusterOf(
          cast<spatial::ControlOpInterface>(opener).getScopeAct(0), program);
    Id node = graph.addNode(cluster, op.getName().stripDialect(),
                            isa<spatial::DecideOp>(op) ? "diamond" : "circle");
    nodes[&op] = node;
    for (Value value : op.getResults())
      sources[value] = node;
    return;
  }
  if (auto weight = dyn_cast<spatial::UseWeightOp>(op)) {
    sources[weight.getValue()] =
        graph.addNode(program, "@" + weight.getWeight(), "cylinder");
  } else if (auto flow = dyn_cast<spatial::FlowOp>(op)) {
    passedOn[flow.getValue()] = flow.getSource();
  }
}

void ProgramDrawer::addUse(Value value, Id node, bool isBack) {
  // Chains of imports are as long as scopes are deep; the number of steps
  // bounds a circle in broken IR.
  for (unsigned i = 0; i < 1000; ++i) {
    auto it = passedOn.find(value);
    if (it == passedOn.end())
      break;
    value = it->second;
  }
  auto it = sources.find(value);
  if (it == sources.end())
    return;
  Graph::EdgeKind kind =
      isBack ? Graph::EdgeKind::Back : TypeLabels::getKind(value.getType());
  graph.addEdge(it->second, node, labels.get(value.getType()), kind);
}

void ProgramDrawer::addUses(Operation &op) {
  auto it = nodes.find(&op);
  if (it == nodes.end())
    return;
  auto loop = dyn_cast<spatial::LoopOp>(op);
  size_t firstNext =
      loop ? op.getNumOperands() - loop.getNext().size() : op.getNumOperands();
  for (OpOperand &operand : op.getOpOperands()) {
    Value value = operand.get();
    if (!isa<spatial::FlowType>(value.getType()))
      continue;
    // Captures go to their users; the edge to the block would only repeat them.
    bool isCapture = false;
    auto isAmong = [&](OperandRange range) {
      return !range.empty() &&
             operand.getOperandNumber() >= range.getBeginOperandIndex() &&
             operand.getOperandNumber() <
                 range.getBeginOperandIndex() + range.size();
    };
    if (auto control = dyn_cast<spatial::SwitchOp>(op))
      isCapture = isAmong(control.getCaptures());
    else if (auto control = dyn_cast<spatial::SelectOp>(op))
      isCapture = isAmong(control.getCaptures());
    else if (loop)
      isCapture = isAmong(loop.getCaptures());
    else if (auto control = dyn_cast<spatial::ForkOp>(op))
      isCapture = isAmong(control.getCaptures());
    if (!isCapture)
      addUse(value, it->second, operand.getOperandNumber() >= firstNext);
  }
}

void ProgramDrawer::draw(spatial::ProgramOp program) {
  std::string title = ("program @" + program.getSymName()).str();
  if (FlatSymbolRefAttr machine = program.getMachineAttr())
    title += (" on @" + machine.getValue()).str();
  Id cluster = graph.addCluster(title, Graph::none);
  auto nameOf = [](ArrayAttr names, size_t index, StringRef kind) {
    if (names && index < names.size())
      return cast<StringAttr>(names[index]).getValue().str();
    return (kind + " " + Twine(index)).str();
  };

  // Ops stand in any order: scopes first, then nodes, then what connects them.
  Block &body = program.getBlock();
  for (Operation &op : body)
    if (auto control = dyn_cast<spatial::ControlOpInterface>(op))
      addScopes(control);
  for (Operation &op : body) {
    if (auto entry = dyn_cast<spatial::EntryOp>(op)) {
      scopes[entry.getAct()] = cluster;
      for (auto [index, value] : llvm::enumerate(entry.getArgs()))
        sources[value] = graph.addNode(
            cluster, nameOf(program.getArgNamesAttr(), index, "argument"),
            "ellipse");
    }
  }
  for (Operation &op : body)
    addNode(op, cluster);
  for (const Entry &entry : entries)
    graph.addEdge(nodes.lookup(entry.owner), entry.node, entry.label,
                  Graph::EdgeKind::Control, entry.cluster);
  for (Operation &op : body) {
    addUses(op);
    if (auto exit = dyn_cast<spatial::ExitOp>(op))
      for (auto [index, value] : llvm::enumerate(exit.getResults_()))
        addUse(value, graph.addNode(
                          cluster,
                          nameOf(program.getResultNamesAttr(), index, "result"),
                          "ellipse"));
  }
}

} // namespace

LogicalResult octo::translateToDot(ModuleOp module, raw_ostream &os) {
  Graph graph;
  TypeLabels labels;
  bool isEmpty = true;
  for (Operation &op : *module.getBody()) {
    if (auto workflow = dyn_cast<owg::WorkflowOp>(op)) {
      WorkflowDrawer(graph, labels).draw(workflow);
      isEmpty = false;
    } else if (auto program = dyn_cast<spatial::ProgramOp>(op)) {
      ProgramDrawer(graph, labels).draw(program);
      isEmpty = false;
    }
  }
  if (isEmpty)
    return module.emitError("has nothing to draw; it needs an owg.workflow or "
                            "an octo.program");
  graph.print(os);
  return success();
}

void octo::registerMlirToDot() {
  registerModuleTranslation(
      "mlir-to-dot", "Draw owg workflows and octo programs with Graphviz",
      translateToDot);
}
