//===- Driver.cpp - From files and options to a run -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Puts program, scenario, inputs and code loader together.
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/Driver.h"

#include "HostMemory.h"

#include "octo/KernelLoader/KernelLoader.h"
#include "octo/Program/Columns.h"
#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"
#include "octo/Support/Sha256.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>

using namespace octo;

/// "No index" of the program file.
static constexpr uint32_t none = 0xffffffffu;

struct Session::Impl {
  Program program;
  std::unique_ptr<KernelExecutor> executor;
};

Session::Session() = default;
Session::~Session() = default;

Expected<std::unique_ptr<Session>> Session::open(const std::string &path) {
  return make(loadProgram(path));
}

Expected<std::unique_ptr<Session>>
Session::fromBytes(std::span<const uint8_t> bytes, std::string_view name) {
  return make(parseProgram(bytes, name));
}

Expected<std::unique_ptr<Session>> Session::make(Expected<Program> program) {
  if (!program)
    return Error(program.error());
  std::unique_ptr<Session> session(new Session());
  session->workflows = signaturesOf(program->get());
  session->impl.reset(new Impl{std::move(*program), nullptr});
  return session;
}

const fb::Program &Session::program() const { return *impl->program; }

std::span<const uint8_t> Session::bytes() const {
  return impl->program.bytes();
}

const std::string &Session::name() const { return impl->program.name(); }

/// Calls `visit` with the number of each kernel with a body until it says no;
/// returns whether it never did.
template <class Visit>
static bool allBodies(const fb::KernelTable &kernels, const Visit &visit) {
  for (uint32_t i = 0; i < sizeOf(kernels.kind()); ++i)
    if (static_cast<fb::KernelKind>(kernels.kind()->Get(i)) ==
            fb::KernelKind::Image &&
        !visit(i))
      return false;
  return true;
}

bool Session::hasKernelBodies() const {
  return !allBodies(*program().kernels(), [](uint32_t) { return false; });
}

/// Does every block take what it does from code or from values? A fan-out can
/// without code: its count is one.
static bool needsNoProfile(const fb::Workflow &workflow,
                           const fb::KernelTable &kernels) {
  const fb::BlockTable &blocks = *workflow.blocks();
  for (uint32_t b = 0; b < sizeOf(blocks.kind()); ++b) {
    const uint32_t kernel = blocks.kernel()->Get(b);
    const bool code =
        kernel != none &&
        fb::KernelKind(kernels.kind()->Get(kernel)) == fb::KernelKind::Image;
    const bool counted =
        fb::BlockKind(blocks.kind()->Get(b)) == fb::BlockKind::Fanout &&
        blocks.decide_inputs()->Get(b);
    if (!code && !counted)
      return false;
  }
  return true;
}

static bool hasContent(std::span<const ValueSignature> values) {
  return std::ranges::none_of(values, [](const ValueSignature &value) {
    return value.kind == ElementKind::Data || value.kind == ElementKind::Token;
  });
}

bool Session::hasValues() const {
  if (hasKernelBodies())
    return true;
  for (size_t w = 0; w < workflows.size(); ++w)
    if (hasContent(workflows[w].arguments) &&
        hasContent(workflows[w].results) &&
        needsNoProfile(*program().workflows()->Get(uint32_t(w)),
                       *program().kernels()))
      return true;
  return false;
}

bool Session::hasImages() const {
  const fb::KernelTable &kernels = *program().kernels();
  return allBodies(kernels, [&](uint32_t i) {
    return kernels.image() && kernels.image()->Get(i) != none;
  });
}

bool Session::hasRecords() const {
  for (const fb::Workflow *workflow : *program().workflows())
    if (workflow->records())
      return true;
  return false;
}

