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
//   noc-bench --compare --mesh 8,8x4 --lengths 1,8,1+32 --patterns tornado
//
// The reference is a table with the columns mesh side, traffic, flits a packet,
// offered flits a node and cycle, packet latency, network latency.
//
// --compare holds the message-level model against the flit-level one: for each
// mesh, pattern, length and seed where the latter saturates, how far from there
// the former does, and how far its mean network latency is off at 10 to 70 % of
// that load. What the flit-level model says is kept in the file of --reference,
// if one is given, and not simulated again.
//
// --drain floods random meshes, one for each of so many seeds, and looks
// whether they run empty as they must (MeshDrain.h).
//
// Lengths of packets are 8 (flits), 1..65 (each equally often) or several of
// these with a + between (each equally often): 1+32, 1+1+1+16..64.
//
//===----------------------------------------------------------------------===//

#include "MeshDrain.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace octo::test;
using nlohmann::json;

namespace {

constexpr uint32_t longestPacket = 4096;

bool readNumber(std::string_view text, uint32_t least, uint32_t most,
                uint32_t &number) {
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() &&
         number >= least && number <= most;
}

/// Reads lengths of packets; false when they are none.
bool readLengths(const std::string &text, TrafficRun &run) {
  run.mix.clear();
  std::stringstream parts(text);
  for (std::string part; std::getline(parts, part, '+');) {
    size_t dots = part.find("..");
    std::string_view first = std::string_view(part).substr(0, dots);
    uint32_t least, most;
    if (!readNumber(first, 1, longestPacket, least))
      return false;
    most = least;
    if (dots != std::string::npos &&
        !readNumber(std::string_view(part).substr(dots + 2), least,
                    longestPacket, most))
      return false;
    run.mix.emplace_back(least, most);
  }
  if (run.mix.empty())
    return false;
  if (run.mix.size() == 1 && run.mix[0].first == run.mix[0].second) {
    run.flits = run.mix[0].first;
    run.mix.clear();
  }
  return true;
}

/// Reads 8 or 8x4.
bool readMesh(const std::string &text, TrafficRun &run) {
  size_t times = text.find('x');
  if (!readNumber(std::string_view(text).substr(0, times), 1, 64, run.width))
    return false;
  run.height = run.width;
  return times == std::string::npos ||
         readNumber(std::string_view(text).substr(times + 1), 1, 64,
                    run.height);
}

const CLI::Validator isLengths(
    [](std::string &text) {
      TrafficRun run;
      return readLengths(text, run) ? std::string()
                                    : "'" + text +
                                          "' is no length such as 8, 1..65 or "
                                          "1+32 of 1 to 4096 flits";
    },
    "LENGTHS");
const CLI::Validator isMesh(
    [](std::string &text) {
      TrafficRun run;
      return readMesh(text, run)
                 ? std::string()
                 : "'" + text + "' is no mesh such as 8 or 8x4 of 1 to 64";
    },
    "MESH");

//===----------------------------------------------------------------------===//
// One model
//===----------------------------------------------------------------------===//

struct Row {
  TrafficRun run;
  std::string traffic, flits;
  double network = 0; ///< latency of the reference
};

bool readReference(const std::string &path, const TrafficRun &run,
                   std::vector<Row> &rows) {
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
    Row row = {run, cell[1], cell[2], std::strtod(cell[5].c_str(), nullptr)};
    row.run.load = std::strtod(cell[3].c_str(), nullptr);
    if (!readMesh(cell[0], row.run) || !readLengths(cell[2], row.run))
      return false;
    rows.push_back(row);
  }
  return true;
}

