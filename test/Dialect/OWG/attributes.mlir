// Profiles, distributions, pins, sources: canonical order, shortest numbers.
// RUN: octo-opt %s --verify-roundtrip | FileCheck %s
// RUN: octo-opt %s --emit-bytecode | octo-opt | FileCheck %s

module attributes {
  // CHECK: test.a0 = #owg.dist<const<1000000>>
  test.a0 = #owg.dist<const<1.0e6>>,
  // CHECK-SAME: test.a1 = #owg.dist<uniform<0.5, 2>>
  test.a1 = #owg.dist<uniform<0.5, 2>>,
  // CHECK-SAME: test.a2 = #owg.dist<exp<0.1>>
  test.a2 = #owg.dist<exp<0.1>>,
  // CHECK-SAME: test.a3 = #owg.dist<normal<12, 3.25>>
  test.a3 = #owg.dist<normal<12.0, 3.25>>,
  // CHECK-SAME: test.a4 = #owg.dist<lognormal<7, 0>>
  test.a4 = #owg.dist<lognormal<7, 0>>,
  // CHECK-SAME: test.a5 = #owg.dist<geometric<1>>
  test.a5 = #owg.dist<geometric<1>>,
  // CHECK-SAME: test.a6 = #owg.dist<bernoulli<0>>
  test.a6 = #owg.dist<bernoulli<0>>,
  // CHECK-SAME: test.a7 = #owg.dist<empirical<[1, 2.5]>>
  test.a7 = #owg.dist<empirical<[1, 2.5], [1, 1]>>,
  // CHECK-SAME: test.a8 = #owg.dist<empirical<[1, 2], [0.25, 0.75]>>
  test.a8 = #owg.dist<empirical<[1, 2], [0.25, 0.75]>>,
  // CHECK-SAME: test.a9 = #owg.dist<const<1.0e+300>>
  test.a9 = #owg.dist<const<1.0e300>>,
  // CHECK-SAME: test.b0 = #owg.profile<>
  test.b0 = #owg.profile<>,
  // CHECK-SAME: test.b1 = #owg.profile<cycles = exp<3>, alpha = 0.75, max_gang = 8, state_bytes = 0, code_bytes = 4096, out_bytes = [const<4>, exp<5>], drift = [from 10 <cycles = const<1>>, from 20 <alpha = 1>]>
  test.b1 = #owg.profile<drift = [from 10 <cycles = const<1>>, from 20 <alpha = 1.0>], out_bytes = [const<4>, exp<5>], code_bytes = 4096, state_bytes = 0, max_gang = 8, alpha = 0.75, cycles = exp<3>>,
  // CHECK-SAME: test.b2 = #owg.profile<work = {bytes = const<4>, mac = const<1>, scalar = const<3>, vector = const<2>}, gang = 2>
  test.b2 = #owg.profile<work = {mac = const<1>, vector = const<2>, scalar = const<3>, bytes = const<4>}, gang = 2>,
  // CHECK-SAME: test.b3 = #owg.drift<from 3 <trips = const<2>>>
  test.b3 = #owg.drift<from 3 <trips = const<2>>>,
  // CHECK-SAME: test.c0 = #owg.pin<cluster = 0>
  test.c0 = #owg.pin<cluster = 0>,
  // CHECK-SAME: test.c1 = #owg.source<"f.json" : 1 : 2>
  test.c1 = #owg.source<"f.json":1:2>,
  // CHECK-SAME: test.d0 = !owg.data<0>, test.d1 = !owg.data<?>, test.d2 = !owg.token
  test.d0 = !owg.data<0>, test.d1 = !owg.data<?>, test.d2 = !owg.token
} {}