Expected<SimulationOptions> Session::prepare(const RunRequest &request) const {
  SimulationOptions options;
  options.policy = request.policy;
  options.disable = request.disable;
  options.policyOptions = request.policyOptions;
  options.recordOutcomes = request.recordOutcomes;
  options.keepOutputs = request.keepOutputs;
  // Paths of weights are relative to the program file.
  options.weightsFolder = std::filesystem::path(name()).parent_path().string();
  options.timingOnly = request.timingOnly || !hasValues();
  options.network = request.network;
  options.checkpoint = request.checkpoint;
  if (!request.checkpoint.file.empty() || !request.checkpoint.resume.empty())
    options.checkpoint.program = sha256Hex(
        {reinterpret_cast<const char *>(bytes().data()), bytes().size()});
  if (!options.timingOnly && !hasImages())
    return makeFileError(name(),
                         "the program was compiled without kernels, so it can "
                         "be timed and not executed; use --timing-only, or "
                         "compile it again without --no-kernels");
  options.recordsInOrder = request.recordsInOrder;
  if (request.recordsInOrder && !options.timingOnly)
    return makeError("recorded requests are for runs without code; add "
                     "--timing-only, or drop --records-in-order");
  if (request.recordsInOrder && !hasRecords())
    return makeFileError(name(),
                         "the program keeps no recorded requests; record them "
                         "with octo-run run --record-profile P.json and "
                         "compile with --profile P.json, or drop "
                         "--records-in-order where nothing that varies was "
                         "recorded: every request is like those then");
  if (request.keepOutputs && options.timingOnly)
    return makeFileError(name(),
                         "no code runs{}, so there are no outputs to keep",
                         request.timingOnly ? " with --timing-only"
                                            : " (all tasks are profiled)");

  if (!request.scenario.empty() || !request.scenarioText.empty()) {
    Expected<Scenario> scenario =
        request.scenario.empty()
            ? parseScenario(request.scenarioText, "<scenario>", "", workflows)
            : readScenario(request.scenario, workflows);
    if (!scenario)
      return Error(scenario.error());
    options.scenario = std::move(*scenario);
  }
  Scenario &scenario = options.scenario;
  if (workflows.empty())
    return makeFileError(name(), "the program has no workflow to run");
  if (scenario.tenants.empty()) {
    Tenant tenant;
    tenant.name = workflows.front().name;
    tenant.arrivals.inFlight = 0;
    scenario.tenants.push_back(std::move(tenant));
  }
  if (request.requests == 0u || request.inFlight == 0u)
    return makeError("a run has at least one request, and at least one in "
                     "flight");
  if (request.requests) {
    // The number asked for is shared by weight, whatever the tenants had.
    scenario.requests = *request.requests;
    for (Tenant &tenant : scenario.tenants)
      tenant.requests = 0;
    if (scenario.warmUpRequests && scenario.warmUpRequests >= scenario.requests)
      return makeError("all {} requests would be warm-up (the scenario's "
                       "`warm_up` is {}); ask for more requests",
                       scenario.requests, scenario.warmUpRequests);
  }
  if (request.seed)
    scenario.seed = *request.seed;
  if (request.slo)
    scenario.sloCycles = *request.slo;
  if (!scenario.stop.maxCycles && !scenario.stop.maxEvents)
    scenario.stop.maxEvents = StopRules::defaultMaxEvents;

  const fb::Machine &machine = *program().machine();
  uint64_t clusters = uint64_t(machine.dies_x()) * machine.clusters_x() *
                      machine.dies_y() * machine.clusters_y();
  for (Tenant &tenant : scenario.tenants) {
    if (request.inFlight) {
      tenant.arrivals = Arrivals();
      tenant.arrivals.inFlight = *request.inFlight;
    } else if (tenant.arrivals.kind == Arrivals::Kind::ClosedLoop &&
               tenant.arrivals.inFlight == 0) {
      // Enough to fill the machine, and a rule that does not know the program.
      uint64_t requests = tenant.requests ? tenant.requests : scenario.requests;
      tenant.arrivals.inFlight =
          std::max<uint64_t>(1, std::min(requests, clusters));
    }
  }

  if (request.inputFiles.empty() && request.inputArrays.empty())
    return options;
  uint32_t workflow = scenario.tenants.front().workflow;
  for (const Tenant &tenant : scenario.tenants)
    if (tenant.workflow != workflow)
      return makeError(
          "the tenants of the scenario run several workflows; give "
          "the inputs in the scenario, tenant by tenant");
  Expected<std::vector<ArgumentInput>> inputs =
      request.inputFiles.empty()
          ? bindInputs(request.inputArrays, workflows[workflow], "<inputs>")
          : readInputs(request.inputFiles, workflows[workflow]);
  if (!inputs)
    return Error(inputs.error());
  for (Tenant &tenant : scenario.tenants)
    tenant.inputs = *inputs;
  return options;
}

Expected<KernelExecutor *> Session::executor() {
  if (!impl->executor) {
    Expected<std::unique_ptr<KernelExecutor>> executor =
        loadKernelExecutor(program());
    if (!executor) {
      Diagnostic diagnostic = executor.error();
      if (diagnostic.file.empty())
        diagnostic.file = name();
      return Error(std::move(diagnostic));
    }
    impl->executor = std::move(*executor);
  }
  return impl->executor.get();
}

