//===- HtmlReport.cpp - One page about a run ------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The page needs nothing but itself: no script, no font, no image from
// elsewhere. Every number in a drawing is also in a table or in a tooltip.
//
//===----------------------------------------------------------------------===//

#include "LatencyPrediction.h"
#include "ReportWords.h"
#include "octo/Runtime/Report.h"

#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"

#include <algorithm>
#include <numeric>

using namespace octo;
using namespace octo::report;

namespace {

std::string escape(std::string_view text) {
  std::string out;
  for (char c : text)
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      out += c;
    }
  return out;
}

struct Part {
  std::string name;
  double value;
  const char *colour;
};

/// A bar of parts with a legend.
std::string stackedBar(const std::vector<Part> &parts) {
  double total = 0;
  for (const Part &part : parts)
    total += part.value;
  if (total <= 0)
    return "<p>none</p>\n";
  std::string bar = "<svg class=bar viewBox='0 0 1000 24' "
                    "preserveAspectRatio='none' role='img'>";
  std::string legend = "<p class=legend>";
  double x = 0;
  for (const Part &part : parts) {
    if (part.value <= 0)
      continue;
    double width = 1000.0 * part.value / total;
    std::string label =
        fmt::format("{} {:.1f} %", part.name, 100.0 * part.value / total);
    bar += fmt::format("<rect x='{:.2f}' width='{:.2f}' height='24' "
                       "fill='{}'><title>{}</title></rect>",
                       x, width, part.colour, escape(label));
    legend += fmt::format("<span><i style='background:{}'></i>{}</span> ",
                          part.colour, escape(label));
    x += width;
  }
  return bar + "</svg>\n" + legend + "</p>\n";
}

std::string row(std::string_view label, std::string_view value) {
  return fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", escape(label),
                     escape(value));
}

/// A heading and what one should know to read what follows.
std::string section(std::string_view title, std::string_view note) {
  return fmt::format("<h2>{}</h2>\n<p class=note>{}</p>\n", title, note);
}

/// Every PEA-cycle, as a bar and as a table.
std::string peaTime(const RunResult &result) {
  static constexpr struct {
    const char *colour, *meaning;
  } states[numPeaStates] = {
      {"#1b6ca8", "an instance works"},
      {"#e0a030", "the code of an instance is loaded"},
      {"#8a63b8", "held, but operands or weights are on their way, or the gang "
                  "is being changed"},
      {"#c0504d", "held by an instance that cannot run yet, or kept for a slot "
                  "of a timetable"},
      {"#c9d3dc", "free"},
      {"#555", "dead"},
      {"#eceff2", "alive, but the program may not use it under this policy"}};
  double total = 0;
  for (uint64_t cycles : result.peaCycles)
    total += double(cycles);
  std::vector<Part> parts;
  std::string table = "<table class=list><tr><th>state</th><th>PEA-cycles</th>"
                      "<th>share</th><th>what it means</th></tr>\n";
  for (unsigned state = 0; state < numPeaStates; ++state) {
    std::string name(stringifyPeaState(static_cast<PeaState>(state)));
    std::replace(name.begin(), name.end(), '_', ' ');
    double cycles = double(result.peaCycles[state]);
    parts.push_back({name, cycles, states[state].colour});
    table += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{:.1f} %</td><td>{}</td></tr>\n", name,
        groupDigits(result.peaCycles[state]),
        total > 0 ? 100 * cycles / total : 0.0, states[state].meaning);
  }
  return section("Where every PEA-cycle went",
                 fmt::format("{} PEAs times {} cycles: each of these cycles is "
                             "in exactly one state.",
                             groupDigits(result.totalPeas),
                             groupDigits(result.makespanCycles))) +
         stackedBar(parts) + table + "</table>\n";
}

