//===- Sha256.cpp - Digests -----------------------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// SHA-256 through OpenSSL's EVP interface.
//
//===----------------------------------------------------------------------===//

#include "octo/Support/Sha256.h"

#include <openssl/evp.h>

#include <cstdlib>

using namespace octo;

std::array<uint8_t, 32> octo::sha256(const void *data, size_t size) {
  std::array<uint8_t, 32> result{};
  unsigned length = 0;
  // It can fail only when OpenSSL is out of memory or was built without
  // SHA-256; neither leaves anything to go on with.
  if (EVP_Digest(data, size, result.data(), &length, EVP_sha256(), nullptr) !=
          1 ||
      length != result.size())
    std::abort();
  return result;
}

std::string octo::sha256Hex(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string result;
  for (uint8_t byte : sha256(text.data(), text.size())) {
    result += digits[byte >> 4];
    result += digits[byte & 15];
  }
  return result;
}
