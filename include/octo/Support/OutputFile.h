//===- OutputFile.h - Whole files that appear at once -----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How tools write results that they hold in memory. Defined in the library
// OctoTarget, the lowest one.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SUPPORT_OUTPUTFILE_H
#define OCTO_SUPPORT_OUTPUTFILE_H

#include "octo/Support/Diagnostic.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace octo {

/// Writes a file, which appears whole or not at all: what was there before
/// stays until all bytes are on the disk, also when two programs write at a
/// time. "-" is the standard output; devices and pipes are written through and
/// never removed.
Expected<void> writeWholeFile(const std::string &path, std::string_view bytes);
inline Expected<void> writeWholeFile(const std::string &path,
                                     std::span<const uint8_t> bytes) {
  return writeWholeFile(
      path, std::string_view(reinterpret_cast<const char *>(bytes.data()),
                             bytes.size()));
}

/// An error if nothing can be written there, as far as that is known without
/// writing: for the end of work that takes long.
Expected<void> checkWritable(const std::string &path);

/// The same for all outputs of a tool, of which no two can be one file, and
/// none can be a file that the tool reads. Empty names stand for none.
Expected<void> checkOutputs(const std::vector<std::string> &outputs,
                            const std::vector<std::string> &inputs);

/// Flushes the standard output. An error if anything that was printed is lost.
Expected<void> finishStandardOutput();

} // namespace octo

#endif // OCTO_SUPPORT_OUTPUTFILE_H