int sweep(std::vector<Row> &rows, const std::string &output) {
  json out = json::array();
  std::printf("%5s %-14s %5s %6s %9s %9s %8s %9s %7s %7s\n", "mesh", "traffic",
              "flits", "load", "packet", "network", "accepted", "reference",
              "off %", "stable");
  for (Row &row : rows) {
    row.run.pattern = row.traffic;
    std::string mesh =
        std::to_string(row.run.width) + "x" + std::to_string(row.run.height);
    std::optional<TrafficResult> r = simulateTraffic(row.run);
    if (!r) {
      std::fprintf(stderr, "%s traffic does not suit a mesh of %s\n",
                   row.traffic.c_str(), mesh.c_str());
      return 1;
    }
    std::printf("%5s %-14s %5s %6.3f %9.2f %9.2f %8.4f", mesh.c_str(),
                row.traffic.c_str(), row.flits.c_str(), row.run.load,
                r->packetLatency, r->networkLatency, r->accepted);
    if (row.network > 0)
      std::printf(" %9.2f %+7.2f", row.network,
                  100 * (r->networkLatency / row.network - 1));
    else
      std::printf(" %9s %7s", "-", "-");
    std::printf(" %7s\n", r->stable ? "yes" : "no");
    std::fflush(stdout);
    out.push_back({{"mesh", mesh},
                   {"traffic", row.traffic},
                   {"flits", row.flits},
                   {"load", row.run.load},
                   {"packet_latency", r->packetLatency},
                   {"network_latency", r->networkLatency},
                   {"accepted", r->accepted},
                   {"reference_network_latency", row.network},
                   {"stable", r->stable}});
  }
  if (!output.empty()) {
    std::ofstream file(output);
    file << out.dump(1) << "\n";
    if (!file.flush()) {
      std::fprintf(stderr, "cannot write %s\n", output.c_str());
      return 1;
    }
  }
  return 0;
}

//===----------------------------------------------------------------------===//
// Message by message against flit by flit
//===----------------------------------------------------------------------===//

constexpr double parts[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7};
constexpr size_t numParts = std::size(parts);

/// What the flit-level model says.
struct FlitCurve {
  double saturation = 0;
  std::array<double, numParts> latency{};
};

struct Curve {
  TrafficRun run;
  std::string name; ///< mesh, pattern, lengths, seed, window
  std::string mesh, pattern, lengths;
  FlitCurve flit;
  bool known = false; ///< `flit`
  double saturation = 0;
  std::array<double, numParts> latency{}; ///< not stable: infinite
  bool done = false;

  double saturationOff() const { return saturation / flit.saturation - 1; }
  double latencyOff(size_t i) const { return latency[i] / flit.latency[i] - 1; }
  double worstOff() const {
    double worst = 0;
    for (size_t i = 0; i < numParts; ++i)
      if (std::abs(latencyOff(i)) > std::abs(worst))
        worst = latencyOff(i);
    return worst;
  }
  double meanOff() const {
    double sum = 0;
    for (size_t i = 0; i < numParts; ++i)
      sum += std::abs(latencyOff(i));
    return sum / numParts;
  }
};

double latencyAt(TrafficRun run, double load) {
  run.load = load;
  std::optional<TrafficResult> result = simulateTraffic(run);
  return result && result->stable ? result->networkLatency : HUGE_VAL;
}

void simulate(Curve &curve) {
  TrafficRun run = curve.run;
  run.patience = 3000;
  if (!curve.known) {
    run.flitLevel = true;
    curve.flit.saturation = saturationLoad(run);
    for (size_t i = 0; i < numParts; ++i)
      curve.flit.latency[i] = latencyAt(run, parts[i] * curve.flit.saturation);
    curve.known = true;
    run.flitLevel = false;
  }
  curve.saturation = saturationLoad(run, curve.flit.saturation);
  for (size_t i = 0; i < numParts; ++i)
    curve.latency[i] = latencyAt(run, parts[i] * curve.flit.saturation);
  curve.done = true;
}

/// Curves of `path` that are wanted get their flits; the others are kept.
bool readFlitCurves(const std::string &path, std::vector<Curve> &curves,
                    json &file) {
  std::ifstream stream(path);
  if (!stream)
    return true; // is made
  file = json::parse(stream, nullptr, false);
  if (!file.is_object())
    return false;
  try {
    for (Curve &curve : curves) {
      auto found = file.find(curve.name);
      if (found == file.end())
        continue;
      curve.flit.saturation = found->at("saturation");
      curve.flit.latency = found->at("latency");
      curve.known = true;
      for (double latency : curve.flit.latency)
        curve.known &= latency > 0;
      if (!curve.known || !(curve.flit.saturation > 0))
        return false;
    }
  } catch (const json::exception &) {
    return false;
  }
  return true;
}

