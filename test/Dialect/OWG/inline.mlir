// The stock inliner puts called workflows in place; labels stay unique and
// paths lead through the calls.
// RUN: octo-opt %s --owg-assign-path-ids --inline | FileCheck %s
// RUN: octo-opt %s --inline | FileCheck %s --check-prefix=LABELS

func.func private @square(%x: f32) -> f32 {
  %0 = arith.mulf %x, %x : f32
  return %0 : f32
}

owg.workflow private @leaf(%x: f32) -> f32 {
  %0 = owg.task "t"(%a = %x : f32) -> f32 {
    %1 = func.call @square(%a) : (f32) -> f32
    owg.yield %1 : f32
  }
  owg.return %0 : f32
}

owg.workflow private @middle(%x: f32, %c: i1) -> f32 {
  %0 = owg.branch "b"(%d = %c : i1) -> f32 decide {
    owg.decide %d : i1
  } case {
    %1 = owg.call "leaf" @leaf(%x : f32) -> f32
    owg.yield %1 : f32
  } default {
    owg.yield %x : f32
  }
  owg.return %0 : f32
}

// CHECK-NOT: @leaf
// CHECK-LABEL: owg.workflow @main(
// CHECK-SAME: %[[X:.*]]: f32, %[[C:.*]]: i1)
// LABELS-LABEL: owg.workflow @main(
owg.workflow @main(%x: f32, %c: i1) -> (f32, f32) {
  // CHECK: %[[A:.*]] = owg.branch "first/b"(%{{.*}} = %[[C]] : i1) -> f32 path "main/first/b"
  // CHECK: %[[T:.*]] = owg.task "first/leaf/t"(%[[V:.*]] = %[[X]] : f32) -> f32 path "main/first/b/case0/leaf/t" {
  // CHECK-NEXT: arith.mulf %[[V]], %[[V]] : f32
  // CHECK: owg.yield %[[T]] : f32
  // LABELS: owg.task "first/leaf/t"
  %0 = owg.call "first" @middle(%x : f32, %c : i1) -> f32
  // CHECK: %[[B:.*]] = owg.branch "second/b"(%{{.*}} = %[[C]] : i1) -> f32 path "main/second/b"
  // CHECK: owg.task "second/leaf/t"(%{{.*}} = %[[A]] : f32) -> f32 path "main/second/b/case0/leaf/t"
  // LABELS: owg.task "second/leaf/t"
  %1 = owg.call "second" @middle(%0 : f32, %c : i1) -> f32
  // CHECK: owg.return %[[A]], %[[B]]
  owg.return %0, %1 : f32, f32
}
