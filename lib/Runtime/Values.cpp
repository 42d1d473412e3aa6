//===- Values.cpp - Tensors, joins and weights ----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include "octo/Program/Philox.h"
#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"
#include "octo/Support/Sha256.h"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>

using namespace octo;

KernelExecutor::~KernelExecutor() = default;
std::string_view octo::stringifyElementKind(ElementKind kind) {
  static constexpr std::string_view names[numElementKinds] = {
      "i1",  "i8",   "i16", "i32", "i64",  "index",
      "f16", "bf16", "f32", "f64", "data", "token"};
  return names[static_cast<unsigned>(kind)];
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

int64_t Tensor::numElements() const {
  // A zero makes the product 0, however large the other sizes are.
  uint64_t count = 1;
  for (int64_t dim : shape)
    count *= static_cast<uint64_t>(dim);
  return static_cast<int64_t>(count);
}

Tensor Tensor::allocate(ElementKind kind, std::vector<int64_t> dims,
                        bool scalar) {
  size_t bytes = elementBytes(kind);
  for (int64_t dim : dims)
    bytes *= static_cast<size_t>(dim);
  // aligned_alloc wants a multiple of the alignment, and something to point at.
  void *data = std::aligned_alloc(64, (bytes / 64 + 1) * 64);
  if (!data)
    throw std::bad_alloc();
  return adopt(kind, std::move(dims), scalar,
               std::shared_ptr<void>(data, std::free), data);
}

Tensor Tensor::adopt(ElementKind kind, std::vector<int64_t> dims, bool scalar,
                     std::shared_ptr<void> owner, void *data) {
  Tensor result;
  result.owner = std::move(owner);
  result.pointer = data;
  result.shape = std::move(dims);
  result.elementKind = kind;
  result.scalarType = scalar;
  return result;
}

static float fromHalf(uint16_t bits) {
  return static_cast<float>(std::bit_cast<_Float16>(bits));
}
static uint16_t toHalf(double value) {
  return std::bit_cast<uint16_t>(static_cast<_Float16>(value));
}
static float fromBrain(uint16_t bits) {
  return std::bit_cast<float>(uint32_t(bits) << 16);
}
static uint16_t toBrain(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value))
    return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void octo::setElement(Tensor &tensor, int64_t i, double value) {
  switch (tensor.kind()) {
  case ElementKind::I1:
    tensor.as<uint8_t>()[i] = value != 0;
    break;
  case ElementKind::I8:
    tensor.as<int8_t>()[i] = static_cast<int8_t>(value);
    break;
  case ElementKind::I16:
    tensor.as<int16_t>()[i] = static_cast<int16_t>(value);
    break;
  case ElementKind::I32:
    tensor.as<int32_t>()[i] = static_cast<int32_t>(value);
    break;
  case ElementKind::I64:
  case ElementKind::Index:
    tensor.as<int64_t>()[i] = static_cast<int64_t>(value);
    break;
  case ElementKind::F16:
    tensor.as<uint16_t>()[i] = toHalf(value);
    break;
  case ElementKind::BF16:
    tensor.as<uint16_t>()[i] = toBrain(static_cast<float>(value));
    break;
  case ElementKind::F32:
    tensor.as<float>()[i] = static_cast<float>(value);
    break;
  case ElementKind::F64:
    tensor.as<double>()[i] = value;
    break;
  default:
    break;
  }
}

int64_t octo::integerElement(const Tensor &tensor, int64_t i) {
  switch (tensor.kind()) {
  case ElementKind::I1:
    return tensor.as<uint8_t>()[i] != 0;
  case ElementKind::I8:
    return tensor.as<int8_t>()[i];
  case ElementKind::I16:
    return tensor.as<int16_t>()[i];
  case ElementKind::I32:
    return tensor.as<int32_t>()[i];
  case ElementKind::I64:
  case ElementKind::Index:
    return tensor.as<int64_t>()[i];
  default:
    return 0;
  }
}

//===----------------------------------------------------------------------===//
// Joins
//===----------------------------------------------------------------------===//

/// As arith.maximumf and arith.minimumf: NaN if one is NaN, -0 below +0.
template <class T>
static T floatExtreme(T a, T b, bool larger) {
  if (std::isnan(a))
    return a;
  if (std::isnan(b))
    return b;
  if (a == b)
    return std::signbit(a) == larger ? b : a;
  return (a > b) == larger ? a : b;
}