Expected<KernelExecutor *>
Session::executorFor(const SimulationOptions &options) {
  if (options.timingOnly || !hasKernelBodies())
    return nullptr;
  return executor();
}

Expected<RunResult> Session::run(const SimulationOptions &options,
                                 TraceSink *trace,
                                 const ProgressCallback &progress) {
  Expected<KernelExecutor *> kernels = executorFor(options);
  if (!kernels)
    return Error(kernels.error());
  return simulate(program(), options, *kernels, trace, progress);
}

Expected<std::vector<RunResult>>
Session::runReplications(const SimulationOptions &options, unsigned count,
                         unsigned threads, const ProgressCallback &progress) {
  Expected<KernelExecutor *> kernels = executorFor(options);
  if (!kernels)
    return Error(kernels.error());
  return simulateReplications(program(), options, count, threads, *kernels,
                              progress);
}

Expected<void> Session::checkAlone(uint64_t count) const {
  Expected<void> fits = checkRequestMemory(count + 1);
  if (!fits)
    return makeError("requests that are alone (--alone {}): {}", count,
                     fits.error().message);
  return {};
}

Expected<void> Session::measureAlone(const SimulationOptions &options,
                                     uint64_t count, RunResult &result,
                                     const ProgressCallback &progress) {
  for (size_t i = 0; i < options.scenario.tenants.size(); ++i) {
    SimulationOptions alone = options;
    alone.checkpoint = {};
    alone.keepRequests = alone.keepOutputs = alone.recordOutcomes = false;
    Scenario &scenario = alone.scenario;
    scenario.tenants = {options.scenario.tenants[i]};
    scenario.tenants[0].arrivals = Arrivals();
    scenario.tenants[0].requests = scenario.requests = count + 1;
    scenario.warmUpRequests = 1;
    scenario.faults.clear();
    Expected<RunResult> measured = run(alone, nullptr, progress);
    if (!measured)
      return Error(measured.error());
    result.tenants[i].aloneLatency = measured->tenants[0].aloneLatency;
  }
  return {};
}

std::vector<NamedTensor> octo::collectOutputs(const RunResult &result,
                                              const SimulationOptions &options,
                                              const Session &session) {
  const std::vector<Tenant> &tenants = options.scenario.tenants;
  std::set<uint32_t> workflows;
  for (const Tenant &tenant : tenants)
    workflows.insert(tenant.workflow);
  std::vector<NamedTensor> arrays;
  for (uint32_t workflow : workflows) {
    const WorkflowSignature &signature = session.signatures()[workflow];
    std::string prefix =
        workflows.size() > 1 ? signature.name + "." : std::string();
    std::vector<size_t> completed;
    for (size_t i = 0; i < result.outputs.size(); ++i)
      if (!result.outputs[i].empty() &&
          tenants[result.requests[i].tenant].workflow == workflow)
        completed.push_back(i);
    for (size_t k = 0; k < signature.results.size(); ++k) {
      const ValueSignature &value = signature.results[k];
      if (elementBytes(value.kind) == 0 || completed.empty())
        continue;
      auto outputOf = [&](size_t request) -> const Tensor & {
        return result.outputs[request][k];
      };
      std::span<const int64_t> dims = outputOf(completed.front()).dims();
      bool alike =
          std::all_of(completed.begin(), completed.end(), [&](size_t request) {
            return std::ranges::equal(outputOf(request).dims(), dims);
          });
      if (!alike) {
        for (size_t request : completed)
          arrays.emplace_back(
              fmt::format("{}{}.{}", prefix, value.name, request),
              outputOf(request));
        continue;
      }
      std::vector<int64_t> stacked(dims.begin(), dims.end());
      stacked.insert(stacked.begin(), int64_t(completed.size()));
      Tensor array = Tensor::allocate(value.kind, std::move(stacked));
      auto *to = static_cast<std::byte *>(array.data());
      for (size_t request : completed) {
        const Tensor &output = outputOf(request);
        if (size_t bytes = output.bytes())
          std::memcpy(to, output.data(), bytes);
        to += output.bytes();
      }
      arrays.emplace_back(prefix + value.name, std::move(array));
    }
    Tensor numbers =
        Tensor::allocate(ElementKind::I64, {int64_t(completed.size())});
    for (size_t i = 0; i < completed.size(); ++i)
      numbers.as<int64_t>()[i] = int64_t(completed[i]);
    arrays.emplace_back(prefix + "_requests", std::move(numbers));
  }
  return arrays;
}
