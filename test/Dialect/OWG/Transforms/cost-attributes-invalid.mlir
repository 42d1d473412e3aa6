// RUN: octo-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics

// expected-error @below {{expected 'dim', 'counter' or 'size'}}
"test.op"() {a = #owg.form<2 * rank(0)>} : () -> ()

// -----

// expected-error @below {{dim(input, dimension) needs a dimension of at most 255 and an input below 2^22}}
"test.op"() {a = #owg.form<dim(0, 256)>} : () -> ()

// -----

// expected-error @below {{the number of a counter is below 2^30}}
"test.op"() {a = #owg.form<counter(1073741824)>} : () -> ()

// -----

// expected-error @below {{expected floordiv, ceildiv, min or max}}
"test.op"() {a = #owg.size<mod(dim(0, 0), 2)>} : () -> ()

// -----

// expected-error @below {{expected a kind of phase: matrix, vector, special, scalar or move}}
"test.op"() {a = #owg.phase<tensor "x">} : () -> ()

// -----

// expected-error @below {{a phase has no number 'flops', only times, m, n, k, count, mac,}}
"test.op"() {a = #owg.phase<matrix "x" {flops = 1}>} : () -> ()

// -----

// expected-error @below {{expected matrix, vector or general}}
"test.op"() {a = #owg.cost<on cpu, code 1>} : () -> ()

// -----

// expected-error @below {{expected counters, sizes or phases}}
"test.op"() {a = #owg.cost<on matrix, code 1, loops = [1]>} : () -> ()

// -----

// expected-error @below {{a form uses counter 2, but there are 1}}
"test.op"() {a = #owg.cost<on matrix, code 1, counters = [8], phases = [<scalar "x" {scalar = counter(2)}>]>} : () -> ()

// -----

// expected-error @below {{a form uses size 1, but only 1 come before it}}
"test.op"() {a = #owg.cost<on matrix, code 1, sizes = [min(dim(0, 0), 4), max(size(1), 2)]>} : () -> ()

// -----

// expected-error @below {{expected <static_time or dynamic_time, static_frequency or dynamic_frequency, "reason">}}
"test.op"() {a = #owg.class<static, static_frequency, "x">} : () -> ()
