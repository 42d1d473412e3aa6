//===- KernelCodegen.cpp - Many kernels on several threads ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/KernelCodegen/KernelCodegen.h"

#include "KernelObject.h"
#include "KernelPasses.h"

#include "octo/KernelCodegen/KernelCache.h"
#include "octo/Support/Sha256.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/Verifier.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "llvm/ADT/SetVector.h"

#include <atomic>
#include <optional>
#include <thread>

using namespace mlir;

namespace octo {

/// Our dialects are unknown where kernels are compiled: what passes have noted
/// about the code for others stays behind.
static bool isForeign(NamedAttribute attribute) {
  StringRef name = attribute.getName();
  return (name.starts_with("owg.") || name.starts_with("octo.")) &&
         name != counterAttrName && name != donatedAttrName;
}

static void dropForeignAttributes(Operation *root) {
  root->walk([](Operation *op) {
    SmallVector<StringAttr> foreign;
    for (NamedAttribute attribute : op->getDiscardableAttrs())
      if (isForeign(attribute))
        foreign.push_back(attribute.getName());
    for (StringAttr name : foreign)
      op->removeDiscardableAttr(name);
    auto function = dyn_cast<FunctionOpInterface>(op);
    if (!function)
      return;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      for (NamedAttribute attribute : llvm::to_vector(function.getArgAttrs(i)))
        if (isForeign(attribute))
          function.removeArgAttr(i, attribute.getName());
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      for (NamedAttribute attribute :
           llvm::to_vector(function.getResultAttrs(i)))
        if (isForeign(attribute))
          function.removeResultAttr(i, attribute.getName());
  });
}

FailureOr<std::string> serializeKernel(FunctionOpInterface kernel,
                                       SymbolTable &symbols) {
  // The kernel and what it calls, in the order of the calls.
  llvm::SetVector<Operation *> functions;
  functions.insert(kernel);
  for (unsigned i = 0; i < functions.size(); ++i) {
    WalkResult walk = functions[i]->walk([&](CallOpInterface call) {
      auto symbol = dyn_cast<SymbolRefAttr>(call.getCallableForCallee());
      Operation *callee =
          symbol ? symbols.lookup(symbol.getLeafReference()) : nullptr;
      auto function = dyn_cast_or_null<FunctionOpInterface>(callee);
      if (!function || function.isExternal()) {
        call->emitOpError("calls something that is not a function of the "
                          "module with a body; a kernel must be closed");
        return WalkResult::interrupt();
      }
      functions.insert(callee);
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return failure();
  }

  OwningOpRef<ModuleOp> module =
      ModuleOp::create(UnknownLoc::get(kernel->getContext()));
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  for (Operation *function : functions) {
    Operation *copy = builder.clone(*function);
    dropForeignAttributes(copy);
    bool isKernel = function == kernel.getOperation();
    SymbolTable::setSymbolVisibility(
        copy, isKernel ? SymbolTable::Visibility::Public
                       : SymbolTable::Visibility::Private);
    if (isKernel)
      SymbolTable::setSymbolName(copy, "kernel");
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  // Generic and local: printing costs no look-ups outside of the module, and
  // leaves locations out.
  module->print(stream, OpPrintingFlags().printGenericOpForm().useLocalScope());
  return text;
}

namespace {

/// A thread's own context, passes and code generator; kernels are compiled in
/// them one after the other. Setting them up takes as long as several kernels.
class Worker {
public:
  explicit Worker(const KernelTarget &target)
      : context(makeRegistry(), MLIRContext::Threading::DISABLED),
        passes(&context), emitter(target) {
    // What bodies and their lowering are made of; loading all dialects of MLIR
    // takes ten times as long.
    for (const char *name :
         {"affine", "arith", "bufferization", "builtin", "cf", "func", "index",
          "linalg", "llvm", "math", "memref", "scf", "tensor", "ub", "vector"})
      context.getOrLoadDialect(name);
    buildKernelToLLVMPipeline(passes, target);
    // The parser has verified what goes in, and `run` verifies what comes out.
    passes.enableVerifier(false);
  }

  KernelImage compile(const KernelSource &source) {
    KernelImage image;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
        return success();
      std::string text;
      llvm::raw_string_ostream stream(text);
      if (auto place = dyn_cast<FileLineColLoc>(diagnostic.getLocation()))
        if (place.getFilename() != "<kernel>")
          stream << place.getFilename().getValue() << ':' << place.getLine()
                 << ':' << place.getColumn() << ": ";
      stream << diagnostic;
      for (Diagnostic &note : diagnostic.getNotes())
        stream << "; " << note;
      image.errors.push_back(std::move(text));
      return success();
    });
    if (failed(run(source, image)) && image.errors.empty())
      image.errors.push_back("the kernel could not be lowered");
    if (!image.errors.empty())
      image.object.clear();
    else
      image.digest = sha256Hex(image.object);
    return image;
  }

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerAllDialects(registry);
    registerAllExtensions(registry);
    registerAllToLLVMIRTranslations(registry);
    return registry;
  }

  LogicalResult run(const KernelSource &source, KernelImage &image) {
    ParserConfig config(&context);
    OwningOpRef<ModuleOp> module =
        parseSourceString<ModuleOp>(source.module, config, "<kernel>");
    if (!module)
      return failure();
    if (failed(passes.run(*module)) || failed(verify(*module)))
      return failure();
    if (auto overwritten = (*module)->getAttrOfType<DenseI64ArrayAttr>(
            kernelOverwrittenAttrName)) {
      for (int64_t input : overwritten.asArrayRef())
        image.overwritten |= uint64_t(1) << input;
      (*module)->removeAttr(kernelOverwrittenAttrName);
    }
    return emitter.emit(*module, image.object);
  }

  MLIRContext context;
  PassManager passes;
  ObjectEmitter emitter;
};

} // namespace

std::vector<KernelImage> compileKernels(ArrayRef<KernelSource> sources,
                                        const KernelTarget &target,
                                        unsigned threads, KernelCache *cache) {
  // Equal code is compiled once.
  llvm::StringMap<size_t> firstWith;
  std::vector<size_t> representative(sources.size());
  std::vector<size_t> jobs;
  for (size_t i = 0; i < sources.size(); ++i) {
    auto [entry, isNew] = firstWith.try_emplace(sources[i].module, i);
    representative[i] = entry->second;
    if (isNew)
      jobs.push_back(i);
  }

  std::vector<KernelImage> images(sources.size());
  std::atomic<size_t> next = 0;
  auto work = [&] {
    std::optional<Worker> worker; // made when there is something to compile
    for (size_t job; (job = next.fetch_add(1)) < jobs.size();) {
      const KernelSource &source = sources[jobs[job]];
      KernelImage &image = images[jobs[job]];
      std::string key;
      if (cache) {
        key = KernelCache::key(source.module, target);
        if (cache->read(key, image))
          continue;
      }
      if (!worker)
        worker.emplace(target);
      image = worker->compile(source);
      if (cache && image.errors.empty())
        cache->write(key, image);
    }
  };
  size_t helpers = std::min<size_t>(std::max(threads, 1u), jobs.size());
  if (helpers > 0) {
    std::vector<std::thread> pool;
    for (size_t i = 1; i < helpers; ++i)
      pool.emplace_back(work);
    work();
    for (std::thread &thread : pool)
      thread.join();
  }
  for (size_t i = 0; i < sources.size(); ++i)
    if (representative[i] != i)
      images[i] = images[representative[i]];
  return images;
}

} // namespace octo
