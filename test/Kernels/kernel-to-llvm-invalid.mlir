// RUN: octo-opt %s --octo-kernel-to-llvm -verify-diagnostics -split-input-file

// expected-error @below {{a kernel module needs exactly one public function with a body}}
module {
  func.func @a() { return }
  func.func @b() { return }
}

// -----

module {
  // expected-error @below {{has no body; a kernel can only call functions of its module that have one}}
  func.func private @f(f32) -> f32
  func.func @k(%x: f32) -> f32 {
    %0 = func.call @f(%x) : (f32) -> f32
    return %0 : f32
  }
}

// -----

module {
  // expected-error @below {{result 0 has type 'complex<f32>', which a kernel cannot take or return}}
  func.func @k(%x: f32) -> complex<f32> {
    %0 = complex.create %x, %x : complex<f32>
    return %0 : complex<f32>
  }
}

// -----

module {
  func.func @k(%x: i1) {
    // expected-error @below {{has a counter, which only scf.while and scf.for can have}}
    scf.if %x {
      scf.yield
    } {octo.counter = 0}
    return
  }
}
