//===- LargePages.h - Memory of large pages ---------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An allocator for arrays that are looked at here and there all the time: what
// fills half a large page gets a whole one, so that one entry of the table of
// addresses in the processor serves it.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_LARGEPAGES_H
#define OCTO_LIB_RUNTIME_LARGEPAGES_H

#include <cstddef>
#include <new>

#include <sys/mman.h>

namespace octo {

template <class T>
struct LargePages {
  using value_type = T;
  static constexpr size_t page = size_t(1) << 21;
  static constexpr size_t worthPages = page / 2;

  LargePages() = default;
  template <class U>
  LargePages(const LargePages<U> &) {}

  T *allocate(size_t count) {
    const size_t bytes = count * sizeof(T);
    if (bytes < worthPages)
      return static_cast<T *>(::operator new(bytes, alignment(bytes)));
    const size_t whole = (bytes + page - 1) / page * page;
    void *memory = ::operator new(whole, alignment(bytes));
#ifdef MADV_HUGEPAGE
    // Where the system cannot do it pages are small as ever.
    madvise(memory, whole, MADV_HUGEPAGE);
#endif
    return static_cast<T *>(memory);
  }
  void deallocate(T *memory, size_t count) {
    ::operator delete(memory, alignment(count * sizeof(T)));
  }
  bool operator==(const LargePages &) const { return true; }

private:
  static std::align_val_t alignment(size_t bytes) {
    return std::align_val_t(bytes < worthPages ? alignof(T) : page);
  }
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_LARGEPAGES_H
