// Every diagnostic of the verifiers and parsers of operations.
// RUN: octo-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect

//===--- Syntax ---===//

owg.workflow @f(%x: f32) {
  // expected-error @below {{either all inputs are bound to names (%x = %v) or none}}
  owg.task "t"(%a = %x : f32, %x : f32) { owg.yield }
  owg.return
}
// -----
owg.workflow @f(%x: f32) {
  // expected-error @below {{inputs are bound to names but there is no body that could use them}}
  owg.task "t"(%a = %x : f32) profile #owg.profile<cycles = const<1>>
  owg.return
}
// -----
owg.workflow @f(%x: f32) {
  // expected-error @below {{inputs must be bound to names for the body, as in (%x = %v : type)}}
  owg.task "t"(%x : f32) { owg.yield }
  owg.return
}
// -----
owg.workflow @f(%x: f32) {
  // expected-error @below {{expected a name without a number}}
  owg.task "t"(%a#1 = %x : f32) { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{expected a body that ends in owg.yield}}
  owg.task "t"() {}
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{'profile' is given twice}}
  owg.task "t"() profile #owg.profile<cycles = const<1>> profile #owg.profile<cycles = const<1>>
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{expected a region that ends in owg.decide}}
  owg.branch "b"() decide {} default { owg.yield }
  owg.return
}
// -----
owg.workflow @f(%x: index) {
  // expected-error @below {{inputs must be bound to names for decide, as in (%x = %v : type)}}
  owg.branch "b"(%x : index) decide { owg.decide %x : index } default { owg.yield }
  owg.return
}
// -----
owg.workflow @f(%x: index) {
  // expected-error @below {{inputs are bound to names but there is no decide region that could use them}}
  owg.branch "b"(%y = %x : index) profile #owg.profile<frequencies = [1]> default { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @+4 {{expected 'default' as the last case of a branch}}
  owg.branch "b"() profile #owg.profile<frequencies = [1, 0]> case {
    owg.yield
  }
  owg.return
}
// -----
owg.workflow @f(%x: f32) {
  // expected-error @below {{unknown combination 'mul'; there are add, concat, max, min}}
  owg.fanout "b"() init(mul %x : f32) each (%i) { owg.yield }
  owg.return
}
// -----
owg.workflow @f(%x: f32) {
  // expected-error @below {{inputs must be bound to names for each, as in (%x = %v : type)}}
  owg.fanout "b"(%x : f32) each (%i) { owg.yield }
  owg.return
}
// -----
owg.weight @w : tensor<4xf32>
// expected-error @below {{expected '= <elements>', 'from "file" sha256 "digest"' or 'seed N scale X'}}
// -----

//===--- Workflow ---===//

