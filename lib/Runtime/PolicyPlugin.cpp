//===- PolicyPlugin.cpp - Policies from shared libraries ------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/PolicyPlugin.h"

#include <dlfcn.h>

using namespace octo;

Expected<void> octo::loadPolicyPlugin(const std::string &path) {
  // A name without a slash would be looked for in the system's folders.
  std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  void *library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *why = dlerror();
    return makeFileError(path,
                         "cannot be loaded as a library of policies: {}; "
                         "build it against the headers of this octo-run "
                         "(docs/policies.md)",
                         why ? why : "unknown reason");
  }
  auto version = reinterpret_cast<unsigned (*)()>(
      dlsym(library, "octoPolicyPluginVersion"));
  auto fill = reinterpret_cast<void (*)(PolicyPluginRegistry &)>(
      dlsym(library, "octoPolicyPlugin"));
  if (!version || !fill) {
    dlclose(library);
    return makeFileError(path, "is a library without policies: it needs "
                               "OCTO_POLICY_PLUGIN of "
                               "octo/Runtime/PolicyPlugin.h");
  }
  if (unsigned built = version(); built != policyInterfaceVersion) {
    dlclose(library);
    return makeFileError(path,
                         "is for version {} of the policy interface, this is "
                         "version {}: build it again with the headers of this "
                         "octo-run",
                         built, policyInterfaceVersion);
  }
  PolicyPluginRegistry registry;
  fill(registry);
  for (PolicyInfo &info : registry.policies)
    if (Expected<void> added = registerPolicy(std::move(info)); !added) {
      Diagnostic diagnostic = added.error();
      diagnostic.file = path;
      return octo::Error(std::move(diagnostic));
    }
  return {};
}
