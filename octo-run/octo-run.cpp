//===- octo-run.cpp - Runs program files on the simulator -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The command line of the simulator. Exit codes: 0 good, 1 bad input, 2 usage,
// 3 the simulated program did not finish.
//
//===----------------------------------------------------------------------===//

#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"
#include "octo/Runtime/Driver.h"
#include "octo/Runtime/KernelReport.h"
#include "octo/Runtime/Policy.h"
#include "octo/Runtime/PolicyPlugin.h"
#include "octo/Runtime/Report.h"
#include "octo/Runtime/TraceWriter.h"
#include "octo/Support/OutputFile.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace octo;

namespace {

enum ExitCode { Good = 0, BadInput = 1, Usage = 2, Unfinished = 3 };

constexpr const char *version =
    "octo-run " OCTO_VERSION " (MLIR " OCTO_MLIR_VERSION ")";

struct Options {
  std::string program;
  RunRequest request;
  std::vector<std::string> plugins;
  bool ablation = false;
  /// Requests to be run alone beside the run.
  std::optional<uint64_t> alone;
  std::vector<std::string> policies = {"static-even", "static", "pool",
                                       "octopus"};
  std::string outputs, profile, json, trace, log, blame, report, checkpointAt;
  TraceFormat traceFormat = TraceFormat::ByName;
  std::optional<unsigned> replications;
  unsigned threads = 1;
  bool reportWanted = false;
  bool kernels = false;
  bool quiet = false;
};

volatile std::sig_atomic_t interrupted = 0;

int fail(const Diagnostic &diagnostic) {
  std::fprintf(stderr, "%s\n", diagnostic.str().c_str());
  return BadInput;
}

/// An error of a run, which need not say where: that of the program then. One
/// that was interrupted before its first event has no result to show.
int failRun(Diagnostic diagnostic, const Options &options) {
  if (diagnostic.file.empty())
    diagnostic.file = options.program;
  const int code = fail(diagnostic);
  return interrupted ? int(Unfinished) : code;
}

/// Whether all that is to be written can be, before anything is run for it.
Expected<void> checkOutputs(const Options &options) {
  std::vector<std::string> inputs = {options.program, options.request.scenario};
  for (const std::string &file : options.request.inputFiles) {
    inputs.push_back(file);
    inputs.push_back(file.substr(file.find('=') + 1)); // NAME=F.npy
  }
  // A checkpoint may take the place of the one that the run goes on from.
  return octo::checkOutputs({options.json, options.profile, options.outputs,
                             options.report, options.trace, options.log,
                             options.blame, options.request.checkpoint.file},
                            inputs);
}

/// Writes what is left to write, and tells what could not be.
class Outputs {
public:
  void add(const Expected<void> &written) {
    if (!written)
      code = fail(written.error());
  }
  void print(const std::string &text) { add(writeWholeFile("-", text)); }

  int code = Good;
};

/// One line on a terminal that says how far a run is; elsewhere one a minute.
class ProgressLine {
public:
  ProgressLine(const Options &options, std::string label)
      : visible(!options.quiet), terminal(isatty(STDERR_FILENO)),
        label(std::move(label)) {}
  ~ProgressLine() { clear(); }

  bool operator()(const Progress &progress) {
    using namespace std::chrono_literals;
    auto now = std::chrono::steady_clock::now();
    if (visible && now - last >= (terminal ? 500ms : 60s)) {
      last = now;
      shown = terminal;
      std::fprintf(stderr, "%s%s: %s of %s requests, %s events, cycle %s%s",
                   terminal ? "\r" : "", label.c_str(),
                   groupDigits(progress.requestsFinished).c_str(),
                   groupDigits(progress.requestsTotal).c_str(),
                   groupDigits(progress.events).c_str(),
                   groupDigits(progress.cycle).c_str(),
                   terminal ? "\x1b[K" : "\n");
      std::fflush(stderr);
    }
    return !interrupted;
  }

