//===- StreamFlows.cpp - Flows that go in chunks --------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Streams what can be streamed, times the segments anew in the order that they
// have, and takes back what does not pay.
//
//===----------------------------------------------------------------------===//

#include "ScheduleProblem.h"

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/Transforms/Passes.h"
#include "octo/Dialect/Octo/Transforms/Streams.h"
#include "octo/Support/CompileReport.h"
#include "octo/Target/StreamNet.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

namespace octo::spatial {
#define GEN_PASS_DEF_OCTOSTREAMFLOWS
#include "octo/Dialect/Octo/Transforms/Passes.h.inc"
} // namespace octo::spatial

using namespace mlir;
using namespace octo::spatial;
namespace sched = octo::sched;

//===----------------------------------------------------------------------===//
// The attribute
//===----------------------------------------------------------------------===//

DictionaryAttr RowsAttrs::toAttr(MLIRContext *context) const {
  Builder builder(context);
  SmallVector<NamedAttribute> fields;
  auto add = [&](StringRef field, Attribute value) {
    fields.push_back(builder.getNamedAttr(field, value));
  };
  add("rows", builder.getI64IntegerAttr(rows));
  add("inputs", builder.getDenseI32ArrayAttr(inputs));
  add("outputs", builder.getDenseI32ArrayAttr(outputs));
  if (!why.empty())
    add("why", builder.getStringAttr(why));
  return builder.getDictionaryAttr(fields);
}

std::optional<RowsAttrs> RowsAttrs::fromAttr(Attribute attribute,
                                             std::string &error) {
  RowsAttrs result;
  auto dictionary = dyn_cast<DictionaryAttr>(attribute);
  error = "expected 'octo.rows' to be {rows = 64 : i64, inputs = array<i32: "
          "0>, outputs = array<i32: 0>}";
  if (!dictionary)
    return std::nullopt;
  for (NamedAttribute field : dictionary) {
    StringRef key = field.getName();
    auto number = dyn_cast<IntegerAttr>(field.getValue());
    auto list = dyn_cast<DenseI32ArrayAttr>(field.getValue());
    auto text = dyn_cast<StringAttr>(field.getValue());
    if (key == "rows" && number && number.getType().isInteger(64) &&
        number.getInt() >= 0 && number.getInt() <= UINT32_MAX)
      result.rows = uint32_t(number.getInt());
    else if (key == "inputs" && list)
      result.inputs.assign(list.asArrayRef().begin(), list.asArrayRef().end());
    else if (key == "outputs" && list)
      result.outputs.assign(list.asArrayRef().begin(), list.asArrayRef().end());
    else if (key == "why" && text)
      result.why = text.getValue().str();
    else
      return std::nullopt;
  }
  error.clear();
  return result;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

/// A flow within a segment that may be streamed.
struct StreamCandidate {
  uint32_t edge;
  uint32_t input; ///< of the consumer
};

class StreamFlows
    : public octo::spatial::impl::OctoStreamFlowsBase<StreamFlows> {
public:
  using OctoStreamFlowsBase::OctoStreamFlowsBase;

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  LogicalResult run();
  LogicalResult runOn(ProgramOp program, ScheduleProblem &problem,
                      const sched::Placement &placement);
  LogicalResult readRows(const ScheduleProblem &problem);
  std::string chunksFor(const sched::Problem &p,
                        const sched::Placement &placement,
                        const sched::Edge &edge, uint32_t output,
                        uint32_t input, uint32_t &chunks);
  uint32_t bufferFor(const sched::Problem &p, const sched::Placement &placement,
                     const sched::Edge &edge, const sched::Slot &from,
                     const sched::Slot &to);
  void note(uint32_t block, uint32_t input, std::string text) {
    if (record)
      notes[block].emplace_back(input, std::move(text));
  }

  const octo::Topology *topology = nullptr;
  std::vector<RowsAttrs> rowsOf; ///< by block
  std::vector<std::vector<std::pair<uint32_t, std::string>>> notes;
};

} // namespace

