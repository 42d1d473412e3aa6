// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fails where the divisor has a zero.

owg.workflow @divide(%a: tensor<3xi32> {owg.name = "a"},
                     %b: tensor<3xi32> {owg.name = "b"})
    -> (tensor<3xi32> {owg.name = "quotient"}) {
  %q = owg.task "quotient"(%x = %a : tensor<3xi32>, %y = %b : tensor<3xi32>)
      -> tensor<3xi32> {
    %0 = arith.divsi %x, %y : tensor<3xi32>
    owg.yield %0 : tensor<3xi32>
  }
  owg.return %q : tensor<3xi32>
}
