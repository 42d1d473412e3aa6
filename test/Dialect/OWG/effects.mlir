// What stock passes may and may not do with blocks.
// RUN: octo-opt %s --cse --canonicalize | FileCheck %s
// RUN: octo-opt %s --loop-invariant-code-motion --cse --canonicalize | FileCheck %s

// CHECK-LABEL: owg.workflow @profiled_work_is_kept
owg.workflow @profiled_work_is_kept(%q: !owg.data<4>) -> !owg.data<4> {
  // Nothing is merged or dropped, however unused.
  // CHECK-COUNT-2: owg.task "sample{{[12]}}"
  %0 = owg.task "sample1"(%q : !owg.data<4>) -> !owg.data<4> profile #owg.profile<cycles = const<1>>
  %1 = owg.task "sample2"(%q : !owg.data<4>) -> !owg.data<4> profile #owg.profile<cycles = const<1>>
  // CHECK: owg.branch "b"
  owg.branch "b"() profile #owg.profile<frequencies = [1]> default { owg.yield }
  // CHECK: owg.select "s"
  owg.select "s"() profile #owg.profile<frequencies = [1]> member { owg.yield }
  // CHECK: owg.loop "l"
  owg.loop "l"() profile #owg.profile<trips = const<1>> after { owg.yield }
  // CHECK: owg.fanout "f"
  owg.fanout "f"() profile #owg.profile<count = const<1>> each (%i) { owg.yield }
  owg.return %q : !owg.data<4>
}

func.func private @pure(%x: i32) -> i32 {
  %0 = arith.addi %x, %x : i32
  return %0 : i32
}

// CHECK-LABEL: owg.workflow @unused_code_goes
owg.workflow @unused_code_goes(%x: i32, %c: i1, %n: index) {
  // CHECK-NEXT: owg.return
  %0 = owg.task "inline"(%a = %x : i32) -> i32 {
    %1 = arith.muli %a, %a : i32
    owg.yield %1 : i32
  }
  %1 = owg.task "outlined"(%x : i32) -> i32 calls @pure
  %2 = owg.branch "b"(%d = %c : i1) -> i32 decide {
    owg.decide %d : i1
  } case {
    owg.yield %0 : i32
  } default {
    owg.yield %1 : i32
  }
  %3 = owg.fanout "f"() count %n init(add %x : i32) -> i32 each (%i) {
    owg.yield %2 : i32
  }
  owg.return
}

// CHECK-LABEL: owg.workflow @failures_stay
owg.workflow @failures_stay(%x: i32, %c: i1) {
  // A loop that may exceed its bound, and an assertion, decide whether the
  // request fails.
  // CHECK: owg.loop "l"(
  // CHECK-SAME: bound 2
  %0 = owg.loop "l"(%v = %x : i32) -> i32 bound 2 before {
    %1 = arith.constant 9 : i32
    %2 = arith.cmpi slt, %v, %1 : i32
    owg.decide %2 : i1 forward(%v : i32)
  } after (%w : i32) {
    owg.yield %w : i32
  }
  // CHECK: owg.task "checks"
  owg.task "checks"(%d = %c : i1) {
    cf.assert %d, "c"
    owg.yield
  }
  owg.return
}
