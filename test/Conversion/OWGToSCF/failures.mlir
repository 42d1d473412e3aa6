// What fails a request stops the stock program with a message that says why.
// RUN: split-file %s %t
// RUN: octo-opt %t/bound.mlir --convert-owg-to-scf -o %t/bound.out.mlir
// RUN: not %python %S/Inputs/run_stock.py %t/bound.out.mlir %t/bound.driver.mlir 2>&1 | FileCheck %s --check-prefix=BOUND
// RUN: octo-opt %t/sizes.mlir --convert-owg-to-scf -o %t/sizes.out.mlir
// RUN: not %python %S/Inputs/run_stock.py %t/sizes.out.mlir %t/sizes.driver.mlir 2>&1 | FileCheck %s --check-prefix=SIZES

// BOUND: loop 'endless' exceeds its bound of 3 iterations
// SIZES: combined values differ in dimension 0

//--- bound.mlir
owg.workflow @endless(%x: f32) -> f32 {
  %r = owg.loop "endless"(%v = %x : f32) -> f32 bound 3 before {
    %one = arith.constant 1.0 : f32
    %c = arith.cmpf ogt, %v, %one : f32
    owg.decide %c : i1 forward(%v : f32)
  } after (%w: f32) {
    %n = owg.task "grow"(%a = %w : f32) -> f32 {
      %0 = arith.addf %a, %a : f32
      owg.yield %0 : f32
    }
    owg.yield %n : f32
  }
  owg.return %r : f32
}

//--- bound.driver.mlir
func.func private @printF32(f32)
func.func @main() {
  %x = arith.constant 2.0 : f32
  %r = call @endless(%x) : (f32) -> f32
  call @printF32(%r) : (f32) -> ()
  return
}

//--- sizes.mlir
owg.workflow @sizes(%n: index, %x: tensor<?xf32>) -> tensor<?xf32> {
  %r = owg.fanout "sum"() count %n init(add %x : tensor<?xf32>) -> tensor<?xf32> each (%i) {
    %0 = owg.task "part"(%j = %i : index) -> tensor<?xf32> {
      %one = arith.constant 1.0 : f32
      %1 = tensor.splat %one[%j] : tensor<?xf32>
      owg.yield %1 : tensor<?xf32>
    }
    owg.yield %0 : tensor<?xf32>
  }
  owg.return %r : tensor<?xf32>
}

//--- sizes.driver.mlir
func.func private @printMemrefF32(tensor<*xf32>)
func.func @main() {
  %n = arith.constant 2 : index
  %x = arith.constant dense<1.0> : tensor<1xf32>
  %d = tensor.cast %x : tensor<1xf32> to tensor<?xf32>
  %r = call @sizes(%n, %d) : (index, tensor<?xf32>) -> tensor<?xf32>
  %u = tensor.cast %r : tensor<?xf32> to tensor<*xf32>
  call @printMemrefF32(%u) : (tensor<*xf32>) -> ()
  return
}
