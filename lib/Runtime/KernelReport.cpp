//===- KernelReport.cpp - What kernels cost, and why ----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/KernelReport.h"
#include "octo/Program/Columns.h"
#include "octo/Program/KernelCosts.h"
#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"
#include "octo/Target/Capacity.h"

#include <fmt/format.h>
#include <iterator>
#include <nlohmann/json.hpp>

using namespace octo;
using Json = nlohmann::ordered_json;

namespace {

/// What can bound a kernel. `Array` is matrix work on an array of PEs, `Mac`
/// matrix work without one.
enum Bound {
  Array,
  Mac,
  Vector,
  Special,
  Scalar,
  Scratchpad,
  Memory,
  Overhead
};
constexpr unsigned numBounds = 8;
constexpr const char *boundNames[numBounds] = {
    "array",  "mac",        "vector", "special",
    "scalar", "scratchpad", "memory", "overhead"};
using Shares = std::array<uint64_t, numBounds>;

constexpr const char *kindNames[] = {"matrix", "vector", "special", "scalar",
                                     "move"};
constexpr const char *dataflowNames[] = {"none", "ws", "os", "is"};
constexpr const char *formNames[numPhaseForms] = {"times",       "m",
                                                  "n",           "k",
                                                  "count",       "mac",
                                                  "vector",      "special",
                                                  "scalar",      "load_bytes",
                                                  "store_bytes", "left_bytes",
                                                  "right_bytes", "result_bytes",
                                                  "live_bytes",  "held_bytes"};

struct VariantReport {
  uint32_t gang;
  uint64_t cycles;
  CallCycles call;
  std::vector<PhaseCycles> phases;
  Shares shares{};
  Bound bound = Overhead;
  std::string why; ///< for a gang whose speed-up is below half its size
};

struct KernelReport {
  uint32_t kernel;
  std::vector<uint64_t> symbols;
  std::vector<PhaseValues> phases;
  std::array<uint64_t, 5> work{};
  std::vector<VariantReport> variants;
};

template <class Vector>
uint64_t at(const Vector *vector, uint32_t i, uint64_t missing = 0) {
  return vector && i < vector->size() ? static_cast<uint64_t>(vector->Get(i))
                                      : missing;
}

class Reporter {
public:
  explicit Reporter(const fb::Program &program)
      : program(program), table(*program.kernels()), costs(program) {}

  /// The kernels that run on PEAs.
  std::vector<KernelReport> run();
  std::string nameOf(uint32_t kernel) const {
    return program.strings()
        ->Get(static_cast<uint32_t>(at(table.name(), kernel)))
        ->str();
  }
  std::string phaseName(uint32_t kernel, uint32_t phase) const {
    uint32_t p = static_cast<uint32_t>(
        at(table.phases()->phase_offsets(), kernel) + phase);
    return program.strings()->Get(table.phases()->name()->Get(p))->str();
  }
  static std::string symbolName(uint32_t symbol) {
    return symbol & counterMark
               ? fmt::format("counter({})", symbol & ~counterMark)
               : fmt::format("dim({}, {})", symbol >> 8, symbol & 255);
  }

