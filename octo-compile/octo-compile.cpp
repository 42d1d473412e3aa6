//===- octo-compile.cpp - From workflows to program files -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The command line of the compiler. Exit codes: 0 good, 1 bad input, 2 usage.
//
//===----------------------------------------------------------------------===//

#include "octo/Compiler/Compiler.h"
#include "octo/Support/OutputFile.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>
#include <unistd.h>

using namespace octo;

namespace {

enum ExitCode { Good = 0, BadInput = 1, Usage = 2 };

constexpr const char *version =
    "octo-compile " OCTO_VERSION " (MLIR " OCTO_MLIR_VERSION ")";

/// Ends the tool with what it wrote last.
int finish(const Expected<void> &written) {
  if (written)
    return Good;
  std::fprintf(stderr, "%s\n", written.error().str().c_str());
  return BadInput;
}

/// Flags that are the tool's own, not the compiler's.
struct Flags {
  std::string output, reportFile;
  bool quiet = false, timingReport = false, noKernels = false,
       noStreams = false;
};

void addOptions(CLI::App &app, CompileOptions &options, Flags &flags) {
  // An empty value is that of a variable which a script has not set.
  const CLI::Validator notEmpty(
      [](const std::string &text) { return text.empty() ? "is empty" : ""; },
      "");
  app.add_option("inputs", options.inputs,
                 "workflow files: .mlir, .mlirbc, .yaml; several go into one "
                 "program file")
      ->required()
      ->type_name("FILE");
  app.add_option("--target", options.targetPath, "target file of the machine")
      ->required()
      ->type_name("T.yaml");
  app.add_option("-o,--output", flags.output,
                 "program file to write, or with --until the MLIR text (- or "
                 "nothing: standard output)")
      ->check(notEmpty)
      ->type_name("OUT.octo");
  app.add_option("--profile", options.profilePath,
                 "profile that 'octo-run run --record-profile' wrote")
      ->check(notEmpty)
      ->type_name("P.json");
  std::string stages;
  for (const std::string &stage : compileStages())
    stages += (stages.empty() ? "" : ", ") + stage;
  app.add_option("--until", options.until,
                 "stop after this pass and write the MLIR: " + stages)
      ->check(notEmpty)
      ->type_name("PASS");
  app.add_option("--explain", options.explain,
                 "say why the block with this path or label is where it is, "
                 "with the candidates that lost")
      ->check(notEmpty)
      ->type_name("TASK");
  app.add_flag("--timing-report", flags.timingReport,
               "say how long each stage took, on standard error");
  app.add_flag("--no-kernels", flags.noKernels,
               "do not compile the bodies; the program can only be timed");
  app.add_flag("--no-streams", flags.noStreams,
               "all flows are whole: no task starts on the first part of what "
               "another one makes");
  app.add_option("--kernel-cpu", options.kernelCpu,
                 "CPU that bodies are compiled for: portable (default), host, "
                 "generic, or a name")
      ->type_name("CPU");
  app.add_option("--kernel-opt", options.kernelOpt,
                 "2: bodies are tiled, vectorised and optimised (default); 0: "
                 "they are quick to compile and slow to run")
      ->type_name("TIER");
  app.add_option("--kernel-cache", options.kernelCache,
                 "folder where compiled bodies are kept for the next time "
                 "(default: $OCTO_KERNEL_CACHE, or none)")
      ->type_name("DIR");
  app.add_option("--kernel-cache-policy", options.kernelCachePolicy,
                 "what the folder keeps: cache_size_bytes=1g, prune_after=168h "
                 "and others of LLVM, joined by colons")
      ->type_name("POLICY");
  app.add_option(
         "--gang-efficiency", options.gangEfficiency,
         "least efficiency of fixed gangs, 0 to 1 (default 0.7): higher "
         "for throughput under many requests, lower for the latency of "
         "few")
      ->type_name("E")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--tail-percent", options.tailPercent,
                 "requests that stay within the tails of work and of critical "
                 "paths that --explain and the report tell, 50 to 99.9999 "
                 "(default 99)")
      ->type_name("P");
  app.add_option("--report-json", flags.reportFile,
                 "write the counters of the passes as JSON (- for standard "
                 "output)")
      ->check(notEmpty)
      ->type_name("FILE");
  app.add_flag("--quiet,-q", flags.quiet, "no progress, no warnings");
}

