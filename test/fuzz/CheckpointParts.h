//===- CheckpointParts.h - What a checkpoint is made of ---------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_FUZZ_CHECKPOINTPARTS_H
#define OCTO_TEST_FUZZ_CHECKPOINTPARTS_H

#include "Engine.h"
#include "State.h"

namespace octo {

/// One of each kind that the state of an engine has.
struct Parts {
  std::string remembered;
  EventWheel wheel;
  Pool<Value> values;
  Pool<Frame> frames;
  Pool<Instance> instances;
  Pool<Control> controls;
  Pool<OpenRequest> requests;
  Pool<Message> messages;
  Pool<Token> tokens;
  std::vector<Delivery> deliveries;
  std::vector<TbuState> tbus;
  std::vector<ClusterState> clusters;
  std::vector<ReadyQueue> lanes;
  std::vector<TenantState> tenants;
  std::deque<uint32_t> waiting;
  WaitTotals wait;
  std::vector<BlockStatistics> blocks;
  std::vector<RequestFailure> failures;
  std::unique_ptr<FaultState> faults = std::make_unique<FaultState>();
};

/// The mesh of the networks that are read and written.
inline NetworkShape smallMesh() {
  NetworkShape shape;
  shape.width = 2;
  shape.height = 2;
  return shape;
}

} // namespace octo

#endif // OCTO_TEST_FUZZ_CHECKPOINTPARTS_H