  const fb::Program &program;
  const fb::KernelTable &table;
  KernelCosts costs;

private:
  std::vector<uint64_t> symbolsOf(uint32_t kernel);
  Shares sharesOf(uint32_t kernel, uint32_t variant, const VariantReport &of);
  std::string whyNot(const VariantReport &one, const VariantReport &gang) const;
};

/// The sizes that a kernel meets at the first block that runs it, as the
/// program expects them; counted loops run once.
std::vector<uint64_t> Reporter::symbolsOf(uint32_t kernel) {
  std::span<const uint32_t> symbols = costs.symbolsOf(kernel);
  std::vector<uint64_t> values(symbols.size(), 1);
  if (symbols.empty())
    return values;
  for (const fb::Workflow *workflow : *program.workflows()) {
    const fb::BlockTable &blocks = *workflow->blocks();
    for (uint32_t b = 0; b < sizeOf(blocks.kind()); ++b) {
      if (blocks.kernel()->Get(b) != kernel)
        continue;
      uint32_t begin = blocks.input_offsets()->Get(b);
      uint32_t inputs = blocks.input_offsets()->Get(b + 1) - begin;
      for (size_t s = 0; s < symbols.size(); ++s) {
        uint32_t input = symbols[s] >> 8, dim = symbols[s] & 255;
        if (symbols[s] & counterMark || input >= inputs)
          continue;
        uint32_t value = blocks.inputs()->Get(begin + input);
        bool weight = value >> 31;
        value &= 0x7fffffff;
        uint32_t type = weight ? program.weights()->type()->Get(value)
                               : workflow->values()->type()->Get(value);
        uint64_t bytes = weight ? program.weights()->bytes()->Get(value)
                                : workflow->values()->bytes()->Get(value);
        const fb::TypeTable &types = *program.types();
        constexpr uint8_t sizes[] = {1, 1, 2, 4, 8, 8, 2, 2, 4, 8, 0, 0};
        uint32_t first = types.dim_offsets()->Get(type);
        std::vector<int64_t> dims;
        for (uint32_t d = first; d < types.dim_offsets()->Get(type + 1); ++d)
          dims.push_back(types.dims()->Get(d));
        dims = expectedDims(dims, sizes[size_t(types.element()->Get(type))],
                            bytes);
        if (dim < dims.size())
          values[s] = static_cast<uint64_t>(dims[dim]);
      }
      return values;
    }
  }
  return values;
}

/// The cycles of a variant by what they are spent on. Of loading and working,
/// which overlap, the longer one counts.
Shares Reporter::sharesOf(uint32_t kernel, uint32_t variant,
                          const VariantReport &of) {
  Shares shares{};
  std::span<const PhaseMapping> mappings = costs.mappings(variant);
  for (size_t p = 0; p < of.phases.size(); ++p) {
    const PhaseCycles &cycles = of.phases[p];
    uint64_t rest = cycles.total - cycles.spill - cycles.sync;
    if (cycles.compute() >= cycles.transfer) {
      bool onArray =
          p < mappings.size() && mappings[p].dataflow != Dataflow::None;
      shares[onArray ? Array : Mac] += cycles.mac;
      shares[Vector] += cycles.vector;
      shares[Special] += cycles.special;
      shares[Scalar] += cycles.scalar;
      shares[Scratchpad] += rest - cycles.compute();
    } else {
      shares[Scratchpad] += rest;
    }
    shares[Memory] += cycles.spill;
    shares[Overhead] += cycles.sync;
  }
  shares[Overhead] += costs.costs(variant).fixed;
  return shares;
}

/// Why p PEAs are not p / 2 times as fast as one: where most of their cycles
/// are lost.
std::string Reporter::whyNot(const VariantReport &one,
                             const VariantReport &gang) const {
  unsigned worst = Overhead;
  __int128 most = 0;
  for (unsigned b = 0; b < numBounds; ++b) {
    __int128 lost = static_cast<__int128>(gang.shares[b]) * gang.gang -
                    static_cast<__int128>(one.shares[b]);
    if (lost > most) {
      most = lost;
      worst = b;
    }
  }
  uint64_t own = gang.shares[worst];
  switch (worst) {
  case Scalar:
    return fmt::format("scalar work stays on one PEA: {} cycles", own);
  case Scratchpad:
    return fmt::format("the scratchpad port of the TBU does not grow with the "
                       "gang: {} cycles",
                       own);
  case Memory:
    return fmt::format("spills to external memory do not get faster: {} cycles",
                       own);
  case Overhead:
    return fmt::format("barriers and the sums of partial results take {} "
                       "cycles",
                       own);
  case Array:
    return fmt::format("the parts are too small for the arrays, whose fill and "
                       "drain stay: {} cycles on one PEA, {} on each of {}",
                       one.shares[worst], own, gang.gang);
  default:
    return fmt::format("the work does not part evenly: {} cycles on one PEA, "
                       "{} on the longest of {}",
                       one.shares[worst], own, gang.gang);
  }
}

std::vector<KernelReport> Reporter::run() {
  std::vector<KernelReport> reports;
  for (uint32_t k = 0; k < sizeOf(table.kind()); ++k) {
    if (table.kind()->Get(k) != fb::KernelKind::Image)
      continue;
    KernelReport report;
    report.kernel = k;
    report.symbols = symbolsOf(k);
    costs.phases(k, report.symbols, report.phases);
    uint32_t call = costs.call(k, report.symbols);
    report.work = costs.work(call);
    for (uint32_t v = table.variant_offsets()->Get(k);
         v < table.variant_offsets()->Get(k + 1); ++v) {
      VariantReport variant;
      variant.gang = costs.costs(v).gang;
      variant.cycles = costs.variant(call, v).cycles;
      if (!report.phases.empty()) {
        variant.call = costs.cycles(k, v, report.phases, &variant.phases);
        variant.shares = sharesOf(k, v, variant);
        variant.bound = static_cast<Bound>(
            std::max_element(variant.shares.begin(), variant.shares.end()) -
            variant.shares.begin());
        if (const VariantReport *one = report.variants.data();
            !report.variants.empty() &&
            2 * one->cycles < variant.gang * variant.cycles)
          variant.why = whyNot(*one, variant);
      }
      report.variants.push_back(std::move(variant));
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

constexpr const char *classNames[] = {"matrix", "vector", "general"};

} // namespace

std::string octo::formatKernels(const fb::Program &program) {
  Reporter reporter(program);
  std::string text;
  auto out = std::back_inserter(text);
  const CycleMachine &machine = reporter.costs.machine();
  fmt::format_to(out, "PEA: {} x {} PEs, {} SRAM\n", machine.rows, machine.cols,
                 formatBytes(machine.sram));
  std::vector<KernelReport> reports = reporter.run();
  if (reports.empty())
    text += "no kernel has code: tasks are profiled, or none are left\n";
  for (const KernelReport &report : reports) {
    uint32_t k = report.kernel;
    fmt::format_to(
        out, "\nkernel {} on {}, {} of code\n", reporter.nameOf(k),
        classNames[std::min<uint64_t>(at(reporter.table.pea_class(), k), 2)],
        formatBytes(reporter.table.code_bytes()->Get(k)));
    std::span<const uint32_t> symbols = reporter.costs.symbolsOf(k);
    for (size_t s = 0; s < symbols.size(); ++s)
      fmt::format_to(out, "{}{} = {}", s ? ", " : "  with ",
                     Reporter::symbolName(symbols[s]), report.symbols[s]);
    if (!symbols.empty())
      text += '\n';
    fmt::format_to(out,
                   "  work: {} mac, {} vector, {} special, {} scalar, {} "
                   "bytes\n",
                   report.work[0], report.work[1], report.work[2],
                   report.work[3], report.work[4]);
    std::span<const PhaseKind> kinds = reporter.costs.kinds(k);
    for (size_t p = 0; p < report.phases.size(); ++p) {
      const PhaseValues &phase = report.phases[p];
      fmt::format_to(out, "  phase {:<3} {:<8}{}", p,
                     kindNames[unsigned(kinds[p])],
                     reporter.phaseName(k, uint32_t(p)));
      if (kinds[p] == PhaseKind::Matrix)
        fmt::format_to(out, " {} x {} x {}", phase[PhaseForm::M],
                       phase[PhaseForm::N], phase[PhaseForm::K]);
      if (phase[PhaseForm::Count] != 1)
        fmt::format_to(out, ", {} products", phase[PhaseForm::Count]);
      if (phase[PhaseForm::Times] != 1)
        fmt::format_to(out, ", {} times", phase[PhaseForm::Times]);
      text += ':';
      constexpr const char *classes[] = {"mac", "vector", "special", "scalar"};
      for (unsigned c = 0; c < 4; ++c)
        if (uint64_t work = phase.value[unsigned(PhaseForm::Mac) + c])
          fmt::format_to(out, " {} {}", work, classes[c]);
      if (uint64_t bytes = phase[PhaseForm::Load])
        fmt::format_to(out, " {} loaded", formatBytes(bytes));
      if (uint64_t bytes = phase[PhaseForm::Store])
        fmt::format_to(out, " {} stored", formatBytes(bytes));
      text += '\n';
    }
    for (const VariantReport &variant : report.variants) {
      uint32_t v = reporter.table.variant_offsets()->Get(k) +
                   uint32_t(&variant - report.variants.data());
      const VariantReport &one = report.variants.front();
      fmt::format_to(out, "  {} PEA{}: {} cycles", variant.gang,
                     variant.gang == 1 ? "" : "s", variant.cycles);
      if (variant.gang > 1)
        fmt::format_to(out, ", {:.2f} times as fast",
                       double(one.cycles) /
                           double(std::max<uint64_t>(variant.cycles, 1)));
      if (!variant.phases.empty())
        fmt::format_to(out, ", bound by {}", boundNames[variant.bound]);
      fmt::format_to(out, ", {} of SRAM{}\n",
                     formatBytes(reporter.costs.costs(v).footprint),
                     variant.call.resident ? "" : " (streams through)");
      std::span<const PhaseMapping> mappings = reporter.costs.mappings(v);
      for (size_t p = 0; p < variant.phases.size(); ++p) {
        const PhaseCycles &cycles = variant.phases[p];
        fmt::format_to(out, "    phase {:<3} {} cycles", p, cycles.total);
        if (p < mappings.size()) {
          const PhaseMapping &map = mappings[p];
          if (map.dataflow != Dataflow::None)
            fmt::format_to(out, ", {}", dataflowNames[unsigned(map.dataflow)]);
          constexpr const char *dims[] = {"products", "m", "n", "k"};
          for (unsigned d = 0; d < 4; ++d)
            if (map.parts[d] > 1)
              fmt::format_to(out, ", {} in {}", dims[d], map.parts[d]);
          if (map.tileM && !variant.call.resident)
            fmt::format_to(out, ", tiles {} x {} x {}", map.tileM, map.tileN,
                           map.tileK);
        }
        fmt::format_to(out, ": {} work, {} loading", cycles.compute(),
                       cycles.transfer);
        if (cycles.spill)
          fmt::format_to(out, ", {} spills", cycles.spill);
        if (cycles.sync)
          fmt::format_to(out, ", {} meeting", cycles.sync);
        text += '\n';
      }
      if (!variant.why.empty())
        fmt::format_to(out,
                       "    less than {:.1f} times as fast as one PEA: {}\n",
                       variant.gang / 2.0, variant.why);
    }
  }
  return text;
}

std::string octo::formatKernelsJson(const fb::Program &program) {
  Reporter reporter(program);
  const CycleMachine &machine = reporter.costs.machine();
  Json json;
  json["schema_version"] = 1;
  json["machine"] = {{"rows", machine.rows},
                     {"cols", machine.cols},
                     {"pea_sram", machine.sram},
                     {"scratchpad", machine.scratchpad}};
  json["kernels"] = Json::array();
  for (const KernelReport &report : reporter.run()) {
    uint32_t k = report.kernel;
    Json kernel;
    kernel["name"] = reporter.nameOf(k);
    kernel["pea_class"] =
        classNames[std::min<uint64_t>(at(reporter.table.pea_class(), k), 2)];
    kernel["code_bytes"] = reporter.table.code_bytes()->Get(k);
    kernel["symbols"] = Json::object();
    std::span<const uint32_t> symbols = reporter.costs.symbolsOf(k);
    for (size_t s = 0; s < symbols.size(); ++s)
      kernel["symbols"][Reporter::symbolName(symbols[s])] = report.symbols[s];
    kernel["work"] = {{"mac", report.work[0]},
                      {"vector", report.work[1]},
                      {"special", report.work[2]},
                      {"scalar", report.work[3]},
                      {"bytes", report.work[4]}};
    kernel["phases"] = Json::array();
    std::span<const PhaseKind> kinds = reporter.costs.kinds(k);
    for (size_t p = 0; p < report.phases.size(); ++p) {
      const PhaseValues &values = report.phases[p];
      Json phase;
      phase["name"] = reporter.phaseName(k, uint32_t(p));
      phase["kind"] = kindNames[unsigned(kinds[p])];
      for (unsigned f = 0; f < numPhaseForms; ++f)
        phase[formNames[f]] = values.value[f];
      if (kinds[p] == PhaseKind::Matrix)
        for (Dataflow dataflow :
             {Dataflow::WeightStationary, Dataflow::OutputStationary,
              Dataflow::InputStationary})
          phase["array_cycles"][dataflowNames[unsigned(dataflow)]] =
              arrayCycles(dataflow, values[PhaseForm::M], values[PhaseForm::N],
                          values[PhaseForm::K], values[PhaseForm::Count],
                          machine.rows, machine.cols);
      kernel["phases"].push_back(std::move(phase));
    }
    kernel["variants"] = Json::array();
    for (const VariantReport &variant : report.variants) {
      uint32_t v = reporter.table.variant_offsets()->Get(k) +
                   uint32_t(&variant - report.variants.data());
      Json entry;
      entry["gang"] = variant.gang;
      entry["cycles"] = variant.cycles;
      entry["speedup"] = double(report.variants.front().cycles) /
                         double(std::max<uint64_t>(variant.cycles, 1));
      entry["footprint_bytes"] = reporter.costs.costs(v).footprint;
      if (!variant.phases.empty()) {
        entry["resident"] = variant.call.resident;
        entry["bytes"] = variant.call.bytes;
        entry["hbm_bytes"] = variant.call.hbmBytes;
        entry["bound"] = boundNames[variant.bound];
        for (unsigned b = 0; b < numBounds; ++b)
          entry["cycles_by"][boundNames[b]] = variant.shares[b];
        if (!variant.why.empty())
          entry["why_slow"] = variant.why;
        std::span<const PhaseMapping> mappings = reporter.costs.mappings(v);
        for (size_t p = 0; p < variant.phases.size(); ++p) {
          const PhaseCycles &cycles = variant.phases[p];
          Json phase;
          if (p < mappings.size()) {
            const PhaseMapping &map = mappings[p];
            phase["dataflow"] = dataflowNames[unsigned(map.dataflow)];
            phase["parts"] = {{"count", map.parts[0]},
                              {"m", map.parts[1]},
                              {"n", map.parts[2]},
                              {"k", map.parts[3]}};
            phase["tiles"] = {
                {"m", map.tileM}, {"n", map.tileN}, {"k", map.tileK}};
          }
          phase["cycles"] = {
              {"mac", cycles.mac},           {"vector", cycles.vector},
              {"special", cycles.special},   {"scalar", cycles.scalar},
              {"transfer", cycles.transfer}, {"spill", cycles.spill},
              {"sync", cycles.sync},         {"total", cycles.total}};
          entry["phases"].push_back(std::move(phase));
        }
      }
      kernel["variants"].push_back(std::move(entry));
    }
    json["kernels"].push_back(std::move(kernel));
  }
  return json.dump(2) + "\n";
}
