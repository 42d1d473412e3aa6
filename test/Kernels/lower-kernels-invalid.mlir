// RUN: octo-opt %s --octo-lower-kernels -verify-diagnostics -split-input-file
// RUN: not octo-opt %s --octo-lower-kernels=kernel-cpu=no-such-cpu -split-input-file 2>&1 \
// RUN:   | FileCheck %s --check-prefix=CPU
// RUN: %if x86 %{ not octo-opt %s --octo-lower-kernels=kernel-cpu=pentium -split-input-file 2>&1 \
// RUN:   | FileCheck %s --check-prefix=BITS %}
// BITS: octo-lower-kernels: the kernel CPU 'pentium' has no 64 bits; give 'portable', 'host', 'generic', or a CPU that has
// CPU: octo-lower-kernels: unknown kernel CPU 'no-such-cpu'; give 'portable', 'host', 'generic', or a CPU that

// expected-error @below {{'octo.kernel' op has the body @nowhere, which is no function with a body}}
octo.kernel @a image on vector code 128 body @nowhere : (f32) -> f32

// -----

func.func private @external(f32) -> f32
// expected-error @below {{has the body @external, which is no function with a body}}
octo.kernel @a image on vector code 128 body @external : (f32) -> f32

// -----

func.func private @external(f32) -> f32
func.func private @body(%x: f32) -> f32 {
  // expected-error @below {{'func.call' op calls something that is not a function of the module with a body; a kernel must be closed}}
  %0 = func.call @external(%x) : (f32) -> f32
  return %0 : f32
}
octo.kernel @a image on vector code 128 body @body : (f32) -> f32

// -----

func.func private @body(%n: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %r = scf.while (%v = %n) : (i32) -> i32 {
    %go = arith.cmpi sgt, %v, %zero : i32
    scf.condition(%go) %v : i32
  } do {
  ^bb0(%v: i32):
    scf.yield %zero : i32
  }
  return %r : i32
}
// expected-error @below {{returns 0 counters, but @body has 1 data-dependent loops; the body was changed after owg-estimate-cost}}
octo.kernel @a image on vector code 128 body @body : (i32) -> i32

// -----

func.func private @body(%x: vector<4xi32>) -> i32 {
  %0 = vector.extract %x[0] : i32 from vector<4xi32>
  return %0 : i32
}
// expected-error @below {{cannot be compiled: 'func.func' op argument 0 has type 'vector<4xi32>', which a kernel cannot take or return; allowed are scalars and tensors}}
octo.kernel @a image on vector code 128 body @body : (i32) -> i32

// -----

func.func private @body(%x: i32) -> i32 {
  %v = vector.broadcast %x : i32 to vector<4xi32>
  %q = arith.divsi %v, %v : vector<4xi32>
  %0 = vector.extract %q[0] : i32 from vector<4xi32>
  return %0 : i32
}
// expected-error @below {{'arith.divsi' op of a vector may divide by zero and cannot be checked in a kernel; write it on scalars or tensors}}
octo.kernel @a image on vector code 128 body @body : (i32) -> i32
