//===- faults.cpp - Killing parts of a machine at random ------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs compiled programs with parts that die at random cycles of the run: 1 %,
// 10 % and 30 % of the PEAs, a cluster, a link, a memory port. Every run must
// complete with the outputs of the run without faults when an oracle that knows
// nothing of the simulator (test/unit/Runtime/FaultOracle.h) says that the
// machine suffices, and end as `machine-lost` when it says that it does not.
// Exit code 1 when one does not.
//
//   faults-bench [--seeds=N] [--requests=N] [--policy=P]... P.octo...
//
//===----------------------------------------------------------------------===//

#include "FaultOracle.h"
#include "fault_runs.h"

#include "octo/Program/MachineTable.h"
#include "octo/Program/program_generated.h"
#include "octo/Target/Topology.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <random>

using namespace octo;
using namespace octo::bench;

namespace {

enum class Scene { Peas1, Peas10, Peas30, Cluster, Link, Port };
constexpr std::pair<Scene, const char *> scenes[] = {
    {Scene::Peas1, "1 % PEAs"},   {Scene::Peas10, "10 % PEAs"},
    {Scene::Peas30, "30 % PEAs"}, {Scene::Cluster, "cluster"},
    {Scene::Link, "link"},        {Scene::Port, "memory port"}};

/// What dies, each at a random cycle up to `last`.
std::vector<FaultRule> draw(Scene scene, const TargetDesc &target,
                            uint64_t last, uint64_t seed) {
  std::mt19937_64 random(seed * 6 + uint64_t(scene));
  Topology topology(target);
  std::vector<PartRef> parts;
  auto coord = [&](uint32_t cluster) { return target.coordOf(cluster); };
  size_t count = 1;
  switch (scene) {
  case Scene::Peas1:
  case Scene::Peas10:
  case Scene::Peas30:
    for (uint32_t pea = 0; pea < target.numPeas(); ++pea)
      if (topology.peaLive(pea)) {
        uint32_t tbu = pea / target.peasPerTbu;
        parts.push_back({PartKind::Pea,
                         coord(tbu / target.tbusPerCluster),
                         tbu % target.tbusPerCluster,
                         pea % target.peasPerTbu,
                         {}});
      }
    count = parts.size() *
            (scene == Scene::Peas1    ? 1
             : scene == Scene::Peas10 ? 10
                                      : 30) /
            100;
    break;
  case Scene::Cluster:
    for (uint32_t c = 0; c < target.numClusters(); ++c)
      if (topology.clusterUsable(c))
        parts.push_back({PartKind::Cluster, coord(c), 0, 0, {}});
    break;
  case Scene::Link:
    for (uint32_t link = 0; link < topology.numLinks(); ++link)
      if (topology.linkLive(link))
        parts.push_back({PartKind::Link, coord(topology.link(link).from), 0, 0,
                         coord(topology.link(link).to)});
    break;
  case Scene::Port:
    for (uint32_t port = 0; port < target.hbmPorts.size(); ++port)
      parts.push_back({PartKind::Hbm, {}, port, 0, {}});
    break;
  }
  std::shuffle(parts.begin(), parts.end(), random);
  std::vector<FaultRule> rules;
  for (size_t i = 0; i < std::min(count, parts.size()); ++i) {
    FaultRule rule;
    rule.part = parts[i];
    rule.cycle = random() % (last + 1);
    rules.push_back(rule);
  }
  return rules;
}

} // namespace

int main(int argc, char **argv) {
  FaultFlags flags{.seeds = 200};
  bool wellFormed = true;
  for (int i = 1; i < argc; ++i)
    wellFormed &= flags.take(argv[i]);
  if (!wellFormed || !flags.complete()) {
    std::fputs("usage: faults-bench [--seeds=N] [--requests=N] [--policy=P]... "
               "P.octo...\n",
               stderr);
    return 2;
  }
  if (flags.policies.empty())
    flags.policies = {"octopus"};

  std::printf("%-10s%-14s%-13s%6s%10s%6s%7s%11s%11s%10s%9s%9s%8s\n", "program",
              "policy", "dies", "runs", "completed", "lost", "wrong",
              "work lost", "recovery", "set back", "again", "repeated",
              "slower");
  unsigned wrong = 0;
  for (const std::string &path : flags.programs) {
    Expected<std::unique_ptr<Session>> session = Session::open(path);
    if (!session)
      return fail(session.error());
    const fb::Program &program = (*session)->program();
    Expected<TargetDesc> target = readMachineTable(*program.machine());
    if (!target)
      return fail(target.error());
    for (const std::string &policy : flags.policies) {
      RunRequest request;
      request.policy = policy;
      request.requests = flags.requests;
      Expected<FaultRuns> runs = prepareFaultRuns(**session, request);
      if (!runs)
        return fail(runs.error());
      auto &[options, without] = *runs;
      for (auto [scene, name] : scenes) {
        unsigned completed = 0, lost = 0, bad = 0;
        double workLost = 0, recovery = 0, setBack = 0, again = 0, repeated = 0,
               slower = 0;
        for (unsigned seed = 0; seed < flags.seeds; ++seed) {
          options.scenario.faults =
              draw(scene, *target, without.makespanCycles, seed);
          Expected<RunResult> r = (*session)->run(options);
          if (!r)
            return fail(r.error());
          test::FaultOracle oracle(program);
          for (const FaultRule &rule : options.scenario.faults)
            if (rule.cycle <= r->makespanCycles)
              oracle.kill(rule.part);
          bool suffices = oracle.missing().empty();
          completed += r->status == RunStatus::Completed;
          lost += r->status == RunStatus::MachineLost;
          bool right = suffices ? r->status == RunStatus::Completed &&
                                      r->requestsCompleted ==
                                          without.requestsCompleted &&
                                      r->outputsSha256 == without.outputsSha256
                                : r->status == RunStatus::MachineLost;
          if (!right) {
            ++bad;
            std::fprintf(stderr, "%s, %s, %s, seed %u: %s at cycle %llu\n",
                         path.c_str(), policy.c_str(), name, seed,
                         std::string(stringifyRunStatus(r->status)).c_str(),
                         static_cast<unsigned long long>(r->makespanCycles));
          }
          if (r->status != RunStatus::Completed)
            continue;
          workLost += double(r->faults.lostPeaCycles);
          recovery += double(r->faults.recoveryCycles);
          setBack += double(r->faults.instancesSetBack);
          again +=
              double(r->faults.tasksReexecuted + r->faults.joinsReexecuted);
          repeated += double(r->faults.messagesRepeated);
          slower += double(r->makespanCycles) / double(without.makespanCycles);
        }
        double n = completed ? completed : 1;
        std::printf("%-10s%-14s%-13s%6u%10u%6u%7u%11.0f%11.0f%10.2f%9.2f%9.2f"
                    "%8.3f\n",
                    std::filesystem::path(path).stem().c_str(), policy.c_str(),
                    name, flags.seeds, completed, lost, bad, workLost / n,
                    recovery / n, setBack / n, again / n, repeated / n,
                    slower / n);
        std::fflush(stdout);
        wrong += bad;
      }
    }
  }
  std::printf("%u runs not as the oracle says\n", wrong);
  return wrong ? 1 : 0;
}
