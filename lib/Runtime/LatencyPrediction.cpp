//===- LatencyPrediction.cpp - Latencies beside what was predicted --------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LatencyPrediction.h"

#include "ReportWords.h"
#include "octo/Runtime/Report.h"

#include "octo/Program/program_generated.h"

using namespace octo;
using namespace octo::report;

const fb::RequestPath *report::predictionOf(const TenantStatistics &tenant,
                                            const fb::Program &program) {
  return program.workflows()->Get(tenant.workflow)->request_path();
}

double report::tailPercent(const fb::RequestPath &path) {
  return path.tail_per_million() / 1e4;
}

std::optional<double> report::slowdownOf(const TenantStatistics &tenant,
                                         const fb::Program &program) {
  const fb::RequestPath *path = predictionOf(tenant, program);
  if (!path || !path->cycles() || !tenant.latency.count)
    return std::nullopt;
  return tenant.latency.mean / double(path->cycles());
}

bool report::isWait(BlameCause cause) {
  switch (cause) {
  case BlameCause::Admission:
  case BlameCause::Queue:
  case BlameCause::Configuration:
  case BlameCause::Weights:
  case BlameCause::Resize:
  case BlameCause::CbuQueue:
  case BlameCause::Credits:
  case BlameCause::Lost:
    return true;
  case BlameCause::HostPort:
  case BlameCause::Token:
  case BlameCause::Transfer:
  case BlameCause::Dispatch:
  case BlameCause::Compute:
  case BlameCause::Decision:
  case BlameCause::Join:
  case BlameCause::Stream:
    return false;
  }
  return false;
}

std::optional<Slowdown> report::slowdownOf(const RunResult &result,
                                           const fb::Program &program) {
  Slowdown slowdown;
  double predicted = 0;
  for (const TenantStatistics &tenant : result.tenants) {
    if (!tenant.latency.count)
      continue;
    const fb::RequestPath *path = predictionOf(tenant, program);
    if (!path)
      return std::nullopt;
    predicted += double(tenant.latency.count) * double(path->cycles());
  }
  if (predicted <= 0)
    return std::nullopt;
  slowdown.predicted = predicted / double(result.latency.count);
  slowdown.factor = result.latency.mean / slowdown.predicted;
  for (unsigned c = 0; c < numBlameCauses; ++c) {
    slowdown.causes[c] = double(result.blame.cycles[c]) / predicted;
    if (isWait(BlameCause(c)))
      slowdown.waits += slowdown.causes[c];
  }
  return slowdown;
}

std::string report::describeAlone(const TenantStatistics &tenant,
                                  const fb::Program &program) {
  std::string text;
  if (const fb::RequestPath *path = predictionOf(tenant, program)) {
    text = fmt::format("predicted {}", groupDigits(path->cycles()));
    if (path->samples() > 1)
      text += fmt::format(" ({:.6g} % within {})", tailPercent(*path),
                          groupDigits(path->tail()));
  }
  auto add = [&](std::string part) {
    text += (text.empty() ? "" : "; ") + part;
  };
  if (tenant.firstLatency)
    add(fmt::format("the first request {}", groupDigits(tenant.firstLatency)));
  if (const SampleSummary &alone = tenant.aloneLatency; alone.count)
    add(fmt::format("the {} that {} alone {}", groupDigits(alone.count),
                    alone.count == 1 ? "was" : "were", cycles(alone.mean)));
  return text.empty() ? text : text + " cycles";
}

std::string report::describe(const Slowdown &slowdown) {
  return fmt::format(
      "{:.2f} times what is predicted of a request alone; {:.2f} "
      "of it are waits",
      slowdown.factor, slowdown.waits);
}
