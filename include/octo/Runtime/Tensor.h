//===- Tensor.h - Values of a functional run --------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tensor or scalar as the runtime passes it between kernels: an element kind,
// dimensions, and a shared, 64-byte aligned buffer in row-major order without
// gaps. Copies share the buffer; values are written once, by the kernel that
// makes them.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_TENSOR_H
#define OCTO_RUNTIME_TENSOR_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace octo {

/// Kinds of elements, numbered as fb::ElementKind in the program file.
enum class ElementKind : uint8_t {
  I1,
  I8,
  I16,
  I32,
  I64,
  Index,
  F16,
  BF16,
  F32,
  F64,
  Data,
  Token
};
inline constexpr unsigned numElementKinds = 12;

/// Bytes of one element in memory: I1 takes 1, Index 8; Data and Token have no
/// content and take 0.
constexpr size_t elementBytes(ElementKind kind) {
  constexpr size_t sizes[numElementKinds] = {1, 1, 2, 4, 8, 8,
                                             2, 2, 4, 8, 0, 0};
  return sizes[static_cast<unsigned>(kind)];
}

/// "i1", "i8", …, "index", "f16", "bf16", "f32", "f64", "data", "token".
std::string_view stringifyElementKind(ElementKind kind);

/// A value. Default constructed it is empty: `valid()` is false.
class Tensor {
public:
  Tensor() = default;

  /// A tensor of uninitialised elements. The product of `dims` times the size
  /// of an element must fit in memory; dims are not negative. `scalar` marks a
  /// value whose type is an element type, not a tensor of rank 0.
  static Tensor allocate(ElementKind kind, std::vector<int64_t> dims,
                         bool scalar = false);

  /// A tensor over `data`, which `owner` keeps alive; the elements are packed
  /// in row-major order. `data` should be 64-byte aligned.
  static Tensor adopt(ElementKind kind, std::vector<int64_t> dims, bool scalar,
                      std::shared_ptr<void> owner, void *data);

  /// The scalar with the bytes of `value`; sizeof(T) must be
  /// elementBytes(kind).
  template <class T>
  static Tensor scalar(ElementKind kind, T value) {
    Tensor result = allocate(kind, {}, /*scalar=*/true);
    *static_cast<T *>(result.data()) = value;
    return result;
  }

  bool valid() const { return owner != nullptr; }
  ElementKind kind() const { return elementKind; }
  bool isScalar() const { return scalarType; }
  unsigned rank() const { return static_cast<unsigned>(shape.size()); }
  std::span<const int64_t> dims() const { return shape; }
  int64_t dim(unsigned i) const { return shape[i]; }
  /// Product of the dimensions; 1 for rank 0.
  int64_t numElements() const;
  /// Bytes of all elements.
  size_t bytes() const {
    return static_cast<size_t>(numElements()) * elementBytes(elementKind);
  }

  const void *data() const { return pointer; }
  /// The buffer for its one writer. Other holders of the tensor see the writes.
  void *data() { return pointer; }
  template <class T>
  const T *as() const {
    return static_cast<const T *>(pointer);
  }
  template <class T>
  T *as() {
    return static_cast<T *>(pointer);
  }

  /// True when nobody else shares the buffer: a donated input may be
  /// overwritten only then.
  bool isUnique() const { return owner.use_count() == 1; }
  /// What keeps the buffer alive.
  const std::shared_ptr<void> &ownership() const { return owner; }
  void reset() { *this = Tensor(); }

private:
  std::shared_ptr<void> owner;
  void *pointer = nullptr;
  std::vector<int64_t> shape;
  ElementKind elementKind = ElementKind::F32;
  bool scalarType = false;
};

} // namespace octo

#endif // OCTO_RUNTIME_TENSOR_H
