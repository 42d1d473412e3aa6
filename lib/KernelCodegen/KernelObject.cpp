//===- KernelObject.cpp - From LLVM IR to an object -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelObject.h"

#include "octo/KernelCodegen/KernelCodegen.h"
#include "octo/KernelCpu/KernelCpu.h"

#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

using namespace mlir;

namespace octo {

static void initializeTarget() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
}

FailureOr<KernelTarget> resolveKernelTarget(StringRef option, unsigned optLevel,
                                            std::string &error) {
  initializeTarget();
  KernelTarget target;
  if (optLevel != 0 && optLevel != 2) {
    error = "there is no kernel tier " + std::to_string(optLevel) +
            "; give 2 (optimised) or 0 (quick to compile)";
    return failure();
  }
  target.optLevel = optLevel;
  target.triple = llvm::sys::getDefaultTargetTriple();
  llvm::Triple triple(target.triple);
  bool isX86 = triple.getArch() == llvm::Triple::x86_64;
  if (option.empty() || option == "portable")
    target.cpu = isX86 ? "x86-64-v3" : "generic";
  else if (option == "generic")
    target.cpu = isX86 ? "x86-64" : "generic";
  else if (option == "host")
    target.cpu = hostCpu();
  else
    target.cpu = option.str();

  std::string reason;
  const llvm::Target *found =
      llvm::TargetRegistry::lookupTarget(triple, reason);
  if (!found) {
    error = "no code generator for " + target.triple + ": " + reason;
    return failure();
  }
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      found->createMCSubtargetInfo(triple, "", ""));
  if (!info || !info->isCPUStringValid(target.cpu)) {
    error = "unknown kernel CPU '" + target.cpu +
            "'; give 'portable', 'host', 'generic', or a CPU that `llc-22 "
            "-mcpu=help` lists";
    return failure();
  }
  // LLVM lists those of 32 bits too, and ends the process for one.
  info.reset(found->createMCSubtargetInfo(triple, target.cpu, ""));
  if (isX86 && !info->checkFeatures("+64bit")) {
    error = "the kernel CPU '" + target.cpu +
            "' has no 64 bits; give 'portable', 'host', 'generic', or a CPU "
            "that has";
    return failure();
  }
  return target;
}

ObjectEmitter::ObjectEmitter(const KernelTarget &target) : target(target) {
  initializeTarget();
  llvm::Triple triple(target.triple);
  const llvm::Target *found =
      llvm::TargetRegistry::lookupTarget(triple, problem);
  if (!found)
    return;
  llvm::TargetOptions options;
  // The same sums on every CPU.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  machine.reset(found->createTargetMachine(
      triple, target.cpu, "", options, llvm::Reloc::PIC_,
      llvm::CodeModel::Small,
      target.optLevel ? llvm::CodeGenOptLevel::Aggressive
                      : llvm::CodeGenOptLevel::None));
  if (!machine)
    problem = "the CPU " + target.cpu + " is not known";
}

ObjectEmitter::~ObjectEmitter() = default;

/// Optimises `code` as the tier asks for.
static void optimize(llvm::Module &code, llvm::TargetMachine &machine,
                     unsigned optLevel) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = true;
  tuning.SLPVectorization = true;
  tuning.LoopInterleaving = true;
  // Loops that gain from it are unrolled by then, by tiling. Unrolling the
  // others doubles the code, and takes four times as long as everything else.
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  if (optLevel)
    builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3)
        .run(code, modules);
  else
    builder.buildO0DefaultPipeline(llvm::OptimizationLevel::O0)
        .run(code, modules);
}

LogicalResult ObjectEmitter::emit(ModuleOp module, std::string &object) {
  if (!machine)
    return module.emitError()
           << "no code generator for " << target.triple << ": " << problem;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code =
      translateModuleToLLVMIR(module, context, "kernel");
  if (!code)
    return failure();
  code->setTargetTriple(llvm::Triple(target.triple));
  code->setDataLayout(machine->createDataLayout());
  code->setPICLevel(llvm::PICLevel::BigPIC);
  for (llvm::Function &function : *code) {
    function.setDoesNotThrow();
    function.addFnAttr("target-cpu", target.cpu);
    // Frames of a kernel are left by longjmp and never unwound.
    function.setUWTableKind(llvm::UWTableKind::None);
  }
  optimize(*code, *machine, target.optLevel);

  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager codegen;
  if (machine->addPassesToEmitFile(codegen, stream, nullptr,
                                   llvm::CodeGenFileType::ObjectFile))
    return module.emitError()
           << target.triple << " cannot be emitted as an object file";
  codegen.run(*code);
  object.assign(bytes.begin(), bytes.end());
  return success();
}

} // namespace octo
