// RUN: not octo-compile %s --target %targets/edge.yaml -o %t.octo 2>&1 | FileCheck %s
// CHECK: tosa-invalid.mlir:[[@LINE+4]]:{{[0-9]+}}: error: 'tosa.custom' op may have side effects and cannot stand in the body of task 't'

owg.workflow @w(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = owg.task "t"(%a = %x : tensor<4xf32>) -> tensor<4xf32> {
    %0 = tosa.custom %a {operator_name = "mine", domain_name = "none", implementation_attrs = ""} : (tensor<4xf32>) -> tensor<4xf32>
    owg.yield %0 : tensor<4xf32>
  }
  owg.return %y : tensor<4xf32>
}
