// RUN: octo-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics

// expected-error @below {{expected 'dim' or 'counter'}}
"test.op"() {a = #owg.term<mac, 1, [size(0)]>} : () -> ()

// -----

// expected-error @below {{dim(input, dimension) needs a dimension of at most 255 and an input below 2^23}}
"test.op"() {a = #owg.term<mac, 1, [dim(0, 256)]>} : () -> ()

// -----

// expected-error @below {{the number of a counter is below 2^31}}
"test.op"() {a = #owg.term<mac, 1, [counter(2147483648)]>} : () -> ()

// -----

// expected-error @below {{expected a class of work: mac, vector, special, scalar or bytes}}
"test.op"() {a = #owg.term<tensor, 1>} : () -> ()

// -----

// expected-error @below {{expected matrix, vector or general}}
"test.op"() {a = #owg.cost<on cpu, code 1>} : () -> ()

// -----

// expected-error @below {{expected counters, matmuls or terms}}
"test.op"() {a = #owg.cost<on matrix, code 1, loops = [1]>} : () -> ()

// -----

// expected-error @below {{the sizes of a matrix product are positive, but 0 was given}}
"test.op"() {a = #owg.cost<on matrix, code 1, matmuls = [[1, 0, 1, 1]]>} : () -> ()

// -----

// expected-error @below {{a term uses counter 2, but there are 1}}
"test.op"() {a = #owg.cost<on matrix, code 1, counters = [8], terms = [<mac, 1, [counter(2)]>]>} : () -> ()

// -----

// expected-error @below {{expected <static_time or dynamic_time, static_frequency or dynamic_frequency, "reason">}}
"test.op"() {a = #owg.class<static, static_frequency, "x">} : () -> ()
