//===- ReserveWritten.h - Room that will be filled --------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tables of large programs are written once from front to back. Their pages are
// asked for together: one fault for each of them takes the system longer than
// the table itself. They are large ones where the system has them, since tasks
// read the tables here and there.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_RESERVEWRITTEN_H
#define OCTO_LIB_RUNTIME_RESERVEWRITTEN_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

namespace octo {

/// Reserves room for `count` elements that will all be written soon.
template <class T>
void reserveWritten(std::vector<T> &vector, size_t count) {
  vector.reserve(count);
#ifdef MADV_POPULATE_WRITE
  constexpr size_t worthACall = size_t(1) << 18;
  if (count * sizeof(T) < worthACall)
    return;
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t data = reinterpret_cast<uintptr_t>(vector.data());
  const uintptr_t begin = (data + page - 1) / page * page;
  const uintptr_t end = (data + count * sizeof(T)) / page * page;
  // Where the system cannot do it pages are small, and come one by one, as
  // ever.
#ifdef MADV_HUGEPAGE
  madvise(reinterpret_cast<void *>(begin), end - begin, MADV_HUGEPAGE);
#endif
  madvise(reinterpret_cast<void *>(begin), end - begin, MADV_POPULATE_WRITE);
#endif
}

} // namespace octo

#endif // OCTO_LIB_RUNTIME_RESERVEWRITTEN_H