  void clear() {
    if (shown)
      std::fputs("\r\x1b[K", stderr);
    shown = false;
  }

private:
  bool visible, terminal;
  bool shown = false;
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
  std::string label;
};

/// What --checkpoint-at says: a number of events, or "cycle:" and a cycle.
bool parsePlace(std::string_view text, CheckpointOptions &checkpoint) {
  uint64_t &place =
      text.starts_with("cycle:") ? checkpoint.atCycle : checkpoint.atEvent;
  if (text.starts_with("cycle:"))
    text.remove_prefix(6);
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), place);
  return code == std::errc() && end == text.data() + text.size() && place;
}

/// Tells where the checkpoint of a run is, or that there is none.
void reportCheckpoint(const CheckpointOptions &checkpoint,
                      const RunResult &result, bool quiet) {
  if (checkpoint.file.empty())
    return;
  if (!result.host.checkpoints)
    std::fprintf(stderr,
                 "note: no checkpoint was written: the run ended before, after "
                 "%llu events at cycle %llu\n",
                 static_cast<unsigned long long>(result.events),
                 static_cast<unsigned long long>(result.makespanCycles));
  else if (!quiet)
    std::fprintf(stderr,
                 "note: %s holds the run after %llu events at cycle %llu; go "
                 "on with --resume\n",
                 checkpoint.file.c_str(),
                 static_cast<unsigned long long>(result.host.checkpointEvents),
                 static_cast<unsigned long long>(result.host.checkpointCycle));
}

/// Looks a policy up before anything is run or written, so that a comparison
/// does not end in its middle.
Expected<void> checkPolicy(const std::string &name,
                           const std::vector<std::string> &disable,
                           const std::vector<std::string> &settings) {
  if (Expected<std::unique_ptr<Policy>> policy =
          createPolicy(name, disable, settings);
      !policy)
    return Error(policy.error());
  return {};
}

/// A program, and the options of a run of one policy, which exists.
struct PreparedRun {
  std::unique_ptr<Session> session;
  SimulationOptions options;
};

/// Also looks whether what the run is to write can be written.
Expected<PreparedRun> prepareRun(const Options &options) {
  Expected<std::unique_ptr<Session>> session = Session::open(options.program);
  if (!session)
    return Error(session.error());
  Expected<SimulationOptions> simulation = (*session)->prepare(options.request);
  if (!simulation)
    return Error(simulation.error());
  if (Expected<void> known = checkPolicy(
          simulation->policy, simulation->disable, simulation->policyOptions);
      !known)
    return Error(known.error());
  if (Expected<void> fits = (*session)->checkAlone(options.alone.value_or(0));
      !fits)
    return Error(fits.error());
  if (Expected<void> possible = checkOutputs(options); !possible)
    return Error(possible.error());
  return PreparedRun{std::move(*session), std::move(*simulation)};
}

