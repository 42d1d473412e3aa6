//===- RequestRecords.h - Whole requests on a program -----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The entries of a record of octo.program's `records`: block, tag, number of
// values, values, one entry after the other.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OCTO_IR_REQUESTRECORDS_H
#define OCTO_DIALECT_OCTO_IR_REQUESTRECORDS_H

#include "mlir/IR/BuiltinAttributes.h"

namespace octo::spatial {

/// Walks the entries of one record of a verified program.
class RecordCursor {
public:
  explicit RecordCursor(mlir::DenseI64ArrayAttr record)
      : rest(record.asArrayRef()) {}

  bool atEnd() const { return rest.empty(); }
  /// False if what is left is cut short, which a verified record never is.
  bool isWhole() const {
    return rest.size() >= 3 && rest[2] >= 0 &&
           uint64_t(rest[2]) <= rest.size() - 3;
  }
  /// ~0 for the arguments.
  uint32_t block() const { return static_cast<uint32_t>(rest[0]); }
  uint64_t tag() const { return static_cast<uint64_t>(rest[1]); }
  llvm::ArrayRef<int64_t> values() const { return rest.slice(3, rest[2]); }
  void next() { rest = rest.drop_front(3 + rest[2]); }

private:
  llvm::ArrayRef<int64_t> rest;
};

} // namespace octo::spatial

#endif // OCTO_DIALECT_OCTO_IR_REQUESTRECORDS_H