std::string idleCauses(const RunResult &result) {
  std::string text =
      section("Why PEAs were idle",
              fmt::format("Transient: for less than {} cycles, too short to "
                          "load other code. Contagious: what a PEA waited for "
                          "came from PEAs that had been waiting themselves. "
                          "Structural: nothing was on its way.",
                          groupDigits(result.breakEvenCycles))) +
      stackedBar(
          {{"transient", double(result.idleTransientPeaCycles), "#7fb3d5"},
           {"structural", double(result.idleStructuralPeaCycles), "#34495e"},
           {"contagious", double(result.idleContagiousPeaCycles), "#c0504d"}});
  const IdleDepth &depth = result.idleDepth;
  if (!depth.intervals)
    return text;
  text += fmt::format(
      "<p>Contagion went over {:.1f} producers on average, at most {}.</p>\n"
      "<table class=list><tr><th>depth</th><th>intervals</th>"
      "<th>PEA-cycles</th><th></th></tr>\n",
      double(depth.sum) / double(depth.intervals), groupDigits(depth.max));
  uint64_t most = *std::ranges::max_element(depth.peaCycles);
  for (unsigned d = 0; d < IdleDepth::bins; ++d)
    if (depth.histogram[d])
      text += fmt::format(
          "<tr><td>{}{}</td><td>{}</td><td>{}</td><td><svg class=mini "
          "viewBox='0 0 100 10' preserveAspectRatio='none'><rect width='{:.1f}'"
          " height='10' fill='#c0504d'/></svg></td></tr>\n",
          d + 1, d + 1 == IdleDepth::bins ? " and more" : "",
          groupDigits(depth.histogram[d]), groupDigits(depth.peaCycles[d]),
          100.0 * double(depth.peaCycles[d]) /
              double(std::max<uint64_t>(most, 1)));
  return text + "</table>\n";
}

constexpr const char *blameColours[numBlameCauses] = {
    "#9aa5b1", "#6b7a89", "#b39ddb", "#8a63b8", "#c0504d", "#e57373",
    "#e0a030", "#f2c14e", "#d81b60", "#1b6ca8", "#00838f", "#26a69a",
    "#6b8e23", "#34495e", "#a1887f", "#b71c1c"};

