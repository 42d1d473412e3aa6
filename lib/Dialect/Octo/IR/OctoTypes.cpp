//===- OctoTypes.cpp - Types of the dialect `octo` ------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Syntax and verification of flows.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/Octo/IR/Octo.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace octo::spatial;

#define GET_TYPEDEF_CLASSES
#include "octo/Dialect/Octo/IR/OctoTypes.cpp.inc"

void OctoDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "octo/Dialect/Octo/IR/OctoTypes.cpp.inc"
      >();
}

/// Bytes of one element, or 0 if it is no element of a flow. Index is 8 bytes.
static uint64_t elementBytes(Type type) {
  if (type.isIndex() || type.isInteger(64) || type.isF64())
    return 8;
  if (type.isInteger(32) || type.isF32())
    return 4;
  if (type.isInteger(16) || type.isF16() || type.isBF16())
    return 2;
  if (type.isInteger(1) || type.isInteger(8))
    return 1;
  return 0;
}

bool FlowType::isPayload(Type type) {
  if (isa<DataType, TokenType>(type))
    return true;
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return !tensor.getEncoding() && elementBytes(tensor.getElementType());
  return elementBytes(type);
}

uint64_t FlowType::staticBytes(Type payload) {
  auto tensor = dyn_cast<RankedTensorType>(payload);
  if (!tensor)
    return elementBytes(payload);
  if (!tensor.hasStaticShape())
    return 0;
  uint64_t bytes = elementBytes(tensor.getElementType());
  for (int64_t dim : tensor.getShape())
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(dim), &bytes))
      return 0;
  return bytes;
}

LogicalResult FlowType::verify(function_ref<InFlightDiagnostic()> emitError,
                               Type payload, uint64_t bytes,
                               DistributionAttr distribution) {
  if (!isPayload(payload))
    return emitError() << "a flow cannot carry " << payload
                       << "; it carries ranked tensors and scalars of i1, i8, "
                          "i16, i32, i64, index, f16, bf16, f32 or f64, "
                          "!octo.data or !octo.token";
  uint64_t own = staticBytes(payload);
  if (own && bytes != own)
    return emitError() << "a flow of " << payload << " has " << own
                       << " bytes, not " << bytes;
  if (isa<TokenType>(payload) && bytes)
    return emitError() << "a token has no bytes, not " << bytes;
  return success();
}

Type FlowType::parse(AsmParser &parser) {
  Type payload;
  if (parser.parseLess() || parser.parseType(payload))
    return {};
  SMLoc loc = parser.getCurrentLocation();
  uint64_t bytes = staticBytes(payload);
  DistributionAttr distribution;
  if (succeeded(parser.parseOptionalComma()) && parser.parseInteger(bytes))
    return {};
  if (succeeded(parser.parseOptionalComma()) &&
      parser.parseAttribute(distribution))
    return {};
  if (parser.parseGreater())
    return {};
  return FlowType::getChecked([&] { return parser.emitError(loc); },
                              parser.getContext(), payload, bytes,
                              distribution);
}

void FlowType::print(AsmPrinter &printer) const {
  printer << '<' << getPayload();
  // The size of a payload of known shape follows from it.
  if (getDistribution() || getBytes() != staticBytes(getPayload()))
    printer << ", " << getBytes();
  if (getDistribution()) {
    printer << ", ";
    printer.printAttribute(getDistribution());
  }
  printer << '>';
}