/// What a run writes is opened, or known to be possible, before it starts. One
/// file that cannot be written afterwards keeps none of the others from it.
int runCommand(Options &options) {
  if (options.reportWanted && options.report.empty())
    options.report =
        std::filesystem::path(options.program).stem().string() + ".html";
  options.request.keepOutputs = !options.outputs.empty();
  options.request.recordOutcomes = !options.profile.empty();
  Expected<PreparedRun> prepared = prepareRun(options);
  if (!prepared)
    return fail(prepared.error());
  auto &[session, simulation] = *prepared;

  std::vector<std::unique_ptr<TraceWriter>> writers;
  TraceFan trace;
  auto watch = [&](Expected<std::unique_ptr<TraceWriter>> writer) {
    if (!writer)
      return fail(writer.error());
    trace.add(**writer);
    writers.push_back(std::move(*writer));
    return int(Good);
  };
  if (!options.trace.empty())
    if (int code = watch(TraceWriter::create(options.trace, session->program(),
                                             options.traceFormat)))
      return code;
  if (!options.log.empty())
    if (int code =
            watch(TraceWriter::createLog(options.log, session->program())))
      return code;
  if (!options.blame.empty())
    if (int code =
            watch(TraceWriter::createBlame(options.blame, session->program())))
      return code;

  ProgressLine line(options, simulation.policy);
  Expected<RunResult> result =
      session->run(simulation, trace.get(),
                   [&](const Progress &progress) { return line(progress); });
  line.clear();
  if (!result)
    return failRun(result.error(), options);
  if (options.alone.value_or(0))
    if (Expected<void> measured = session->measureAlone(
            simulation, *options.alone, *result,
            [](const Progress &) { return !interrupted; });
        !measured)
      return failRun(measured.error(), options);

  const fb::Program &program = session->program();
  Outputs outputs;
  for (const std::unique_ptr<TraceWriter> &writer : writers)
    outputs.add(writer->finish());
  if (!options.json.empty())
    outputs.add(
        writeWholeFile(options.json, formatResultJson(*result, program)));
  if (!options.profile.empty())
    outputs.add(
        writeWholeFile(options.profile, formatProfileJson(*result, program)));
  if (!options.outputs.empty())
    outputs.add(writeNpz(options.outputs,
                         collectOutputs(*result, simulation, *session)));
  if (options.reportWanted)
    outputs.add(writeWholeFile(options.report, formatHtml(*result, program)));
  if (!options.quiet && options.json != "-" && options.profile != "-") {
    std::string summary = formatSummary(*result, program);
    if (options.reportWanted)
      summary += fmt::format("  report       {}\n", options.report);
    outputs.print(summary);
  }
  reportCheckpoint(simulation.checkpoint, *result, options.quiet);
  if (result->status != RunStatus::Completed) {
    std::fprintf(stderr, "error: %s", formatUnfinished(*result).c_str());
    return Unfinished;
  }
  return outputs.code;
}

int replicationsCommand(Options &options) {
  Expected<PreparedRun> prepared = prepareRun(options);
  if (!prepared)
    return fail(prepared.error());
  auto &[session, simulation] = *prepared;
  // Tables need sums only.
  simulation.keepRequests = false;

  ProgressLine line(options, simulation.policy);
  auto begin = std::chrono::steady_clock::now();
  Expected<std::vector<RunResult>> results = session->runReplications(
      simulation, *options.replications, options.threads,
      [&](const Progress &progress) { return line(progress); });
  double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  line.clear();
  if (!results)
    return failRun(results.error(), options);
  const fb::Program &program = session->program();
  Outputs outputs;
  if (!options.json.empty())
    outputs.add(writeWholeFile(
        options.json,
        formatReplicationsJson(*results, program, options.threads, seconds)));
  if (!options.quiet && options.json != "-")
    outputs.print(formatReplications(*results, program));
  std::string unfinished;
  for (const RunResult &result : *results)
    if (result.status != RunStatus::Completed)
      unfinished +=
          fmt::format("seed {}: ", result.seed) + formatUnfinished(result);
  if (results->size() < *options.replications)
    unfinished += fmt::format("only {} of {} replications were run\n",
                              results->size(), *options.replications);
  if (!unfinished.empty()) {
    std::fprintf(stderr, "error: %s", unfinished.c_str());
    return Unfinished;
  }
  return outputs.code;
}

/// Only a policy that has a mechanism can be without it.
std::vector<std::string> switchesOf(const std::string &policy,
                                    const std::vector<std::string> &disable) {
  std::vector<std::string> off;
  for (const PolicyInfo &info : registeredPolicies())
    if (info.name == policy)
      for (const std::string &name : disable)
        if (std::ranges::count(info.switches, name))
          off.push_back(name);
  return off;
}

/// The settings that a policy of a comparison takes: those with its name in
/// front ("pool.gang=2"), and of the others those whose name it knows.
std::vector<std::string> settingsOf(const std::string &policy,
                                    const std::vector<std::string> &settings) {
  std::vector<std::string> result;
  for (const PolicyInfo &info : registeredPolicies()) {
    if (info.name != policy)
      continue;
    for (const std::string &setting : settings) {
      if (setting.starts_with(policy + "."))
        result.push_back(setting.substr(policy.size() + 1));
      else if (std::ranges::any_of(
                   info.parameters, [&](const PolicyParameter &parameter) {
                     return setting.starts_with(parameter.name + "=");
                   }))
        result.push_back(setting);
    }
  }
  return result;
}

