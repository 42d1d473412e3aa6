// Attributes and types in their canonical spelling.
// RUN: octo-opt %s --verify-roundtrip | FileCheck %s
// RUN: octo-opt %s --emit-bytecode | octo-opt | FileCheck %s

// CHECK-DAG: #[[LAST:.*]] = #octo.curve<discrete, [0: 0, 18446744073709551615: 9223372036854775807]>
#last = #octo.dist<#octo.curve<discrete, [0: 0, 18446744073709551615: 9223372036854775807]>, mean_q16 = 18446744073709551615>
// CHECK-DAG: #[[LINE:.*]] = #octo.curve<[0: -16777216, 18446744073709551615: 16777216]>
#line = #octo.curve<[0: -16777216, 18446744073709551615: 16777216]>

module attributes {
  // CHECK: test.a0 = #octo.dist<100>
  test.a0 = #octo.dist<#octo.curve<discrete, [0: 100]>, mean_q16 = 6553600>,
  // CHECK-SAME: test.a1 = #octo.dist<#octo.curve<[0: 100]>, mean_q16 = 6553600>
  test.a1 = #octo.dist<#octo.curve<[0: 100]>, mean_q16 = 6553600>,
  // CHECK-SAME: test.a2 = #octo.dist<#[[LAST]], mean_q16 = 18446744073709551615>
  test.a2 = #last,
  // The identity is not written, a curve is shared.
  // CHECK-SAME: test.a3 = #octo.dist<#[[LAST]], mean_q16 = 0>
  test.a3 = #octo.dist<#octo.curve<discrete, [0: 0, 18446744073709551615: 9223372036854775807]>, mean_q16 = 0, scale = 1099511627776, shift = 0>,
  // CHECK-SAME: test.a4 = #octo.dist<#[[LINE]], mean_q16 = 655360, scale = 131072, shift = 655360>
  test.a4 = #octo.dist<#line, mean_q16 = 655360, scale = 131072, shift = 655360>,
  // CHECK-SAME: test.a5 = #octo.dist<#[[LINE]], mean_q16 = 1, scale = 1099511627776, shift = -1>
  test.a5 = #octo.dist<#line, mean_q16 = 1, scale = 1099511627776, shift = -1>,
  // CHECK-SAME: test.b0 = #octo.profile<[{draw = #octo.dist<0>}, {from = 7, draw = #octo.dist<#[[LAST]], mean_q16 = 18446744073709551615>}]>
  test.b0 = #octo.profile<[{from = 0, draw = #octo.dist<0>}, {draw = #last, from = 7}]>,
  // CHECK-SAME: test.b1 = #octo.profile<[{frequencies = [4294967296, 0]}]>
  test.b1 = #octo.profile<[{frequencies = [4294967296, 0]}]>,
  // CHECK-SAME: test.c0 = #octo.work<bytes, 18446744073709551615>
  test.c0 = #octo.work<bytes, 18446744073709551615>,
  // CHECK-SAME: test.c1 = #octo.work<mac, 3, [dim(1, 255), counter(7), dim(0, 0)]>
  test.c1 = #octo.work<mac, 3, [dim(1, 255), counter(7), dim(0, 0)]>,
  // CHECK-SAME: test.d0 = #octo.variant<gang = 4, fixed = 9, mac_q16 = 1, vector_q16 = 2, special_q16 = 3, scalar_q16 = 4, bytes_q16 = 5, scale_q16 = 6, footprint = 7>
  test.d0 = #octo.variant<footprint = 7, gang = 4, fixed = 9, mac_q16 = 1, vector_q16 = 2, special_q16 = 3, scalar_q16 = 4, bytes_q16 = 5, scale_q16 = 6>,
  // CHECK-SAME: test.d0m = #octo.variant<gang = 4, sync = 16, maps = [#octo.map<dataflow = os, m = 4>, #octo.map<k = 2, tile_m = 8, tile_n = 16, tile_k = 32>]>
  test.d0m = #octo.variant<gang = 4, sync = 16, maps = [#octo.map<dataflow = os, m = 4>, #octo.map<tile_m = 8, tile_n = 16, tile_k = 32, k = 2>]>,
  // CHECK-SAME: test.d1 = #octo.variant<gang = 1>
  test.d1 = #octo.variant<gang = 1>,
  // CHECK-SAME: test.e0 = #octo.scaling<alpha_permille = 1000, max_gang = 2, state_bytes = 3>
  test.e0 = #octo.scaling<state_bytes = 3, alpha_permille = 1000, max_gang = 2>,
  // CHECK-SAME: test.f0 = #octo.pin<cluster = 3, tbu = 1, gang = 2, max_gang = 4>
  test.f0 = #octo.pin<cluster = 3, tbu = 1, gang = 2, max_gang = 4>,
  // CHECK-SAME: test.f1 = #octo.pin<gang = 0>
  test.f1 = #octo.pin<gang = 0>,
  // CHECK-SAME: test.g0 = #octo.place<[{cluster 3}]>
  test.g0 = #octo.place<[{cluster 3}], by_request>,
  // CHECK-SAME: test.g1 = #octo.place<[{cluster 3, tbu 1, pea 2 + 2, share 65536}, {cluster 4, tbu 0, pea 0 + 1, max 4, share 0, standby}], by_copy>
  test.g1 = #octo.place<[{cluster 3, tbu 1, pea 2 + 2, max 2, share 65536}, {cluster 4, pea 0 + 1, max 4, standby}], by_copy>,
  // CHECK-SAME: test.h0 = #octo.slot<segment = 0, replica = 1, start = 2, cycles = 3>
  test.h0 = #octo.slot<segment = 0, replica = 1, start = 2, cycles = 3>,
  // CHECK-SAME: test.i0 = #octo.policy<dynamic_time, static_frequency, "a \22reason\22", priority = 1, cycles = 2, p95 = 3, count_q16 = 4, next = [5, 6]>
  test.i0 = #octo.policy<dynamic_time, static_frequency, "a \"reason\"", priority = 1, cycles = 2, p95 = 3, count_q16 = 4, next = [5, 6]>,
  // CHECK-SAME: test.i1 = #octo.policy<static_time, dynamic_frequency, "", priority = 1, cycles = 2, p95 = 3, count_q16 = 4>
  test.i1 = #octo.policy<static_time, dynamic_frequency, "", priority = 1, cycles = 2, p95 = 3, count_q16 = 4>,
  // CHECK-SAME: test.i2 = #octo.policy<static_time, static_frequency, "", priority = 1, cycles = 2, p95 = 3, count_q16 = 4, variation_q16 = 5, tail = 6, next = [7]>
  test.i2 = #octo.policy<static_time, static_frequency, "", priority = 1, cycles = 2, p95 = 3, count_q16 = 4, variation_q16 = 5, tail = 6, next = [7]>,
  // CHECK-SAME: test.i3 = #octo.policy<static_time, static_frequency, "", priority = 1, cycles = 2, p95 = 3, count_q16 = 4, tail = 6>
  test.i3 = #octo.policy<static_time, static_frequency, "", priority = 1, cycles = 2, p95 = 3, count_q16 = 4, tail = 6>,
  // CHECK-SAME: test.i4 = #octo.request_work<cycles = 1, deviation = 2, tail = 3, percent = 9.500000e+01 : f64>
  test.i4 = #octo.request_work<cycles = 1, deviation = 2, tail = 3, percent = 95.0 : f64>,
  // CHECK-SAME: test.i5 = #octo.request_path<cycles = 1, deviation = 2, tail = 3, percent = 9.500000e+01 : f64, samples = 4>
  test.i5 = #octo.request_path<cycles = 1, deviation = 2, tail = 3, percent = 95.0 : f64, samples = 4>,
  // CHECK-SAME: test.j0 = #octo.decision<home, [{cluster 1, tbu 2, gang 3, score -4, chosen}, {cluster 0, tbu 0, gang 1, score 9, no_route}]>
  test.j0 = #octo.decision<home, [{cluster 1, tbu 2, gang 3, score -4, chosen}, {cluster 0, tbu 0, gang 1, score 9, no_route}]>,
  // CHECK-SAME: test.j1 = #octo.decision<class, []>
  test.j1 = #octo.decision<class, []>,
  // The size of a payload of known shape follows from it.
  // CHECK-SAME: test.t0 = !octo.flow<tensor<4xf32>>
  test.t0 = !octo.flow<tensor<4xf32>, 16>,
  // CHECK-SAME: test.t1 = !octo.flow<tensor<?xbf16>, 512>
  test.t1 = !octo.flow<tensor<?xbf16>, 512>,
  // CHECK-SAME: test.t2 = !octo.flow<!octo.data, 64, #octo.dist<#[[LAST]], mean_q16 = 18446744073709551615>>
  test.t2 = !octo.flow<!octo.data, 64, #last>,
  // CHECK-SAME: test.t3 = !octo.flow<!octo.token>
  test.t3 = !octo.flow<!octo.token>,
  // CHECK-SAME: test.t4 = !octo.flow<i1>
  test.t4 = !octo.flow<i1, 1>
} {}