LogicalResult StreamFlows::run() {
  FailureOr<ModuleMachine> machine =
      getMachine(getOperation(), "octo-stream-flows");
  if (failed(machine))
    return failure();
  topology = machine->topology.get();
  if (maxChunks < octo::minStreamChunks || maxChunks > octo::maxStreamChunks)
    return getOperation().emitError()
           << "octo-stream-flows: max-chunks is " << unsigned(maxChunks)
           << "; expected " << octo::minStreamChunks << " to "
           << octo::maxStreamChunks;
  for (const auto &[name, value] : {std::pair("overhead", double(overhead)),
                                    std::pair("stretch", double(stretch))})
    if (!(value >= 0 && value <= 1000))
      return getOperation().emitError()
             << "octo-stream-flows: " << name << " is between 0 and 1000";
  return forEachPlacedProgram(
      getOperation(), machine->target, {defaultDim, defaultTrips},
      "octo-stream-flows", [&](PlacedProgram &placed) {
        return success(
            succeeded(readRows(placed.from)) &&
            succeeded(runOn(placed.program, placed.from, placed.placement)));
      });
}

/// What each task says of itself, or its kernel of it.
LogicalResult StreamFlows::readRows(const ScheduleProblem &problem) {
  const sched::Problem &p = problem.problem;
  rowsOf.assign(p.numBlocks(), {});
  notes.assign(p.numBlocks(), {});
  for (uint32_t b = 0; b < p.numBlocks(); ++b) {
    if (!p.isTask(b))
      continue;
    Operation *op = problem.op(b), *from = op;
    Attribute attribute = op->getAttr(RowsAttrs::name);
    if (!attribute) {
      KernelOp kernel = problem.kernels[p.kernel[b]];
      from = kernel;
      attribute = kernel->getAttr(RowsAttrs::name);
    }
    if (!attribute) {
      rowsOf[b].why = "nothing says that it runs row by row";
      continue;
    }
    std::string error;
    std::optional<RowsAttrs> rows = RowsAttrs::fromAttr(attribute, error);
    if (!rows)
      return from->emitError() << error << "; found " << attribute;
    auto inRange = [](ArrayRef<int32_t> list, size_t count) {
      return llvm::all_of(
          list, [&](int32_t i) { return i >= 0 && size_t(i) < count; });
    };
    auto block = cast<BlockOpInterface>(op);
    if (!inRange(rows->inputs, block.getBlockInputs().size()) ||
        !inRange(rows->outputs, op->getNumResults()))
      return from->emitError()
             << "'octo.rows' names an input or output that '" << p.path[b]
             << "' does not have: it has " << block.getBlockInputs().size()
             << " inputs and " << op->getNumResults() << " outputs";
    rowsOf[b] = std::move(*rows);
  }
  return success();
}

