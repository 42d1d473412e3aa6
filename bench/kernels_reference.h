//===- kernels_reference.h - Peers to compare kernels with ------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A convolution and a softmax, vectorised by hand for the machine that compiles
// them: what kernels.cpp compares the code generator with. Not product code.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_BENCH_KERNELS_REFERENCE_H
#define OCTO_BENCH_KERNELS_REFERENCE_H

/// 3 x 3 convolution of a padded image (58 x 58 x 64, channels last) to 56 x 56
/// x 64. `filter` is 3 x 3 x 64 x 64, the features last.
void referenceConvolution(const float *image, const float *filter,
                          float *result);

/// Softmax along the rows of a matrix; `columns` is a multiple of 16.
void referenceSoftmax(const float *input, float *result, int rows, int columns);

#endif // OCTO_BENCH_KERNELS_REFERENCE_H