// expected-error @below {{has two arguments named 'x'}}
owg.workflow @f(%x: f32 {owg.name = "x"}, %y: f32 {owg.name = "x"}) {
  owg.return
}
// -----
// expected-error @below {{has two results named 'x'}}
owg.workflow @f(%x: f32) -> (f32 {owg.name = "x"}, f32 {owg.name = "x"}) {
  owg.return %x, %x : f32, f32
}
// -----
// expected-error @below {{attribute 'owg.name' must be a string that is not empty}}
owg.workflow @f(%x: f32 {owg.name = ""}) {
  owg.return
}
// -----
// expected-error @below {{does not know attribute 'owg.nam' on arguments and results; there is owg.name}}
owg.workflow @f(%x: f32) -> (f32 {owg.nam = "x"}) {
  owg.return %x : f32
}
// -----
owg.workflow @f(%x: f32) -> f32 {
  // expected-error @below {{gives () but workflow @f returns ('f32')}}
  owg.return
}
// -----
owg.workflow @f() {
  // expected-note @below {{used here first}}
  owg.task "t"() profile #owg.profile<cycles = const<1>>
  owg.fanout "f"() profile #owg.profile<count = const<1>> each (%i) {
    // expected-error @below {{label 't' is used twice in workflow @f}}
    owg.task "t"() profile #owg.profile<cycles = const<1>>
    owg.yield
  }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{needs a label that is not empty}}
  owg.task ""() profile #owg.profile<cycles = const<1>>
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{label must not contain control characters}}
  owg.task "a\0Ab"() profile #owg.profile<cycles = const<1>>
  owg.return
}
// -----
// expected-error @below {{must stand in an owg.workflow}}
owg.task "t"() profile #owg.profile<cycles = const<1>>
// -----
owg.workflow @f(%x: tensor<4xf32>) {
  // expected-error @below {{cannot stand between blocks; put it into an owg.task (only constants, tensor.empty, tensor.dim, tensor.cast and scalar arithmetic can stand there)}}
  %0 = arith.addf %x, %x : tensor<4xf32>
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{symbol's parent must have the SymbolTable trait}}
  owg.weight @w : tensor<4xf32> seed 1 scale 1.0
  owg.return
}
// -----

//===--- Calls ---===//

owg.workflow @f() {
  // expected-error @below {{calls @g, which is no owg.workflow of this module}}
  owg.call "c" @g()
  owg.return
}
// -----
// expected-note @below {{declared here}}
owg.workflow @g(%x: f32) {
  owg.return
}
owg.workflow @f() {
  // expected-error @below {{takes () and gives (), but @g has type '(f32) -> ()'}}
  owg.call "c" @g()
  owg.return
}
// -----
owg.workflow @a() {
  owg.call "c" @b()
  owg.return
}
// expected-note @below {{called workflow}}
owg.workflow @b() {
  owg.call "c" @c()
  owg.return
}
owg.workflow @c() {
  // expected-error @below {{makes workflow @b call itself: @b -> @c -> @b; use an owg.loop for what repeats}}
  owg.call "c" @b()
  owg.return
}
// -----

//===--- Tasks ---===//

func.func private @g() {
  return
}
owg.workflow @f() {
  // expected-error @below {{has a body and also calls @g; give one of them}}
  owg.task "t"() calls @g { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{has neither body nor callee, so its profile must give 'cycles' or 'work', as in profile #owg.profile<cycles = exp<1000>>}}
  owg.task "t"()
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{result #0 is !owg.data<?>, so its profile must give 'out_bytes'}}
  owg.task "t"() -> !owg.data<?> profile #owg.profile<cycles = const<1>>
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{has 0 results but 1 entries in out_bytes of its profile}}
  owg.task "t"() profile #owg.profile<cycles = const<1>, out_bytes = [const<1>]>
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{cannot use entry 'trips' of its profile; it can use cycles, work, alpha, max_gang, gang, state_bytes, code_bytes, out_bytes, drift}}
  owg.task "t"() profile #owg.profile<cycles = const<1>, drift = [from 1 <trips = const<1>>]>
  owg.return
}
// -----
owg.workflow @f(%x: !owg.token) {
  // expected-error @below {{has code, so it cannot take or give '!owg.token'; leave out body and callee and give a profile to make the task timing-only}}
  owg.task "t"(%a = %x : !owg.token) { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{region 'body' must end in owg.yield}}
  owg.task "t"() { %0 = arith.constant 1 : i32 }
  owg.return
}
// -----
owg.workflow @f(%x: f32) {
  // expected-error @below {{arguments of region 'body' must have the types of the inputs}}
  "owg.task"(%x) <{label = "t"}> ({
    "owg.yield"() : () -> ()
  }) : (f32) -> ()
  owg.return
}
// -----
owg.workflow @f(%x: f32) {
  %0 = owg.task "t"(%a = %x : f32) -> f64 {
    // expected-error @below {{gives ('f32') but 't' has results ('f64')}}
    owg.yield %a : f32
  }
  owg.return
}
// -----
owg.workflow @f(%x: f32) {
  owg.task "t"(%a = %x : f32) {
    // expected-error @below {{cannot stand in the body of task 't', which holds code; blocks stand in workflows and in the cases, members, iterations and copies of control blocks}}
    %0 = owg.get_weight @w : tensor<4xf32>
    owg.yield
  }
  owg.return
}
// -----
owg.workflow @f(%x: memref<4xf32>, %i: index) {
  owg.task "t"(%a = %x : memref<4xf32>, %j = %i : index) {
    // expected-error @below {{has side effects and cannot stand in the body of task 't'; code of a workflow works on values (tensors and scalars) only}}
    %0 = memref.load %a[%j] : memref<4xf32>
    owg.yield
  }
  owg.return
}
// -----
owg.workflow @f() {
  owg.task "t"() {
    // expected-error @below {{may have side effects and cannot stand in the body of task 't'; code of a workflow works on values (tensors and scalars) only}}
    "test.unknown"() : () -> ()
    owg.yield
  }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{calls @g, which is no func.func of this module}}
  owg.task "t"() calls @g
  owg.return
}
// -----
// expected-note @below {{declared here}}
func.func private @g(%x: i32) {
  return
}
owg.workflow @f() {
  // expected-error @below {{takes () and gives (), but @g has type '(i32) -> ()'}}
  owg.task "t"() calls @g
  owg.return
}
// -----
// expected-note @below {{declared here, without a body}}
func.func private @g()
owg.workflow @f() {
  // expected-error @below {{needs the body of function @g, to know that it has no side effects}}
  owg.task "t"() calls @g
  owg.return
}
// -----
func.func private @h(%x: memref<4xf32>, %v: f32, %i: index) {
  // expected-error @below {{has side effects and cannot stand in function @h, which a task uses; code of a workflow works on values (tensors and scalars) only}}
  memref.store %v, %x[%i] : memref<4xf32>
  return
}
func.func private @g(%x: memref<4xf32>, %v: f32, %i: index) {
  call @h(%x, %v, %i) : (memref<4xf32>, f32, index) -> ()
  return
}
owg.workflow @f(%x: memref<4xf32>, %v: f32, %i: index) {
  owg.task "t"(%a = %x : memref<4xf32>, %b = %v : f32, %c = %i : index) {
    func.call @g(%a, %b, %c) : (memref<4xf32>, f32, index) -> ()
    owg.yield
  }
  owg.return
}
// -----

//===--- Branch ---===//

owg.workflow @f() {
  // expected-error @below {{has neither 'decide' nor frequencies; add a decide region, or a profile with 2 frequencies (cases in order, then default), as in profile #owg.profile<frequencies = [0.5, 0.5]>}}
  owg.branch "b"() case { owg.yield } default { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{has 1 cases and a default, so its profile must give 2 frequencies, got 3}}
  owg.branch "b"() profile #owg.profile<frequencies = [0.5, 0.25, 0.25]> case { owg.yield } default { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{frequencies of a branch must sum to 1 (within 1e-6)}}
  owg.branch "b"() profile #owg.profile<frequencies = [0.5, 0.5], drift = [from 9 <frequencies = [0.5, 0.25]>]> case { owg.yield } default { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  owg.branch "b"() decide {
    %0 = arith.constant 1 : i32
    // expected-error @below {{of a branch must be of type index or i1, got 'i32'}}
    owg.decide %0 : i32
  } case { owg.yield } default { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  owg.branch "b"() decide {
    %0 = arith.constant true
    // expected-error @below {{decides by an i1, which needs exactly one case and a default; decide by an index to choose among 3}}
    owg.decide %0 : i1
  } case { owg.yield } case { owg.yield } default { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  owg.branch "b"() decide {
    %0 = arith.constant true
    // expected-error @below {{forwards values, which only the decision of a loop does}}
    owg.decide %0 : i1 forward(%0 : i1)
  } case { owg.yield } default { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{region 'case0' must end in owg.yield}}
  owg.branch "b"() decide {
    %0 = arith.constant true
    owg.decide %0 : i1
  } case { %1 = arith.constant true } default { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{region 'decide' must end in owg.decide}}
  owg.branch "b"() decide {
    owg.yield
  } case { owg.yield } default { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  owg.branch "b"() decide {
    // expected-error @below {{cannot stand in the decision of branch 'b', which holds code; blocks stand in workflows and in the cases, members, iterations and copies of control blocks}}
    owg.task "t"() profile #owg.profile<cycles = const<1>>
    %0 = arith.constant true
    owg.decide %0 : i1
  } case { owg.yield } default { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{cases take no arguments; they use values from outside directly}}
  "owg.branch"() <{label = "b", profile = #owg.profile<frequencies = [1]>}> ({}, {
  ^bb0(%a: i32):
    "owg.yield"() : () -> ()
  }) : () -> ()
  owg.return
}
// -----
owg.workflow @f(%x: f32) {
  %0 = owg.branch "b"() -> f32 decide {
    %1 = arith.constant true
    owg.decide %1 : i1
  } case {
    owg.yield %x : f32
  } default {
    // expected-error @below {{gives () but 'b' has results ('f32')}}
    owg.yield
  }
  owg.return
}
// -----

//===--- Select ---===//

owg.workflow @f() {
  // expected-error @below {{needs at least one member}}
  owg.select "s"() profile #owg.profile<frequencies = [1]>
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{has neither 'decide' nor frequencies; add a decide region, or a profile with 1 frequencies (one per member), as in profile #owg.profile<frequencies = [0.5, 0.5]>}}
  owg.select "s"() member { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{has 1 members, so its profile must give as many frequencies, got 2}}
  owg.select "s"() profile #owg.profile<frequencies = [0, 1]> member { owg.yield }
  owg.return
}
// -----
owg.workflow @f(%m: tensor<3xi1>) {
  owg.select "s"(%k = %m : tensor<3xi1>) decide {
    // expected-error @below {{of a select with 1 members must be a mask of type 'tensor<1xi1>', got 'tensor<3xi1>'}}
    owg.decide %k : tensor<3xi1>
  } member { owg.yield }
  owg.return
}
// -----
owg.workflow @f(%m: tensor<1xi1>) {
  owg.select "s"(%k = %m : tensor<1xi1>) decide {
    // expected-error @below {{forwards values, which only the decision of a loop does}}
    owg.decide %k : tensor<1xi1> forward(%k : tensor<1xi1>)
  } member { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{members take no arguments; they use values from outside directly}}
  "owg.select"() <{label = "b", combines = array<i32>, operandSegmentSizes = array<i32: 0, 0>, profile = #owg.profile<frequencies = [1]>}> ({}, {
  ^bb0(%a: i32):
    "owg.yield"() : () -> ()
  }) : () -> ()
  owg.return
}
// -----
owg.workflow @f(%x: i32) {
  // expected-error @below {{combination #0 is unknown}}
  %0 = "owg.select"(%x) <{label = "b", combines = array<i32: 77>, operandSegmentSizes = array<i32: 0, 1>, profile = #owg.profile<frequencies = [1]>}> ({}, {
    "owg.yield"(%x) : (i32) -> ()
  }) : (i32) -> i32
  owg.return
}
// -----

//===--- Loop ---===//

owg.workflow @f() {
  // expected-error @below {{has neither 'before' nor trips; add a before region, or a profile, as in profile #owg.profile<trips = geometric<0.5>>}}
  owg.loop "l"() after { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{bound must be at least 1 iteration}}
  owg.loop "l"() bound 0 profile #owg.profile<trips = const<1>> after { owg.yield }
  owg.return
}
// -----
owg.workflow @f(%x: !owg.data<4>) {
  // expected-error @below {{without 'before' must give the types that it takes, ('!owg.data<4>'), but gives ('!owg.data<8>')}}
  %0 = owg.loop "l"(%v = %x : !owg.data<4>) -> !owg.data<8> profile #owg.profile<trips = const<1>> after {
    owg.yield %v : !owg.data<4>
  }
  owg.return
}
// -----
owg.workflow @f() {
  owg.loop "l"() before {
    %0 = arith.constant 1 : index
    // expected-error @below {{of a loop must be of type i1, got 'index'}}
    owg.decide %0 : index
  } after { owg.yield }
  owg.return
}
// -----
owg.workflow @f(%x: f32) {
  %0 = owg.loop "l"() -> f32 before {
    %c = arith.constant true
    // expected-error @below {{gives () but 'l' has results ('f32')}}
    owg.decide %c : i1
  } after (%v: f32) { owg.yield }
  owg.return
}
// -----
owg.workflow @f(%x: f32) {
  owg.loop "l"(%a = %x : f32) before {
    %c = arith.constant true
    owg.decide %c : i1
  } after {
    // expected-error @below {{gives () but 'l' has inputs ('f32')}}
    owg.yield
  }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{arguments of region 'after' must have the types of the results}}
  owg.loop "l"() before {
    %c = arith.constant true
    owg.decide %c : i1
  } after (%v : f32) {
    owg.yield
  }
  owg.return
}
// -----
owg.workflow @f(%x: tensor<4xf32>) {
  owg.loop "l"() before {
    owg.task "t"() profile #owg.profile<cycles = const<1>>
    // expected-error @below {{cannot stand between blocks; put it into an owg.task}}
    %1 = arith.addf %x, %x : tensor<4xf32>
    %0 = arith.constant true
    owg.decide %0 : i1
  } after { owg.yield }
  owg.return
}
// -----

