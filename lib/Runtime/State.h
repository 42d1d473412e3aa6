//===- State.h - What a run is, as bytes ------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writers and readers of the state of a run (Checkpoint.h). What a member is
// made of is found out by the compiler, so that nothing can be forgotten:
//
//  - what can be copied as bytes is one block; it must not hold pointers;
//  - containers of the standard library are their size and their elements;
//  - a struct without constructors is its fields, all of them;
//  - a class has a function template `state(A &a)` that calls a.all(*this, ...)
//    with all its members in the order of their declaration. Those that a new
//    run has already are marked a.fixed(member), references
//    a.reference(member), containers whose size does not change in a run
//    a.sized(member). A member that is missing from the list changes the size
//    of the class and fails to compile.
//
// Written for this purpose and not with a library for serialisation, because
// what is read may be damaged (every size is checked against what is left of
// the bytes before memory is taken), because tables of millions of records are
// copied as blocks, and because the library is built without exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_STATE_H
#define OCTO_LIB_RUNTIME_STATE_H

#include "octo/Runtime/Tensor.h"

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace octo {

//===----------------------------------------------------------------------===//
// Fields of a struct
//===----------------------------------------------------------------------===//

namespace detail {

struct AnyField {
  template <class T>
  operator T() const;
};

template <class T, class... Fields>
consteval size_t numFields() {
  if constexpr (requires { T{Fields()..., AnyField()}; })
    return numFields<T, Fields..., AnyField>();
  else
    return sizeof...(Fields);
}

template <class>
inline constexpr bool unknown = false;

/// Calls `visit` with all fields of a struct.
template <class T, class Visit>
void withFields(T &value, Visit &&visit) {
  constexpr size_t count = numFields<T>();
#define OCTO_FIELDS(n, ...)                                                    \
  if constexpr (count == n) {                                                  \
    auto &[__VA_ARGS__] = value;                                               \
    visit(__VA_ARGS__);                                                        \
  } else
  // clang-format off
  OCTO_FIELDS(1, f0)
  OCTO_FIELDS(2, f0, f1)
  OCTO_FIELDS(3, f0, f1, f2)
  OCTO_FIELDS(4, f0, f1, f2, f3)
  OCTO_FIELDS(5, f0, f1, f2, f3, f4)
  OCTO_FIELDS(6, f0, f1, f2, f3, f4, f5)
  OCTO_FIELDS(7, f0, f1, f2, f3, f4, f5, f6)
  OCTO_FIELDS(8, f0, f1, f2, f3, f4, f5, f6, f7)
  OCTO_FIELDS(9, f0, f1, f2, f3, f4, f5, f6, f7, f8)
  OCTO_FIELDS(10, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9)
  OCTO_FIELDS(11, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10)
  OCTO_FIELDS(12, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11)
  OCTO_FIELDS(13, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12)
  OCTO_FIELDS(14, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13)
  OCTO_FIELDS(15, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14)
  OCTO_FIELDS(16, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15)
  OCTO_FIELDS(17, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16)
  OCTO_FIELDS(18, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17)
  OCTO_FIELDS(19, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18)
  OCTO_FIELDS(20, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19)
  OCTO_FIELDS(21, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20)
  OCTO_FIELDS(22, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21)
  OCTO_FIELDS(23, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22)
  OCTO_FIELDS(24, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23)
  OCTO_FIELDS(25, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24)
  OCTO_FIELDS(26, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25)
  OCTO_FIELDS(27, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26)
  OCTO_FIELDS(28, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27)
  OCTO_FIELDS(29, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28)
  OCTO_FIELDS(30, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29)
  OCTO_FIELDS(31, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30)
  OCTO_FIELDS(32, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31)
  OCTO_FIELDS(33, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32)
  OCTO_FIELDS(34, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33)
  OCTO_FIELDS(35, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34)
  OCTO_FIELDS(36, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35)
  OCTO_FIELDS(37, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36)
  OCTO_FIELDS(38, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37)
  OCTO_FIELDS(39, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38)
  OCTO_FIELDS(40, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39)
  OCTO_FIELDS(41, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40)
  OCTO_FIELDS(42, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41)
  OCTO_FIELDS(43, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42)
  OCTO_FIELDS(44, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43)
  OCTO_FIELDS(45, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44)
  OCTO_FIELDS(46, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45)
  OCTO_FIELDS(47, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46)
  OCTO_FIELDS(48, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47)
  // clang-format on
  {
    static_assert(unknown<T>, "a struct of state has more fields than there "
                              "are cases here: add some");
  }
#undef OCTO_FIELDS
}

} // namespace detail

//===----------------------------------------------------------------------===//
// Lists of members
//===----------------------------------------------------------------------===//

/// How an archive's `all` is given members.
template <class T>
struct FixedMember {};
template <class T>
struct ReferenceMember {};
template <class T>
struct SizedMember {
  T &value;
};

namespace detail {

template <class T>
struct MemberLayout {
  static constexpr size_t size = sizeof(T), align = alignof(T);
};
template <class T>
struct MemberLayout<FixedMember<T>> : MemberLayout<T> {};
template <class T>
struct MemberLayout<SizedMember<T>> : MemberLayout<T> {};
template <class T>
struct MemberLayout<ReferenceMember<T>> : MemberLayout<T *> {};

/// Size of a class with members of these types in this order.
template <class... Members>
consteval size_t layoutSize() {
  size_t end = 0, largest = 1;
  auto add = [&](size_t size, size_t align) {
    end = (end + align - 1) / align * align + size;
    largest = align > largest ? align : largest;
  };
  (add(MemberLayout<Members>::size, MemberLayout<Members>::align), ...);
  return (end + largest - 1) / largest * largest;
}

template <class T>
inline constexpr bool isPair = false;
template <class A, class B>
inline constexpr bool isPair<std::pair<A, B>> = true;
template <class T>
inline constexpr bool isTuple = false;
template <class... T>
inline constexpr bool isTuple<std::tuple<T...>> = true;
template <class T>
inline constexpr bool isSequence = false;
template <class T, class Allocator>
inline constexpr bool isSequence<std::vector<T, Allocator>> = true;
template <class T>
inline constexpr bool isSequence<std::deque<T>> = true;
template <>
inline constexpr bool isSequence<std::string> = true;
template <class T>
inline constexpr bool isSet = false;
template <class T>
inline constexpr bool isSet<std::set<T>> = true;
template <class T>
inline constexpr bool isUnique = false;
template <class T>
inline constexpr bool isUnique<std::unique_ptr<T>> = true;
template <class T>
inline constexpr bool isOptional = false;
template <class T>
inline constexpr bool isOptional<std::optional<T>> = true;

} // namespace detail

/// What writers and readers share: which parts a value has.
template <class Derived>
class StateArchive {
public:
  /// Members of a class in the order of their declaration; see above.
  template <class T, class... Members>
  void all(const T &, Members &&...members) {
    static_assert(
        detail::layoutSize<std::remove_reference_t<Members>...>() == sizeof(T),
        "the list of members in state() is not that of the class: a new member "
        "has to be added there (CONTRIBUTING.md, Checkpoints)");
    (member(members), ...);
  }

  template <class T>
  static FixedMember<T> fixed(const T &) {
    return {};
  }
  template <class T>
  static ReferenceMember<T> reference(const T &) {
    return {};
  }
  template <class T>
  static SizedMember<T> sized(T &value) {
    return {value};
  }

  template <class T>
  void value(T &x) {
    Derived &self = static_cast<Derived &>(*this);
    if constexpr (requires { x.state(self); }) {
      x.state(self);
    } else if constexpr (std::is_same_v<T, Tensor>) {
      // Only timing-only runs are written: there are none.
    } else if constexpr (std::is_trivially_copyable_v<T>) {
      static_assert(!std::is_pointer_v<T>, "a pointer is not state");
      self.block(&x, sizeof(T));
    } else if constexpr (detail::isPair<T>) {
      value(x.first);
      value(x.second);
    } else if constexpr (detail::isTuple<T>) {
      std::apply([&](auto &...parts) { (value(parts), ...); }, x);
    } else if constexpr (std::is_same_v<T, std::vector<bool>>) {
      self.bits(x);
    } else if constexpr (detail::isSequence<T>) {
      self.sequence(x, false);
    } else if constexpr (detail::isSet<T>) {
      self.set(x);
    } else if constexpr (detail::isUnique<T>) {
      // Whether it is there is decided by what the run was asked for.
      if (self.same(x != nullptr) && x)
        value(*x);
    } else if constexpr (detail::isOptional<T>) {
      self.optional(x);
    } else {
      detail::withFields(x, [&](auto &...fields) { (value(fields), ...); });
    }
  }

private:
  template <class T>
  void member(T &x) {
    value(x);
  }
  template <class T>
  void member(FixedMember<T> &) {}
  template <class T>
  void member(ReferenceMember<T> &) {}
  template <class T>
  void member(SizedMember<T> &sized) {
    static_cast<Derived &>(*this).sequence(sized.value, true);
  }
};

//===----------------------------------------------------------------------===//
// Writing and reading
//===----------------------------------------------------------------------===//

class StateWriter : public StateArchive<StateWriter> {
public:
  static constexpr bool reading = false;
  static constexpr bool typesOnly = false;
  std::string bytes;

  bool ok() const { return true; }
  void fail() {}
  bool fits(uint64_t) const { return true; }

  void block(const void *data, size_t size) {
    bytes.append(static_cast<const char *>(data), size);
  }
  bool same(uint64_t number) {
    block(&number, sizeof number);
    return true;
  }
  template <class T>
  void sequence(T &list, bool) {
    same(list.size());
    if constexpr (requires { list.data(); } &&
                  std::is_trivially_copyable_v<typename T::value_type>)
      block(list.data(), list.size() * sizeof(typename T::value_type));
    else
      for (auto &element : list)
        value(element);
  }
  void bits(const std::vector<bool> &list) {
    same(list.size());
    for (bool bit : list) {
      char byte = bit;
      block(&byte, 1);
    }
  }
  template <class T>
  void set(std::set<T> &list) {
    same(list.size());
    for (T element : list)
      value(element);
  }
  template <class T>
  void optional(std::optional<T> &x) {
    same(x.has_value());
    if (x)
      value(*x);
  }
};

/// Reads what StateWriter has written. What does not fit fails; from then on
/// nothing is read any more.
class StateReader : public StateArchive<StateReader> {
public:
  static constexpr bool reading = true;
  static constexpr bool typesOnly = false;

  explicit StateReader(std::string_view bytes) : rest(bytes) {}

  bool ok() const { return good; }
  void fail() { good = false; }
  /// So many records, of a byte at least, may be left.
  bool fits(uint64_t count) const { return count <= rest.size(); }
  /// All has been read, and nothing is left.
  bool finished() const { return good && rest.empty(); }

  void block(void *data, size_t size) {
    if (!good || size > rest.size()) {
      good = false;
      return;
    }
    if (size)
      std::memcpy(data, rest.data(), size);
    rest.remove_prefix(size);
  }
  bool same(uint64_t number) {
    uint64_t found = ~number;
    block(&found, sizeof found);
    good &= found == number;
    return good;
  }
  template <class T>
  void sequence(T &list, bool sized) {
    using Element = typename T::value_type;
    constexpr bool blocks =
        requires { list.data(); } && std::is_trivially_copyable_v<Element>;
    uint64_t count = countOf(blocks ? sizeof(Element) : 1);
    if (sized && count != list.size())
      good = false;
    if (!good)
      return;
    if constexpr (std::is_default_constructible_v<Element>)
      list.resize(count);
    if constexpr (blocks) {
      block(list.data(), count * sizeof(Element));
    } else {
      for (Element &element : list) {
        value(element);
        if (!good)
          return;
      }
    }
  }
  void bits(std::vector<bool> &list) {
    list.resize(countOf(1));
    for (size_t i = 0; i < list.size() && good; ++i) {
      char byte = 0;
      block(&byte, 1);
      list[i] = byte;
    }
  }
  template <class T>
  void set(std::set<T> &list) {
    list.clear();
    for (uint64_t left = countOf(1); left && good; --left) {
      T element;
      value(element);
      list.insert(list.end(), element);
    }
  }
  template <class T>
  void optional(std::optional<T> &x) {
    uint64_t has = 0;
    block(&has, sizeof has);
    x.reset();
    if (good && has)
      value(x.emplace());
  }

private:
  /// The size of a container whose elements take at least so many bytes each.
  uint64_t countOf(size_t least) {
    uint64_t count = 0;
    block(&count, sizeof count);
    if (count > rest.size() / least)
      good = false;
    return good ? count : 0;
  }

  std::string_view rest;
  bool good = true;
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_STATE_H
