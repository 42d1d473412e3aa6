//===- Checkpoint.cpp - Files of the state of a run -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Checkpoint.h"
#include "State.h"

#include "octo/Runtime/Simulator.h"
#include "octo/Support/OutputFile.h"
#include "octo/Support/Sha256.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

using namespace octo;

namespace {

/// Version of what a state means: to be raised when the same bytes would go on
/// differently.
constexpr uint32_t formatVersion = 2;

struct Header {
  std::array<char, 8> magic;
  uint32_t version;
  uint32_t programBytes;
  uint64_t layout;
  uint64_t optionsBytes;
  uint64_t stateBytes;
  uint64_t events;
  uint64_t cycle;
  /// SHA-256 over all that is before this, and all that is after it.
  std::array<uint8_t, 32> digest;
};
static_assert(std::has_unique_object_representations_v<Header>);

constexpr std::array<char, 8> magic = {'O', 'C', 'T', 'O', 'R', 'U', 'N', '\n'};

/// Of the whole machine with all that goes on in it; larger files are no
/// checkpoints.
constexpr uint64_t mostBytes = uint64_t(1) << 36;

} // namespace

static std::array<uint8_t, 32> digestOf(Header header, std::string_view rest) {
  auto body = sha256(rest.data(), rest.size());
  header.digest = body;
  return sha256(&header, sizeof header);
}

//===----------------------------------------------------------------------===//
// What a run was asked for
//===----------------------------------------------------------------------===//

