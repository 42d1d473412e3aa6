//===- Registry.cpp - The policies that there are -------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Policies.h"

#include <algorithm>
#include <charconv>
#include <mutex>

using namespace octo;

namespace {
struct Registry {
  std::mutex mutex;
  std::vector<PolicyInfo> policies;

  Registry() {
    const PolicyParameter gang = {"gang", "the most PEAs that a task gets", 64,
                                  1, 64};
    const PolicyParameter age = {
        "age",
        "how long what is resident may overtake, in percent of a load of code",
        400, 0, 1000000};
    policies = {
        {"static-even",
         "the conventional mapping: equal shares for all tasks, fixed gangs",
         makeStaticEvenPolicy,
         {},
         {gang}},
        {"static",
         "the compiled placement with fixed gangs, timetables in order",
         makeStaticPolicy,
         {},
         {gang}},
        {"reactive",
         "static, and tasks move from busy TBUs to idle ones in each epoch",
         makeReactivePolicy,
         {},
         {gang,
          {"high", "load in percent above which a PEA gives tasks away", 90, 1,
           100},
          {"low", "load in percent below which a PEA takes one", 80, 0, 99},
          {"window", "instances a TBU between two looks", 64, 1, 1000000}}},
        {"elastic",
         "shares of PEAs that follow the measured load of the tasks",
         makeElasticPolicy,
         {},
         {{"gang", "the PEAs of each part of a share", 1, 1, 64},
          {"step", "most parts that change hands in an epoch, in percent", 10,
           1, 100},
          {"window", "instances a task between two looks", 32, 1, 1000000}}},
        {"pool",
         "one pool of all PEAs behind a central dispatcher, first fit",
         makePoolPolicy,
         {},
         {gang}},
        {"pool-affinity",
         "one pool with a dispatcher a cluster, resident code first, staging, "
         "elastic gangs, stealing",
         makePoolAffinityPolicy,
         {},
         {gang,
          age,
          {"probes", "clusters looked at for a new instance", 2, 0, 16}}},
        {"heft",
         "graphs without control flow: each request planned as a whole by "
         "earliest finish",
         makeHeftPolicy,
         {},
         {{"gang", "PEAs of every task", 1, 1, 64}}},
        {"mct",
         "each task to the PEAs that would complete it first",
         makeMctPolicy,
         {},
         {{"gang", "PEAs of every task", 1, 1, 64}}},
        {"octopus",
         "timetables honoured, dynamic work fills around them, malleable "
         "gangs, staging, work pushed and pulled between clusters",
         makeOctopusPolicy,
         {"ddsm", "atss", "pcss"},
         {}},
    };
  }
};
} // namespace

static Registry &registry() {
  static Registry instance;
  return instance;
}

Expected<void> octo::registerPolicy(PolicyInfo info, unsigned version) {
  if (version != policyInterfaceVersion)
    return makeError("policy '{}' was built for version {} of the policy "
                     "interface, this is version {}: build it again",
                     info.name, version, policyInterfaceVersion);
  if (info.name.empty() || !info.make)
    return makeError("a policy needs a name and a way to make it");
  Registry &all = registry();
  std::lock_guard<std::mutex> lock(all.mutex);
  for (const PolicyInfo &other : all.policies)
    if (other.name == info.name)
      return makeError("there is a policy '{}' already ({}): choose another "
                       "name",
                       other.name, other.summary);
  all.policies.push_back(std::move(info));
  return {};
}

std::vector<PolicyInfo> octo::registeredPolicies() {
  Registry &all = registry();
  std::lock_guard<std::mutex> lock(all.mutex);
  return all.policies;
}

/// The value of a parameter, or the error.
static Expected<uint64_t> parseValue(const PolicyInfo &info,
                                     const PolicyParameter &parameter,
                                     std::string_view text) {
  uint64_t value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() ||
      value < parameter.min || value > parameter.max)
    return makeError("option '{}' of policy '{}' ({}) takes a whole number "
                     "from {} to {}, not '{}'",
                     parameter.name, info.name, parameter.summary,
                     parameter.min, parameter.max, text);
  return value;
}

Expected<std::unique_ptr<Policy>>
octo::createPolicy(std::string_view name,
                   const std::vector<std::string> &disable,
                   const std::vector<std::string> &settings) {
  std::string names;
  for (const PolicyInfo &info : registeredPolicies()) {
    if (info.name != name) {
      names += names.empty() ? info.name : ", " + info.name;
      continue;
    }
    PolicyOptions options;
    for (const std::string &off : disable) {
      if (std::find(info.switches.begin(), info.switches.end(), off) ==
          info.switches.end())
        return makeError(
            "policy '{}' has no mechanism '{}' to disable; it has "
            "{}",
            name, off,
            info.switches.empty()
                ? "none"
                : fmt::format("{}", fmt::join(info.switches, ", ")));
      options.ddsm &= off != "ddsm";
      options.atss &= off != "atss";
      options.pcss &= off != "pcss";
    }
    for (const PolicyParameter &parameter : info.parameters)
      options.values.push_back(parameter.fallback);
    for (const std::string &setting : settings) {
      size_t equals = setting.find('=');
      std::string_view key = std::string_view(setting).substr(0, equals);
      if (equals == std::string::npos)
        return makeError("policy options are given as name=value, not '{}'",
                         setting);
      auto found = std::find_if(info.parameters.begin(), info.parameters.end(),
                                [&](const PolicyParameter &parameter) {
                                  return parameter.name == key;
                                });
      if (found == info.parameters.end()) {
        std::string known;
        for (const PolicyParameter &parameter : info.parameters)
          known += (known.empty() ? "" : ", ") + parameter.name;
        return makeError("policy '{}' has no option '{}'; it has {}", name, key,
                         known.empty() ? "none" : known);
      }
      Expected<uint64_t> value = parseValue(
          info, *found, std::string_view(setting).substr(equals + 1));
      if (!value)
        return octo::Error(value.error());
      options.values[found - info.parameters.begin()] = *value;
    }
    return info.make(options);
  }
  return makeError("there is no policy '{}'; there are: {}", name, names);
}
