// RUN: octo-compile %s --target %targets/edge.yaml -o %t.octo
// RUN: %python %S/Inputs/values.py tosa %t.octo %t.run | FileCheck %s
// RUN: octo-compile %s --target %targets/edge.yaml --kernel-opt=0 -o %t.0.octo
// RUN: %python %S/Inputs/values.py tosa %t.0.octo %t.0.run | FileCheck %s
// CHECK: 4 requests match

// Bodies in tosa are lowered where they enter.

owg.workflow @w(%x: tensor<5x8xf32> {owg.name = "x"},
                %w: tensor<8x3xf32> {owg.name = "w"})
    -> (tensor<5x3xf32> {owg.name = "y"}, tensor<1x3xf32> {owg.name = "s"}) {
  %y, %s = owg.task "dense"(%a = %x : tensor<5x8xf32>, %b = %w : tensor<8x3xf32>)
      -> (tensor<5x3xf32>, tensor<1x3xf32>) {
    %zp = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
    %sa = tosa.const_shape {values = dense<[1, 5, 8]> : tensor<3xindex>} : () -> !tosa.shape<3>
    %sb = tosa.const_shape {values = dense<[1, 8, 3]> : tensor<3xindex>} : () -> !tosa.shape<3>
    %sc = tosa.const_shape {values = dense<[5, 3]> : tensor<2xindex>} : () -> !tosa.shape<2>
    %a3 = tosa.reshape %a, %sa : (tensor<5x8xf32>, !tosa.shape<3>) -> tensor<1x5x8xf32>
    %b3 = tosa.reshape %b, %sb : (tensor<8x3xf32>, !tosa.shape<3>) -> tensor<1x8x3xf32>
    %m = tosa.matmul %a3, %b3, %zp, %zp : (tensor<1x5x8xf32>, tensor<1x8x3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x5x3xf32>
    %c = tosa.clamp %m {min_val = 0.0 : f32, max_val = 3.4028235e+38 : f32} : (tensor<1x5x3xf32>) -> tensor<1x5x3xf32>
    %t = tosa.tanh %c : (tensor<1x5x3xf32>) -> tensor<1x5x3xf32>
    %r = tosa.reshape %t, %sc : (tensor<1x5x3xf32>, !tosa.shape<2>) -> tensor<5x3xf32>
    %q = tosa.reduce_sum %r {axis = 0 : i32} : (tensor<5x3xf32>) -> tensor<1x3xf32>
    owg.yield %r, %q : tensor<5x3xf32>, tensor<1x3xf32>
  }
  owg.return %y, %s : tensor<5x3xf32>, tensor<1x3xf32>
}