std::string causeName(unsigned cause) {
  std::string name(stringifyBlameCause(BlameCause(cause)));
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string blameBar(const std::array<uint64_t, numBlameCauses> &cycles) {
  std::vector<Part> parts;
  for (unsigned c = 0; c < numBlameCauses; ++c)
    parts.push_back({causeName(c), double(cycles[c]), blameColours[c]});
  return stackedBar(parts);
}

/// What the latency of requests was spent on, and at which blocks.
std::string blame(const RunResult &result, const fb::Program &program) {
  const BlameResult &blame = result.blame;
  if (!blame.requests)
    return {};
  std::string text = section("What made requests late",
                             "From the end of each request back to its "
                             "arrival, over what came last at "
                             "every step: the parts add up to its latency. "
                             "<i>Queue</i>: ready, but no "
                             "PEA was free. <i>Transfer</i>: data on their "
                             "way. <i>Dispatch, decision, "
                             "token, CBU queue, credits</i>: control.");
  text += fmt::format("<p>All {} requests</p>\n", groupDigits(blame.requests)) +
          blameBar(blame.cycles);
  if (blame.slowestRequests > 1)
    text += fmt::format("<p>The slowest {}</p>\n",
                        groupDigits(blame.slowestRequests)) +
            blameBar(blame.slowestCycles);
  double total = 0;
  for (uint64_t cycles : blame.cycles)
    total += double(cycles);
  constexpr size_t shown = 12;
  text += "<table class=list><tr><th>block</th><th>share of all latency</th>"
          "<th>mean cycles a request</th><th>spent on</th></tr>\n";
  for (size_t i = 0; i < blame.blocks.size() && i < shown; ++i) {
    const BlameOfBlock &block = blame.blocks[i];
    const auto &path =
        *program.workflows()->Get(block.workflow)->blocks()->path();
    std::vector<unsigned> order;
    for (unsigned c = 0; c < numBlameCauses; ++c)
      if (block.cycles[c])
        order.push_back(c);
    std::ranges::sort(order, [&](unsigned a, unsigned b) {
      return std::pair(block.cycles[b], a) < std::pair(block.cycles[a], b);
    });
    std::string causes;
    for (size_t k = 0; k < order.size() && k < 4; ++k)
      causes += fmt::format("{}{} {:.0f} %", k ? ", " : "", causeName(order[k]),
                            100.0 * double(block.cycles[order[k]]) /
                                double(block.total()));
    text += fmt::format("<tr><td>{}</td><td>{:.1f} %</td><td>{}</td>"
                        "<td>{}</td></tr>\n",
                        escape(stringAt(program, path.Get(block.block))),
                        total > 0 ? 100 * double(block.total()) / total : 0.0,
                        groupDigits(block.total() / blame.requests), causes);
  }
  return text + "</table>\n";
}

/// Larger maps have more cells than a screen shows.
constexpr uint64_t maxMapClusters = 4096;

/// The mesh: each cluster shaded by the part of its PEA time that computes,
/// each link by the part of the time that it was taken.
std::string meshMap(const RunResult &result, const fb::Program &program) {
  const fb::Machine &machine = *program.machine();
  uint64_t width = uint64_t(machine.dies_x()) * machine.clusters_x();
  uint64_t height = uint64_t(machine.dies_y()) * machine.clusters_y();
  uint64_t count = width * height;
  if (count < 2 || count > maxMapClusters ||
      result.clusterComputingPeaCycles.size() != count ||
      result.makespanCycles == 0)
    return {};
  double peaCycles =
      double(result.makespanCycles) * machine.tbus() * machine.peas();
  const std::vector<uint64_t> &busy = result.network.linkBusyCycles;
  double end = double(result.makespanCycles), most = 0;
  for (uint64_t cycles : busy)
    most = std::max(most, double(cycles) / end);
  std::string text = section(
      "The mesh",
      fmt::format(
          "Squares are clusters: the darker, the more of the time their "
          "PEAs compute. Lines are links, a pair for the two "
          "directions: the redder, the more of the time they were "
          "taken; the busiest one for {:.1f} %.",
          100 * most));
  text += fmt::format("<svg class=mesh viewBox='-1 -1 {} {}' "
                      "style='max-width:{}px'>",
                      width * 12 + 2, height * 12 + 2,
                      std::min<uint64_t>(width * 48, 760));
  // Links to +x, -x, +y, -y: from where to where in a cell of 12 units.
  static constexpr double ends[4][4] = {
      {9, 3, 12, 3}, {0, 6, -3, 6}, {3, 9, 3, 12}, {6, 0, 6, -3}};
  for (uint64_t i = 0; i < count; ++i) {
    double x = double(i % width * 12), y = double(i / width * 12);
    double part = double(result.clusterComputingPeaCycles[i]) / peaCycles;
    text += fmt::format("<rect x='{}' y='{}' width='9' height='9' "
                        "fill='#1b6ca8' fill-opacity='{:.3f}'><title>cluster "
                        "{}: {:.1f} % computing</title></rect>",
                        x, y, 0.06 + 0.94 * part, i, 100 * part);
    for (unsigned d = 0; d < 4 && busy.size() == count * 4; ++d) {
      uint64_t next = i;
      bool inside = d == 0   ? i % width + 1 < width
                    : d == 1 ? i % width > 0
                    : d == 2 ? i / width + 1 < height
                             : i / width > 0;
      if (!inside)
        continue;
      next = d == 0 ? i + 1 : d == 1 ? i - 1 : d == 2 ? i + width : i - width;
      double load = double(busy[i * 4 + d]) / end;
      double relative = most > 0 ? load / most : 0;
      text += fmt::format(
          "<line x1='{}' y1='{}' x2='{}' y2='{}' stroke='#c0392b' "
          "stroke-opacity='{:.2f}'><title>{} to {}: {:.2f} %</title></line>",
          x + ends[d][0], y + ends[d][1], x + ends[d][2], y + ends[d][3],
          0.08 + 0.92 * relative, i, next, 100 * load);
    }
  }
  return text + "</svg>\n";
}

/// The energy of each cluster: the whole as a shade, the parts beside it.
std::string energyMap(const RunResult &result, const fb::Program &program) {
  const fb::Machine &machine = *program.machine();
  uint64_t width = uint64_t(machine.dies_x()) * machine.clusters_x();
  const std::vector<EnergyBreakdown> &clusters = result.clusterEnergy;
  double most = 0;
  for (const EnergyBreakdown &cluster : clusters)
    most = std::max(most, cluster.total());
  if (clusters.size() < 2 || clusters.size() > maxMapClusters || most <= 0)
    return {};
  uint64_t height = clusters.size() / width;
  std::string text = fmt::format(
      "<p class=note>By cluster: the darker, the more; the largest takes "
      "{:.4g} "
      "J. Messages count where they start, memory at its port.</p>\n"
      "<svg class=mesh viewBox='-1 -1 {} {}' style='max-width:{}px'>",
      most, width * 12 + 2, height * 12 + 2,
      std::min<uint64_t>(width * 24, 380));
  for (uint64_t i = 0; i < clusters.size(); ++i) {
    const EnergyBreakdown &e = clusters[i];
    text += fmt::format(
        "<rect x='{}' y='{}' width='11' height='11' fill='#c0504d' "
        "fill-opacity='{:.3f}'><title>cluster {}: {:.4g} J (compute {:.3g}, "
        "scratchpad {:.3g}, network {:.3g}, HBM {:.3g}, host {:.3g}, "
        "configuration {:.3g}, control {:.3g}, leakage {:.3g})</title></rect>",
        i % width * 12, i / width * 12, 0.06 + 0.94 * e.total() / most, i,
        e.total(), e.compute, e.scratchpad, e.network, e.hbm, e.host,
        e.configuration, e.control, e.leakage);
  }
  return text + "</svg>\n";
}

/// The mean cycles of an instance, and how far from what was expected.
std::string againstExpected(const BlockStatistics &block) {
  if (!block.instances)
    return "-";
  std::string text = groupDigits(block.busyCycles / block.instances);
  if (block.predictedCycles)
    text +=
        fmt::format(" ({:+.1f} %)", 100.0 * (double(block.busyCycles) /
                                                 double(block.instances) /
                                                 double(block.predictedCycles) -
                                             1));
  return text;
}

std::string blockTable(const RunResult &result, const fb::Program &program) {
  constexpr size_t maxRows = 50;
  constexpr const char *blockNote =
      "<i>Expected</i> are the cycles of an instance that the compiler counted "
      "on, <i>mean cycles</i> those of this run on the gangs that instances "
      "had. Far apart, compile with a profile that was recorded on requests "
      "like these.";
  std::vector<uint32_t> order(result.blocks.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    uint64_t left = result.blocks[a].computePeaCycles;
    uint64_t right = result.blocks[b].computePeaCycles;
    return left != right ? left > right : a < b;
  });
  size_t shown = std::min(order.size(), maxRows);
  double most = 0;
  for (const BlockStatistics &block : result.blocks)
    most = std::max(most, double(block.computePeaCycles));
  std::string text =
      shown < order.size()
          ? section(fmt::format("Blocks (the {} busiest of {})", shown,
                                groupDigits(order.size())),
                    blockNote)
          : section("Blocks", blockNote);
  text += "<table class=list><tr><th>block</th><th>source</th>"
          "<th>instances</th><th>PEA-cycles</th><th></th><th>expected</th>"
          "<th>mean cycles</th>"
          "<th>mean wait</th><th>loads</th><th>outcomes</th></tr>\n";
  for (size_t i = 0; i < shown; ++i) {
    const BlockStatistics &block = result.blocks[order[i]];
    const fb::BlockTable &table =
        *program.workflows()->Get(block.workflow)->blocks();
    std::string source;
    if (table.source_file() && block.block < table.source_file()->size()) {
      source = stringAt(program, table.source_file()->Get(block.block));
      if (!source.empty() && table.source_line())
        source += fmt::format(":{}", table.source_line()->Get(block.block));
    }
    std::string outcomes;
    const std::span<const uint64_t> counts = result.outcomesOf(block);
    for (size_t k = 0; k < counts.size() && k < 16; ++k)
      outcomes += fmt::format("{}{}", k ? " / " : "", groupDigits(counts[k]));
    if (counts.size() > 16)
      outcomes += " / ...";
    auto mean = [&](uint64_t sum) {
      return block.instances ? groupDigits(sum / block.instances)
                             : std::string("-");
    };
    text += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td><svg class=mini "
        "viewBox='0 0 100 10' preserveAspectRatio='none'><rect width='{:.1f}' "
        "height='10' fill='#1b6ca8'/></svg></td><td>{}</td><td>{}</td>"
        "<td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escape(stringAt(program, table.path()->Get(block.block))),
        escape(source), groupDigits(block.instances),
        groupDigits(block.computePeaCycles),
        most > 0 ? 100.0 * double(block.computePeaCycles) / most : 0.0,
        groupDigits(block.predictedCycles), againstExpected(block),
        mean(block.waitCycles), groupDigits(block.configLoads), outcomes);
  }
  return text + "</table>\n";
}

