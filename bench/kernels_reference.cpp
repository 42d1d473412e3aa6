//===- kernels_reference.cpp - Peers to compare kernels with --------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Written with the vector extensions of clang and gcc; compiled at -O3
// -march=native.
//
//===----------------------------------------------------------------------===//

#include "kernels_reference.h"

#include <cstring>

namespace {

typedef float Vector __attribute__((vector_size(64)));
typedef int IntVector __attribute__((vector_size(64)));

Vector load(const float *from) {
  Vector value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}
void store(float *to, Vector value) { std::memcpy(to, &value, sizeof(value)); }

/// e^x for x <= 0: 2^n times a polynomial (Cephes' coefficients) of what is
/// left.
Vector exponential(Vector x) {
  x = x < -87.0f ? Vector{} - 87.0f : x;
  Vector scaled = x * 1.44269504088896341f;
  IntVector n = __builtin_convertvector(scaled - 0.5f, IntVector);
  Vector rest = __builtin_convertvector(n, Vector);
  x = x - rest * 0.693359375f;
  x = x + rest * 2.12194440e-4f;
  Vector y = Vector{} + 1.9875691500e-4f;
  y = y * x + 1.3981999507e-3f;
  y = y * x + 8.3334519073e-3f;
  y = y * x + 4.1665795894e-2f;
  y = y * x + 1.6666665459e-1f;
  y = y * x + 5.0000001201e-1f;
  y = y * x * x + x + 1.0f;
  IntVector bits = (n + 127) << 23;
  Vector power;
  std::memcpy(&power, &bits, sizeof(power));
  return y * power;
}

} // namespace

void referenceConvolution(const float *image, const float *filter,
                          float *result) {
  constexpr int size = 56, channels = 64, padded = size + 2, pixels = 7;
  for (int row = 0; row < size; ++row)
    for (int column = 0; column < size; column += pixels) {
      // 7 pixels x 64 features: 28 registers of sums where there are 32.
      Vector sums[pixels][4] = {};
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) {
          const float *in =
              image + ((row + i) * padded + column + j) * channels;
          const float *weights = filter + (i * 3 + j) * channels * channels;
          for (int c = 0; c < channels; ++c)
            for (int p = 0; p < pixels; ++p)
              for (int v = 0; v < 4; ++v)
                sums[p][v] += in[p * channels + c] *
                              load(weights + c * channels + v * 16);
        }
      for (int p = 0; p < pixels; ++p)
        for (int v = 0; v < 4; ++v)
          store(result + (row * size + column + p) * channels + v * 16,
                sums[p][v]);
    }
}

void referenceSoftmax(const float *input, float *result, int rows,
                      int columns) {
  for (int row = 0; row < rows; ++row) {
    const float *in = input + row * columns;
    float *out = result + row * columns;
    Vector most = load(in);
    for (int i = 16; i < columns; i += 16) {
      Vector x = load(in + i);
      most = x > most ? x : most;
    }
    float maximum = most[0];
    for (int i = 1; i < 16; ++i)
      maximum = most[i] > maximum ? most[i] : maximum;
    Vector sums = {};
    for (int i = 0; i < columns; i += 16) {
      Vector e = exponential(load(in + i) - maximum);
      store(out + i, e);
      sums += e;
    }
    float sum = 0;
    for (int i = 0; i < 16; ++i)
      sum += sums[i];
    for (int i = 0; i < columns; i += 16)
      store(out + i, load(out + i) / sum);
  }
}
