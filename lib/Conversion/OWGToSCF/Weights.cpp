//===- Weights.cpp - Weights as functions ---------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads weights from files and writes the generator of seeded ones as IR.
// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy
// as 1, 2, 3", SC 2011.
//
//===----------------------------------------------------------------------===//

#include "Weights.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;
using namespace octo;
using namespace octo::owg;

FailureOr<ElementsAttr> octo::readWeight(WeightOp weight, StringRef directory) {
  if (ElementsAttr value = weight.getValueAttr())
    return value;
  SmallString<128> path(*weight.getFile());
  if (!llvm::sys::path::is_absolute(path) && !directory.empty()) {
    path = directory;
    llvm::sys::path::append(path, *weight.getFile());
  }
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer) {
    weight.emitOpError() << "cannot read its file '" << path
                         << "': " << buffer.getError().message()
                         << "; give its folder by weights-dir";
    return failure();
  }
  RankedTensorType type = weight.getTensorType();
  uint64_t need = static_cast<uint64_t>(type.getNumElements()) *
                  (type.getElementTypeBitWidth() / 8);
  uint64_t offset = weight.getOffset().value_or(0);
  StringRef bytes = (*buffer)->getBuffer();
  if (offset > bytes.size() || bytes.size() - offset < need ||
      (!weight.getOffset() && bytes.size() != need)) {
    weight.emitOpError() << "needs " << need << " bytes from its file '" << path
                         << "' at " << offset << ", which has " << bytes.size();
    return failure();
  }
  bytes = bytes.substr(offset, need);
  std::string digest = llvm::toHex(
      llvm::SHA256::hash(ArrayRef(bytes.bytes_begin(), bytes.bytes_end())),
      /*LowerCase=*/true);
  if (digest != *weight.getSha256()) {
    weight.emitOpError() << "has digest " << *weight.getSha256()
                         << " but its file '" << path << "' has " << digest;
    return failure();
  }
  return cast<ElementsAttr>(DenseElementsAttr::getFromRawBuffer(
      type, ArrayRef(bytes.data(), bytes.size())));
}

func::FuncOp octo::buildPhilox(OpBuilder &builder, Location loc) {
  OpBuilder::InsertionGuard guard(builder);
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  auto function =
      func::FuncOp::create(builder, loc, "owg.philox",
                           builder.getFunctionType({i64, i32, i32}, {i32}));
  function.setPrivate();
  builder.setInsertionPointToStart(function.addEntryBlock());
  Value element = function.getArgument(0);

  auto word = [&](uint32_t value) -> Value {
    return arith::ConstantOp::create(
        builder, loc, builder.getI32IntegerAttr(static_cast<int32_t>(value)));
  };
  auto wide = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getI64IntegerAttr(value));
  };
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  auto exclusiveOr = [&](Value a, Value b, Value c) -> Value {
    return arith::XOrIOp::create(builder, loc,
                                 arith::XOrIOp::create(builder, loc, a, b), c);
  };

  Value block = arith::ShRUIOp::create(builder, loc, element, wide(2));
  Value low = arith::TruncIOp::create(builder, loc, i32, block);
  Value high = arith::TruncIOp::create(
      builder, loc, i32, arith::ShRUIOp::create(builder, loc, block, wide(32)));
  Value zero = word(0);
  auto rounds = scf::ForOp::create(
      builder, loc, index(0), index(10), index(1),
      ValueRange{low, high, zero, zero, function.getArgument(1),
                 function.getArgument(2)},
      [&](OpBuilder &, Location, Value, ValueRange state) {
        auto first = arith::MulUIExtendedOp::create(builder, loc, state[0],
                                                    word(0xD2511F53u));
        auto second = arith::MulUIExtendedOp::create(builder, loc, state[2],
                                                     word(0xCD9E8D57u));
        Value next0 = exclusiveOr(second.getHigh(), state[1], state[4]);
        Value next2 = exclusiveOr(first.getHigh(), state[3], state[5]);
        Value key0 =
            arith::AddIOp::create(builder, loc, state[4], word(0x9E3779B9u));
        Value key1 =
            arith::AddIOp::create(builder, loc, state[5], word(0xBB67AE85u));
        scf::YieldOp::create(builder, loc,
                             ValueRange{next0, second.getLow(), next2,
                                        first.getLow(), key0, key1});
      });
  // Word `element mod 4`.
  Value lane = arith::AndIOp::create(builder, loc, element, wide(3));
  Value result = rounds.getResult(3);
  for (int64_t i = 2; i >= 0; --i) {
    Value here = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                       lane, wide(i));
    result = arith::SelectOp::create(builder, loc, here, rounds.getResult(i),
                                     result);
  }
  func::ReturnOp::create(builder, loc, result);
  return function;
}

Value octo::buildSeededWeight(OpBuilder &builder, WeightOp weight,
                              func::FuncOp philox) {
  Location loc = weight.getLoc();
  RankedTensorType type = weight.getTensorType();
  Type element = type.getElementType();
  // Narrow floats are computed in f32 and rounded once more.
  Type compute = element.isF64() ? element : builder.getF32Type();
  uint64_t seed = *weight.getSeed();
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getFloatAttr(compute, value));
  };
  auto word = [&](uint32_t value) -> Value {
    return arith::ConstantOp::create(
        builder, loc, builder.getI32IntegerAttr(static_cast<int32_t>(value)));
  };
  Value key0 = word(static_cast<uint32_t>(seed));
  Value key1 = word(static_cast<uint32_t>(seed >> 32));
  Value eight = word(8), step = number(0x1.0p-23), one = number(1.0),
        scale = number(weight.getScale()->convertToDouble());
  auto generate = tensor::GenerateOp::create(
      builder, loc, type, ValueRange(),
      [&](OpBuilder &, Location, ValueRange indices) {
        Value linear = arith::ConstantIndexOp::create(builder, loc, 0);
        for (auto [index, size] : llvm::zip_equal(indices, type.getShape())) {
          Value extent = arith::ConstantIndexOp::create(builder, loc, size);
          linear = arith::MulIOp::create(builder, loc, linear, extent);
          linear = arith::AddIOp::create(builder, loc, linear, index);
        }
        Value position = arith::IndexCastOp::create(
            builder, loc, builder.getI64Type(), linear);
        Value random = func::CallOp::create(builder, loc, philox,
                                            ValueRange{position, key0, key1})
                           .getResult(0);
        Value bits = arith::ShRUIOp::create(builder, loc, random, eight);
        Value unit = arith::UIToFPOp::create(builder, loc, compute, bits);
        unit = arith::MulFOp::create(builder, loc, unit, step);
        unit = arith::SubFOp::create(builder, loc, unit, one);
        Value value = arith::MulFOp::create(builder, loc, unit, scale);
        if (compute != element)
          value = arith::TruncFOp::create(builder, loc, element, value);
        tensor::YieldOp::create(builder, loc, value);
      });
  return generate;
}