/// Latency of the requests that completed, in ascending order.
std::string latencyCurve(const RunResult &result) {
  std::vector<uint64_t> latency;
  for (const RequestRecord &request : result.requests)
    if (!request.failed && request.finished != ~uint64_t(0))
      latency.push_back(request.finished - request.arrival);
  if (latency.size() < 2)
    return {};
  std::sort(latency.begin(), latency.end());
  double most = double(std::max<uint64_t>(latency.back(), 1));
  std::string points;
  // More points than this cannot be told apart.
  size_t count = std::min<size_t>(latency.size(), 400);
  for (size_t i = 0; i < count; ++i) {
    size_t index = i * (latency.size() - 1) / (count - 1);
    points +=
        fmt::format("{:.1f},{:.1f} ", 600.0 * double(latency[index]) / most,
                    200.0 - 200.0 * double(index + 1) / double(latency.size()));
  }
  return fmt::format(
      "<h2>Latency</h2>\n<p class=note>The share of requests that took at most "
      "so many cycles.</p>\n<svg class=curve viewBox='-2 -4 606 226'>"
      "<path d='M0 0V200H600' fill='none' stroke='#888'/>"
      "<polyline points='{}' fill='none' stroke='#1b6ca8' stroke-width='2'/>"
      "<text x='600' y='216' text-anchor='end'>{} cycles</text>"
      "<text x='0' y='216'>0</text><text x='4' y='10'>all requests</text>"
      "</svg>\n",
      points, groupDigits(latency.back()));
}

} // namespace

