// Regions become scopes, captures imports; wiring becomes tasks, constants and
// weights are the same everywhere, decisions take their wiring with them.
// RUN: octo-opt %s --owg-estimate-cost --convert-owg-to-octo --verify-roundtrip | FileCheck %s

func.func private @f(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
owg.weight @w : tensor<4xf32> seed 7 scale 0.125
// CHECK-LABEL: octo.program @nested {
// CHECK: %[[BODY:.*]], %[[ARG:.*]]:3 = octo.entry
// CHECK: %[[W:.*]] = octo.use_weight @w
// Wiring that feeds one another is one task; dead wiring and constants are none.
// CHECK-NEXT: %[[G0:.*]] = octo.tb "nested/glue.0" in %[[BODY]] @k.nested.glue.0(%[[ARG]]#1, %[[ARG]]#2)
// CHECK-NEXT: %[[G1:.*]] = octo.tb "nested/glue.1" in %[[BODY]] @k.nested.glue.1(%[[ARG]]#2)
// A cast is the value itself; each region takes in what it uses, once.
// CHECK-NEXT: %[[L:.*]], %[[BEFORE:.*]], %[[B:.*]]:3, %[[AFTER:.*]], %[[A:.*]]:4 = octo.loop "nested/l" in %[[BODY]] decide @k.nested.decide inits(%[[ARG]]#0) captures(%[[G0]], %[[ARG]]#1, %[[G1]], %[[ARG]]#0) next(%[[NEXT:.*]]) scopes {{\[\[}}0, 1, 2], [forward 0, 3, 1, 4]] {bound = 5 : i64}
// CHECK-NEXT: %[[Y:.*]] = octo.decide %[[L]](%[[B]]#0, %[[B]]#1, %[[B]]#2) forwards(%[[B]]#0)
// CHECK-NEXT: %[[S:.*]], %[[C0:.*]], %[[I0:.*]]:2, %[[C1:.*]], %[[I1:.*]], %[[C2:.*]] = octo.switch "nested/l/after/b" in %[[AFTER]] decide @k.nested.decide.1(%[[A]]#0, %[[A]]#1) captures(%[[A]]#2, %[[A]]#3) scopes {{\[\[}}0, 2], [3], []]
// CHECK-NEXT: %[[NEXT]] = octo.merge %[[S]] yields(%[[T:.*]], %[[I1]], %[[W]])
// CHECK-NEXT: %[[T]] = octo.tb "nested/l/after/b/case0/t" in %[[C0]] @k.f(%[[I0]]#0, %[[I0]]#1)
// CHECK-NEXT: octo.exit in %[[BODY]](%[[Y]], %[[G0]])

// CHECK: func.func @nested.glue.0(%[[N:.*]]: index, %[[K:.*]]: index) -> index
// CHECK-NEXT: %[[TWO:.*]] = arith.constant 2
// CHECK-NEXT: %[[M:.*]] = arith.muli %[[N]], %[[TWO]]
// CHECK-NEXT: %[[R:.*]] = arith.addi %[[M]], %[[K]]
// CHECK-NEXT: return %[[R]]
// CHECK: func.func @nested.decide(%[[V:.*]]: tensor<?xf32>, %[[BOTH:.*]]: index, %[[N:.*]]: index) -> i1
// CHECK: tensor.dim %[[V]]
// CHECK: arith.cmpi ult
owg.workflow @nested(%x: tensor<4xf32>, %n: index, %k: index) -> (tensor<?xf32>, index) {
  %c2 = arith.constant 2 : index
  %two_n = arith.muli %n, %c2 : index
  %both = arith.addi %two_n, %k : index
  %alone = arith.addi %k, %c2 : index
  %dead = arith.addi %alone, %c2 : index
  %any = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
  %y = owg.loop "l"(%v = %any : tensor<?xf32>) -> tensor<?xf32> bound 5
  before {
    %d = tensor.dim %v, %c2 : tensor<?xf32>
    %e = arith.addi %d, %both : index
    %more = arith.cmpi ult, %e, %n : index
    owg.decide %more : i1 forward(%v : tensor<?xf32>)
  } after (%u : tensor<?xf32>) {
    %b = owg.branch "b"(%q = %u : tensor<?xf32>) -> tensor<?xf32>
    decide {
      %d = tensor.dim %q, %c2 : tensor<?xf32>
      %s = arith.addi %d, %alone : index
      owg.decide %s : index
    } case {
      %t = owg.task "t"(%u : tensor<?xf32>, %both : index) -> tensor<?xf32> calls @f
      owg.yield %t : tensor<?xf32>
    } case {
      owg.yield %any : tensor<?xf32>
    } default {
      %w = owg.get_weight @w : tensor<4xf32>
      %wc = tensor.cast %w : tensor<4xf32> to tensor<?xf32>
      owg.yield %wc : tensor<?xf32>
    }
    owg.yield %b : tensor<?xf32>
  }
  owg.return %y, %both : tensor<?xf32>, index
}
