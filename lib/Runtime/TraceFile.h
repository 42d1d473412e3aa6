//===- TraceFile.h - Where writers of traces put bytes ----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the writers of traces share: a file behind one buffer that they encode
// into, names of blocks, and lanes for spans that overlap.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_TRACEFILE_H
#define OCTO_LIB_RUNTIME_TRACEFILE_H

#include "octo/Program/program_generated.h"
#include "octo/Runtime/TraceWriter.h"
#include "octo/Support/Diagnostic.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace octo {

class TraceFile {
public:
  static Expected<std::unique_ptr<TraceFile>> open(const std::string &path);
  TraceFile(const TraceFile &) = delete;
  ~TraceFile();

  /// Where at least `bytes` can be written.
  char *room(size_t bytes) {
    if (used + bytes > buffer.size()) [[unlikely]]
      makeRoom(bytes);
    return buffer.data() + used;
  }
  /// What room() gave has been written up to here.
  void written(const char *end) {
    used = static_cast<size_t>(end - buffer.data());
  }
  void write(std::string_view text) {
    char *to = room(text.size());
    std::memcpy(to, text.data(), text.size());
    written(to + text.size());
  }

  /// Writes what is left. An error if anything could not be written.
  Expected<void> close();

private:
  TraceFile(const std::string &path, std::FILE *file);
  void makeRoom(size_t bytes);
  void flush();

  std::string path;
  std::FILE *file;
  std::vector<char> buffer;
  size_t used = 0;
  int error = 0;
};

/// Path ids of blocks, and one numbering over all workflows.
class BlockNames {
public:
  explicit BlockNames(const fb::Program &program);
  uint32_t numberOf(uint32_t workflow, uint32_t block) const {
    return offsets[workflow] + block;
  }
  uint32_t size() const { return offsets.back(); }
  std::string_view path(uint32_t workflow, uint32_t block) const {
    const auto *list = paths[workflow];
    if (!list || block >= list->size() || !strings ||
        list->Get(block) >= strings->size())
      return {};
    return strings->Get(list->Get(block))->string_view();
  }

private:
  const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>> *strings;
  std::vector<const flatbuffers::Vector<uint32_t> *> paths; ///< by workflow
  std::vector<uint32_t> offsets;
};

/// Tracks side by side for spans that overlap: each span goes to the lane that
/// ended last before it begins, or to a new one. Spans come in order of their
/// ends.
class Lanes {
public:
  uint32_t take(uint64_t start, uint64_t finish) {
    // In order of their ends; the last one that ended by `start`, which mostly
    // is one of the last.
    auto place = ends.end(), some = place - std::min<ptrdiff_t>(ends.size(), 8);
    while (place != some && std::prev(place)->first > start)
      --place;
    if (place == some)
      place = std::upper_bound(
          ends.begin(), place, start,
          [](uint64_t at, const auto &end) { return at < end.first; });
    if (place == ends.begin()) {
      uint32_t lane = static_cast<uint32_t>(ends.size());
      ends.emplace_back(finish, lane);
      return lane;
    }
    // It goes to the end of the list; mostly it is one of the last.
    uint32_t lane = (--place)->second;
    for (auto last = ends.end() - 1; place != last; ++place)
      *place = place[1];
    *place = {finish, lane};
    return lane;
  }

private:
  std::vector<std::pair<uint64_t, uint32_t>> ends;
};

Expected<std::unique_ptr<TraceWriter>>
createChromeWriter(const std::string &path, const fb::Program &program);
Expected<std::unique_ptr<TraceWriter>>
createPerfettoWriter(const std::string &path, const fb::Program &program);

} // namespace octo

#endif // OCTO_LIB_RUNTIME_TRACEFILE_H
