//===- octo-lsp-server.cpp - Language server for editors ------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mlir-lsp-server with the dialects of Octopus. MLIR's server gives no hook to
// look at a text before it is parsed, as the other tools do (checkNesting), and
// its parser recurses on brackets: so it runs on a stack a hundred times as
// large as usual.
//
//===----------------------------------------------------------------------===//

#include "octo/InitAllDialects.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/LogicalResult.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <functional>

#include <pthread.h>

/// Runs `work` on a thread with a large stack, which takes memory only where it
/// is used; where there is no address space for it, on the present one.
static void runDeep(std::function<void()> work) {
  constexpr size_t stackBytes = size_t(1) << 30;
  auto call = [](void *work) -> void * {
    (*static_cast<std::function<void()> *>(work))();
    return nullptr;
  };
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  if (pthread_attr_setstacksize(&attributes, stackBytes) == 0 &&
      pthread_create(&thread, &attributes, call, &work) == 0)
    pthread_join(thread, nullptr);
  else
    work();
  pthread_attr_destroy(&attributes);
}

int main(int argc, char **argv) {
  llvm::cl::SetVersionPrinter([](llvm::raw_ostream &os) {
    os << "octo-lsp-server " OCTO_VERSION " (MLIR " OCTO_MLIR_VERSION ")\n";
  });
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  octo::registerAllDialects(registry);
  bool failed = true;
  runDeep([&] {
    failed = llvm::failed(mlir::MlirLspServerMain(argc, argv, registry));
  });
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
