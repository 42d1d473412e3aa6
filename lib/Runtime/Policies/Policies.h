//===- Policies.h - The policies of the library -----------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the built-in policies share.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_POLICIES_H
#define OCTO_LIB_RUNTIME_POLICIES_H

#include "octo/Runtime/Policy.h"

#include <algorithm>

namespace octo {

/// The `count` lowest PEAs of a set that has as many.
inline PeaMask lowestPeas(PeaMask peas, uint32_t count) {
  PeaMask result = 0;
  for (; count && peas; --count) {
    PeaMask lowest = peas & -peas;
    result |= lowest;
    peas ^= lowest;
  }
  return result;
}

/// A policy of the library: its state is a list of numbers. They go as they
/// are, since a checkpoint is for the build that wrote it.
class LibraryPolicy : public Policy {
public:
  std::optional<std::string> saveState() const override {
    std::vector<uint64_t> words;
    save(words);
    return std::string(reinterpret_cast<const char *>(words.data()),
                       words.size() * sizeof(uint64_t));
  }
  bool restoreState(std::string_view state) override {
    std::vector<uint64_t> words(state.size() / sizeof(uint64_t));
    std::copy_n(state.data(), words.size() * sizeof(uint64_t),
                reinterpret_cast<char *>(words.data()));
    return state.size() % sizeof(uint64_t) == 0 && load(words);
  }

protected:
  /// Everything that decides what the policy does next.
  virtual void save(std::vector<uint64_t> &words) const { words.clear(); }
  /// Takes what `save` gave; false if it cannot be.
  virtual bool load(std::span<const uint64_t> words) { return words.empty(); }
};

// Each takes the options that its entry in Registry.cpp names.
std::unique_ptr<Policy> makeStaticEvenPolicy(const PolicyOptions &options);
std::unique_ptr<Policy> makeStaticPolicy(const PolicyOptions &options);
std::unique_ptr<Policy> makeReactivePolicy(const PolicyOptions &options);
std::unique_ptr<Policy> makeElasticPolicy(const PolicyOptions &options);
std::unique_ptr<Policy> makePoolPolicy(const PolicyOptions &options);
std::unique_ptr<Policy> makePoolAffinityPolicy(const PolicyOptions &options);
std::unique_ptr<Policy> makeHeftPolicy(const PolicyOptions &options);
std::unique_ptr<Policy> makeMctPolicy(const PolicyOptions &options);
std::unique_ptr<Policy> makeOctopusPolicy(const PolicyOptions &options);

} // namespace octo

#endif // OCTO_LIB_RUNTIME_POLICIES_H
