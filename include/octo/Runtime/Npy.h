//===- Npy.h - Tensors in .npy and .npz files -------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NumPy's array files as inputs and outputs of a run. The readers are strict:
// the files may come from anywhere.
//
// Element kinds and NumPy's types:
//   i1 |b1 · i8 |i1 (|u1 read as its bits) · i16 <i2 (<u2) · i32 <i4 (<u4)
//   i64 and index <i8 (<u8) · f16 <f2 · f32 <f4 · f64 <f8
//   bf16 |V2: NumPy has no such type; two raw bytes an element, which is what
//   the package ml_dtypes saves. `a.view('V2')` makes it from bits in a uint16.
// Big-endian files are rejected; Fortran order is read and turned around.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_NPY_H
#define OCTO_RUNTIME_NPY_H

#include "octo/Runtime/Tensor.h"
#include "octo/Support/Diagnostic.h"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace octo {

/// An array of an .npz file, or an array to be written into one.
using NamedTensor = std::pair<std::string, Tensor>;

/// The array in the bytes of an .npy file. `name` stands for the file in
/// messages. Read integers have kind I64, never Index.
Expected<Tensor> parseNpy(std::span<const std::byte> bytes,
                          std::string_view name);

/// Reads an .npy file.
Expected<Tensor> readNpy(const std::string &path);

/// Reads the arrays of an .npz file (stored or deflated), in the order of the
/// file, named without ".npy".
Expected<std::vector<NamedTensor>> readNpz(const std::string &path);

/// The bytes of an .npy file (format 1.0, or 2.0 for very many dimensions) with
/// the elements of `tensor`, which must have content (no Data, no Token).
std::string formatNpy(const Tensor &tensor);

/// Writes `arrays` as an .npz file without compression. The same arrays give
/// the same bytes. Names must be unique. The file appears whole or not at all.
Expected<void> writeNpz(const std::string &path,
                        std::span<const NamedTensor> arrays);

} // namespace octo

#endif // OCTO_RUNTIME_NPY_H