bool writeFile(const std::string &path, const json &file) {
  std::ofstream stream(path);
  stream << file.dump(1) << "\n";
  if (stream.flush())
    return true;
  std::fprintf(stderr, "cannot write %s\n", path.c_str());
  return false;
}

struct Comparison {
  std::vector<std::string> meshes = {"4", "8", "8x4", "16"};
  std::vector<std::string> patterns{std::begin(meshPatterns),
                                    std::end(meshPatterns)};
  std::vector<std::string> lengths = {"1",  "2",  "4",  "8",    "16",
                                      "24", "32", "64", "1+32", "1..65"};
  std::vector<uint64_t> seeds = {1};
  unsigned threads = 1;
  double within = 10;
  bool check = false;
  std::string reference, output;
};

void printCurve(const Curve &curve) {
  std::printf("%5s %-14s %6s %4llu %7.4f %8.4f %+6.1f  %+6.1f %5.1f |",
              curve.mesh.c_str(), curve.pattern.c_str(), curve.lengths.c_str(),
              static_cast<unsigned long long>(curve.run.seed),
              curve.flit.saturation, curve.saturation,
              100 * curve.saturationOff(), 100 * curve.worstOff(),
              100 * curve.meanOff());
  for (size_t i = 0; i < numParts; ++i)
    std::printf(" %+5.1f", 100 * curve.latencyOff(i));
  std::printf("\n");
  std::fflush(stdout);
}

