// RUN: octo-opt %s --owg-estimate-cost --owg-classify | FileCheck %s
// RUN: octo-opt %s --owg-estimate-cost --owg-classify=tolerance=0.5 | FileCheck %s --check-prefix=LOOSE

// CHECK-LABEL: @w
owg.workflow @w(%x: tensor<?xf32>, %q: !owg.data<8>) -> (tensor<?xf32>, !owg.data<8>, !owg.data<8>, !owg.data<8>) {
  // CHECK: "by-size"
  // CHECK: #owg.class<dynamic_time, static_frequency, "time: dimension 0 of input 0 is known only at run time">
  %0 = owg.task "by-size"(%a = %x : tensor<?xf32>) -> tensor<?xf32> {
    %1 = math.exp %a : tensor<?xf32>
    owg.yield %1 : tensor<?xf32>
  }
  // CHECK: "steady"
  // CHECK-SAME: #owg.class<static_time, static_frequency, "known at compile time">
  %s = owg.task "steady"(%q : !owg.data<8>) -> !owg.data<8> profile #owg.profile<cycles = const<100>>
  // CHECK: "spread"
  // CHECK-SAME: #owg.class<dynamic_time, static_frequency, "time: the cycles of the profile vary by 30 %">
  // LOOSE: "spread"
  // LOOSE-SAME: static_time
  %v = owg.task "spread"(%s : !owg.data<8>) -> !owg.data<8> profile #owg.profile<cycles = lognormal<100, 0.3>>
  // CHECK: "drifts"
  // CHECK-SAME: #owg.class<dynamic_time, static_frequency, "time: the profile drifts from request 10 on">
  %d = owg.task "drifts"(%v : !owg.data<8>) -> !owg.data<8>
    profile #owg.profile<cycles = const<100>, drift = [from 10 <cycles = const<50>>]>
  // CHECK: owg.branch "choice"
  %b = owg.branch "choice"(%d : !owg.data<8>) -> !owg.data<8> profile #owg.profile<frequencies = [0.5, 0.5]>
  case {
    // CHECK: "rare"
    // CHECK-SAME: #owg.class<static_time, dynamic_frequency, "frequency: a case of branch 'choice'">
    %1 = owg.task "rare"(%d : !owg.data<8>) -> !owg.data<8> profile #owg.profile<cycles = const<7>>
    owg.yield %1 : !owg.data<8>
  } default {
    owg.yield %d : !owg.data<8>
  }
  // A loop of a known number of trips stays static; one that varies does not.
  // CHECK: owg.loop "three"
  %l = owg.loop "three"(%i = %b : !owg.data<8>) -> !owg.data<8> profile #owg.profile<trips = const<3>>
  after {
    // CHECK: "thrice"
    // CHECK-SAME: #owg.class<static_time, static_frequency, "known at compile time">
    %1 = owg.task "thrice"(%i : !owg.data<8>) -> !owg.data<8> profile #owg.profile<cycles = const<7>>
    owg.yield %1 : !owg.data<8>
  }
  // CHECK: owg.loop "some"
  %m = owg.loop "some"(%i = %l : !owg.data<8>) -> !owg.data<8> profile #owg.profile<trips = geometric<0.5>>
  after {
    // CHECK: "often"
    // CHECK-SAME: #owg.class<static_time, dynamic_frequency, "frequency: the trip count of loop 'some'">
    %1 = owg.task "often"(%i : !owg.data<8>) -> !owg.data<8> profile #owg.profile<cycles = const<7>>
    owg.yield %1 : !owg.data<8>
  }
  owg.return %0, %m, %l, %b : tensor<?xf32>, !owg.data<8>, !owg.data<8>, !owg.data<8>
}