//===--- Fan-out and combination ---===//

owg.workflow @f() {
  // expected-error @below {{has neither a count nor one in its profile; add 'count %n', or a profile, as in profile #owg.profile<count = uniform<1, 5>>}}
  owg.fanout "l"() each (%i) { owg.yield }
  owg.return
}
// -----
owg.workflow @f(%n: index) {
  // expected-error @below {{region 'each' must take the index first}}
  "owg.fanout"(%n) <{label = "b", combines = array<i32>, operandSegmentSizes = array<i32: 0, 1, 0>}> ({
    "owg.yield"() : () -> ()
  }) : (index) -> ()
  owg.return
}
// -----
owg.workflow @f(%n: index) {
  // expected-error @below {{has 1 results, so it needs as many inits, got 0; as in init(add %zero : tensor<4xf32>)}}
  %0 = owg.fanout "l"() count %n -> index each (%i) { owg.yield %i : index }
  owg.return
}
// -----
owg.workflow @f(%n: index) {
  %0 = owg.fanout "l"() count %n init(add %n : index) -> index each (%i) {
    // expected-error @below {{gives 0 values, but 'l' has 1 results}}
    owg.yield
  }
  owg.return
}
// -----
owg.workflow @f(%n: index, %m: memref<4xf32>) {
  // expected-error @below {{result #0 of type 'memref<4xf32>' cannot be combined by 'add', which works on tensors and scalars of numbers}}
  %0 = owg.fanout "l"() count %n init(add %m : memref<4xf32>) -> memref<4xf32> each (%i) { owg.yield %m : memref<4xf32> }
  owg.return
}
// -----
owg.workflow @f(%n: index, %x: f32) {
  // expected-error @below {{init #0 has type 'f32' but 'max' needs the type of the result, 'index'}}
  %0 = owg.fanout "l"() count %n init(max %x : f32) -> index each (%i) { owg.yield %i : index }
  owg.return
}
// -----
owg.workflow @f(%n: index, %x: f32) {
  %0 = owg.fanout "l"() count %n init(min %x : f32) -> f32 each (%i) {
    // expected-error @below {{value #0 has type 'index' but 'min' needs the type of the result, 'f32'}}
    owg.yield %i : index
  }
  owg.return
}
// -----
owg.workflow @f(%n: index, %x: tensor<4xf32>) {
  // expected-error @below {{result #0 is a concatenation, so its type must be a tensor with a dynamic dimension 0, got 'tensor<4xf32>'}}
  %0 = owg.fanout "l"() count %n init(concat %x : tensor<4xf32>) -> tensor<4xf32> each (%i) { owg.yield %x : tensor<4xf32> }
  owg.return
}
// -----
owg.workflow @f(%n: index, %x: tensor<0x4xf32>, %y: tensor<1x5xf32>) {
  // expected-error @below {{result #0 of type 'tensor<?x4xf32>' cannot be a concatenation along dimension 0 that contains a value of type 'tensor<1x5xf32>'}}
  %0 = owg.fanout "l"() count %n init(concat %x : tensor<0x4xf32>) -> tensor<?x4xf32> each (%i) { owg.yield %y : tensor<1x5xf32> }
  owg.return
}
// -----
owg.workflow @f(%n: index, %x: tensor<0xf32>, %y: tensor<1x4xf32>) {
  // expected-error @below {{result #0 of type 'tensor<?x4xf32>' cannot be a concatenation along dimension 0 that contains an init of type 'tensor<0xf32>'}}
  %0 = owg.fanout "l"() count %n init(concat %x : tensor<0xf32>) -> tensor<?x4xf32> each (%i) { owg.yield %y : tensor<1x4xf32> }
  owg.return
}
// -----
owg.workflow @f(%n: index, %x: !owg.data<0>) {
  // expected-error @below {{result #0 is a concatenation, so its type is '!owg.data<?>'}}
  %0 = owg.fanout "l"() count %n init(concat %x : !owg.data<0>) -> !owg.data<0> each (%i) { owg.yield %x : !owg.data<0> }
  owg.return
}
// -----
owg.workflow @f(%n: index, %x: !owg.data<0>, %t: !owg.token) {
  // expected-error @below {{init #0 of type '!owg.token' cannot be concatenated to '!owg.data<?>'}}
  %0 = owg.fanout "l"() count %n init(concat %t : !owg.token) -> !owg.data<?> each (%i) { owg.yield %x : !owg.data<0> }
  owg.return
}
// -----
owg.workflow @f(%n: index, %x: !owg.data<0>, %t: !owg.token) {
  %0 = owg.fanout "l"() count %n init(concat %t : !owg.token) -> !owg.token each (%i) {
    // expected-error @below {{value #0 of type '!owg.data<0>' cannot be concatenated to '!owg.token'}}
    owg.yield %x : !owg.data<0>
  }
  owg.return
}
// -----

