//===- Compiler.cpp - From workflow files to a program --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads, runs the stages one by one, collects what they say.
//
//===----------------------------------------------------------------------===//

#include "octo/Compiler/Compiler.h"

#include "ApplyProfile.h"
#include "Explain.h"

#include "octo/Compiler/Pipelines.h"
#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/IR/Octo.h"
#include "octo/Dialect/Octo/Transforms/Passes.h"
#include "octo/InitAllDialects.h"
#include "octo/Support/CompileReport.h"
#include "octo/Target/Topology.h"
#include "octo/Translation/ImportYaml.h"
#include "octo/Translation/ModuleInput.h"
#include "octo/Translation/ProgramTranslation.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

#include <chrono>
#include <cstdlib>

using namespace mlir;

namespace octo {

const char *stringify(CompileMessage::Severity severity) {
  switch (severity) {
  case CompileMessage::Severity::Error:
    return "error";
  case CompileMessage::Severity::Warning:
    return "warning";
  case CompileMessage::Severity::Remark:
    return "remark";
  case CompileMessage::Severity::Note:
    return "note";
  }
  return "error";
}

std::string CompileMessage::str() const {
  std::string place = file;
  if (line) {
    if (place.empty())
      place = "<input>";
    place += ":" + std::to_string(line);
    if (column)
      place += ":" + std::to_string(column);
  }
  return (place.empty() ? "" : place + ": ") + stringify(severity) + ": " +
         message;
}

namespace {

class Compilation {
public:
  Compilation(const CompileOptions &options, CompileResult &result)
      : options(options), result(result),
        context(makeRegistry(), MLIRContext::Threading::DISABLED) {
    // The machine is made by hand, not by a pass that depends on the dialect.
    context.printOpOnDiagnostic(false);
    context.loadDialect<owg::OWGDialect, spatial::OctoDialect>();
  }

  /// Fills in the result; true on success.
  bool run();

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerAllDialects(registry);
    registry.insert<affine::AffineDialect, arith::ArithDialect,
                    cf::ControlFlowDialect, func::FuncDialect,
                    linalg::LinalgDialect, math::MathDialect, scf::SCFDialect,
                    tensor::TensorDialect, tosa::TosaDialect>();
    func::registerInlinerExtension(registry);
    return registry;
  }

  void add(CompileMessage::Severity severity, const std::string &file,
           unsigned line, unsigned column, std::string message) {
    result.messages.push_back(
        {severity, file, line, column, std::move(message)});
  }
  bool fail(const Diagnostic &error) {
    add(CompileMessage::Severity::Error, error.file, error.line, error.column,
        error.message);
    return false;
  }
  bool usage(std::string message) {
    result.usageError = true;
    add(CompileMessage::Severity::Error, "", 0, 0, std::move(message));
    return false;
  }
  void collect(mlir::Diagnostic &diagnostic,
               CompileMessage::Severity severity) {
    auto at = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>();
    add(severity, at ? at.getFilename().str() : "", at ? at.getLine() : 0,
        at ? at.getColumn() : 0, diagnostic.str());
    for (mlir::Diagnostic &note : diagnostic.getNotes())
      collect(note, CompileMessage::Severity::Note);
  }
  bool failed() const {
    return llvm::any_of(result.messages, [](const CompileMessage &message) {
      return message.severity == CompileMessage::Severity::Error;
    });
  }

  bool compile();
  bool checkOptions();
  bool readInputs();
  OwningOpRef<ModuleOp> parse(std::unique_ptr<llvm::MemoryBuffer> buffer,
                              StringRef name);
  bool merge(OwningOpRef<ModuleOp> module, const std::string &name);
  void writeReport();
  template <class Function>
  bool stage(const std::string &name, Function function) {
    if (options.progress)
      options.progress(name, done, total);
    ++done;
    auto begin = std::chrono::steady_clock::now();
    bool good = function();
    std::chrono::duration<double> took =
        std::chrono::steady_clock::now() - begin;
    result.timing.emplace_back(name, took.count());
    return good && !failed();
  }

