//===- TraceSink.h - Who watches a run --------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A receiver of what happens in a run. Watching adds no event and changes no
// number. Spans are reported when they end, so their starts do not ascend.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_TRACESINK_H
#define OCTO_RUNTIME_TRACESINK_H

#include <cstdint>
#include <string_view>

namespace octo {

/// One task instance on its gang. Phases follow one another: held from
/// `dispatched`, loading code up to `configured`, waiting for operands and
/// weights up to `started`, computing up to `finished`.
struct TaskSpan {
  uint64_t request = 0;
  uint64_t tag = 0;
  uint32_t workflow = 0;
  uint32_t block = 0;
  uint32_t tbu = 0;     ///< global number
  uint64_t peaMask = 0; ///< PEAs of the TBU at the end
  uint64_t ready = 0;
  uint64_t dispatched = 0;
  uint64_t configured = 0;
  uint64_t started = 0;
  uint64_t finished = 0;
  std::string_view path; ///< path id of the block
};

/// One decision of a control block at a CBU.
struct DecisionSpan {
  uint64_t request = 0;
  uint64_t tag = 0;
  uint32_t workflow = 0;
  uint32_t block = 0;
  uint32_t cluster = 0;
  uint64_t start = 0;
  uint64_t finish = 0;
  uint64_t outcome = 0;
  std::string_view path;
};

/// One message on the mesh.
struct TransferSpan {
  uint64_t request = 0;
  uint32_t fromCluster = 0;
  uint32_t toCluster = 0;
  uint64_t bytes = 0;
  uint64_t start = 0;
  uint64_t finish = 0;
};

/// One request, from arrival to the end.
struct RequestSpan {
  uint64_t request = 0;
  uint32_t tenant = 0;
  uint64_t arrival = 0;
  uint64_t finish = 0;
  bool failed = false;
};

class TraceSink {
public:
  virtual ~TraceSink();
  virtual void task(const TaskSpan &) {}
  virtual void decision(const DecisionSpan &) {}
  virtual void transfer(const TransferSpan &) {}
  virtual void request(const RequestSpan &) {}
};

} // namespace octo

#endif // OCTO_RUNTIME_TRACESINK_H