//===--- Weights, nothing ---===//

// expected-error @below {{needs exactly one of elements, a file, a seed}}
"owg.weight"() <{sym_name = "w", type = tensor<4xf32>}> : () -> ()
// -----
// expected-error @below {{has type 'tensor<4xf32>' but its elements have type 'tensor<2xf32>'}}
owg.weight @w : tensor<4xf32> = dense<1.0> : tensor<2xf32>
// -----
// expected-error @below {{read from a file must have elements of whole bytes, got 'i1'}}
owg.weight @w : tensor<4xi1> from "f" sha256 ""
// -----
// expected-error @below {{needs the name of its file}}
owg.weight @w : tensor<4xi8> from "" sha256 ""
// -----
// expected-error @below {{needs the SHA-256 digest of its file, 64 lower case hexadecimal digits}}
owg.weight @w : tensor<4xi8> from "f" sha256 "abc"
// -----
// expected-error @below {{offset into its file must not be negative}}
owg.weight @w : tensor<4xi8> from "f" at -1 sha256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
// -----
// expected-error @below {{has a digest or an offset but no file}}
"owg.weight"() <{sym_name = "w", type = tensor<4xf32>, seed = 1 : i64, scale = 1.0 : f64, offset = 4 : i64}> : () -> ()
// -----
// expected-error @below {{made from a seed must have elements of type f32, f64, f16 or bf16, got 'i32'}}
owg.weight @w : tensor<4xi32> seed 1 scale 1.0
// -----
// expected-error @below {{made from a seed needs a scale that is finite and not negative}}
owg.weight @w : tensor<4xf32> seed 1 scale -1.0
// -----
// expected-error @below {{has a scale but no seed}}
"owg.weight"() <{sym_name = "w", type = tensor<4xf32>, value = dense<1.0> : tensor<4xf32>, scale = 1.0 : f64}> : () -> ()
// -----
owg.workflow @f() {
  // expected-error @below {{names @w, which is no owg.weight of this module}}
  %0 = owg.get_weight @w : tensor<4xf32>
  owg.return
}
// -----
// expected-note @below {{declared here}}
owg.weight @w : tensor<4xf32> seed 1 scale 1.0
owg.workflow @f() {
  // expected-error @below {{has type 'tensor<4xf16>' but weight @w has type 'tensor<4xf32>'}}
  %0 = owg.get_weight @w : tensor<4xf16>
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{is of type !owg.data<0> or !owg.token, got '!owg.data<1>'}}
  %0 = owg.nothing : !owg.data<1>
  owg.return
}
