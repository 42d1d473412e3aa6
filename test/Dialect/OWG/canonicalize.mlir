// RUN: octo-opt %s --canonicalize | FileCheck %s
// RUN: octo-opt %s --canonicalize --verify-roundtrip --canonicalize | FileCheck %s

// CHECK-LABEL: owg.workflow @task_inputs(
// CHECK-SAME: %[[X:.*]]: f32, %[[Y:.*]]: f32)
owg.workflow @task_inputs(%x: f32, %y: f32) -> f32 {
  // Unused inputs go, equal ones become one.
  // CHECK: owg.task "t"(%[[A:.*]] = %[[X]] : f32) -> f32 {
  // CHECK-NEXT: arith.addf %[[A]], %[[A]]
  %r = owg.task "t"(%a = %x : f32, %b = %y : f32, %c = %x : f32) -> f32 {
    %0 = arith.addf %a, %c : f32
    owg.yield %0 : f32
  }
  owg.return %r : f32
}

// CHECK-LABEL: owg.workflow @task_results(
// CHECK-SAME: %[[X:.*]]: f32)
owg.workflow @task_results(%x: f32) -> (f32, f32, f32) {
  // Only what needs the task stays in it.
  // CHECK-DAG: %[[C:.*]] = arith.constant 2.000000e+00 : f32
  // CHECK-DAG: %[[T:.*]] = owg.task "t"(%{{.*}} = %[[X]] : f32) -> f32 profile #owg.profile<cycles = const<4>, out_bytes = [const<2>]> {
  // CHECK: owg.return %[[X]], %[[C]], %[[T]] : f32, f32, f32
  %r:4 = owg.task "t"(%a = %x : f32) -> (f32, f32, f32, f32) profile #owg.profile<cycles = const<4>, out_bytes = [const<0>, const<1>, const<2>, const<3>]> {
    %0 = arith.constant 2.0 : f32
    %1 = arith.addf %a, %a : f32
    %2 = arith.mulf %a, %a : f32
    owg.yield %a, %0, %1, %2 : f32, f32, f32, f32
  }
  owg.return %r#0, %r#1, %r#2 : f32, f32, f32
}

// CHECK-LABEL: owg.workflow @dead(
owg.workflow @dead(%x: f32, %q: !owg.data<4>) {
  // A task that nobody uses goes; a profiled one is work and stays, with its
  // unused results.
  // CHECK-NEXT: owg.task "kept"(%{{.*}} : !owg.data<4>) -> !owg.data<4>
  // CHECK-NEXT: owg.return
  %0 = owg.task "gone"(%a = %x : f32) -> f32 {
    %1 = math.exp %a : f32
    owg.yield %1 : f32
  }
  %1 = owg.task "kept"(%q : !owg.data<4>) -> !owg.data<4> profile #owg.profile<cycles = const<4>>
  owg.return
}

// CHECK-LABEL: owg.workflow @branch_constant(
// CHECK-SAME: %[[X:.*]]: f32, %[[Y:.*]]: f32)
owg.workflow @branch_constant(%x: f32, %y: f32) -> (f32, f32, f32, f32) {
  // CHECK-NEXT: %[[T:.*]] = owg.task "taken"(%{{.*}} = %[[Y]] : f32) -> f32 path "p/b/case1/taken"
  // CHECK: owg.return %[[T]], %[[X]], %[[X]], %[[Y]]
  %a = owg.branch "one"() -> f32 decide {
    %0 = arith.constant 1 : index
    owg.decide %0 : index
  } case {
    owg.yield %x : f32
  } case {
    %1 = owg.task "taken"(%a = %y : f32) -> f32 path "p/b/case1/taken" {
      %0 = math.exp %a : f32
      owg.yield %0 : f32
    }
    owg.yield %1 : f32
  } default {
    owg.yield %x : f32
  }
  // A number that is no case is the default; so is a negative one.
  %b = owg.branch "past"() -> f32 decide {
    %0 = arith.constant -1 : index
    owg.decide %0 : index
  } case {
    owg.yield %y : f32
  } default {
    owg.yield %x : f32
  }
  %c = owg.branch "true"() -> f32 decide {
    %0 = arith.constant true
    owg.decide %0 : i1
  } case {
    owg.yield %x : f32
  } default {
    owg.yield %y : f32
  }
  %d = owg.branch "false"() -> f32 decide {
    %0 = arith.constant false
    owg.decide %0 : i1
  } case {
    owg.yield %x : f32
  } default {
    owg.yield %y : f32
  }
  owg.return %a, %b, %c, %d : f32, f32, f32, f32
}