std::string octo::formatHtml(const RunResult &result,
                             const fb::Program &program) {
  std::string names;
  for (const fb::Workflow *workflow : *program.workflows())
    names += (names.empty() ? "" : ", ") + workflow->name()->str();
  std::string title =
      fmt::format("{} on {}, {}", names,
                  program.machine()->name()->string_view(), result.policy);
  std::string text = fmt::format(
      "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n"
      "<meta name=viewport content='width=device-width'>\n<title>{0}</title>\n"
      "<style>\n"
      "body{{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;"
      "max-width:70rem;padding:0 1rem;color:#222}}\n"
      "h1{{font-size:1.5rem}}h2{{font-size:1.1rem;margin-top:2rem}}\n"
      "table{{border-collapse:collapse}}th,td{{padding:.15rem .8rem .15rem 0;"
      "text-align:left;vertical-align:top}}\n"
      ".list td,.list th{{border-bottom:1px solid #ddd;font-size:13px}}\n"
      "td{{font-variant-numeric:tabular-nums}}\n"
      ".bar{{width:100%;height:24px}}.mini{{width:90px;height:10px}}\n"
      ".curve{{max-width:640px;width:100%}}.curve text{{font-size:12px}}\n"
      ".mesh{{width:100%}}.legend span{{margin-right:1rem}}\n"
      ".legend i{{display:inline-block;width:.8em;height:.8em;"
      "margin-right:.3em}}\n"
      ".bad{{color:#a11}}.note{{color:#555;max-width:46rem}}\n"
      ".mesh line{{stroke-width:1.4}}\n"
      "</style></head><body>\n<h1>{0}</h1>\n",
      escape(title));

  std::string unfinished = formatUnfinished(result);
  if (!unfinished.empty())
    text += "<pre class=bad>" + escape(unfinished) + "</pre>\n";

  const SampleSummary &latency = result.latency;
  auto number = [&](uint64_t value) {
    return latency.count ? groupDigits(value) : std::string("-");
  };
  text += "<table>\n";
  text += row("requests", fmt::format("{} completed, {} failed",
                                      groupDigits(result.requestsCompleted),
                                      groupDigits(result.requestsFailed)));
  text += row("makespan", groupDigits(result.makespanCycles) + " cycles");
  text +=
      row("lower bound",
          result.lowerBound.cycles()
              ? fmt::format("{} cycles ({}); the run took {:.3f} times as long",
                            groupDigits(result.lowerBound.cycles()),
                            report::bindingBound(result.lowerBound),
                            result.ratioToLowerBound)
              : std::string("none"));
  text += row("throughput", fmt::format("{:.4g} requests per million cycles",
                                        result.throughputRequestsPerMegacycle));
  if (const SteadyState &steady = result.steady; steady.reached)
    text +=
        row("settled",
            fmt::format("after {} requests; from then on latency {:.0f} "
                        "± {:.0f} cycles, throughput {:.4g} ± {:.2g} (95 %)",
                        groupDigits(steady.truncatedRequests),
                        steady.latencyMean, steady.latencyHalfWidth,
                        steady.throughput, steady.throughputHalfWidth));
  text += row("latency, cycles",
              fmt::format("mean {}, p50 {}, p95 {}, p99 {}, max {}",
                          number(uint64_t(latency.mean + 0.5)),
                          number(latency.p50), number(latency.p95),
                          number(latency.p99), number(latency.max)));
  for (const TenantStatistics &tenant : result.tenants)
    if (std::string alone = describeAlone(tenant, program); !alone.empty())
      text +=
          row(result.tenants.size() > 1 ? fmt::format("{} alone", tenant.name)
                                        : std::string("a request alone"),
              alone);
  if (std::optional<Slowdown> slowdown = slowdownOf(result, program))
    text += row("slowdown", describe(*slowdown));
  text +=
      row("utilisation", fmt::format("{:.1f} %", 100 * result.peaUtilization));
  text += row("energy", fmt::format("{:.4g} J", result.energyJoules));
  std::string disabled;
  for (const std::string &name : result.disabled)
    disabled += " without " + name;
  text += row("policy, seed",
              fmt::format("{}{}, {}", result.policy, disabled, result.seed));
  if (!result.outputsSha256.empty())
    text += row("outputs, SHA-256", result.outputsSha256);
  text += "</table>\n";

  text += blame(result, program);
  text += peaTime(result);
  text += idleCauses(result);
  text +=
      section("Energy", fmt::format("{:.4g} J in all.", result.energyJoules)) +
      stackedBar({{"compute", result.energy.compute, "#1b6ca8"},
                  {"scratchpad", result.energy.scratchpad, "#7fb3d5"},
                  {"network", result.energy.network, "#8a63b8"},
                  {"HBM", result.energy.hbm, "#c0504d"},
                  {"host", result.energy.host, "#e0a030"},
                  {"configuration", result.energy.configuration, "#6b8e23"},
                  {"control", result.energy.control, "#34495e"},
                  {"leakage", result.energy.leakage, "#c9d3dc"}}) +
      energyMap(result, program);
  text += latencyCurve(result);
  text += meshMap(result, program);
  text += blockTable(result, program);

  if (!result.failures.empty()) {
    text += "<h2>Failed requests</h2>\n<table class=list><tr><th>request</th>"
            "<th>block</th><th>source</th><th>reason</th></tr>\n";
    for (const RequestFailure &failure : result.failures) {
      std::string source = failure.file;
      if (!source.empty() && failure.line)
        source += fmt::format(":{}", failure.line);
      text +=
          fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                      failure.request, escape(failure.path), escape(source),
                      escape(failure.reason));
    }
    text += "</table>\n";
  }
  return text + "</body></html>\n";
}