  const CompileOptions &options;
  CompileResult &result;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  /// Which input each symbol came from.
  llvm::StringMap<std::string> definedIn;
  TargetDesc target;
  CompileReport report;
  unsigned done = 0;
  unsigned total = 0;
};

PipelineOptions pipelineOptions(const CompileOptions &options) {
  PipelineOptions pipeline;
  pipeline.kernels = options.kernels;
  pipeline.streams = options.streams;
  pipeline.kernelCpu = options.kernelCpu;
  pipeline.kernelOpt = options.kernelOpt;
  pipeline.kernelCache = options.kernelCache;
  if (pipeline.kernelCache.empty())
    if (const char *cache = std::getenv("OCTO_KERNEL_CACHE"))
      pipeline.kernelCache = cache;
  pipeline.kernelCachePolicy = options.kernelCachePolicy;
  pipeline.kernelOpt = options.kernelOpt;
  pipeline.gangEfficiency = options.gangEfficiency;
  pipeline.tailPercent = options.tailPercent;
  pipeline.recordDecisions =
      options.recordDecisions || !options.explain.empty();
  return pipeline;
}

bool Compilation::checkOptions() {
  if (options.inputs.empty() && options.text.empty())
    return usage("no input; name the files of the workflow");
  if (options.targetPath.empty())
    return usage("no target; name a target file with --target");
  if (!(options.tailPercent >= 50 && options.tailPercent <= 99.9999))
    return usage("--tail-percent is between 50 and 99.9999");
  if (!options.until.empty()) {
    std::vector<std::string> stages = compileStages();
    if (llvm::find(stages, options.until) == stages.end()) {
      std::string message =
          "--until=" + options.until + " is no stage; the stages are ";
      for (size_t i = 0; i < stages.size(); ++i)
        message += (i ? ", " : "") + stages[i];
      return usage(message);
    }
    if (!options.kernels && options.until == "octo-lower-kernels")
      return usage("--until=octo-lower-kernels and --no-kernels exclude each "
                   "other");
    if (!options.streams && (options.until == "octo-find-streams" ||
                             options.until == "octo-stream-flows"))
      return usage("--until=" + options.until +
                   " and --no-streams exclude each other");
  }
  return true;
}

OwningOpRef<ModuleOp>
Compilation::parse(std::unique_ptr<llvm::MemoryBuffer> buffer, StringRef name) {
  if (name.ends_with(".yaml") || name.ends_with(".yml"))
    return importYaml(buffer->getBuffer(), name, &context);
  if (Expected<void> good = checkNesting(buffer->getMemBufferRef()); !good) {
    (void)emitDiagnostic(&context, good.error());
    return nullptr;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(alignBytecode(std::move(buffer)), llvm::SMLoc());
  // Verified here, so that mistakes of the user are told before any pass.
  return parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
}

/// Puts the ops of another input beside those that are there.
bool Compilation::merge(OwningOpRef<ModuleOp> other, const std::string &name) {
  if (!other)
    return false;
  for (Operation &op : *other->getBody()) {
    auto symbol =
        op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
    if (!symbol)
      continue;
    auto [it, isNew] = definedIn.try_emplace(symbol.getValue(), name);
    if (!isNew && it->second != name) {
      emitError(op.getLoc())
          << "'@" << symbol.getValue() << "' is also defined in " << it->second
          << "; give one of them another name";
      return false;
    }
  }
  if (!module) {
    module = std::move(other);
    return true;
  }
  module->getBody()->getOperations().splice(module->getBody()->end(),
                                            other->getBody()->getOperations());
  return true;
}

bool Compilation::readInputs() {
  for (const std::string &file : options.inputs) {
    std::string error;
    std::unique_ptr<llvm::MemoryBuffer> buffer = openInputFile(file, &error);
    if (!buffer) {
      add(CompileMessage::Severity::Error, file, 0, 0,
          "cannot read the file: " + error);
      return false;
    }
    if (!merge(parse(std::move(buffer), file), file))
      return false;
  }
  if (!options.text.empty() &&
      !merge(parse(llvm::MemoryBuffer::getMemBufferCopy(options.text,
                                                        options.textName),
                   options.textName),
             options.textName))
    return false;
  return true;
}

void Compilation::writeReport() {
  llvm::json::Object passes;
  for (const auto &[pass, counters] : report.counters) {
    llvm::json::Object object;
    for (const auto &[name, value] : counters)
      object[name] = int64_t(std::min<uint64_t>(value, INT64_MAX));
    passes[pass] = std::move(object);
  }
  llvm::json::Array stages;
  for (const auto &[name, seconds] : result.timing)
    stages.push_back(name);
  llvm::json::Object root{{"schema_version", 1},
                          {"kind", "octopus-compile-report"},
                          {"succeeded", result.succeeded},
                          {"target", target.name},
                          {"stages", std::move(stages)},
                          {"passes", std::move(passes)},
                          {"program_bytes", int64_t(result.program.size())}};
  llvm::raw_string_ostream os(result.reportJson);
  os << llvm::formatv("{0:2}", llvm::json::Value(std::move(root))) << "\n";
}

bool Compilation::run() {
  result.succeeded = compile();
  writeReport();
  return result.succeeded;
}

bool Compilation::compile() {
  ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    CompileMessage::Severity severity = CompileMessage::Severity::Error;
    if (diagnostic.getSeverity() == DiagnosticSeverity::Warning)
      severity = CompileMessage::Severity::Warning;
    else if (diagnostic.getSeverity() == DiagnosticSeverity::Remark)
      severity = CompileMessage::Severity::Remark;
    else if (diagnostic.getSeverity() == DiagnosticSeverity::Note)
      severity = CompileMessage::Severity::Note;
    collect(diagnostic, severity);
    return success();
  });
  CompileReport::Scope scope(report);
  if (!checkOptions())
    return false;