int compare(const TrafficRun &base, const Comparison &options) {
  std::vector<Curve> curves;
  for (const std::string &mesh : options.meshes)
    for (const std::string &pattern : options.patterns)
      for (const std::string &lengths : options.lengths)
        for (uint64_t seed : options.seeds) {
          Curve curve;
          curve.run = base;
          curve.pattern = pattern;
          curve.lengths = lengths;
          curve.run.seed = seed;
          readMesh(mesh, curve.run);
          readLengths(lengths, curve.run);
          curve.mesh = std::to_string(curve.run.width) + "x" +
                       std::to_string(curve.run.height);
          curve.run.pattern = pattern;
          if (!TrafficPattern(curve.run).suits())
            continue;
          // Smaller meshes are measured for longer: 64 nodes make as many.
          uint32_t nodes = curve.run.width * curve.run.height;
          if (nodes < 64)
            curve.run.cycles = base.cycles * 64 / nodes;
          curve.name = curve.mesh + " " + pattern + " " + lengths + " seed " +
                       std::to_string(seed) + " warmup " +
                       std::to_string(curve.run.warmup) + " cycles " +
                       std::to_string(curve.run.cycles);
          curves.push_back(curve);
        }
  json file = json::object();
  if (!options.reference.empty() &&
      !readFlitCurves(options.reference, curves, file)) {
    std::fprintf(stderr, "%s: no curves of the flit-level model\n",
                 options.reference.c_str());
    return 1;
  }

  std::printf("%5s %-14s %6s %4s %7s %8s %6s  %6s %5s | latency off %% at\n"
              "%59s",
              "mesh", "traffic", "flits", "seed", "flit", "message", "off %",
              "worst", "mean", "");
  std::printf("        |");
  for (double part : parts)
    std::printf("  %.2f", part);
  std::printf("\n");
  std::atomic<size_t> next = 0;
  size_t printed = 0;
  std::mutex mutex;
  auto work = [&] {
    for (size_t i; (i = next++) < curves.size();) {
      bool known = curves[i].known;
      simulate(curves[i]);
      std::lock_guard<std::mutex> lock(mutex);
      if (!known && !options.reference.empty()) {
        // What is interrupted is not lost.
        file[curves[i].name] = {{"saturation", curves[i].flit.saturation},
                                {"latency", curves[i].flit.latency}};
        writeFile(options.reference, file);
      }
      for (; printed < curves.size() && curves[printed].done; ++printed)
        printCurve(curves[printed]);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < options.threads; ++i)
    threads.emplace_back(work);
  work();
  for (std::thread &thread : threads)
    thread.join();

  double limit = options.within / 100, sum = 0;
  double worstSaturation = 0, worstLatency = 0;
  size_t lateOrEarly = 0, off = 0, outside = 0;
  json list = json::array();
  for (const Curve &curve : curves) {
    double saturation = curve.saturationOff(), latency = curve.worstOff();
    lateOrEarly += std::abs(saturation) > limit;
    off += std::abs(latency) > limit;
    outside += std::abs(saturation) > limit || std::abs(latency) > limit;
    if (std::abs(saturation) > std::abs(worstSaturation))
      worstSaturation = saturation;
    if (std::abs(latency) > std::abs(worstLatency))
      worstLatency = latency;
    sum += curve.meanOff();
    json offs = json::array();
    for (size_t i = 0; i < numParts; ++i)
      offs.push_back({{"part", parts[i]},
                      {"flit_latency", curve.flit.latency[i]},
                      {"message_latency", curve.latency[i]},
                      {"off", curve.latencyOff(i)}});
    list.push_back({{"mesh", curve.mesh},
                    {"traffic", curve.pattern},
                    {"flits", curve.lengths},
                    {"seed", curve.run.seed},
                    {"flit_saturation", curve.flit.saturation},
                    {"message_saturation", curve.saturation},
                    {"saturation_off", saturation},
                    {"worst_latency_off", latency},
                    {"mean_latency_off", curve.meanOff()},
                    {"latencies", offs}});
  }
  double mean = curves.empty() ? 0 : sum / double(curves.size());
  std::printf("%zu of %zu curves outside of %g %%: saturation of %zu (worst "
              "%+.1f %%), latency of %zu (worst %+.1f %%, mean %.1f %%)\n",
              outside, curves.size(), options.within, lateOrEarly,
              100 * worstSaturation, off, 100 * worstLatency, 100 * mean);
  json summary = {{"curves", curves.size()},
                  {"within", limit},
                  {"outside", outside},
                  {"saturation_outside", lateOrEarly},
                  {"latency_outside", off},
                  {"worst_saturation_off", worstSaturation},
                  {"worst_latency_off", worstLatency},
                  {"mean_latency_off", mean}};
  if (!options.output.empty() &&
      !writeFile(options.output, {{"summary", summary}, {"curves", list}}))
    return 1;
  return options.check && outside ? 1 : 0;
}

//===----------------------------------------------------------------------===//
// Running empty
//===----------------------------------------------------------------------===//

int drainAll(uint64_t first, uint64_t seeds, bool flitLevel, unsigned threads) {
  // One that never ends must not hold up all: what each thread is at.
  struct Watch {
    std::atomic<uint64_t> seed = 0;
    std::atomic<int64_t> since = -1; ///< seconds; negative: through
  };
  constexpr int64_t longest = 120;
  auto start = std::chrono::steady_clock::now();
  auto seconds = [&] {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::steady_clock::now() - start)
        .count();
  };
  std::vector<Watch> watches(threads);
  std::atomic<uint64_t> next = 0, failed = 0;
  std::atomic<unsigned> through = 0;
  std::mutex mutex;
  uint64_t messages = 0;
  double slowest = 0;
  auto work = [&](Watch &watch) {
    for (uint64_t i; (i = next++) < seeds;) {
      watch.seed = first + i;
      watch.since = seconds();
      DrainRun run = randomDrain(first + i, 4, flitLevel ? 8 : 16, 100000);
      run.flitLevel = flitLevel;
      DrainResult result = drain(run);
      std::lock_guard<std::mutex> lock(mutex);
      messages += result.messages;
      slowest =
          std::max(slowest, double(result.cycles) /
                                double(std::max<uint64_t>(
                                    result.busiest + run.traffic.cycles, 1)));
      if (result.wrong.empty())
        continue;
      ++failed;
      std::printf("seed %llu: %s (%s; at cycle %llu)\n",
                  static_cast<unsigned long long>(first + i),
                  result.wrong.c_str(), run.text().c_str(),
                  static_cast<unsigned long long>(result.cycles));
      std::fflush(stdout);
    }
    watch.since = -1;
    ++through;
  };
  std::vector<std::thread> pool;
  for (Watch &watch : watches)
    pool.emplace_back([&] { work(watch); });
  while (through < threads) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    for (Watch &watch : watches)
      if (int64_t since = watch.since;
          since >= 0 && seconds() - since > longest) {
        std::printf("seed %llu: no end after %lld s (%s)\n",
                    static_cast<unsigned long long>(watch.seed),
                    static_cast<long long>(longest),
                    randomDrain(watch.seed, 4, flitLevel ? 8 : 16, 100000)
                        .text()
                        .c_str());
        std::fflush(stdout);
        std::_Exit(1);
      }
  }
  for (std::thread &thread : pool)
    thread.join();
  std::printf("%llu of %llu meshes did not run empty as they must; %llu "
              "messages, at worst %.1f times the cycles of the busiest link\n",
              static_cast<unsigned long long>(failed),
              static_cast<unsigned long long>(seeds),
              static_cast<unsigned long long>(messages), slowest);
  return failed ? 1 : 0;
}

} // namespace