template <class T>
static T combineFloat(CombineKind kind, T a, T b) {
  return kind == CombineKind::Add
             ? a + b
             : floatExtreme(a, b, kind == CombineKind::Max);
}

/// Integers wrap; comparisons are signed.
template <class T>
static T combineInteger(CombineKind kind, T a, T b) {
  if (kind == CombineKind::Add)
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) +
                          static_cast<std::make_unsigned_t<T>>(b));
  return kind == CombineKind::Max ? std::max(a, b) : std::min(a, b);
}

template <class T, class Combine>
static void forElements(Tensor &sum, const Tensor &part, Combine &&combine) {
  T *a = sum.as<T>();
  const T *b = part.as<T>();
  for (int64_t i = 0, e = sum.numElements(); i < e; ++i)
    a[i] = combine(a[i], b[i]);
}

static Expected<Tensor> concatenate(const Tensor &init,
                                    std::span<const Tensor> parts) {
  if (!init.rank())
    return makeError("a join cannot concatenate values of rank 0");
  std::vector<int64_t> dims(init.dims().begin(), init.dims().end());
  for (const Tensor &part : parts) {
    bool fits = part.rank() == init.rank() && part.kind() == init.kind();
    for (unsigned d = 1; fits && d < init.rank(); ++d)
      fits = part.dim(d) == init.dim(d);
    if (!fits)
      return makeError(
          "a join concatenates sizes [{}] and [{}], which differ beyond the "
          "first dimension",
          fmt::join(init.dims().begin(), init.dims().end(), ", "),
          fmt::join(part.dims().begin(), part.dims().end(), ", "));
    dims[0] += part.dim(0);
  }
  Tensor result = Tensor::allocate(init.kind(), std::move(dims));
  char *to = static_cast<char *>(result.data());
  std::memcpy(to, init.data(), init.bytes());
  to += init.bytes();
  for (const Tensor &part : parts) {
    std::memcpy(to, part.data(), part.bytes());
    to += part.bytes();
  }
  return result;
}

