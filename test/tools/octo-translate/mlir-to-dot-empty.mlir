// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: octo-translate --mlir-to-dot --verify-diagnostics %s

// expected-error @+1 {{has nothing to draw; it needs an owg.workflow or an octo.program}}
module {
  func.func @f() {
    return
  }
}
