//===- PolicyPlugin.h - Policies from shared libraries ----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A shared library with policies defines one function:
//
//   OCTO_POLICY_PLUGIN(registry) {
//     registry.add({"mine", "what it does", make, {}, {}});
//   }
//
// The host calls it when the interface it was built for is its own. The library
// takes the functions of Policy.h from the host: it links nothing of Octopus.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_POLICYPLUGIN_H
#define OCTO_RUNTIME_POLICYPLUGIN_H

#include "octo/Runtime/Policy.h"

namespace octo {

/// Takes the policies of one library.
class PolicyPluginRegistry {
public:
  void add(PolicyInfo info) { policies.push_back(std::move(info)); }
  std::vector<PolicyInfo> policies;
};

/// Loads the policies of a library. It stays loaded. Errors say whether the file
/// cannot be loaded, has no policies, is for another version of the interface,
/// or has a name that there is already.
Expected<void> loadPolicyPlugin(const std::string &path);

} // namespace octo

/// What the host looks up.
extern "C" {
/// Version of the interface that the library was built for.
__attribute__((visibility("default"))) unsigned octoPolicyPluginVersion();
__attribute__((visibility("default"))) void
octoPolicyPlugin(octo::PolicyPluginRegistry &registry);
}

#define OCTO_POLICY_PLUGIN(registry)                                           \
  extern "C" unsigned octoPolicyPluginVersion() {                              \
    return octo::policyInterfaceVersion;                                       \
  }                                                                            \
  extern "C" void octoPolicyPlugin(octo::PolicyPluginRegistry &registry)

#endif // OCTO_RUNTIME_POLICYPLUGIN_H