/// Every setting of a comparison, and every mechanism that it disables, is for
/// one of its policies.
Expected<void> checkSettings(const Options &options) {
  for (const std::string &mechanism : options.request.disable)
    if (std::ranges::none_of(options.policies, [&](const std::string &policy) {
          return !switchesOf(policy, {mechanism}).empty();
        }))
      return makeError("no policy of the comparison has the mechanism '{}' to "
                       "disable; octopus has ddsm, atss, pcss",
                       mechanism);
  for (const std::string &setting : options.request.policyOptions)
    if (std::ranges::none_of(options.policies, [&](const std::string &policy) {
          return !settingsOf(policy, {setting}).empty();
        }))
      return makeError(
          "no policy of the comparison takes the option '{}': give "
          "name=value or policy.name=value (octo-run run --help "
          "lists them)",
          setting);
  return {};
}

/// What a comparison runs: each policy, then, with --ablation, it without each
/// mechanism that it has.
std::vector<std::pair<std::string, std::vector<std::string>>>
comparedRuns(const Options &options) {
  std::vector<std::pair<std::string, std::vector<std::string>>> runs;
  for (const std::string &policy : options.policies) {
    std::vector<std::string> off = switchesOf(policy, options.request.disable);
    runs.emplace_back(policy, off);
    if (!options.ablation)
      continue;
    for (const PolicyInfo &info : registeredPolicies())
      if (info.name == policy)
        for (const std::string &mechanism : info.switches)
          if (!std::ranges::count(off, mechanism)) {
            runs.emplace_back(policy, off);
            runs.back().second.push_back(mechanism);
          }
  }
  return runs;
}

/// How many requests a comparison runs alone under each policy: some, where
/// that takes little beside the rest.
uint64_t requestsAlone(const Options &options, const RunResult &result) {
  constexpr uint64_t some = 8;
  if (options.alone)
    return *options.alone;
  return result.requestsCompleted >= 8 * some ? some : 0;
}

/// Policies side by side, each once or in replications.
int compareCommand(Options &options) {
  Expected<std::unique_ptr<Session>> session = Session::open(options.program);
  if (!session)
    return fail(session.error());
  for (const std::string &policy : options.policies) {
    if (std::ranges::count(options.policies, policy) > 1) {
      std::fprintf(stderr, "error: --policies names '%s' twice\n",
                   policy.c_str());
      return Usage;
    }
    if (Expected<void> known = checkPolicy(
            policy, {}, settingsOf(policy, options.request.policyOptions));
        !known)
      return fail(known.error());
  }
  if (Expected<void> known = checkSettings(options); !known)
    return fail(known.error());
  Expected<SimulationOptions> simulation = (*session)->prepare(options.request);
  if (!simulation)
    return fail(simulation.error());
  if (Expected<void> fits = (*session)->checkAlone(options.alone.value_or(0));
      !fits)
    return fail(fits.error());
  if (Expected<void> possible = checkOutputs(options); !possible)
    return fail(possible.error());
  // Tables need sums only.
  simulation->keepRequests = false;

  const fb::Program &program = (*session)->program();
  std::vector<std::vector<RunResult>> runs;
  std::string unfinished;
  auto begin = std::chrono::steady_clock::now();
  for (const auto &[policy, disable] : comparedRuns(options)) {
    simulation->policy = policy;
    simulation->disable = disable;
    simulation->policyOptions =
        settingsOf(policy, options.request.policyOptions);
    ProgressLine line(options, policy);
    Expected<std::vector<RunResult>> results = (*session)->runReplications(
        *simulation, options.replications.value_or(1), options.threads,
        [&](const Progress &progress) { return line(progress); });
    line.clear();
    if (!results)
      return failRun(results.error(), options);
    for (const RunResult &result : *results)
      if (result.status != RunStatus::Completed)
        unfinished += fmt::format("{}, seed {}: ", policy, result.seed) +
                      formatUnfinished(result);
    if (!results->empty() && !interrupted)
      if (uint64_t count = requestsAlone(options, results->front()))
        if (Expected<void> measured = (*session)->measureAlone(
                *simulation, count, results->front(),
                [](const Progress &) { return !interrupted; });
            !measured)
          return failRun(measured.error(), options);
    if (!results->empty())
      runs.push_back(std::move(*results));
    if (interrupted)
      break;
  }
  double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  std::string json, text;
  if (options.replications) {
    json =
        formatCompareReplicationsJson(runs, program, options.threads, seconds);
    text = formatCompareReplications(runs, program);
  } else {
    std::vector<RunResult> results;
    for (std::vector<RunResult> &run : runs)
      results.push_back(std::move(run.front()));
    json = formatCompareJson(results, program);
    text = formatComparison(results, program);
  }
  Outputs outputs;
  if (!options.json.empty())
    outputs.add(writeWholeFile(options.json, json));
  if (!options.quiet && options.json != "-")
    outputs.print(text);
  if (!unfinished.empty()) {
    std::fprintf(stderr, "error: %s", unfinished.c_str());
    return Unfinished;
  }
  return outputs.code;
}

