//===- Diagnostic.h - Errors as values --------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How the libraries that know neither MLIR nor LLVM report what is wrong with
// their input: a value that names the place and what was expected there.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SUPPORT_DIAGNOSTIC_H
#define OCTO_SUPPORT_DIAGNOSTIC_H

#include <fmt/format.h>
#include <tl/expected.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace octo {

/// One error. `line` and `column` count from 1; 0 means "not known". `file`
/// may be empty when the input is no file.
struct Diagnostic {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;
  std::string message;

  /// The diagnostic as compilers print it: "file:line:column: error: message",
  /// leaving out the parts of the place that are not known.
  std::string str() const {
    std::string place = file;
    if (line) {
      if (place.empty())
        place = "<input>";
      place += fmt::format(":{}", line);
      if (column)
        place += fmt::format(":{}", column);
    }
    return place.empty() ? "error: " + message : place + ": error: " + message;
  }
};

/// A value, or the reason why there is none.
template <class T>
using Expected = tl::expected<T, Diagnostic>;

/// What `makeError` returns: it converts to any `Expected<T>`.
using Error = tl::unexpected<Diagnostic>;

/// An error without a place. The arguments are those of fmt::format.
template <class... Args>
Error makeError(fmt::format_string<Args...> format, Args &&...args) {
  return Error(
      Diagnostic{{}, 0, 0, fmt::format(format, std::forward<Args>(args)...)});
}

/// An error about a whole file.
template <class... Args>
Error makeFileError(std::string_view file, fmt::format_string<Args...> format,
                    Args &&...args) {
  return Error(Diagnostic{std::string(file), 0, 0,
                          fmt::format(format, std::forward<Args>(args)...)});
}

/// An error at a place of a file; lines and columns count from 1.
template <class... Args>
Error makeErrorAt(std::string_view file, unsigned line, unsigned column,
                  fmt::format_string<Args...> format, Args &&...args) {
  return Error(Diagnostic{std::string(file), line, column,
                          fmt::format(format, std::forward<Args>(args)...)});
}

} // namespace octo

#endif // OCTO_SUPPORT_DIAGNOSTIC_H
