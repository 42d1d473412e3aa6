//===- TargetText.h - A target file for tests to change ---------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A small valid target file as text, and the change of a line of it.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_TARGET_TARGETTEXT_H
#define OCTO_TEST_UNIT_TARGET_TARGETTEXT_H

#include <string>
#include <string_view>

namespace octo::test {

inline constexpr std::string_view targetText = R"(octopus_target: 1
name: small
clock_mhz: 500.5
mesh:
  dies: {x: 2, y: 1}
  clusters_per_die: {x: 2, y: 3}
  tbus_per_cluster: 2
  peas_per_tbu: 4
pea:
  rows: 8
  cols: 16
  sram: 64KiB
  layout: [matrix, matrix, vector, general]
  rates:
    matrix: {mac: 128, vector: 4, special: 0.25, scalar: 0.5}
    vector: {mac: 16, vector: 32, special: 4, scalar: 1}
    general: {mac: 8, vector: 8, special: 1, scalar: 2}
scratchpad: {bytes: 1MiB, bytes_per_cycle: 32}
config_store: {bytes: 32KiB, bytes_per_cycle: 8, switch_cycles: 16}
data_plane: {link_bytes_per_cycle: 16, hop_cycles: 5, interface_cycles: 2, link_buffer: 512}
die_link: {bytes_per_cycle: 8, hop_cycles: 12}
control_plane:
  cb_decision_cycles: 8
  cb_cycles_per_scalar: 1.5
  token_hop_cycles: 2
  token_bytes: 8
  command_cycles: 4
  local_dispatch_cycles: 8
  central_dispatch_cycles: 50
  resize_cycles: 32
host: {at: [0, 1], ingress_bytes_per_cycle: 16, egress_bytes_per_cycle: 8, latency_cycles: 100}
hbm:
  - {at: [3, 0], bytes: 1GiB, bytes_per_cycle: 64, latency_cycles: 100}
  - {at: [0, 2], bytes: 2GiB, bytes_per_cycle: 32, latency_cycles: 80}
energy_pj:
  mac: 4.5
  vector: 3
  special: 30
  scalar: 10
  scratchpad_byte: 12.5
  link_byte: 1
  die_link_byte: 2
  hbm_byte: 31
  host_byte: 80
  config_byte: 12
  cb_decision: 100
  token_hop: 8
  pea_leakage_cycle: 5
  cluster_leakage_cycle: 20
defects:
  parts:
    - {pea: [1, 1, 0, 3]}
    - {tbu: [2, 2, 1]}
    - {link: [0, 0, 1, 0]}
  seed: 9
  rates: {pea: 0, tbu: 0, link: 0}
faults:
  - {cycle: 1000, cluster: [3, 2]}
  - {cycle: 2000, hbm: 1}
  - {cycle: 2000, cbu: [1, 0]}
)";

/// The text with its first `from` replaced; `from` must be there.
inline std::string changed(std::string_view from, std::string_view to) {
  std::string text(targetText);
  size_t at = text.find(from);
  if (at == text.npos)
    return "the test looks for text that is not there";
  return text.replace(at, from.size(), to);
}

} // namespace octo::test

#endif // OCTO_TEST_UNIT_TARGET_TARGETTEXT_H
