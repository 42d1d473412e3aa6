//===- Streams.h - What can go chunk by chunk -------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The discardable attribute `octo.rows` says that a kernel runs row by row.
// octo-find-streams derives it from bodies; on a profiled task the user writes
// it. octo-stream-flows reads it.
//
//   octo.rows = {rows = 64 : i64, inputs = array<i32: 0>, outputs = array<i32:
//   0>}
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OCTO_TRANSFORMS_STREAMS_H
#define OCTO_DIALECT_OCTO_TRANSFORMS_STREAMS_H

#include "mlir/IR/BuiltinAttributes.h"

#include <optional>
#include <string>

namespace octo::spatial {

/// On a task: what octo-stream-flows decided of its inputs, for --explain.
inline constexpr llvm::StringLiteral flowNotesName = "octo.flow_notes";

struct RowsAttrs {
  static constexpr llvm::StringLiteral name = "octo.rows";

  uint32_t rows = 0;
  /// Inputs of which row i is needed for row i of the results only, and outputs
  /// of which row i is made i-th.
  llvm::SmallVector<int32_t> inputs, outputs;
  /// Why there are no inputs, or no outputs.
  std::string why;

  RowsAttrs &because(std::string reason) {
    why = std::move(reason);
    return *this;
  }
  mlir::DictionaryAttr toAttr(mlir::MLIRContext *context) const;
  /// Nothing, and `why` in `error`, if the attribute is not of this form.
  static std::optional<RowsAttrs> fromAttr(mlir::Attribute attribute,
                                           std::string &error);
};

} // namespace octo::spatial

#endif // OCTO_DIALECT_OCTO_TRANSFORMS_STREAMS_H