Expected<Tensor> octo::combineTensors(CombineKind kind, const Tensor &init,
                                      std::span<const Tensor> parts) {
  if (kind == CombineKind::Concat)
    return concatenate(init, parts);
  Tensor sum = Tensor::allocate(
      init.kind(), {init.dims().begin(), init.dims().end()}, init.isScalar());
  std::memcpy(sum.data(), init.data(), init.bytes());
  for (const Tensor &part : parts) {
    if (part.kind() != sum.kind() ||
        !std::equal(part.dims().begin(), part.dims().end(), sum.dims().begin(),
                    sum.dims().end()))
      return makeError("a join combines sizes [{}] and [{}], which differ",
                       fmt::join(sum.dims().begin(), sum.dims().end(), ", "),
                       fmt::join(part.dims().begin(), part.dims().end(), ", "));
    auto integer = [kind](auto a, auto b) {
      return combineInteger(kind, a, b);
    };
    auto real = [kind](auto a, auto b) { return combineFloat(kind, a, b); };
    switch (sum.kind()) {
    case ElementKind::I1:
      // One bit: addition wraps, and true is -1.
      forElements<uint8_t>(sum, part, [kind](uint8_t a, uint8_t b) -> uint8_t {
        a = a != 0;
        b = b != 0;
        return kind == CombineKind::Add   ? a ^ b
               : kind == CombineKind::Max ? a & b
                                          : a | b;
      });
      break;
    case ElementKind::I8:
      forElements<int8_t>(sum, part, integer);
      break;
    case ElementKind::I16:
      forElements<int16_t>(sum, part, integer);
      break;
    case ElementKind::I32:
      forElements<int32_t>(sum, part, integer);
      break;
    case ElementKind::I64:
    case ElementKind::Index:
      forElements<int64_t>(sum, part, integer);
      break;
    case ElementKind::F16:
      forElements<uint16_t>(sum, part, [kind](uint16_t a, uint16_t b) {
        return toHalf(combineFloat(kind, fromHalf(a), fromHalf(b)));
      });
      break;
    case ElementKind::BF16:
      forElements<uint16_t>(sum, part, [kind](uint16_t a, uint16_t b) {
        return toBrain(combineFloat(kind, fromBrain(a), fromBrain(b)));
      });
      break;
    case ElementKind::F32:
      forElements<float>(sum, part, real);
      break;
    case ElementKind::F64:
      forElements<double>(sum, part, real);
      break;
    default:
      break;
    }
  }
  return sum;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// Element i is word i mod 4 of Philox4x32-10 with counter i div 4 and the seed
/// as key; a word u becomes ((u >> 8) * 2^-23 - 1) * scale.
static void fillSeeded(Tensor &tensor, uint64_t seed, double scale) {
  PhiloxBlock block = {};
  for (int64_t i = 0, e = tensor.numElements(); i < e; ++i) {
    if (i % 4 == 0)
      block = philox4x32(philoxCounter(static_cast<uint64_t>(i) / 4, 0),
                         philoxKey(seed));
    double unit = static_cast<double>(block[i % 4] >> 8) * 0x1p-23 - 1.0;
    switch (tensor.kind()) {
    case ElementKind::F64:
      tensor.as<double>()[i] = unit * scale;
      break;
    case ElementKind::F32:
      tensor.as<float>()[i] =
          static_cast<float>(unit) * static_cast<float>(scale);
      break;
    default:
      setElement(tensor, i,
                 static_cast<float>(unit) * static_cast<float>(scale));
      break;
    }
  }
}

Expected<Tensor> octo::loadWeight(const fb::Program &program, uint32_t weight,
                                  const std::string &folder) {
  const fb::WeightTable &table = *program.weights();
  if (!table.bytes() || weight >= table.bytes()->size())
    return makeError("there is no weight {}", weight);
  std::string_view name = stringAt(program, table.name()->Get(weight));
  uint32_t type = table.type()->Get(weight);
  const fb::TypeTable &types = *program.types();
  std::vector<int64_t> dims;
  for (uint32_t d = types.dim_offsets()->Get(type);
       d < types.dim_offsets()->Get(type + 1); ++d)
    dims.push_back(types.dims()->Get(d));
  ElementKind kind = static_cast<ElementKind>(
      static_cast<uint8_t>(types.element()->Get(type)));
  Tensor tensor =
      Tensor::allocate(kind, std::move(dims), types.scalar()->Get(type) != 0);
  uint64_t bytes = tensor.bytes();
  switch (static_cast<uint8_t>(table.source()->Get(weight))) {
  case 0: { // inline
    // A weight without elements needs no data, and a program none at all.
    if (bytes == 0)
      return tensor;
    uint64_t offset =
        table.data_offset() ? table.data_offset()->Get(weight) : 0;
    std::memcpy(tensor.data(), table.data()->data() + offset, bytes);
    return tensor;
  }
  case 1: { // file
    std::string path(stringAt(program, table.path()->Get(weight)));
    std::string full = path.empty() || path[0] == '/' || folder.empty()
                           ? path
                           : folder + "/" + path;
    std::ifstream file(full, std::ios::binary);
    if (!file)
      return makeFileError(full, "cannot open the file of weight '{}'", name);
    // Of files with an offset the program keeps it where inline data have
    // theirs.
    uint64_t offset =
        table.data_offset() && weight < table.data_offset()->size()
            ? table.data_offset()->Get(weight)
            : 0;
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(static_cast<char *>(tensor.data()),
              static_cast<std::streamsize>(bytes));
    if (static_cast<uint64_t>(file.gcount()) != bytes)
      return makeFileError(full,
                           "weight '{}' needs {} bytes from offset {}, the "
                           "file has {} there",
                           name, bytes, offset, file.gcount());
    std::string_view wanted = stringAt(program, table.digest()->Get(weight));
    std::string found = sha256Hex(
        std::string_view(static_cast<const char *>(tensor.data()), bytes));
    if (wanted != found)
      return makeFileError(full,
                           "the SHA-256 of weight '{}' is {}, the program was "
                           "compiled with {}: use the same file, or compile "
                           "again",
                           name, found, wanted);
    return tensor;
  }
  default:
    fillSeeded(tensor, table.seed()->Get(weight), table.scale()->Get(weight));
    return tensor;
  }
}
