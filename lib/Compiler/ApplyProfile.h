//===- ApplyProfile.h - Recorded profiles on workflows ----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a run recorded becomes the profiles of the blocks.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_COMPILER_APPLYPROFILE_H
#define OCTO_LIB_COMPILER_APPLYPROFILE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"

#include <memory>

namespace octo {

/// A profile as `octo-run run --record-profile` writes it, in two uses.
class RecordedProfile {
public:
  ~RecordedProfile();

  /// Reads the profile `text`, called `file` in messages. Null after an error.
  static std::unique_ptr<RecordedProfile>
  parse(mlir::MLIRContext *context, llvm::StringRef text, llvm::StringRef file);

  /// Gives every block of an owg.workflow whose path the profile has the
  /// observed distribution: cycles of tasks, frequencies of cases and members,
  /// trips, copies. The compiler plans with them. Needs paths
  /// (owg-assign-path-ids).
  void apply(mlir::ModuleOp module) const;

  /// Gives every octo.program of the same name the requests as a whole, by its
  /// own numbers of blocks and tags: `records`. Timing-only runs draw them. At
  /// most `mostRecords`, spread evenly.
  mlir::LogicalResult attachRecords(mlir::ModuleOp module) const;
  static constexpr size_t mostRecords = 4096;

private:
  struct Content;
  explicit RecordedProfile(std::unique_ptr<Content> content);
  std::unique_ptr<Content> content;
};

} // namespace octo

#endif // OCTO_LIB_COMPILER_APPLYPROFILE_H
