// RUN: octo-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics

// expected-error @below {{a curve has one x for each u, and at least one; it has 0 and 0}}
"test.op"() {a = #octo.curve<[]>} : () -> ()

// -----

// expected-error @below {{the first knot of a curve is at u = 0, not 7}}
"test.op"() {a = #octo.curve<[7: 1]>} : () -> ()

// -----

// expected-error @below {{the knots of a curve ascend in u; knot 2 at 5 does not}}
"test.op"() {a = #octo.curve<[0: 1, 9: 2, 5: 3]>} : () -> ()

// -----

// expected-error @below {{the knots of a curve do not descend in x; knot 1 at 0 does}}
"test.op"() {a = #octo.curve<discrete, [0: 1, 9: 0]>} : () -> ()

// -----

// expected-error @below {{a distribution has no values below 0; it has -3}}
"test.op"() {a = #octo.dist<#octo.curve<[0: -3]>, mean_q16 = 0>} : () -> ()

// -----

// expected-error @below {{the scale of a distribution is at most 2^63, not 9223372036854775809}}
"test.op"() {a = #octo.dist<#octo.curve<[0: 1]>, mean_q16 = 0, scale = 9223372036854775809, shift = 0>} : () -> ()

// -----

// expected-error @below {{the values of a distribution are below 2^63; its scale 9223372036854775808 and shift 7 of x up to 1099511627776 give more}}
"test.op"() {a = #octo.dist<#octo.curve<[0: 1099511627776]>, mean_q16 = 0, scale = 9223372036854775808, shift = 7>} : () -> ()

// -----

// expected-error @below {{a constant is between 0 and 2^47, not -1}}
"test.op"() {a = #octo.dist<-1>} : () -> ()

// -----

// expected-error @below {{a constant is between 0 and 2^47, not 140737488355329}}
"test.op"() {a = #octo.dist<140737488355329>} : () -> ()

// -----

// expected-error @below {{a profile has at least one epoch}}
"test.op"() {a = #octo.profile<[]>} : () -> ()

// -----

// expected-error @below {{the first epoch of a profile is from request 0, not 3}}
"test.op"() {a = #octo.profile<[{from = 3, draw = #octo.dist<1>}]>} : () -> ()

// -----

// expected-error @below {{the epochs of a profile ascend; that from request 5 follows that from 5}}
"test.op"() {a = #octo.profile<[{draw = #octo.dist<1>}, {from = 5, draw = #octo.dist<1>}, {from = 5, draw = #octo.dist<2>}]>} : () -> ()

// -----

// expected-error @below {{the epochs of a profile have the same number of frequencies; that from request 5 has 1, not 2}}
"test.op"() {a = #octo.profile<[{frequencies = [1, 2]}, {from = 5, frequencies = [3]}]>} : () -> ()

// -----

// expected-error @below {{either all epochs of a profile draw or none; that from request 5 differs from the first}}
"test.op"() {a = #octo.profile<[{draw = #octo.dist<1>}, {from = 5}]>} : () -> ()

// -----

// expected-error @below {{a frequency is at most 2^32 (certainty), not 4294967297}}
"test.op"() {a = #octo.profile<[{frequencies = [4294967297]}]>} : () -> ()

// -----

// expected-error @below {{an epoch has 'from', 'draw' and 'frequencies', not 'cycles'}}
"test.op"() {a = #octo.profile<[{cycles = 3}]>} : () -> ()

// -----

// expected-error @below {{unknown class of work 'flops'}}
"test.op"() {a = #octo.work<flops, 1>} : () -> ()

// -----

// expected-error @below {{a symbol of work is 'dim' or 'counter', not 'rank'}}
"test.op"() {a = #octo.work<mac, 1, [rank(0)]>} : () -> ()

// -----

// expected-error @below {{counter 2147483648 is too large}}
"test.op"() {a = #octo.work<mac, 1, [counter(2147483648)]>} : () -> ()

// -----

// expected-error @below {{input or dimension is too large}}
"test.op"() {a = #octo.work<mac, 1, [dim(0, 256)]>} : () -> ()

// -----

// expected-error @below {{alpha_permille is at most 1000 (p PEAs are p times as fast), not 1001}}
"test.op"() {a = #octo.scaling<alpha_permille = 1001>} : () -> ()

// -----

// expected-error @below {{a place has at least one active replica; add one, or drop 'standby'}}
"test.op"() {a = #octo.place<[{cluster 0, standby}]>} : () -> ()

// -----

// expected-error @below {{a replica's share is at most 65536 (all of the time), not 65537}}
"test.op"() {a = #octo.place<[{cluster 0, tbu 0, pea 0 + 1, share 65537}]>} : () -> ()

// -----

// expected-error @below {{a replica of 4 PEAs has a largest gang of 2; give at least 4}}
"test.op"() {a = #octo.place<[{cluster 0, tbu 0, pea 0 + 4, max 2, share 1}]>} : () -> ()

// -----

// expected-error @below {{a replica has 'cluster', 'tbu', 'pea', 'max', 'share' and 'standby', not 'die'}}
"test.op"() {a = #octo.place<[{die 0}]>} : () -> ()

// -----

// expected-error @below {{unknown routing 'at_random'}}
"test.op"() {a = #octo.place<[{cluster 0}], at_random>} : () -> ()

// -----

// expected-error @below {{expected 'static_time' or 'dynamic_time', not 'fast'}}
"test.op"() {a = #octo.policy<fast, static_frequency, "", priority = 0, cycles = 0, p95 = 0, count_q16 = 0>} : () -> ()

// -----

// expected-error @below {{expected 'static_frequency' or 'dynamic_frequency', not 'static_time'}}
"test.op"() {a = #octo.policy<static_time, static_time, "", priority = 0, cycles = 0, p95 = 0, count_q16 = 0>} : () -> ()

// -----

// expected-error @below {{unknown kind of decision 'guess'}}
"test.op"() {a = #octo.decision<guess, []>} : () -> ()

// -----

// expected-error @below {{unknown outcome 'lost'}}
"test.op"() {a = #octo.decision<home, [{cluster 0, tbu 0, gang 1, score 0, lost}]>} : () -> ()

// -----

// expected-error @below {{a flow cannot carry 'i7'; it carries ranked tensors and scalars of i1, i8, i16, i32, i64, index, f16, bf16, f32 or f64, !octo.data or !octo.token}}
"test.op"() {a = !octo.flow<i7>} : () -> ()

// -----

// expected-error @below {{a flow cannot carry 'tensor<*xf32>'}}
"test.op"() {a = !octo.flow<tensor<*xf32>>} : () -> ()

// -----

// expected-error @below {{a flow of 'tensor<4xf32>' has 16 bytes, not 17}}
"test.op"() {a = !octo.flow<tensor<4xf32>, 17>} : () -> ()

// -----

// expected-error @below {{a token has no bytes, not 1}}
"test.op"() {a = !octo.flow<!octo.token, 1>} : () -> ()

// -----

// expected-error @below {{a phase is cut into at least one part of each}}
"test.op"() {a = #octo.map<m = 0>} : () -> ()

// -----

// expected-error @below {{a map has more parts than the gang has PEAs, 2}}
"test.op"() {a = #octo.variant<gang = 2, maps = [#octo.map<m = 2, k = 2>]>} : () -> ()

// -----

// expected-error @below {{maps are #octo.map attributes}}
"test.op"() {a = #octo.variant<gang = 2, maps = [1]>} : () -> ()
