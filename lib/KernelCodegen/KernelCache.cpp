//===- KernelCache.cpp - Objects of kernels on disk -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Entries are files that are named as those of LLVM's own cache, so that its
// pruning keeps the folder small. Each is a line of text,
//
//   octopus-kernel <overwritten inputs, hex> <SHA-256 of the object, hex>
//
// and the object.
//
//===----------------------------------------------------------------------===//

#include "octo/KernelCodegen/KernelCache.h"

#include "octo/Support/Sha256.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace octo {

namespace {
constexpr llvm::StringLiteral magic = "octopus-kernel ";

/// The compiler, as far as code depends on it: the sources of this library and
/// the release of LLVM.
constexpr llvm::StringLiteral compilerVersion =
#include "KernelCompilerDigest.inc"
    " " LLVM_VERSION_STRING;

/// Takes an entry apart; false if it is damaged.
bool decode(StringRef bytes, KernelImage &image) {
  if (!bytes.consume_front(magic))
    return false;
  auto [line, object] = bytes.split('\n');
  auto [overwritten, digest] = line.split(' ');
  uint64_t mask;
  if (overwritten.getAsInteger(16, mask) ||
      digest != sha256Hex(std::string_view(object.data(), object.size())))
    return false;
  image.object = object.str();
  image.digest = digest.str();
  image.overwritten = mask;
  return true;
}
} // namespace

std::unique_ptr<KernelCache>
KernelCache::open(StringRef directory, StringRef policy, std::string &error) {
  llvm::Expected<llvm::CachePruningPolicy> parsed =
      llvm::parseCachePruningPolicy(policy.empty() ? StringRef(defaultPolicy)
                                                   : policy);
  if (!parsed) {
    error = "cannot read the policy '" + policy.str() +
            "' of the kernel cache: " + llvm::toString(parsed.takeError()) +
            "; it is a list like 'cache_size_bytes=64m:prune_after=24h'";
    return nullptr;
  }
  std::error_code code = llvm::sys::fs::create_directories(directory);
  if (!code)
    code = llvm::sys::fs::access(directory, llvm::sys::fs::AccessMode::Write);
  if (!code && !llvm::sys::fs::is_directory(directory))
    code = std::make_error_code(std::errc::not_a_directory);
  if (code) {
    error = "cannot use '" + directory.str() +
            "' as the kernel cache: " + code.message() +
            "; name a folder that can be written to, or none";
    return nullptr;
  }
  // LLVM handles signals, to remove files that are half written, on a stack
  // that belongs to the thread which asks for it first. Threads that compile
  // end.
  std::string none = (directory + "/none").str();
  llvm::sys::RemoveFileOnSignal(none);
  llvm::sys::DontRemoveFileOnSignal(none);
  return std::unique_ptr<KernelCache>(
      new KernelCache(directory.str(), *parsed));
}

std::string KernelCache::key(StringRef module, const KernelTarget &target) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  // Each part ends where no other reading is possible.
  for (StringRef part : {StringRef(compilerVersion), StringRef(target.triple),
                         StringRef(target.cpu)})
    stream << part.size() << ':' << part;
  stream << target.optLevel << ':' << module;
  return sha256Hex(text);
}

/// The name is one that pruneCache takes for an entry.
std::string KernelCache::path(StringRef key) const {
  SmallString<128> path(directory);
  llvm::sys::path::append(path, "llvmcache-" + key);
  return path.str().str();
}

bool KernelCache::read(StringRef key, KernelImage &image) {
  // The pruning goes by the time of the last use.
  std::string path = this->path(key);
  llvm::Expected<llvm::sys::fs::file_t> file =
      llvm::sys::fs::openNativeFileForRead(path, llvm::sys::fs::OF_UpdateAtime);
  if (!file) {
    llvm::consumeError(file.takeError());
    ++misses;
    return false;
  }
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      llvm::MemoryBuffer::getOpenFile(*file, path, /*FileSize=*/-1,
                                      /*RequiresNullTerminator=*/false);
  llvm::sys::fs::closeFile(*file);
  if (buffer && decode((*buffer)->getBuffer(), image)) {
    ++hits;
    return true;
  }
  ++damaged;
  ++misses;
  // It would stand in the way of the new one.
  llvm::sys::fs::remove(path);
  return false;
}

void KernelCache::write(StringRef key, const KernelImage &image) {
  auto fail = [&](llvm::Error error) {
    if (error)
      ++unwritten;
    llvm::consumeError(std::move(error));
  };
  // Written beside its place and renamed: readers see all of it or nothing,
  // and of two writers either one wins.
  std::string to = path(key);
  llvm::Expected<llvm::sys::fs::TempFile> file =
      llvm::sys::fs::TempFile::create(to + ".%%%%%%.tmp");
  if (!file)
    return fail(file.takeError());
  llvm::raw_fd_ostream stream(file->FD, /*shouldClose=*/false);
  stream << magic << llvm::format_hex_no_prefix(image.overwritten, 1) << ' '
         << image.digest << '\n'
         << image.object;
  stream.flush();
  std::error_code code = stream.error();
  // A stream that is destroyed with an error ends the process.
  stream.clear_error();
  fail(code ? llvm::joinErrors(llvm::errorCodeToError(code), file->discard())
            : file->keep(to));
}

void KernelCache::prune() { llvm::pruneCache(directory, policy); }

} // namespace octo