int checkCommand(Options &options) {
  Expected<std::unique_ptr<Session>> session = Session::open(options.program);
  if (!session)
    return fail(session.error());
  const fb::Program &program = (*session)->program();
  // A side-car file that is not there would only be missed in the run.
  if (const fb::WeightTable *weights = program.weights();
      weights && weights->source())
    for (uint32_t i = 0; i < weights->source()->size(); ++i)
      if (static_cast<fb::WeightSource>(weights->source()->Get(i)) ==
          fb::WeightSource::File) {
        Expected<Tensor> weight = loadWeight(
            program, i,
            std::filesystem::path(options.program).parent_path().string());
        if (!weight)
          return fail(weight.error());
      }
  if (options.quiet)
    return Good;
  std::string text = fmt::format("{}: good\n", options.program);
  for (const WorkflowSignature &workflow : (*session)->signatures()) {
    text += fmt::format("  workflow {}\n", workflow.name);
    for (const ValueSignature &value : workflow.arguments)
      text += fmt::format("    takes {}: {}\n", value.name, value.typeText());
    for (const ValueSignature &value : workflow.results)
      text += fmt::format("    gives {}: {}\n", value.name, value.typeText());
  }
  if (!(*session)->hasValues())
    text += "  all tasks are profiled: runs are timed, no code is executed\n";
  else if (!(*session)->hasKernelBodies())
    text += "  no code is left: results are arguments and constants\n";
  else if (!(*session)->hasImages())
    text += "  compiled without kernels: runs need --timing-only\n";
  else
    text += fmt::format(
        "  has code for {}: runs execute it, or are timed with --timing-only\n",
        program.image_cpu() ? program.image_cpu()->string_view() : "?");
  Outputs outputs;
  outputs.print(text);
  return outputs.code;
}

int infoCommand(Options &options) {
  Expected<std::unique_ptr<Session>> session = Session::open(options.program);
  if (!session)
    return fail(session.error());
  if (Expected<void> possible = checkOutputs(options); !possible)
    return fail(possible.error());
  const fb::Program &program = (*session)->program();
  Outputs outputs;
  if (!options.json.empty())
    outputs.add(writeWholeFile(options.json, formatKernelsJson(program)));
  if (!options.quiet && options.json != "-")
    outputs.print(options.kernels ? formatKernels(program)
                                  : describeProgram(program));
  return outputs.code;
}

/// "policy: a, b; policy: c" for those that have parameters.
std::string parameterNames() {
  std::string names;
  for (const PolicyInfo &info : registeredPolicies()) {
    if (info.parameters.empty())
      continue;
    names += (names.empty() ? "" : "; ") + info.name + ": ";
    for (const PolicyParameter &parameter : info.parameters)
      names +=
          (&parameter == &info.parameters.front() ? "" : ", ") + parameter.name;
  }
  return names;
}