  std::vector<PipelineStage> stages = defaultPipeline(pipelineOptions(options));
  total = unsigned(stages.size()) + 3;
  if (!stage("read-target", [&] {
        Expected<TargetDesc> read = readTarget(options.targetPath);
        if (!read)
          return fail(read.error());
        target = *read;
        return true;
      }))
    return false;
  if (!stage("parse", [&] { return readInputs(); }) || !module)
    return false;

  bool stopped = false;
  std::unique_ptr<RecordedProfile> profile;
  for (const PipelineStage &pass : stages) {
    // Nothing calls a workflow, mostly; the inliner would still visit all.
    if (pass.name == "inline" && options.until != "inline" &&
        !module->walk([](owg::CallOp) { return WalkResult::interrupt(); })
             .wasInterrupted())
      continue;
    if (pass.name == "convert-owg-to-octo" &&
        module->getOps<owg::WorkflowOp>().empty() &&
        !module->getOps<spatial::ProgramOp>().empty()) {
      // A module that is in octo already: only the machine may be missing.
      if (module->getOps<spatial::MachineOp>().empty())
        spatial::setMachine(*module, target);
      continue;
    }
    if (pass.name == "convert-owg-to-octo") {
      if (module->getOps<owg::WorkflowOp>().empty()) {
        emitError(module->getLoc())
            << "the input has no owg.workflow, so there is nothing to compile";
        return false;
      }
      spatial::setMachine(*module, target);
    }
    if (!stage(pass.name, [&] {
          PassManager manager(&context, ModuleOp::getOperationName());
          manager.enableVerifier(false);
          pass.build(manager);
          if (mlir::failed(manager.run(*module)))
            return false;
          return !pass.verify || succeeded(verify(*module));
        })) {
      if (!failed())
        add(CompileMessage::Severity::Error, "", 0, 0,
            "the pass " + pass.name + " failed without saying why");
      return false;
    }
    if (pass.name == "owg-assign-path-ids" && !options.profilePath.empty() &&
        !stage("apply-profile", [&] {
          std::string error;
          std::unique_ptr<llvm::MemoryBuffer> buffer =
              openInputFile(options.profilePath, &error);
          if (!buffer) {
            add(CompileMessage::Severity::Error, options.profilePath, 0, 0,
                "cannot read the file: " + error);
            return false;
          }
          profile = RecordedProfile::parse(&context, buffer->getBuffer(),
                                           options.profilePath);
          if (profile)
            profile->apply(*module);
          return profile != nullptr;
        }))
      return false;
    if (pass.name == options.until) {
      stopped = true;
      break;
    }
  }
  if (!options.explain.empty()) {
    Expected<std::string> text = explainBlock(*module, options.explain);
    if (!text)
      return fail(text.error());
    result.explanation = *text;
  }
  if (stopped) {
    llvm::raw_string_ostream os(result.ir);
    module->print(os, OpPrintingFlags().enableDebugInfo(false));
    os << "\n";
    return true;
  }
  return stage("translate", [&] {
    if (profile && mlir::failed(profile->attachRecords(*module)))
      return false;
    FailureOr<std::vector<uint8_t>> bytes = translateToProgram(*module);
    if (mlir::failed(bytes))
      return false;
    result.program = std::move(*bytes);
    return true;
  });
}

} // namespace

std::vector<std::string> compileStages() {
  std::vector<std::string> names;
  for (const PipelineStage &stage : defaultPipeline({}))
    names.push_back(stage.name);
  return names;
}

CompileResult compileWorkflow(const CompileOptions &options) {
  CompileResult result;
  Compilation compilation(options, result);
  compilation.run();
  return result;
}

} // namespace octo
