// Sizes of results are known in terms of inputs where the code shows it.
// RUN: octo-opt %s --resolve-ranked-shaped-type-result-dims --canonicalize --cse | FileCheck %s

// CHECK-LABEL: owg.workflow @task(
// CHECK-SAME: %[[X:.*]]: tensor<?x?xf32>, %[[Y:.*]]: tensor<?x?xf32>, %[[N:.*]]: index)
owg.workflow @task(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>, %n: index) -> (index, index, index, index) {
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
  // CHECK-DAG: %[[ROWS:.*]] = tensor.dim %[[X]], %[[C0]]
  // CHECK-DAG: %[[COLS:.*]] = tensor.dim %[[Y]], %[[C1]]
  // CHECK: owg.return %[[ROWS]], %[[COLS]], %[[ROWS]], %[[N]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:3 = owg.task "matmul"(%a = %x : tensor<?x?xf32>, %b = %y : tensor<?x?xf32>, %k = %n : index)
      -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>) {
    %i0 = arith.constant 0 : index
    %i1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %rows = tensor.dim %a, %i0 : tensor<?x?xf32>
    %cols = tensor.dim %b, %i1 : tensor<?x?xf32>
    %e = tensor.empty(%rows, %cols) : tensor<?x?xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
    %m = linalg.matmul ins(%a, %b : tensor<?x?xf32>, tensor<?x?xf32>) outs(%f : tensor<?x?xf32>) -> tensor<?x?xf32>
    %s = arith.addf %a, %a : tensor<?x?xf32>
    %v = tensor.empty(%k) : tensor<?xf32>
    %w = linalg.fill ins(%zero : f32) outs(%v : tensor<?xf32>) -> tensor<?xf32>
    owg.yield %m, %s, %w : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>
  }
  %d0 = tensor.dim %r#0, %c0 : tensor<?x?xf32>
  %d1 = tensor.dim %r#0, %c1 : tensor<?x?xf32>
  %d2 = tensor.dim %r#1, %c0 : tensor<?x?xf32>
  %d3 = tensor.dim %r#2, %c0 : tensor<?xf32>
  owg.return %d0, %d1, %d2, %d3 : index, index, index, index
}

// CHECK-LABEL: owg.workflow @combined(
// CHECK-SAME: %[[X:.*]]: tensor<?x?xf32>, %[[N:.*]]: index)
owg.workflow @combined(%x: tensor<?x?xf32>, %n: index) -> (index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // Only the number of rows of a concatenation is not known beforehand.
  // CHECK: %[[F:.*]] = owg.fanout "f"
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[X]], %c0
  // CHECK: %[[TOTAL:.*]] = tensor.dim %[[F]], %c0
  // CHECK: %[[COLS:.*]] = tensor.dim %[[X]], %c1
  // CHECK: owg.return %[[ROWS]], %[[TOTAL]], %[[COLS]]
  %f:2 = owg.fanout "f"() count %n init(add %x : tensor<?x?xf32>, concat %x : tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>) each (%i) {
    owg.yield %x, %x : tensor<?x?xf32>, tensor<?x?xf32>
  }
  %d0 = tensor.dim %f#0, %c0 : tensor<?x?xf32>
  %d1 = tensor.dim %f#1, %c0 : tensor<?x?xf32>
  %d2 = tensor.dim %f#1, %c1 : tensor<?x?xf32>
  owg.return %d0, %d1, %d2 : index, index, index
}