/// The number of chunks for a flow, or why there is none.
std::string StreamFlows::chunksFor(const sched::Problem &p,
                                   const sched::Placement &placement,
                                   const sched::Edge &edge, uint32_t output,
                                   uint32_t input, uint32_t &chunks) {
  const RowsAttrs &from = rowsOf[edge.from], &to = rowsOf[edge.to];
  auto has = [](ArrayRef<int32_t> list, uint32_t i) {
    return llvm::is_contained(list, int32_t(i));
  };
  if (!has(from.outputs, output))
    return "'" + p.path[edge.from] + "' does not make it row by row" +
           (from.why.empty() ? "" : ": " + from.why);
  if (!has(to.inputs, input))
    return to.rows || to.why.empty()
               ? "the task needs it as a whole"
               : "the task needs it as a whole: " + to.why;
  if (from.rows != to.rows)
    return llvm::formatv("it is made in {0} rows and used in {1}", from.rows,
                         to.rows)
        .str();
  std::span<const sched::Replica> a = placement.of(edge.from);
  std::span<const sched::Replica> z = placement.of(edge.to);
  for (const sched::Replica &x : a)
    for (const sched::Replica &y : z)
      if (x.cluster == y.cluster && x.tbu == y.tbu &&
          x.peaFirst < y.peaFirst + y.peaCount &&
          y.peaFirst < x.peaFirst + x.peaCount)
        return "it shares PEAs with '" + p.path[edge.from] + "'";
  uint64_t work = std::min(p.cyclesOn(edge.from, a.front().peaCount),
                           p.cyclesOn(edge.to, z.front().peaCount));
  // What a chunk adds: its way there, and that of the token back.
  uint64_t head =
      sched::wayBetween(*topology, a.front().cluster, z.front().cluster)
          .latency +
      uint64_t(topology->distance(a.front().cluster, z.front().cluster)) *
          topology->desc().controlPlane.tokenHopCycles;
  chunks = 0;
  for (uint32_t n = octo::minStreamChunks;
       n <= std::min<uint32_t>(maxChunks, from.rows); ++n)
    if (from.rows % n == 0 && double(head) * n <= overhead * double(work))
      chunks = n;
  if (chunks)
    return {};
  bool divides = false;
  for (uint32_t n = octo::minStreamChunks; n <= maxChunks; ++n)
    divides |= from.rows >= n && from.rows % n == 0;
  return divides
             ? llvm::formatv("half of its {0} cycles is too little against {1} "
                             "cycles that a chunk adds",
                             work, head)
                   .str()
             : llvm::formatv(
                   "{0} rows cannot be cut into 2 to {1} equal chunks",
                   from.rows, unsigned(maxChunks))
                   .str();
}

/// The least buffer with which neither task waits longer than with one for all
/// chunks, and one chunk more, as a run is not quite as planned.
uint32_t StreamFlows::bufferFor(const sched::Problem &p,
                                const sched::Placement &placement,
                                const sched::Edge &edge,
                                const sched::Slot &from,
                                const sched::Slot &to) {
  const sched::Replica &a = placement.of(edge.from)[from.replica];
  const sched::Replica &z = placement.of(edge.to)[to.replica];
  const uint64_t n = edge.chunks;
  const uint64_t work = p.cyclesOn(edge.to, z.peaCount);
  const uint64_t way =
      sched::transferCycles(*topology, a.cluster, z.cluster, edge.chunkBytes());
  const uint64_t back = uint64_t(topology->distance(a.cluster, z.cluster)) *
                        topology->desc().controlPlane.tokenHopCycles;
  auto fits = [&](uint64_t buffer) {
    std::vector<uint64_t> used(n);
    for (uint64_t k = 0; k < n; ++k) {
      uint64_t made = from.start + (from.cycles * (k + 1) + n - 1) / n;
      uint64_t wanted = std::max(made + way, k ? used[k - 1] : to.start);
      if (k >= buffer) {
        uint64_t space = used[k - buffer] + back;
        if (made >= to.start ? space > made : space + way > wanted)
          return false;
      }
      used[k] = wanted + work * (k + 1) / n - work * k / n;
    }
    return true;
  };
  uint64_t most = buffer ? std::min<uint64_t>(buffer, n) : n;
  for (uint64_t b = 1; b < most; ++b)
    if (fits(b))
      return uint32_t(std::min(b + 1, most));
  return uint32_t(most);
}