// CHECK-LABEL: owg.workflow @branch_results(
// CHECK-SAME: %[[X:.*]]: f32, %[[I:.*]]: index)
owg.workflow @branch_results(%x: f32, %i: index) -> (f32, f32) {
  // CHECK: %[[B:.*]] = owg.branch "b"(%{{.*}} = %[[I]] : index) -> f32
  // CHECK: } case {
  // CHECK-NEXT: %[[K:.*]] = owg.task "k"
  // CHECK: owg.yield %[[K]] : f32
  // CHECK-NEXT: } default {
  // CHECK-NEXT: owg.yield %[[X]] : f32
  // CHECK-NEXT: }
  // CHECK-NEXT: owg.return %[[X]], %[[B]]
  %b:3 = owg.branch "b"(%j = %i : index, %unused = %x : f32) -> (f32, f32, f32) decide {
    owg.decide %j : index
  } case {
    %0 = owg.task "k"(%a = %x : f32) -> f32 {
      %1 = math.exp %a : f32
      owg.yield %1 : f32
    }
    owg.yield %x, %0, %0 : f32, f32, f32
  } default {
    owg.yield %x, %x, %x : f32, f32, f32
  }
  owg.return %b#0, %b#1 : f32, f32
}

// CHECK-LABEL: owg.workflow @branch_profiled(
owg.workflow @branch_profiled(%x: !owg.data<4>) -> !owg.data<4> {
  // CHECK: owg.branch "b"(%{{.*}} : !owg.data<4>) -> (!owg.data<4>, !owg.data<4>)
  %b:2 = owg.branch "b"(%x : !owg.data<4>) -> (!owg.data<4>, !owg.data<4>) profile #owg.profile<frequencies = [1]> default {
    owg.yield %x, %x : !owg.data<4>, !owg.data<4>
  }
  owg.return %b#0 : !owg.data<4>
}

// CHECK-LABEL: owg.workflow @select_none(
// CHECK-SAME: %[[X:.*]]: f32, %[[E:.*]]: tensor<2xf32>)
owg.workflow @select_none(%x: f32, %e: tensor<2xf32>) -> (f32, tensor<?xf32>) {
  // CHECK-NEXT: %[[R:.*]] = tensor.cast %[[E]] : tensor<2xf32> to tensor<?xf32>
  // CHECK-NEXT: owg.return %[[X]], %[[R]]
  %s:2 = owg.select "s"() init(add %x : f32, concat %e : tensor<2xf32>) -> (f32, tensor<?xf32>) decide {
    %0 = arith.constant dense<false> : tensor<2xi1>
    owg.decide %0 : tensor<2xi1>
  } member {
    owg.yield %x, %e : f32, tensor<2xf32>
  } member {
    owg.yield %x, %e : f32, tensor<2xf32>
  }
  owg.return %s#0, %s#1 : f32, tensor<?xf32>
}

// CHECK-LABEL: owg.workflow @select_some(
// CHECK-SAME: %[[X:.*]]: f32, %[[Y:.*]]: f32, %[[Z:.*]]: f32)
owg.workflow @select_some(%x: f32, %y: f32, %z: f32) -> f32 {
  // CHECK: owg.select "s"() init(max %[[X]] : f32) -> f32 path "p/s" profile #owg.profile<frequencies = [0.1, 0.3]>
  // CHECK-NEXT: decide {
  // CHECK-NEXT: %[[M:.*]] = arith.constant dense<true> : tensor<2xi1>
  // CHECK-NEXT: owg.decide %[[M]]
  // CHECK-NEXT: } member {
  // CHECK-NEXT: owg.yield %[[X]]
  // CHECK-NEXT: } member {
  // CHECK-NEXT: owg.yield %[[Z]]
  // CHECK-NEXT: }
  %s:2 = owg.select "s"() init(add %x : f32, max %x : f32) -> (f32, f32) path "p/s" profile #owg.profile<frequencies = [0.1, 0.2, 0.3]> decide {
    %0 = arith.constant dense<[true, false, true]> : tensor<3xi1>
    owg.decide %0 : tensor<3xi1>
  } member {
    owg.yield %x, %x : f32, f32
  } member {
    owg.yield %x, %y : f32, f32
  } member {
    owg.yield %x, %z : f32, f32
  }
  owg.return %s#1 : f32
}

// CHECK-LABEL: owg.workflow @loop_false(
// CHECK-SAME: %[[X:.*]]: f32)
owg.workflow @loop_false(%x: f32) -> f32 {
  // CHECK-NEXT: %[[T:.*]] = owg.task "once"
  // CHECK: owg.return %[[T]]
  %l = owg.loop "l"(%v = %x : f32) -> f32 before {
    %0 = arith.constant false
    %1 = owg.task "once"(%a = %v : f32) -> f32 {
      %2 = math.exp %a : f32
      owg.yield %2 : f32
    }
    owg.decide %0 : i1 forward(%1 : f32)
  } after (%w: f32) {
    %1 = owg.task "never"(%a = %w : f32) -> f32 {
      %2 = math.exp %a : f32
      owg.yield %2 : f32
    }
    owg.yield %1 : f32
  }
  owg.return %l : f32
}