int main(int argc, char **argv) {
  TrafficRun run;
  Comparison comparison;
  std::string mesh = "8", traffic = "uniform", flits = "1", mode = "message";
  std::vector<double> loads = {0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35};
  bool saturation = false, compares = false;
  uint64_t drains = 0;
  CLI::App app("Latency against load of the mesh");
  app.add_option("--mesh", comparison.meshes,
                 "Side of the mesh, or width x height; --compare takes several")
      ->delimiter(',')
      ->check(isMesh);
  app.add_option("--traffic", traffic, "Pattern")
      ->check(CLI::IsMember(comparison.patterns))
      ->capture_default_str();
  app.add_option("--flits", flits, "Flits of a packet: 8, 1..65, 1+32")
      ->check(isLengths)
      ->capture_default_str();
  app.add_option("--loads", loads, "Offered flits a node and cycle")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--mode", mode, "Model of the mesh")
      ->check(CLI::IsMember({"message", "flit"}))
      ->capture_default_str();
  app.add_option("--seed", comparison.seeds,
                 "Of the traffic; --compare takes several")
      ->delimiter(',');
  app.add_option("--warmup", run.warmup, "Cycles before those")
      ->check(CLI::Range(0, 100000000))
      ->capture_default_str();
  app.add_option("--cycles", run.cycles, "Cycles that are measured")
      ->check(CLI::Range(1, 100000000))
      ->capture_default_str();
  app.add_flag("--saturation", saturation,
               "The load of three times the latency without contention");
  app.add_flag("--compare", compares, "Message by message and flit by flit");
  app.add_option("--drain", drains,
                 "Flood that many random meshes and let them run empty")
      ->check(CLI::Range(1, 100000000));
  app.add_option("--patterns", comparison.patterns, "Patterns to compare")
      ->delimiter(',')
      ->check(CLI::IsMember(comparison.patterns));
  app.add_option("--lengths", comparison.lengths,
                 "Flits of packets to compare, each as --flits")
      ->delimiter(',')
      ->check(isLengths);
  app.add_option("--threads", comparison.threads,
                 "Curves, or meshes, at a time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--within", comparison.within,
                 "Per cent by which a curve may be off")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--check", comparison.check, "Fail when a curve is further off");
  app.add_option("--reference", comparison.reference,
                 "Table to compare with; with --compare the file that keeps "
                 "flit-level curves");
  app.add_option("--json", comparison.output, "Write the numbers");
  CLI11_PARSE(app, argc, argv);
  if (compares)
    return compare(run, comparison);

  run.flitLevel = mode == "flit";
  if (drains)
    return drainAll(comparison.seeds[0], drains, run.flitLevel,
                    comparison.threads);
  run.seed = comparison.seeds[0];
  std::vector<Row> rows;
  if (comparison.reference.empty()) {
    readMesh(app.count("--mesh") ? comparison.meshes[0] : mesh, run);
    readLengths(flits, run);
    for (double load : loads) {
      rows.push_back({run, traffic, flits});
      rows.back().run.load = load;
    }
  } else if (!readReference(comparison.reference, run, rows)) {
    std::fprintf(stderr,
                 "%s: no table of mesh side, traffic, flits, load, packet "
                 "latency, network latency\n",
                 comparison.reference.c_str());
    return 1;
  }
  if (int failed = sweep(rows, comparison.output))
    return failed;
  if (saturation && comparison.reference.empty()) {
    run.pattern = traffic;
    run.patience = 3000;
    std::printf("saturation at %.3f flits a node and cycle\n",
                saturationLoad(run));
  }
  return 0;
}