LogicalResult StreamFlows::runOn(ProgramOp program, ScheduleProblem &problem,
                                 const sched::Placement &placement) {
  sched::Problem &p = problem.problem;
  auto count = [](StringRef name, uint64_t value) {
    octo::CompileReport::add("octo-stream-flows", name, value);
  };
  std::vector<uint32_t> segment = sched::findSegments(p);
  sched::Schedule before = readSchedule(problem);
  if (before.numSegments() == 0) {
    auto found =
        llvm::find_if(segment, [](uint32_t s) { return s != sched::none; });
    if (found == segment.end())
      return success();
    uint32_t block = uint32_t(found - segment.begin());
    return problem.op(block)->emitOpError()
           << "'" << p.path[block]
           << "' has no slot in a timetable; run octo-static-schedule before "
              "octo-stream-flows";
  }
  std::vector<const sched::Slot *> slotOf(p.numBlocks(), nullptr);
  std::vector<uint64_t> rank(p.numBlocks(), 0);
  bool ours = true;
  uint64_t latest = 0;
  for (const sched::Slot &slot : before.slots)
    latest = std::max(latest, slot.start);
  for (uint32_t s = 0; s < before.numSegments(); ++s)
    for (const sched::Slot &slot : before.of(s)) {
      slotOf[slot.block] = &slot;
      rank[slot.block] = latest - slot.start;
      ours &= segment[slot.block] == s && slot.replica == 0;
    }
  for (uint32_t b = 0; b < p.numBlocks(); ++b)
    ours &= (segment[b] != sched::none) == (slotOf[b] != nullptr);
  // Timetables that a person has made otherwise stay.
  if (!ours)
    return success();

  // What can be streamed.
  std::vector<StreamCandidate> candidates;
  uint32_t e = 0;
  for (uint32_t b = 0; b < p.numBlocks(); ++b) {
    auto op = cast<BlockOpInterface>(problem.op(b));
    for (auto [i, input] : llvm::enumerate(op.getBlockInputs())) {
      if (!getProducer(input))
        continue;
      sched::Edge &edge = p.edges[e++];
      if (segment[b] == sched::none || segment[edge.from] != segment[b])
        continue;
      if (edge.isStream()) {
        note(b, uint32_t(i), "streamed, as it was written");
        continue;
      }
      auto type = dyn_cast<FlowType>(input.getType());
      if (!type || !isa<RankedTensorType, DataType>(type.getPayload()) ||
          !edge.bytes)
        continue;
      count("flows_in_segments", 1);
      uint32_t output = cast<OpResult>(skipFlows(input)).getResultNumber(),
               chunks = 0;
      std::string why =
          chunksFor(p, placement, edge, output, uint32_t(i), chunks);
      if (!chunks) {
        note(b, uint32_t(i), "whole: " + why);
        continue;
      }
      edge.chunks = edge.buffer = uint16_t(chunks);
      candidates.push_back({e - 1, uint32_t(i)});
    }
  }
  count("candidates", candidates.size());

  // Time them; what does not pay is whole again.
  auto drop = [&](const StreamCandidate &c, std::string why) {
    sched::Edge &edge = p.edges[c.edge];
    edge.chunks = edge.buffer = 1;
    note(edge.to, c.input, "whole: " + why);
  };
  auto lengthOf = [](const sched::Schedule &schedule, uint32_t s) {
    uint64_t length = 0;
    for (const sched::Slot &slot : schedule.of(s))
      length = std::max(length, slot.start + slot.cycles);
    return length;
  };
  sched::Schedule after;
  bool settled = candidates.empty();
  while (!settled) {
    sched::Checked<sched::Schedule> timed =
        sched::scheduleStatic(p, *topology, placement, rank);
    if (!timed) {
      emitViolation(program, problem, timed.error());
      return failure();
    }
    after = std::move(*timed);
    for (const sched::Slot &slot : after.slots)
      slotOf[slot.block] = &slot;
    // Those that keep PEAs waiting first, then segments that gain nothing.
    size_t had = candidates.size();
    llvm::erase_if(candidates, [&](const StreamCandidate &c) {
      const sched::Edge &edge = p.edges[c.edge];
      const sched::Slot &slot = *slotOf[edge.to];
      uint64_t work = p.cyclesOn(edge.to, placement.of(edge.to)[0].peaCount);
      if (double(slot.cycles) <= stretch * double(work))
        return false;
      drop(c, llvm::formatv("its {0} cycles would be spread over {1}, waiting "
                            "for chunks",
                            work, slot.cycles)
                  .str());
      return true;
    });
    if (candidates.size() == had)
      llvm::erase_if(candidates, [&](const StreamCandidate &c) {
        uint32_t s = segment[p.edges[c.edge].to];
        uint64_t old = lengthOf(before, s), now = lengthOf(after, s);
        if (now < old && after.interval[s] <= before.interval[s])
          return false;
        drop(c, now < old
                    ? llvm::formatv("activations of the segment would be {0} "
                                    "cycles apart instead of {1}",
                                    after.interval[s], before.interval[s])
                          .str()
                    : llvm::formatv("the timetable of the segment would take "
                                    "{0} cycles, not less than {1}",
                                    now, old)
                          .str());
        return true;
      });
    settled = candidates.size() == had;
    if (candidates.empty())
      break;
  }

  // Write.
  std::vector<bool> changed(before.numSegments(), false);
  std::vector<octo::StreamEdge> streams;
  std::vector<uint32_t> edgeOfStream;
  for (const StreamCandidate &c : candidates) {
    sched::Edge &edge = p.edges[c.edge];
    changed[segment[edge.to]] = true;
    edge.buffer = uint16_t(
        bufferFor(p, placement, edge, *slotOf[edge.from], *slotOf[edge.to]));
  }
  for (uint32_t i = 0; i < p.edges.size() && !candidates.empty(); ++i)
    if (p.edges[i].isStream()) {
      streams.push_back({p.edges[i].from, p.edges[i].to, p.edges[i].chunks,
                         p.edges[i].buffer});
      edgeOfStream.push_back(i);
    }
  while (auto deadlock = octo::findStreamDeadlock(streams)) {
    if (deadlock->widen == octo::noStream) {
      // More than is searched: buffers for all but one never hold up.
      for (auto [stream, i] : llvm::zip(streams, edgeOfStream))
        p.edges[i].buffer = uint16_t(stream.chunks);
      break;
    }
    streams[deadlock->widen].buffer = deadlock->buffer;
    p.edges[edgeOfStream[deadlock->widen]].buffer = uint16_t(deadlock->buffer);
  }
  Builder attributes(&getContext());
  for (const StreamCandidate &c : candidates) {
    const sched::Edge &edge = p.edges[c.edge];
    Operation *to = problem.op(edge.to);
    unsigned operand =
        cast<BlockOpInterface>(to).getBlockInputs().getBeginOperandIndex() +
        c.input;
    Value value = to->getOperand(operand);
    OpBuilder builder(to);
    auto flow = FlowOp::create(builder, to->getLoc(), value.getType(), value,
                               builder.getI32IntegerAttr(edge.chunks),
                               builder.getI32IntegerAttr(edge.buffer));
    to->setOperand(operand, flow.getValue());
    count("streamed", 1);
    note(edge.to, c.input,
         llvm::formatv("streamed in {0} chunks, {1} in its buffer; the "
                       "timetable of the segment takes {2} cycles instead of "
                       "{3}",
                       edge.chunks, edge.buffer,
                       lengthOf(after, segment[edge.to]),
                       lengthOf(before, segment[edge.to]))
             .str());
  }
  for (auto [s, op] : llvm::enumerate(problem.layout.segments)) {
    if (!changed[s])
      continue;
    SegmentOp segmentOp = op;
    count("shorter_segments", 1);
    count("cycles_saved", lengthOf(before, s) - lengthOf(after, s));
    segmentOp.setInterval(int64_t(after.interval[s]));
    for (const sched::Slot &slot : after.of(s))
      cast<TbOp>(problem.op(slot.block))
          .setSlotAttr(SlotAttr::get(&getContext(), uint32_t(s), slot.replica,
                                     slot.start, slot.cycles));
  }
  for (uint32_t b = 0; b < p.numBlocks(); ++b) {
    if (notes[b].empty())
      continue;
    llvm::sort(notes[b]);
    SmallVector<Attribute> lines;
    for (const auto &[input, text] : notes[b])
      lines.push_back(attributes.getStringAttr(
          "input " + std::to_string(input) + ": " + text));
    problem.op(b)->setAttr(flowNotesName, attributes.getArrayAttr(lines));
  }
  return success();
}
