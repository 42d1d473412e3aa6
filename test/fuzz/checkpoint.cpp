//===- checkpoint.cpp - Any bytes as a checkpoint -------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The digest of a file keeps changed ones out, so what is behind it is also
// read without it: into everything that a state is made of.

#include "Checkpoint.h"
#include "CheckpointParts.h"

#include <cstdlib>

using namespace octo;

/// What can be read can be written, and says the same then.
template <class T, class Make>
static void readState(std::string_view bytes, Make make) {
  T read = make();
  StateReader reader(bytes);
  reader.value(read);
  if (!reader.ok())
    return;
  StateWriter writer;
  writer.value(read);
  T again = make();
  StateReader second(writer.bytes);
  second.value(again);
  StateWriter rewriter;
  rewriter.value(again);
  if (!second.finished() || rewriter.bytes != writer.bytes)
    std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char *>(data), size);
  if (Expected<Checkpoint> file = openCheckpoint(bytes);
      file && sealCheckpoint(*file) != bytes)
    std::abort();

  readState<Parts>(bytes, [] { return Parts(); });
  NetworkShape shape = smallMesh();
  MeshRoutes routes(2, 2, std::vector<bool>(16, false));
  readState<Network>(bytes, [&] { return Network(shape, routes); });
  readState<LinkNetwork>(bytes, [&] { return LinkNetwork(shape, routes); });
  readState<FlitNetwork>(bytes, [&] { return FlitNetwork(shape, routes); });
  return 0;
}
