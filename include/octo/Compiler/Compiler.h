//===- Compiler.h - From workflow files to a program ------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The whole compiler as one call, for octo-compile and the Python binding. No
// header of MLIR is needed to use it.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_COMPILER_COMPILER_H
#define OCTO_COMPILER_COMPILER_H

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace octo {

/// A diagnostic, with its place where that is known.
struct CompileMessage {
  enum class Severity { Error, Warning, Remark, Note };
  Severity severity = Severity::Error;
  std::string file;
  unsigned line = 0; ///< from 1; 0: not known
  unsigned column = 0;
  std::string message;

  /// "file:line:column: error: message", without what is not known.
  std::string str() const;
};

/// "error", "warning", "remark" or "note".
const char *stringify(CompileMessage::Severity severity);

struct CompileOptions {
  /// Files: MLIR text or bytecode, or YAML workflows (.yaml, .yml). Several are
  /// compiled into one program file.
  std::vector<std::string> inputs;
  /// MLIR text beside the files, and what messages call it.
  std::string text;
  std::string textName = "<text>";
  std::string targetPath;
  /// A profile that `octo-run run --record-profile` wrote; "": none.
  std::string profilePath;
  /// Stop after this stage (see `compileStages`) and give the IR; "": go on to
  /// the program file.
  std::string until;
  /// Make images of the bodies; else the program can only be timed.
  bool kernels = true;
  /// As octo-lower-kernels takes it; "": its default.
  std::string kernelCpu;
  /// 2: bodies are optimised; 0: they are quick to compile.
  unsigned kernelOpt = 2;
  /// Folder where the code of bodies is kept for the next time; "": the one
  /// that the environment variable OCTO_KERNEL_CACHE names, if it does.
  std::string kernelCache;
  /// What the folder keeps, as llvm::parseCachePruningPolicy reads it; "": at
  /// most 1 GiB, of the last week.
  std::string kernelCachePolicy;
  /// Least efficiency of the fixed gangs of policies that do not resize. A high
  /// one is better for throughput, a low one for the latency of few requests.
  double gangEfficiency = 0.7;
  /// Requests that stay within the tails told, in percent.
  double tailPercent = 99;
  /// Record candidates and scores even for large programs.
  bool recordDecisions = false;
  /// Flows within segments are streamed where it pays.
  bool streams = true;
  /// Path or label of a block whose decisions are explained in the result.
  std::string explain;
  /// Called before each stage with its name and how many are done, of how many.
  std::function<void(const std::string &, unsigned, unsigned)> progress;
};

struct CompileResult {
  bool succeeded = false;
  /// The mistake is in the options, not in the input.
  bool usageError = false;
  /// In the order in which they came up; notes follow what they belong to.
  std::vector<CompileMessage> messages;
  /// The program file; empty with `until`.
  std::vector<uint8_t> program;
  /// With `until`: the module as text.
  std::string ir;
  /// Counters of the passes and names of the stages, as JSON. The same input
  /// and options give the same text.
  std::string reportJson;
  /// With `explain`: readable text.
  std::string explanation;
  /// Seconds by stage, in order.
  std::vector<std::pair<std::string, double>> timing;
};

/// Names of the stages in order, as `until` takes them.
std::vector<std::string> compileStages();

/// Compiles. Never throws; every failure is a message.
CompileResult compileWorkflow(const CompileOptions &options);

} // namespace octo

#endif // OCTO_COMPILER_COMPILER_H
