//===- Binding.h - Parts of the Python module -------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The module octopus._octopus has two halves in two files, since the compiler's
// headers are slow to compile and know no exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_PYTHON_BINDING_H
#define OCTO_PYTHON_BINDING_H

#include <cstdint>
#include <string>
#include <vector>

namespace octo::python {

/// A diagnostic of the compiler.
struct CompileMessage {
  std::string severity; ///< "error", "warning", "remark" or "note"
  std::string file;
  unsigned line = 0;
  unsigned column = 0;
  std::string message;
};

/// What a compilation is asked for.
struct CompileRequest {
  std::string source; ///< text or, with isPath, the path of a file
  bool isPath = false;
  std::string target; ///< path of a target file
  std::string profile;
  std::string kernelCpu;
  bool kernels = true;
};

struct CompileOutcome {
  bool succeeded = false;
  std::vector<uint8_t> program;
  std::string report; ///< JSON
  std::vector<CompileMessage> messages;
};

/// Compiles workflows; defined in Compile.cpp.
CompileOutcome compile(const CompileRequest &request);

} // namespace octo::python

#endif // OCTO_PYTHON_BINDING_H
