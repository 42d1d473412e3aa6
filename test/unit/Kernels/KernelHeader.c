/*===- KernelHeader.c - Kernel.h is C, and its layout is fixed -----------===*\
|*                                                                            *|
|* Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.       *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Images are made for these offsets: a change needs a new version.           *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "octo-c/Kernel.h"

#include <stddef.h>

_Static_assert(OCTO_KERNEL_ABI_VERSION == 2, "the layout below is version 2");
_Static_assert(sizeof(struct OctoBuffer) == 40, "");
_Static_assert(offsetof(struct OctoBuffer, allocated) == 0, "");
_Static_assert(offsetof(struct OctoBuffer, data) == 8, "");
_Static_assert(offsetof(struct OctoBuffer, sizes) == 16, "");
_Static_assert(offsetof(struct OctoBuffer, strides) == 24, "");
_Static_assert(offsetof(struct OctoBuffer, rank) == 32, "");
_Static_assert(offsetof(struct OctoBuffer, element) == 36, "");
_Static_assert(offsetof(struct OctoBuffer, scalar) == 37, "");
_Static_assert(sizeof(struct OctoKernelCall) == 80, "");
_Static_assert(offsetof(struct OctoKernelCall, numInputs) == 4, "");
_Static_assert(offsetof(struct OctoKernelCall, numOutputs) == 8, "");
_Static_assert(offsetof(struct OctoKernelCall, numCounters) == 12, "");
_Static_assert(offsetof(struct OctoKernelCall, inputs) == 16, "");
_Static_assert(offsetof(struct OctoKernelCall, outputs) == 24, "");
_Static_assert(offsetof(struct OctoKernelCall, counters) == 32, "");
_Static_assert(offsetof(struct OctoKernelCall, fuel) == 40, "");
_Static_assert(offsetof(struct OctoKernelCall, allocate) == 48, "");
_Static_assert(offsetof(struct OctoKernelCall, release) == 56, "");
_Static_assert(offsetof(struct OctoKernelCall, trap) == 64, "");
_Static_assert(offsetof(struct OctoKernelCall, context) == 72, "");

/* A kernel written by hand: it refuses every call. */
int32_t refuse(struct OctoKernelCall *call) {
  return call->version == OCTO_KERNEL_ABI_VERSION ? OCTO_KERNEL_BAD_CALL
                                                  : OCTO_KERNEL_OK;
}
OctoKernelFunction refuseEverything = refuse;
