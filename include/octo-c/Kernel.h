/*===- Kernel.h - How a compiled kernel is called ------------------*- C -*-===*\
|*                                                                            *|
|* Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.       *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The binary interface between the image of a kernel (an object file in a    *|
|* program, made by `octo-lower-kernels`) and whoever calls it. An image      *|
|* exports one function, named OCTO_KERNEL_SYMBOL. The version is part of the *|
|* name, so an image of another version is never called by mistake; it is     *|
|* also in OctoKernelCall, and the kernel refuses a call of another version.  *|
|*                                                                            *|
|* An image imports nothing but memcpy, memmove, memset, the functions of     *|
|* libm and conversions of half-precision numbers (__truncsfbf2 and kin).     *|
|* It has no constructors and no writable data: a kernel is a pure function   *|
|* of its inputs and may run on several threads at once, each with its own    *|
|* OctoKernelCall.                                                            *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef OCTO_C_KERNEL_H
#define OCTO_C_KERNEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes with every change of a struct or of the meaning of a field. */
#define OCTO_KERNEL_ABI_VERSION 2

/* The function that every image exports. */
#define OCTO_KERNEL_SYMBOL "octo_kernel_v2"

/* Alignment in bytes of the buffers that `allocate` returns. */
#define OCTO_KERNEL_ALIGNMENT 64

/* Element kinds, numbered as ElementKind of the program file. I1 and I8 take
   one byte (I1 is 0 or 1), Index is a signed 64-bit integer. */
enum OctoElement {
  OCTO_I1 = 0,
  OCTO_I8 = 1,
  OCTO_I16 = 2,
  OCTO_I32 = 3,
  OCTO_I64 = 4,
  OCTO_INDEX = 5,
  OCTO_F16 = 6,
  OCTO_BF16 = 7,
  OCTO_F32 = 8,
  OCTO_F64 = 9
};

/* What a kernel returns, or hands to `trap`. */
enum OctoKernelStatus {
  OCTO_KERNEL_OK = 0,
  /* The call is of another version, or has another number of inputs, outputs
     or counters than the kernel. Nothing has been done. */
  OCTO_KERNEL_BAD_CALL = 1,
  /* A check failed while the kernel ran: a division by zero or that overflows,
     an index or a slice out of range, shapes that do not match, a cf.assert. */
  OCTO_KERNEL_TRAP = 2,
  /* A buffer could not be had. */
  OCTO_KERNEL_OUT_OF_MEMORY = 3,
  /* The data-dependent loops ran more often than `fuel` allows. */
  OCTO_KERNEL_OUT_OF_FUEL = 4
};

/* A tensor, or a scalar (rank 0 and `scalar` set).

   Inputs. `data` is the address of the first element; elements are dense in
   row-major order; `sizes` are the dimensions, `strides` the row-major strides
   in elements. `allocated` is the caller's name for the block (any pointer that
   is no block of `allocate`, different for each donated input). The kernel does
   not write to an input, unless the program marks it as donated: then nobody
   else may hold the block, and its contents are unspecified after the call.

   Outputs. Tensors: `sizes` and `strides` point to room for `rank` numbers
   each, which the kernel fills. It sets `allocated` to a block that it got from
   `allocate` (and that is the caller's from then on) and `data` to the first
   element in it, or both to those of a donated input, which the kernel so gives
   back. No two outputs share a block, and no output is an input that was not
   donated.
   Scalars: the caller sets `data` to room for one element, and the kernel
   writes there. */
struct OctoBuffer {
  void *allocated;
  void *data;
  int64_t *sizes;
  int64_t *strides;
  uint32_t rank;
  uint8_t element; /* OctoElement */
  uint8_t scalar;  /* 1 for a scalar, else 0 */
  uint16_t reserved;
};

struct OctoKernelCall {
  uint32_t version;     /* OCTO_KERNEL_ABI_VERSION */
  uint32_t numInputs;   /* entries of inputs */
  uint32_t numOutputs;  /* entries of outputs */
  uint32_t numCounters; /* entries of counters */
  const struct OctoBuffer *inputs;
  struct OctoBuffer *outputs;
  /* What data-dependent loops did, in the order of WorkModel.h. The kernel adds
     to what it finds; the caller sets them to 0. */
  int64_t *counters;
  /* How many iterations the data-dependent loops of this call may make in all;
     the kernel counts down, and traps when it would pass 0. */
  int64_t fuel;
  /* Returns `bytes` bytes (possibly 0) aligned to OCTO_KERNEL_ALIGNMENT, never
     null: where there is no memory it calls `trap`. */
  void *(*allocate)(struct OctoKernelCall *call, uint64_t bytes);
  /* Gives a block of `allocate` back early. What is neither released nor an
     output belongs to the caller, who frees it after the call. */
  void (*release)(struct OctoKernelCall *call, void *block);
  /* Ends the call: it does not return to the kernel (a C caller uses longjmp;
     the frames of a kernel own nothing). `message` lives as long as the image. */
  void (*trap)(struct OctoKernelCall *call, int32_t status,
               const char *message);
  /* For the caller. */
  void *context;
};

/* The type of the exported function: returns an OctoKernelStatus. */
typedef int32_t (*OctoKernelFunction)(struct OctoKernelCall *call);

#ifdef __cplusplus
}
#endif

#endif /* OCTO_C_KERNEL_H */
