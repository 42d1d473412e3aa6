//===- ReportWords.cpp - Names and figures in results ---------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReportWords.h"
#include "octo/Runtime/Report.h"

#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"

#include <algorithm>
#include <cmath>

using namespace octo;

std::string_view report::kindName(const fb::Workflow &workflow,
                                  uint32_t block) {
  static constexpr const char *names[] = {"task", "switch", "select", "loop",
                                          "fanout"};
  auto kind = static_cast<unsigned>(workflow.blocks()->kind()->Get(block));
  return kind < std::size(names) ? names[kind] : "unknown";
}

std::string report::pathOf(const fb::Program &program, uint32_t workflow,
                           uint32_t block) {
  const fb::BlockTable &blocks = *program.workflows()->Get(workflow)->blocks();
  return std::string(stringAt(program, blocks.path()->Get(block)));
}

std::string report::placeOf(const std::string &file, uint32_t line) {
  if (file.empty())
    return {};
  return line ? fmt::format("{}:{}", file, line) : file;
}

std::string report::inBrackets(const std::string &place) {
  return place.empty() ? std::string() : fmt::format(" ({})", place);
}

std::string octo::groupDigits(uint64_t value) {
  std::string digits = std::to_string(value);
  for (size_t i = digits.size(); i > 3; i -= 3)
    digits.insert(i - 3, 1, ',');
  return digits;
}

std::string report::cycles(double value) {
  return groupDigits(uint64_t(std::llround(std::max(value, 0.0))));
}

std::string report::withPrefix(double value, std::string_view unit) {
  if (value == 0)
    return fmt::format("0 {}", unit);
  static constexpr struct {
    double factor;
    const char *prefix;
  } prefixes[] = {{1e9, "G"},  {1e6, "M"},  {1e3, "k"},  {1, ""},
                  {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}, {1e-12, "p"}};
  for (const auto &[factor, prefix] : prefixes)
    if (std::abs(value) >= factor)
      return fmt::format("{:.3g} {}{}", value / factor, prefix, unit);
  return fmt::format("{:.3g} {}", value, unit);
}

std::string_view report::bindingBound(const LowerBound &bound) {
  uint64_t most = bound.cycles();
  if (most == 0)
    return "none";
  if (most == bound.capacity)
    return "capacity";
  if (most == bound.path)
    return "path";
  if (most == bound.arrivals)
    return "arrivals";
  if (most == bound.hbm)
    return "hbm";
  if (most == bound.inFlight)
    return "in flight";
  if (most == bound.wayIn)
    return "way in";
  if (most == bound.wayOut)
    return "way out";
  return "host";
}

std::string_view report::explainBound(std::string_view part) {
  if (part == "capacity")
    return "all work, evenly over the PEAs that can do it";
  if (part == "path")
    return "tasks that must follow each other, over the requests in flight";
  if (part == "arrivals")
    return "the work of the requests that came last";
  if (part == "hbm")
    return "weights, over the memory ports";
  if (part == "in flight")
    return "tasks that must follow each other, with gangs as large as so few "
           "requests in flight need";
  if (part == "way in")
    return "what must go from the host port's cluster to others, over one link";
  if (part == "way out")
    return "what must come to the host port's cluster from others, over one "
           "link";
  if (part == "host")
    return "arguments and results, over the host port";
  return "nothing was done";
}

std::string report::machineLine(const RunResult &result,
                                const fb::Program &program) {
  const fb::Machine &machine = *program.machine();
  std::string names;
  for (const fb::Workflow *workflow : *program.workflows())
    names += (names.empty() ? "" : ", ") + workflow->name()->str();
  std::string text =
      fmt::format("{} on {} ({} PEAs", names, machine.name()->string_view(),
                  groupDigits(result.totalPeas));
  if (result.livePeas != result.totalPeas)
    text += fmt::format(", {} alive", groupDigits(result.livePeas));
  return text + fmt::format(", {}), seed {}{}\n",
                            withPrefix(double(machine.clock_hz()), "Hz"),
                            result.seed,
                            result.timingOnly ? ", timing only" : "");
}
