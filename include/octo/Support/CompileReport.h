//===- CompileReport.h - What the passes counted ----------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Counters of passes, for the JSON compile report. A tool that wants them opens
// a scope; passes count into the innermost scope of their thread, or nowhere.
// Reports are deterministic: ordered by name, without times.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SUPPORT_COMPILEREPORT_H
#define OCTO_SUPPORT_COMPILEREPORT_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace octo {

class CompileReport {
public:
  /// By pass, then by counter.
  std::map<std::string, std::map<std::string, uint64_t>> counters;

  /// Makes a report the one that passes of this thread count into.
  class Scope {
  public:
    explicit Scope(CompileReport &report) : outer(current()) {
      current() = &report;
    }
    ~Scope() { current() = outer; }
    Scope(const Scope &) = delete;
    Scope &operator=(const Scope &) = delete;

  private:
    CompileReport *outer;
  };

  static void add(std::string_view pass, std::string_view counter,
                  uint64_t amount) {
    if (CompileReport *report = current())
      report->counters[std::string(pass)][std::string(counter)] += amount;
  }

private:
  static CompileReport *&current() {
    thread_local CompileReport *report = nullptr;
    return report;
  }
};

} // namespace octo

#endif // OCTO_SUPPORT_COMPILEREPORT_H
