// RUN: octo-opt %s --owg-assign-path-ids --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: owg.workflow @main
owg.workflow @main(%q: !owg.data<4>, %c: i1) {
  // CHECK: owg.task "first"{{.*}} path "main/first"
  owg.task "first"() profile #owg.profile<cycles = const<1>>
  // CHECK: owg.branch "b"{{.*}} path "main/b"
  owg.branch "b"(%d = %c : i1) decide {
    owg.decide %d : i1
  } case {
    // CHECK: owg.call "sub" @sub() path "main/b/case0/sub"
    owg.call "sub" @sub()
    owg.yield
  } default {
    // CHECK: owg.loop "l"() path "main/b/default/l"
    owg.loop "l"() before {
      // CHECK: owg.task "probe"{{.*}} path "main/b/default/l/before/probe"
      owg.task "probe"() profile #owg.profile<cycles = const<1>>
      %0 = arith.constant false
      owg.decide %0 : i1
    } after {
      // CHECK: owg.select "s"() path "main/b/default/l/after/s"
      owg.select "s"() profile #owg.profile<frequencies = [0, 1]> member {
        owg.yield
      } member {
        // CHECK: owg.fanout "f"() path "main/b/default/l/after/s/member1/f"
        owg.fanout "f"() profile #owg.profile<count = const<2>> each (%i) {
          // CHECK: owg.task "t"{{.*}} path "main/b/default/l/after/s/member1/f/each/t"
          owg.task "t"() profile #owg.profile<cycles = const<1>>
          owg.yield
        }
        owg.yield
      }
      owg.yield
    }
    owg.yield
  }
  // A path that is there stays.
  // CHECK: owg.task "named"() path "elsewhere"
  owg.task "named"() path "elsewhere" profile #owg.profile<cycles = const<1>>
  owg.return
}
// CHECK-LABEL: owg.workflow private @sub
owg.workflow private @sub() {
  // CHECK: path "sub/t"
  owg.task "t"() profile #owg.profile<cycles = const<1>>
  owg.return
}

// -----

owg.workflow @main() {
  // expected-note @below {{used here first}}
  owg.task "t"() path "main/u" profile #owg.profile<cycles = const<1>>
  // expected-error @below {{path 'main/u' is the path of two blocks; change one of the labels}}
  owg.task "u"() profile #owg.profile<cycles = const<1>>
  owg.return
}
