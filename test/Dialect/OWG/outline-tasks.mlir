// RUN: octo-opt %s --owg-outline-tasks --verify-roundtrip | FileCheck %s
// RUN: octo-opt %s --owg-outline-tasks=share=false | FileCheck %s --check-prefix=EACH

// A task calls it: it is public from now on.
// CHECK: func.func @main.b(
func.func private @main.b(%x: f32) -> f32 {
  return %x : f32
}

// Equal bodies share a function, whatever the task is called or takes.
// CHECK: func.func @main.a(%[[A:.*]]: f32, %[[B:.*]]: f32) -> f32 {
// CHECK-NEXT: %[[S:.*]] = arith.addf %[[A]], %[[B]] : f32
// CHECK-NEXT: return %[[S]] : f32
// A name that is taken gets a number.
// CHECK: func.func @main.b_0(%[[A:.*]]: f32, %[[B:.*]]: f32) -> f32 {
// CHECK-NEXT: %[[S:.*]] = arith.subf %[[A]], %[[B]] : f32
// CHECK: func.func @main.d(
// CHECK-NEXT: arith.constant 2.0
// CHECK: func.func @main.e(
// CHECK-NEXT: arith.constant 3.0
// CHECK: func.func @main.f()
// CHECK-NEXT: return
// CHECK-NOT: func.func
// EACH-COUNT-7: func.func @main.
// CHECK-LABEL: owg.workflow @main(
owg.workflow @main(%x: f32, %y: f32, %c: i1) -> (f32, f32) {
  // CHECK: %[[R:.*]] = owg.task "a"(%{{.*}} : f32, %{{.*}} : f32) -> f32 calls @main.a profile #owg.profile<max_gang = 2>
  %0 = owg.task "a"(%a = %x : f32, %b = %y : f32) -> f32 profile #owg.profile<max_gang = 2> {
    %1 = arith.addf %a, %b : f32
    owg.yield %1 : f32
  }
  // CHECK: owg.task "b"(%{{.*}} : f32, %{{.*}} : f32) -> f32 calls @main.b_0
  %2 = owg.task "b"(%a = %x : f32, %b = %y : f32) -> f32 {
    %1 = arith.subf %a, %b : f32
    owg.yield %1 : f32
  }
  %3 = owg.branch "br"(%d = %c : i1) -> f32 decide {
    owg.decide %d : i1
  } case {
    // CHECK: owg.task "c"(%[[R]] : f32, %[[R]] : f32) -> f32 calls @main.a{{$}}
    %4 = owg.task "c"(%a = %0 : f32, %b = %0 : f32) -> f32 {
      %1 = arith.addf %a, %b : f32
      owg.yield %1 : f32
    }
    owg.yield %4 : f32
  } default {
    owg.yield %2 : f32
  }
  // Constants count.
  // CHECK: calls @main.d
  %5 = owg.task "d"(%a = %3 : f32) -> f32 {
    %6 = arith.constant 2.0 : f32
    %7 = arith.mulf %a, %6 : f32
    owg.yield %7 : f32
  }
  // CHECK: calls @main.e
  %8 = owg.task "e"(%a = %5 : f32) -> f32 {
    %6 = arith.constant 3.0 : f32
    %7 = arith.mulf %a, %6 : f32
    owg.yield %7 : f32
  }
  // CHECK: owg.task "f"() calls @main.f
  owg.task "f"() {
    owg.yield
  }
  // Profiled and outlined tasks stay as they are.
  // CHECK: owg.task "p"() profile
  owg.task "p"() profile #owg.profile<cycles = const<1>>
  // CHECK: owg.task "o"(%{{.*}} : f32) -> f32 calls @main.b{{$}}
  %9 = owg.task "o"(%8 : f32) -> f32 calls @main.b
  owg.return %8, %9 : f32, f32
}
