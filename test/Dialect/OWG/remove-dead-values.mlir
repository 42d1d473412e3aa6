// Stock passes that change the types of private functions leave those alone that
// tasks and kernels name.
// RUN: octo-opt %s --owg-outline-tasks --remove-dead-values | FileCheck %s
// RUN: octo-opt %s --owg-assign-path-ids --owg-outline-tasks --owg-estimate-cost --convert-owg-to-octo --remove-dead-values | FileCheck %s --check-prefix=KERNELS

// CHECK: func.func @given(%{{.*}}: tensor<4xf32>, %{{.*}}: tensor<4xf32>) -> tensor<4xf32>
func.func private @given(%x: tensor<4xf32>, %unused: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
// CHECK: func.func @main.half(%{{.*}}: tensor<4xf32>, %{{.*}}: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
// CHECK: func.func @main.gone(
// CHECK: owg.workflow
// CHECK: owg.task "half"(%{{.*}} : tensor<4xf32>, %{{.*}} : tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) calls @main.half
// CHECK-NOT: "gone"
// CHECK: owg.task "given"({{.*}}) -> tensor<4xf32> calls @given
// KERNELS: octo.kernel @k.main.half image on vector code {{[0-9]+}} body @main.half : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
owg.workflow @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // One input and one result are dead.
  %y:2 = owg.task "half"(%a = %x : tensor<4xf32>, %b = %x : tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %0 = arith.addf %a, %a : tensor<4xf32>
    %1 = arith.mulf %a, %a : tensor<4xf32>
    owg.yield %0, %1 : tensor<4xf32>, tensor<4xf32>
  }
  // All of it is.
  %z = owg.task "gone"(%a = %x : tensor<4xf32>) -> tensor<4xf32> {
    %0 = arith.subf %a, %a : tensor<4xf32>
    owg.yield %0 : tensor<4xf32>
  }
  %w = owg.task "given"(%y#0 : tensor<4xf32>, %x : tensor<4xf32>) -> tensor<4xf32> calls @given
  owg.return %w : tensor<4xf32>
}
