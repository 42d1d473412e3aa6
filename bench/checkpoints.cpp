//===- checkpoints.cpp - Runs with faults that are interrupted ------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs compiled programs without their code while parts die at random cycles,
// writes a checkpoint of each run at a random event and goes on from it. What
// is reported and what is told from the checkpoint on must be the same as in
// the run that was not interrupted. Exit code 1 when it is not.
//
//   checkpoints-bench [--seeds=N] [--requests=N] [--policy=P]...
//                     [--network=N]... P.octo...
//
//===----------------------------------------------------------------------===//

#include "RunRecorder.h"
#include "fault_runs.h"

#include <cstdio>
#include <filesystem>
#include <random>

#include <unistd.h>

using namespace octo;
using namespace octo::bench;

namespace {

constexpr PartKind kinds[] = {PartKind::Pea,  PartKind::Tbu,     PartKind::Cbu,
                              PartKind::Link, PartKind::Cluster, PartKind::Hbm};

struct Counts {
  unsigned runs = 0, lost = 0, beforeFault = 0, afterFault = 0, wrong = 0;
};

/// What dies in a run of about `length` cycles: up to three parts of a kind.
std::vector<FaultRule> draw(PartKind kind, uint64_t length,
                            std::mt19937_64 &random) {
  FaultRule rule;
  rule.part.kind = kind;
  rule.drawn = true;
  rule.count = 1 + random() % 3;
  rule.to = length;
  return {rule};
}

/// Interrupts a run at a random event and goes on from there.
Expected<void> goOn(Session &session, SimulationOptions options,
                    const std::string &file, std::mt19937_64 &random,
                    Counts &counts) {
  test::RunRecorder whole;
  Expected<RunResult> full = session.run(options, &whole);
  if (!full)
    return Error(full.error());
  ++counts.runs;
  counts.lost += full->status == RunStatus::MachineLost;
  std::string expected = test::simulatedJson(*full, session.program());

  std::filesystem::remove(file);
  options.checkpoint.file = file;
  options.checkpoint.atEvent = 1 + random() % (full->events - 1);
  test::RunRecorder observed(file);
  Expected<RunResult> writer = session.run(options, &observed);
  if (!writer)
    return Error(writer.error());
  bool right = writer->host.checkpoints == 1 && observed.lines == whole.lines &&
               test::simulatedJson(*writer, session.program()) == expected;
  for (const FaultStatistics::Part &part : full->faults.parts)
    ++(part.cycle < writer->host.checkpointCycle ? counts.afterFault
                                                 : counts.beforeFault);

  options.checkpoint.file.clear();
  options.checkpoint.resume = file;
  test::RunRecorder rest;
  Expected<RunResult> resumed = session.run(options, &rest);
  if (!resumed)
    return Error(resumed.error());
  rest.lines.insert(rest.lines.begin(), whole.lines.begin(),
                    whole.lines.begin() + ptrdiff_t(observed.before));
  right &= rest.lines == whole.lines &&
           test::simulatedJson(*resumed, session.program()) == expected;
  if (!right) {
    ++counts.wrong;
    std::fprintf(
        stderr, "%s, %s, %s, seed %llu, event %llu: not the same\n",
        session.name().c_str(), options.policy.c_str(),
        std::string(stringifyNetworkModel(options.network)).c_str(),
        static_cast<unsigned long long>(options.scenario.seed),
        static_cast<unsigned long long>(writer->host.checkpointEvents));
  }
  return {};
}

} // namespace

int main(int argc, char **argv) {
  FaultFlags flags{.seeds = 50};
  bool wellFormed = true;
  std::vector<NetworkModel> networks;
  for (int i = 1; i < argc; ++i) {
    std::string_view text = argv[i];
    if (text == "--network=message")
      networks.push_back(NetworkModel::Message);
    else if (text == "--network=link")
      networks.push_back(NetworkModel::Link);
    else if (text == "--network=flit")
      networks.push_back(NetworkModel::Flit);
    else
      wellFormed &= flags.take(text);
  }
  if (!wellFormed || !flags.complete()) {
    std::fputs("usage: checkpoints-bench [--seeds=N] [--requests=N] "
               "[--policy=P]... [--network=N]... P.octo...\n",
               stderr);
    return 2;
  }
  if (flags.policies.empty())
    flags.policies = {"octopus", "static", "pool"};
  if (networks.empty())
    networks = {NetworkModel::Message, NetworkModel::Link};

  std::string file = (std::filesystem::temp_directory_path() /
                      fmt::format("octo-checkpoints-bench-{}", ::getpid()))
                         .string();
  std::printf("%-10s%-14s%-9s%-9s%6s%6s%8s%8s%7s\n", "program", "policy",
              "network", "dies", "runs", "lost", "before", "after", "wrong");
  unsigned wrong = 0;
  for (const std::string &path : flags.programs) {
    Expected<std::unique_ptr<Session>> session = Session::open(path);
    if (!session)
      return fail(session.error());
    for (const std::string &policy : flags.policies)
      for (NetworkModel network : networks) {
        RunRequest request;
        request.policy = policy;
        request.requests = flags.requests;
        request.timingOnly = true;
        request.network = network;
        Expected<FaultRuns> runs = prepareFaultRuns(**session, request);
        if (!runs)
          return fail(runs.error());
        auto &[options, without] = *runs;
        for (PartKind kind : kinds) {
          Counts counts;
          for (unsigned seed = 0; seed < flags.seeds; ++seed) {
            std::mt19937_64 random(seed * 6 + uint64_t(kind));
            options.scenario.seed = seed;
            options.scenario.faults =
                draw(kind, without.makespanCycles, random);
            if (Expected<void> done =
                    goOn(**session, options, file, random, counts);
                !done)
              return fail(done.error());
          }
          std::printf(
              "%-10s%-14s%-9s%-9s%6u%6u%8u%8u%7u\n",
              std::filesystem::path(path).stem().c_str(), policy.c_str(),
              std::string(stringifyNetworkModel(network)).c_str(),
              std::string(stringifyPartKind(kind)).c_str(), counts.runs,
              counts.lost, counts.beforeFault, counts.afterFault, counts.wrong);
          std::fflush(stdout);
          wrong += counts.wrong;
        }
      }
  }
  std::filesystem::remove(file);
  std::printf("%u runs not as without interruption\n", wrong);
  return wrong ? 1 : 0;
}
