//===- KernelCache.h - Objects of kernels on disk ---------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A folder of objects, found by what they were made of: the code of the kernel,
// the CPU, the tier and the compiler. Several processes and threads may use one
// folder at the same time: entries appear whole or not at all, and one that is
// damaged is made again.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_KERNELCODEGEN_KERNELCACHE_H
#define OCTO_KERNELCODEGEN_KERNELCACHE_H

#include "octo/KernelCodegen/KernelCodegen.h"

#include "llvm/Support/CachePruning.h"

#include <atomic>
#include <memory>
#include <string>

namespace octo {

class KernelCache {
public:
  /// How much is kept where `open` is given nothing else: entries of the last
  /// week, at most 1 GiB.
  static constexpr llvm::StringLiteral defaultPolicy =
      "cache_size_bytes=1g:cache_size=0%";

  /// The cache in `directory`, which is made if it is not there. `policy` says
  /// what is kept, in the words of llvm::parseCachePruningPolicy
  /// ("cache_size_bytes=64m:prune_interval=0s"); empty: `defaultPolicy`. Null
  /// after setting `error` if the folder cannot be used or the policy not read.
  static std::unique_ptr<KernelCache>
  open(llvm::StringRef directory, llvm::StringRef policy, std::string &error);

  /// The name of the entry for a kernel: SHA-256 over all that decides about
  /// its object, as hex.
  static std::string key(llvm::StringRef module, const KernelTarget &target);

  /// Fills in object, digest and overwritten inputs of `image` and returns true
  /// if the entry is there and whole.
  bool read(llvm::StringRef key, KernelImage &image);

  /// Adds an entry. A folder that has become full or read-only is no error: the
  /// kernel is compiled anew next time.
  void write(llvm::StringRef key, const KernelImage &image);

  /// Removes the oldest entries if the policy says so.
  void prune();

  /// Kernels that were found, and that were not (damaged entries are not).
  uint64_t getHits() const { return hits; }
  uint64_t getMisses() const { return misses; }
  /// Entries that were there and damaged; entries that could not be written.
  uint64_t getDamaged() const { return damaged; }
  uint64_t getUnwritten() const { return unwritten; }

private:
  KernelCache(std::string directory, llvm::CachePruningPolicy policy)
      : directory(std::move(directory)), policy(policy) {}

  std::string path(llvm::StringRef key) const;

  std::string directory;
  llvm::CachePruningPolicy policy;
  std::atomic<uint64_t> hits = 0, misses = 0, damaged = 0, unwritten = 0;
};

} // namespace octo

#endif // OCTO_KERNELCODEGEN_KERNELCACHE_H