/// CLI11 would take a number that is too large for the largest there is.
std::string checkSeed(const std::string &text) {
  bool isHex = text.starts_with("0x");
  const char *begin = text.data() + (isHex ? 2 : 0);
  const char *end = text.data() + text.size();
  uint64_t value;
  auto [rest, code] = std::from_chars(begin, end, value, isHex ? 16 : 10);
  return code == std::errc() && rest == end
             ? ""
             : fmt::format("'{}' is no integer from 0 to {}", text,
                           ~uint64_t(0));
}

/// An option whose value is the name of a file.
CLI::Option &addFile(CLI::App &command, const std::string &name,
                     std::string &file, const std::string &type,
                     const std::string &description) {
  // An empty one is that of a variable which a script has not set.
  return *command.add_option(name, file, description)
              ->check(CLI::Validator(
                  [](const std::string &text) {
                    return text.empty() ? "the name of the file is empty" : "";
                  },
                  ""))
              ->type_name(type);
}

/// An option whose value is one of a few names.
template <class T>
void addChoice(CLI::App &command, const std::string &name, T &value,
               std::vector<std::pair<std::string, T>> choices,
               const std::string &description) {
  auto choose = [name, &value,
                 choices = std::move(choices)](const std::string &text) {
    std::string names;
    for (const auto &[choice, meaning] : choices) {
      names += (names.empty() ? "" : ", ") + choice;
      if (text == choice) {
        value = meaning;
        return;
      }
    }
    throw CLI::ValidationError(name,
                               fmt::format("'{}' is none of {}", text, names));
  };
  command.add_option_function<std::string>(name, choose, description)
      ->type_name("NAME");
}

/// The options that say what is run, for `run` and `compare`.
void addRunOptions(CLI::App &command, Options &options) {
  RunRequest &request = options.request;
  // Without a description --help shows the name of the type alone.
  CLI::Validator count =
      CLI::Range(uint64_t(1), uint64_t(1) << 40).description("");
  addFile(command, "--scenario", request.scenario, "S.yaml",
          "Arrivals, inputs, stop rules (YAML; docs/scenarios.md)");
  command.add_option("--requests", request.requests, "How many requests")
      ->check(count)
      ->type_name("N");
  command.add_option("--seed", request.seed, "Key of every random draw")
      ->check(CLI::Validator(checkSeed, ""))
      ->type_name("N");
  command
      .add_option("--in-flight", request.inFlight,
                  "Closed loop with so many requests open at a time")
      ->check(count)
      ->type_name("N");
  command
      .add_option("--slo", request.slo,
                  "Cycles within which a request is in time (default: five "
                  "times its own longest chain of tasks)")
      ->check(count)
      ->type_name("N");
  command
      .add_option("--inputs", request.inputFiles,
                  "Arrays for the arguments: F.npz, or .npy files in the order "
                  "of the arguments, or NAME=F.npy")
      ->expected(1, -1)
      ->type_name("F");
  command
      .add_option("--alone", options.alone,
                  "Also N requests one at a time, for the latency of a request "
                  "that is alone (compare: 8, unless less than 64 are run)")
      ->check(CLI::Range(uint64_t(0), uint64_t(1) << 40).description(""))
      ->type_name("N");
  addChoice(command, "--network", request.network,
            {{"message", NetworkModel::Message},
             {"flit", NetworkModel::Flit},
             {"link", NetworkModel::Link}},
            "Model of the mesh: message (heads of messages, finite buffers), "
            "flit (every flit, at most 1,024 clusters) or link (quickest; "
            "unbounded buffers)");
  command.add_flag("--timing-only", request.timingOnly,
                   "Execute no code; sizes, counts and decisions come from "
                   "recorded requests, types and profiles");
  command.add_flag("--records-in-order", request.recordsInOrder,
                   "With --timing-only: request i is recorded request i again, "
                   "not one that the seed draws");
  command
      .add_option("--disable", request.disable,
                  "Mechanisms of the policy to switch off: ddsm, atss, pcss")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B");
  command
      .add_option("--policy-plugin", options.plugins,
                  "Shared library with policies (docs/policies.md)")
      ->allow_extra_args(false)
      ->type_name("LIB.so");
  command
      .add_option("--policy-option", request.policyOptions,
                  "Set a parameter of the policy: " + parameterNames())
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME=N");
}