void showMessages(const CompileResult &result, bool quiet) {
  bool lastShown = true;
  for (const CompileMessage &message : result.messages) {
    if (message.severity != CompileMessage::Severity::Note)
      lastShown = !quiet || message.severity == CompileMessage::Severity::Error;
    if (lastShown)
      std::fprintf(stderr, "%s\n", message.str().c_str());
  }
}

void showTiming(const CompileResult &result) {
  double total = 0;
  for (const auto &[stage, seconds] : result.timing)
    total += seconds;
  for (const auto &[stage, seconds] : result.timing)
    std::fprintf(stderr, "%9.3f s %5.1f %%  %s\n", seconds,
                 total > 0 ? 100 * seconds / total : 0.0, stage.c_str());
  std::fprintf(stderr, "%9.3f s          total\n", total);
}

} // namespace

int main(int argc, char **argv) {
  CompileOptions options;
  Flags flags;

  CLI::App app("Compiles workflows (MLIR or YAML) for a spatial machine into a "
               "program file that octo-run executes.",
               "octo-compile");
  app.set_version_flag("--version", version);
  addOptions(app, options, flags);
  app.footer("Exit codes: 0 good; 1 the input is bad (the message says where "
             "and what to do); 2 usage.");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error);
    std::fprintf(stderr,
                 "octo-compile: error: %s\nRun octo-compile --help for "
                 "the options.\n",
                 error.what());
    return Usage;
  }
  options.kernels = !flags.noKernels;
  options.streams = !flags.noStreams;
  // A program is binary: it goes where the user says, never to a terminal.
  if (flags.output.empty() && options.until.empty() &&
      options.explain.empty()) {
    std::fprintf(stderr, "octo-compile: error: no output file; name one with "
                         "-o OUT.octo\nRun octo-compile --help for the "
                         "options.\n");
    return Usage;
  }

  std::vector<std::string> read = options.inputs;
  read.insert(read.end(), {options.targetPath, options.profilePath});
  if (Expected<void> possible =
          checkOutputs({flags.output, flags.reportFile}, read);
      !possible)
    return finish(possible);

  const bool showProgress = !flags.quiet && isatty(STDERR_FILENO);
  if (showProgress)
    options.progress = [](const std::string &stage, unsigned done,
                          unsigned total) {
      std::fprintf(stderr, "\r\033[K[%u/%u] %s", done + 1, total,
                   stage.c_str());
      std::fflush(stderr);
    };
  CompileResult result = compileWorkflow(options);
  if (showProgress)
    std::fprintf(stderr, "\r\033[K");

  showMessages(result, flags.quiet);
  if (flags.timingReport)
    showTiming(result);
  if (!flags.reportFile.empty())
    if (Expected<void> written =
            writeWholeFile(flags.reportFile, result.reportJson);
        !written)
      return finish(written);
  if (!result.succeeded)
    return result.usageError ? Usage : BadInput;

  if (!result.explanation.empty())
    std::fputs(result.explanation.c_str(), stdout);
  if (!options.until.empty()) {
    // The explanation has the standard output to itself.
    if (flags.output.empty() && !options.explain.empty())
      return finish(finishStandardOutput());
    return finish(
        writeWholeFile(flags.output.empty() ? "-" : flags.output, result.ir));
  }
  if (!flags.output.empty())
    if (Expected<void> written = writeWholeFile(flags.output, result.program);
        !written)
      return finish(written);
  return finish(finishStandardOutput());
}