// CHECK-LABEL: owg.workflow @loop_values(
// CHECK-SAME: %[[X:.*]]: f32, %[[Y:.*]]: f32)
owg.workflow @loop_values(%x: f32, %y: f32) -> f32 {
  // CHECK: owg.loop "l"(%[[V:.*]] = %[[X]] : f32) -> f32 bound 7
  // CHECK: owg.decide %{{.*}} : i1 forward(%[[V]] : f32)
  // CHECK-NEXT: } after (%[[W:.*]] : f32) {
  // CHECK: owg.yield %{{.*}} : f32
  %l:2 = owg.loop "l"(%v = %x : f32, %u = %y : f32) -> (f32, f32) bound 7 before {
    %one = arith.constant 1.0 : f32
    %0 = arith.cmpf ogt, %v, %one : f32
    owg.decide %0 : i1 forward(%v, %one : f32, f32)
  } after (%w: f32, %t: f32) {
    %1 = owg.task "step"(%a = %w : f32) -> f32 {
      %2 = math.sqrt %a : f32
      owg.yield %2 : f32
    }
    owg.yield %1, %1 : f32, f32
  }
  owg.return %l#0 : f32
}

// CHECK-LABEL: owg.workflow @fanout_none(
// CHECK-SAME: %[[X:.*]]: f32, %[[Y:.*]]: f32)
owg.workflow @fanout_none(%x: f32, %y: f32) -> f32 {
  // CHECK-NEXT: owg.return %[[X]]
  %n = arith.constant -3 : index
  %f = owg.fanout "f"() count %n init(add %x : f32) -> f32 each (%i) {
    owg.yield %y : f32
  }
  owg.return %f : f32
}

// CHECK-LABEL: owg.workflow @fanout_one(
// CHECK-SAME: %[[X:.*]]: tensor<1x4xf32>)
owg.workflow @fanout_one(%x: tensor<1x4xf32>) -> (tensor<?x4xf32>, tensor<1x4xf32>) {
  // Adding to an init is no wiring: that fan-out stays.
  // CHECK-DAG: %[[I:.*]] = arith.constant 0 : index
  // CHECK-DAG: %[[N:.*]] = arith.constant 1 : index
  // CHECK: %[[T:.*]] = owg.task "t"(%{{.*}} = %[[X]] : tensor<1x4xf32>, %{{.*}} = %[[I]] : index)
  // CHECK: %[[C:.*]] = tensor.cast %[[T]] : tensor<1x4xf32> to tensor<?x4xf32>
  // CHECK: %[[G:.*]] = owg.fanout "g"() count %[[N]] init(add %[[X]] : tensor<1x4xf32>)
  // CHECK: owg.return %[[C]], %[[G]]
  %n = arith.constant 1 : index
  %e = tensor.empty() : tensor<0x4xf32>
  %f = owg.fanout "f"(%v = %x : tensor<1x4xf32>) count %n init(concat %e : tensor<0x4xf32>) -> tensor<?x4xf32> each (%i) {
    %0 = owg.task "t"(%a = %v : tensor<1x4xf32>, %j = %i : index) -> tensor<1x4xf32> {
      %1 = arith.index_cast %j : index to i32
      %2 = arith.sitofp %1 : i32 to f32
      %3 = tensor.splat %2 : tensor<1x4xf32>
      %4 = arith.addf %a, %3 : tensor<1x4xf32>
      owg.yield %4 : tensor<1x4xf32>
    }
    owg.yield %0 : tensor<1x4xf32>
  }
  %g = owg.fanout "g"() count %n init(add %x : tensor<1x4xf32>) -> tensor<1x4xf32> each (%i) {
    owg.yield %x : tensor<1x4xf32>
  }
  owg.return %f, %g : tensor<?x4xf32>, tensor<1x4xf32>
}

// CHECK-LABEL: owg.workflow @fanout_values(
// CHECK-SAME: %[[X:.*]]: f32, %[[N:.*]]: index)
owg.workflow @fanout_values(%x: f32, %n: index) -> f32 {
  // CHECK-NEXT: %[[F:.*]] = owg.fanout "f"() count %[[N]] init(min %[[X]] : f32) -> f32
  // CHECK-NEXT: each (%[[I:.*]]) {
  // CHECK-NEXT: %[[T:.*]] = owg.task "t"(%{{.*}} = %[[I]] : index) -> f32 {
  // CHECK: owg.yield %[[T]] : f32
  %f:2 = owg.fanout "f"(%unused = %x : f32) count %n init(add %x : f32, min %x : f32) -> (f32, f32) each (%i) {
    %0 = owg.task "t"(%j = %i : index) -> f32 {
      %1 = arith.index_cast %j : index to i32
      %2 = arith.sitofp %1 : i32 to f32
      owg.yield %2 : f32
    }
    owg.yield %x, %0 : f32, f32
  }
  owg.return %f#1 : f32
}
