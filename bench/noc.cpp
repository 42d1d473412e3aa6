//===- noc.cpp - Latency against load of the mesh -------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mean latencies of synthetic traffic on the models of the mesh, and how far
// they are from a reference:
//
//   noc-bench --mesh 8 --traffic uniform --flits 8 --mode message
//   noc-bench --reference mesh_latency.csv --mode flit
//   noc-bench --compare --mesh 8 --lengths 1,8,16 --patterns tornado,hotspot
//
// --compare says for each pattern and length where the flit-level model
// saturates, how far from there the message-level one does, and how far its
// mean network latency is off at parts of that load.
//
// The reference is a table with the columns mesh side, traffic, flits a packet,
// offered flits a node and cycle, packet latency, network latency.
//
//===----------------------------------------------------------------------===//

#include "MeshTraffic.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace octo::test;

namespace {

struct Row {
  uint32_t side;
  std::string traffic;
  uint32_t flits;
  double load;
  double packet = 0, network = 0; ///< of the reference
};

bool readReference(const std::string &path, std::vector<Row> &rows) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line))
    return false;
  while (std::getline(file, line)) {
    std::stringstream cells(line);
    std::vector<std::string> cell;
    for (std::string text; std::getline(cells, text, ',');)
      cell.push_back(text);
    if (cell.size() < 6)
      return false;
    rows.push_back({uint32_t(std::strtoul(cell[0].c_str(), nullptr, 10)),
                    cell[1],
                    uint32_t(std::strtoul(cell[2].c_str(), nullptr, 10)),
                    std::strtod(cell[3].c_str(), nullptr),
                    std::strtod(cell[4].c_str(), nullptr),
                    std::strtod(cell[5].c_str(), nullptr)});
    if (!rows.back().side || !rows.back().flits)
      return false;
  }
  return true;
}

/// Message by message against flit by flit.
void compare(TrafficRun run, const std::vector<std::string> &patterns,
             const std::vector<uint32_t> &lengths) {
  static const double parts[] = {0.2, 0.4, 0.55, 0.7};
  std::printf("%4s %-14s %5s %9s %9s %7s", "mesh", "traffic", "flits", "flit",
              "message", "off %");
  for (double part : parts)
    std::printf("  at %.2f", part);
  std::printf("\n");
  for (const std::string &pattern : patterns)
    for (uint32_t flits : lengths) {
      run.pattern = pattern;
      run.flits = flits;
      if (!destination(run, 0, 0))
        continue;
      double saturation[2];
      TrafficRun probe = run;
      probe.patience = 3000;
      for (bool flitLevel : {false, true}) {
        probe.flitLevel = flitLevel;
        saturation[flitLevel] = saturationLoad(probe);
      }
      std::printf("%4u %-14s %5u %9.3f %9.3f %+7.1f", run.width,
                  pattern.c_str(), flits, saturation[1], saturation[0],
                  100 * (saturation[0] / saturation[1] - 1));
      for (double part : parts) {
        run.load = part * saturation[1];
        double latency[2];
        for (bool flitLevel : {false, true}) {
          run.flitLevel = flitLevel;
          latency[flitLevel] = simulateTraffic(run)->networkLatency;
        }
        std::printf(" %+8.2f", 100 * (latency[0] / latency[1] - 1));
      }
      std::printf("\n");
      std::fflush(stdout);
    }
}

} // namespace

int main(int argc, char **argv) {
  TrafficRun run;
  uint32_t side = 8;
  std::string traffic = "uniform", mode = "message", reference, json;
  std::vector<double> loads = {0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35};
  bool saturation = false, compares = false;
  std::vector<std::string> patterns(std::begin(meshPatterns),
                                    std::end(meshPatterns));
  std::vector<uint32_t> lengths = {1, 2, 4, 8, 12, 16, 24};
  CLI::App app("Latency against load of the mesh");
  app.add_option("--mesh", side, "Side of the mesh")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--traffic", traffic, "Pattern")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(meshPatterns),
                                                     std::end(meshPatterns))))
      ->capture_default_str();
  app.add_option("--flits", run.flits, "Flits of a packet")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--loads", loads, "Offered flits a node and cycle")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--mode", mode, "Model of the mesh")
      ->check(CLI::IsMember({"message", "flit"}))
      ->capture_default_str();
  app.add_option("--seed", run.seed, "Of the traffic")->capture_default_str();
  app.add_option("--cycles", run.cycles, "Cycles that are measured")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--saturation", saturation,
               "The load of three times the latency without contention");
  app.add_flag("--compare", compares, "Message by message and flit by flit");
  app.add_option("--patterns", patterns, "Patterns to compare")
      ->delimiter(',')
      ->check(CLI::IsMember(patterns));
  app.add_option("--lengths", lengths, "Flits of packets to compare")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096));
  app.add_option("--reference", reference, "Table to compare with");
  app.add_option("--json", json, "Write the numbers");
  CLI11_PARSE(app, argc, argv);
  run.flitLevel = mode == "flit";
  if (compares) {
    run.width = run.height = side;
    compare(run, patterns, lengths);
    return 0;
  }

  std::vector<Row> rows;
  if (reference.empty()) {
    for (double load : loads)
      rows.push_back({side, traffic, run.flits, load});
  } else if (!readReference(reference, rows)) {
    std::fprintf(stderr,
                 "%s: no table of mesh side, traffic, flits, load, packet "
                 "latency, network latency\n",
                 reference.c_str());
    return 1;
  }
  std::string out;
  std::printf("%4s %-14s %5s %6s %9s %9s %8s %9s %7s %7s\n", "mesh", "traffic",
              "flits", "load", "packet", "network", "accepted", "reference",
              "off %", "stable");
  for (const Row &row : rows) {
    run.width = run.height = row.side;
    run.pattern = row.traffic;
    run.flits = row.flits;
    run.load = row.load;
    std::optional<TrafficResult> r = simulateTraffic(run);
    if (!r) {
      std::fprintf(stderr, "%s traffic does not suit a mesh of %u x %u\n",
                   row.traffic.c_str(), row.side, row.side);
      return 1;
    }
    std::printf("%4u %-14s %5u %6.3f %9.2f %9.2f %8.4f", row.side,
                row.traffic.c_str(), row.flits, row.load, r->packetLatency,
                r->networkLatency, r->accepted);
    if (row.network > 0)
      std::printf(" %9.2f %+7.2f", row.network,
                  100 * (r->networkLatency / row.network - 1));
    else
      std::printf(" %9s %7s", "-", "-");
    std::printf(" %7s\n", r->stable ? "yes" : "no");
    std::fflush(stdout);
    char text[400];
    std::snprintf(text, sizeof text,
                  "%s{\"mesh\": %u, \"traffic\": \"%s\", \"flits\": %u, "
                  "\"load\": %g, \"packet_latency\": %.4f, "
                  "\"network_latency\": %.4f, \"accepted\": %.5f, "
                  "\"reference_network_latency\": %g, \"stable\": %s}",
                  out.empty() ? "" : ",\n", row.side, row.traffic.c_str(),
                  row.flits, row.load, r->packetLatency, r->networkLatency,
                  r->accepted, row.network, r->stable ? "true" : "false");
    out += text;
  }
  if (saturation && reference.empty()) {
    run.patience = 3000;
    std::printf("saturation at %.3f flits a node and cycle\n",
                saturationLoad(run));
  }
  if (!json.empty()) {
    std::ofstream file(json);
    file << "[" << out << "]\n";
    if (!file) {
      std::fprintf(stderr, "cannot write %s\n", json.c_str());
      return 1;
    }
  }
  return 0;
}
