//===- StreamNet.h - Buffers of streams that meet again ---------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tasks that stream to each other on two ways at once can wait for each other
// for ever when a buffer is too small: the producer for space, its consumer for
// a chunk that comes the other way round from that producer. The condition
// under which they cannot is shared by compiler, verifier and validator; the
// simulator relies on it (docs/semantics.md, section 4).
//
// For each task let f be the part of its work that is done. A producer that
// waits for space is ahead of its consumer by more than buffer / chunks, one
// that is waited for by its consumer is behind it by less than 1 / chunks. All
// these parts are multiples of 1 / L, L being the least common multiple of the
// numbers of chunks. Tasks that wait in a circle would therefore have
//
//   sum of (buffer / chunks + 1 / L) over the streams passed along the flow
//     <= sum of (1 / chunks - 1 / L) over those passed against it
//
// so no circle, in either direction, may have that. Streams in equal numbers of
// chunks never do; a buffer that takes all chunks but one never holds up.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TARGET_STREAMNET_H
#define OCTO_TARGET_STREAMNET_H

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace octo {

inline constexpr uint32_t minStreamChunks = 2, maxStreamChunks = 16;

/// Tasks that streams in different numbers of chunks connect so that they meet
/// again; more are not searched.
inline constexpr uint32_t maxMixedStreamTasks = 4096;
inline constexpr uint32_t noStream = 0xffffffffu;

/// A stream between two tasks; `chunks` from minStreamChunks to
/// maxStreamChunks, `buffer` from 1 to `chunks`.
struct StreamEdge {
  uint32_t from;
  uint32_t to;
  uint32_t chunks;
  uint32_t buffer;
};

/// Streams that can wait for each other for ever.
struct StreamDeadlock {
  /// The circle, each stream once.
  std::vector<uint32_t> streams;
  /// One of them, passed along the flow, and the buffer with which this circle
  /// would be safe. noStream: the group has more than maxMixedStreamTasks
  /// tasks, `streams` are all of them.
  uint32_t widen = noStream;
  uint32_t buffer = 0;
};

/// A circle that breaks the condition, if there is one. The flow has no cycle.
/// Linear where streams that meet again have equal numbers of chunks; otherwise
/// the tasks of such a group times its streams, at most.
std::optional<StreamDeadlock>
findStreamDeadlock(std::span<const StreamEdge> streams);

} // namespace octo

#endif // OCTO_TARGET_STREAMNET_H