/// The options that say how often it is run.
void addReplicationOptions(CLI::App &command, Options &options) {
  CLI::Option *replications =
      command
          .add_option("--replications", options.replications,
                      "Run so many times, with the seeds N, N+1, ..., and give "
                      "means with 95 % confidence intervals")
          ->check(CLI::Range(1u, 1000000u).description(""))
          ->type_name("R");
  command
      .add_option("--threads", options.threads,
                  "Replications to run at a time; results are the same for "
                  "every number")
      ->check(CLI::Range(1u, 1024u).description(""))
      ->needs(replications)
      ->type_name("N");
}

void addCommonOptions(CLI::App &command, Options &options) {
  command.add_option("program", options.program, "Program file (.octo)")
      ->required()
      ->type_name("P.octo");
  command.add_flag("--quiet,-q", options.quiet, "No summary and no progress");
}

std::string policyNames() {
  std::string names;
  for (const PolicyInfo &info : registeredPolicies())
    names += (names.empty() ? "" : ", ") + info.name;
  return names;
}

void addCheckpointOptions(CLI::App &command, Options &options) {
  CheckpointOptions &checkpoint = options.request.checkpoint;
  CLI::Option *checkpointFile =
      &addFile(command, "--checkpoint", checkpoint.file, "F",
               "Keep the state of the run in a file: when it is "
               "interrupted (Ctrl-C) or ended by a stop rule, and as the "
               "next two options say. Runs without code only");
  command
      .add_option("--checkpoint-at", options.checkpointAt,
                  "Also after N events, or (cycle:N) at cycle N")
      ->needs(checkpointFile)
      ->type_name("N");
  command
      .add_option("--checkpoint-every", checkpoint.everyEvents,
                  "Also after every N events; the last one is kept")
      ->check(CLI::Range(uint64_t(1), uint64_t(1) << 62).description(""))
      ->needs(checkpointFile)
      ->type_name("N");
  addFile(command, "--resume", checkpoint.resume, "F",
          "Go on from a checkpoint, with the same program, scenario "
          "and flags; stop rules and outputs may differ");
}

/// The option --report, which may stand without a name.
CLI::Option &addOptionsOfRun(CLI::App &run, Options &options) {
  addCommonOptions(run, options);
  addRunOptions(run, options);
  run.add_option("--policy", options.request.policy,
                 "Scheduling policy: " + policyNames())
      ->capture_default_str()
      ->type_name("NAME");
  addFile(run, "--outputs", options.outputs, "F.npz",
          "Write the results of the requests");
  addFile(run, "--record-profile", options.profile, "F.json",
          "Write the realised outcomes of every request; - is the standard "
          "output");
  addFile(run, "--json", options.json, "F",
          "Write all numbers; - is the standard output");
  addFile(run, "--trace", options.trace, "F",
          "Write a timeline for ui.perfetto.dev (docs/traces.md): "
          "Perfetto protobuf, or JSON for a name that ends in .json");
  addChoice(
      run, "--trace-format", options.traceFormat,
      {{"perfetto", TraceFormat::Perfetto}, {"chrome", TraceFormat::Chrome}},
      "Format of the timeline whatever its name: perfetto, chrome");
  addFile(run, "--log", options.log, "F.csv",
          "Write a row for each task instance: where and when it ran, "
          "what it waited for (docs/traces.md)");
  addFile(run, "--blame", options.blame, "F.csv",
          "Write a row for each completed request: what its latency "
          "was spent on (docs/traces.md)");
  addReplicationOptions(run, options);
  addCheckpointOptions(run, options);
  return *run.add_option(
                 "--report", options.report,
                 "Write a page about the run (default: the program's name "
                 "with .html, in the current folder)")
              ->expected(0, 1)
              ->type_name("F.html");
}

