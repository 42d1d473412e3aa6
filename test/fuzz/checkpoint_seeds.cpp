//===- checkpoint_seeds.cpp - States to begin with ------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// checkpoint-seeds DIRECTORY writes what fuzz-checkpoint reads, as the members
// of the states are now: files of yesterday end where a member was added.
//
//===----------------------------------------------------------------------===//

#include "CheckpointParts.h"

#include <cstdio>
#include <fstream>

using namespace octo;

namespace {

/// Writes a part; another one must be able to read it.
template <class T>
bool write(const std::string &path, T &part, T &&other) {
  StateWriter writer;
  writer.value(part);
  StateReader reader(writer.bytes);
  reader.value(other);
  std::ofstream file(path, std::ios::binary);
  file << writer.bytes;
  if (reader.finished() && file.flush())
    return true;
  std::fprintf(stderr, "%s cannot be %s\n", path.c_str(),
               reader.finished() ? "written" : "read back");
  return false;
}

/// Some of all, and free places between.
template <class T>
void fill(Pool<T> &pool) {
  for (unsigned i = 0; i < 5; ++i)
    pool.allocate();
  pool.release(1);
  pool.release(3);
}

void fill(Parts &parts) {
  parts.remembered = "what a policy remembers";
  for (uint32_t i = 0; i < 8; ++i) {
    Event event{};
    event.entity = event.payload = i;
    parts.wheel.push(1 + i * i * 100, event);
  }
  fill(parts.values);
  fill(parts.frames);
  fill(parts.instances);
  fill(parts.controls);
  fill(parts.requests);
  fill(parts.messages);
  fill(parts.tokens);
  parts.deliveries.resize(3);
  parts.tbus.resize(3);
  parts.clusters.resize(2);
  parts.lanes.resize(2);
  parts.tenants.resize(2);
  parts.waiting = {4, 2};
  parts.blocks.resize(3);
  parts.failures.resize(2);
}

/// Networks with messages of many lengths half on their way.
template <class Model>
void fillEvents(Model &network) {
  std::vector<NetworkDelivery> delivered;
  for (uint32_t i = 0; i < 24; ++i)
    network.inject(i, i % 4, i / 4 % 4, 1 + i * i % 70, 0);
  for (unsigned i = 0; i < 12; ++i)
    network.run(network.nextTime(), delivered);
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: checkpoint-seeds DIRECTORY\n");
    return 2;
  }
  std::string directory = argv[1];
  Parts parts;
  bool good = write(directory + "/parts-empty.bin", parts, Parts());
  fill(parts);
  good &= write(directory + "/parts.bin", parts, Parts());

  NetworkShape shape = smallMesh();
  MeshRoutes routes(2, 2, std::vector<bool>(16, false));
  Network network(shape, routes);
  fillEvents(network);
  good &= write(directory + "/network.bin", network, Network(shape, routes));
  LinkNetwork links(shape, routes);
  fillEvents(links);
  good &= write(directory + "/links.bin", links, LinkNetwork(shape, routes));
  FlitNetwork flits(shape, routes);
  std::vector<NetworkDelivery> delivered;
  for (uint32_t i = 0; i < 24; ++i)
    flits.inject(i, i % 4, i / 4 % 4, 1 + i * i % 70);
  for (unsigned i = 0; i < 30; ++i)
    flits.step(delivered);
  good &= write(directory + "/flits.bin", flits, FlitNetwork(shape, routes));
  return good ? 0 : 1;
}