std::string octo::describeRun(const SimulationOptions &options) {
  // What is added to these structs and decides a run belongs into the text.
  static_assert(detail::numFields<SimulationOptions>() == 14);
  static_assert(detail::numFields<Scenario>() == 10);
  static_assert(detail::numFields<FaultRule>() == 13);
  static_assert(detail::numFields<Tenant>() == 6);
  static_assert(detail::numFields<Arrivals>() == 4);
  const Scenario &scenario = options.scenario;
  std::string text;
  auto line = [&](std::string_view key, auto &&value) {
    text += fmt::format("{}: {}\n", key, std::forward<decltype(value)>(value));
  };
  line("policy", options.policy);
  line("disable", fmt::join(options.disable, ","));
  line("policy options", fmt::join(options.policyOptions, ","));
  line("network", stringifyNetworkModel(options.network));
  line("records in order", options.recordsInOrder);
  line("requests kept", options.keepRequests);
  line("outcomes recorded", options.recordOutcomes);
  line("failures reported", options.maxFailureReports);
  line("requests", scenario.requests);
  line("seed", scenario.seed);
  line("warm-up requests", scenario.warmUpRequests);
  line("service level", scenario.sloCycles);
  line("drift offset", scenario.driftOffset);
  for (size_t i = 0; i < scenario.tenants.size(); ++i) {
    const Tenant &tenant = scenario.tenants[i];
    const Arrivals &arrivals = tenant.arrivals;
    line(fmt::format("tenant {}", i),
         fmt::format("workflow {}, {} requests, weight {}", tenant.workflow,
                     tenant.requests, tenant.weight));
    std::string key = fmt::format("arrivals of tenant {}", i);
    switch (arrivals.kind) {
    case Arrivals::Kind::ClosedLoop:
      line(key, fmt::format("{} in flight", arrivals.inFlight));
      break;
    case Arrivals::Kind::Poisson:
      line(key, fmt::format("one in {} cycles", arrivals.meanGapCycles));
      break;
    case Arrivals::Kind::Trace:
      line(key,
           fmt::format(
               "{} of a trace with digest {}", arrivals.trace.size(),
               sha256Hex({reinterpret_cast<const char *>(arrivals.trace.data()),
                          arrivals.trace.size() * 8})));
      break;
    }
  }
  line("cycles to detect a fault", scenario.faultDetectionCycles);
  for (size_t i = 0; i < scenario.faults.size(); ++i) {
    const FaultRule &rule = scenario.faults[i];
    std::string key = fmt::format("fault {}", i);
    if (!rule.drawn)
      line(key, fmt::format("{} at cycle {}", describe(rule.part), rule.cycle));
    else
      line(key, fmt::format("{} of kind {} between cycles {} and {}, seed {}",
                            rule.byRate ? fmt::format("{} / 2^32", rule.rateQ32)
                                        : fmt::format("{}", rule.count),
                            stringifyPartKind(rule.part.kind), rule.from,
                            rule.to, rule.ownSeed ? rule.seed : scenario.seed));
  }
  return text;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

std::string octo::sealCheckpoint(const Checkpoint &checkpoint) {
  Header header = {};
  header.magic = magic;
  header.version = formatVersion;
  header.programBytes = static_cast<uint32_t>(checkpoint.program.size());
  header.layout = checkpoint.layout;
  header.optionsBytes = checkpoint.options.size();
  header.stateBytes = checkpoint.state.size();
  header.events = checkpoint.events;
  header.cycle = checkpoint.cycle;
  std::string bytes(sizeof header, '\0');
  bytes.reserve(sizeof header + checkpoint.program.size() +
                checkpoint.options.size() + checkpoint.state.size());
  bytes += checkpoint.program;
  bytes += checkpoint.options;
  bytes += checkpoint.state;
  header.digest =
      digestOf(header, std::string_view(bytes).substr(sizeof header));
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

Expected<Checkpoint> octo::openCheckpoint(std::string_view bytes) {
  Header header;
  if (bytes.size() < sizeof header.magic ||
      std::memcmp(bytes.data(), magic.data(), magic.size()))
    return makeError("this is not a checkpoint: give a file that octo-run "
                     "--checkpoint has written");
  if (bytes.size() < sizeof header)
    return makeError("the checkpoint has {} bytes, its header alone {}: the "
                     "file was cut off; run again from the start, or from "
                     "another checkpoint",
                     bytes.size(), sizeof header);
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.version != formatVersion)
    return makeError("the checkpoint has format {}, this version reads {}: use "
                     "the version that wrote it, or run again from the start",
                     header.version, formatVersion);
  std::string_view rest = bytes.substr(sizeof header);
  if (header.optionsBytes > mostBytes || header.stateBytes > mostBytes ||
      header.programBytes + header.optionsBytes + header.stateBytes !=
          rest.size())
    return makeError("the checkpoint has {} bytes, but its header tells of {} "
                     "+ {} + {} + {}: the file was cut off or changed; run "
                     "again from the start, or from another checkpoint",
                     bytes.size(), sizeof header, header.programBytes,
                     header.optionsBytes, header.stateBytes);
  if (digestOf(header, rest) != header.digest)
    return makeError("the checkpoint is damaged (its digest does not match): "
                     "run again from the start, or from another checkpoint");
  Checkpoint checkpoint;
  checkpoint.layout = header.layout;
  checkpoint.events = header.events;
  checkpoint.cycle = header.cycle;
  checkpoint.program = rest.substr(0, header.programBytes);
  checkpoint.options = rest.substr(header.programBytes, header.optionsBytes);
  checkpoint.state = rest.substr(header.programBytes + header.optionsBytes);
  return checkpoint;
}

Expected<void> octo::matchCheckpoint(const Checkpoint &checkpoint,
                                     const Checkpoint &run) {
  if (checkpoint.program != run.program)
    return makeError("the checkpoint was taken of another program (SHA-256 {}, "
                     "this one has {}): give the file that was run then",
                     checkpoint.program, run.program);
  // The first line that differs tells what is to be changed.
  std::string_view was = checkpoint.options, is = run.options;
  while (!was.empty() || !is.empty()) {
    auto take = [](std::string_view &text) {
      std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      return line;
    };
    std::string_view before = take(was), now = take(is);
    if (before != now)
      return makeError("the checkpoint was taken of a run with '{}', this one "
                       "has '{}': give the same scenario and flags (stop rules "
                       "may differ)",
                       before, now);
  }
  if (checkpoint.layout != run.layout)
    return makeError("the checkpoint was written by another build of Octopus: "
                     "use that one, or run again from the start");
  return {};
}

Expected<void> octo::writeCheckpoint(const std::string &path,
                                     const Checkpoint &checkpoint) {
  return writeWholeFile(path, sealCheckpoint(checkpoint));
}

Expected<Checkpoint> octo::readCheckpoint(const std::string &path) {
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code))
    return makeFileError(path,
                         "cannot read the checkpoint ({}): give a file "
                         "that octo-run --checkpoint has written",
                         code ? code.message() : "not a file");
  uint64_t size = std::filesystem::file_size(path, code);
  if (code || size > mostBytes)
    return makeFileError(path,
                         "a file of {} bytes is not a checkpoint; these "
                         "have up to {}",
                         size, mostBytes);
  std::string bytes(size, '\0');
  std::FILE *file = std::fopen(path.c_str(), "rb");
  if (!file)
    return makeFileError(path, "cannot read the checkpoint: {}",
                         std::generic_category().message(errno));
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  std::fclose(file);
  Expected<Checkpoint> checkpoint = openCheckpoint(bytes);
  if (!checkpoint) {
    Diagnostic diagnostic = checkpoint.error();
    diagnostic.file = path;
    return Error(std::move(diagnostic));
  }
  return checkpoint;
}