void addOptionsOfCompare(CLI::App &compare, Options &options) {
  addCommonOptions(compare, options);
  addRunOptions(compare, options);
  compare
      .add_option("--policies", options.policies,
                  "Scheduling policies: " + policyNames())
      ->capture_default_str()
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B");
  compare.add_flag("--ablation", options.ablation,
                   "Also each policy with mechanisms without each of them");
  addReplicationOptions(compare, options);
  addFile(compare, "--json", options.json, "F",
          "Write all numbers; - is the standard output");
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Runs compiled workflows (.octo) on a cycle-level simulator of "
               "their machine.",
               "octo-run");
  app.set_version_flag("--version", version, "Print the version and exit");
  app.require_subcommand(1);
  app.footer("Exit codes: 0 good, 1 bad input, 2 wrong usage, 3 the simulated "
             "program deadlocked or did not finish.");

  CLI::App *run = app.add_subcommand("run", "Run a program under one policy");
  CLI::Option &report = addOptionsOfRun(*run, options);
  CLI::App *compare = app.add_subcommand(
      "compare", "Run a program under several policies, side by side");
  addOptionsOfCompare(*compare, options);
  CLI::App *check = app.add_subcommand(
      "check", "Check a program file and say what running it needs");
  addCommonOptions(*check, options);
  CLI::App *info =
      app.add_subcommand("info", "Describe a program file: machine, workflows, "
                                 "kernels, placement");
  addCommonOptions(*info, options);
  info->add_flag("--kernels", options.kernels,
                 "Instead: each kernel with its phases, work and cycles by "
                 "gang, and what bounds them");
  addFile(*info, "--json", options.json, "F",
          "Write the numbers of --kernels; - is the standard output");

  // CLI11 would only say that a command is missing.
  if (argc > 1 && argv[1][0] != '-' &&
      std::ranges::none_of(app.get_subcommands({}), [&](CLI::App *command) {
        return command->get_name() == argv[1];
      })) {
    std::fprintf(stderr,
                 "error: there is no command '%s'; there are run, compare, "
                 "check and info\n",
                 argv[1]);
    return Usage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? Good : Usage;
  }
  for (const std::string &plugin : options.plugins)
    if (Expected<void> loaded = loadPolicyPlugin(plugin); !loaded)
      return fail(loaded.error());
  options.reportWanted = report.count() > 0;
  if (!options.report.empty() && !options.report.ends_with(".html")) {
    std::fprintf(stderr,
                 "error: --report takes the name of an .html file, not '%s'\n",
                 options.report.c_str());
    return Usage;
  }

  for (const auto &[name, file] :
       {std::pair("--outputs", &options.outputs),
        std::pair("--trace", &options.trace), std::pair("--log", &options.log),
        std::pair("--blame", &options.blame),
        std::pair("--checkpoint", &options.request.checkpoint.file)})
    if (*file == "-") {
      std::fprintf(stderr,
                   "error: %s takes the name of a file; only --json and "
                   "--record-profile write to the standard output as '-'\n",
                   name);
      return Usage;
    }
  if (*run && options.replications)
    for (const char *name :
         {"--alone", "--outputs", "--record-profile", "--trace", "--log",
          "--blame", "--report", "--checkpoint", "--resume"})
      if (run->count(name)) {
        std::fprintf(stderr,
                     "error: %s is about one run: use it without "
                     "--replications, with the --seed of the one you mean\n",
                     name);
        return Usage;
      }

  if (!options.checkpointAt.empty() &&
      !parsePlace(options.checkpointAt, options.request.checkpoint)) {
    std::fprintf(stderr,
                 "error: --checkpoint-at takes a number of events from 1, or "
                 "cycle:N, not '%s'\n",
                 options.checkpointAt.c_str());
    return Usage;
  }

  // The first signal ends the run and keeps what it has computed, a second one
  // the program.
  for (int number : {SIGINT, SIGTERM})
    std::signal(number, [](int signal) {
      interrupted = 1;
      std::signal(signal, SIG_DFL);
    });
  if (*run && options.replications)
    return replicationsCommand(options);
  if (*run)
    return runCommand(options);
  if (*compare)
    return compareCommand(options);
  if (*check)
    return checkCommand(options);
  return infoCommand(options);
}
