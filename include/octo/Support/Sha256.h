//===- Sha256.h - Digests ---------------------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// SHA-256 of bytes in memory. Defined in the library OctoTarget, the lowest
// one.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SUPPORT_SHA256_H
#define OCTO_SUPPORT_SHA256_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace octo {

/// SHA-256 of `size` bytes.
std::array<uint8_t, 32> sha256(const void *data, size_t size);

/// SHA-256 of `text`, as 64 lower-case hexadecimal digits.
std::string sha256Hex(std::string_view text);

} // namespace octo

#endif // OCTO_SUPPORT_SHA256_H
