// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: octo-translate --mlir-to-dot %s | FileCheck %s
// RUN: octo-translate --mlir-to-dot %s -o %t.1 && octo-translate --mlir-to-dot %s -o %t.2 && cmp %t.1 %t.2

// CHECK: digraph octopus {
// CHECK-NEXT: compound=true;

owg.weight @w : tensor<4xf32> seed 1 scale 1.0

func.func private @square(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.mulf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK: subgraph cluster_0 {
// CHECK-NEXT: label="workflow @one";
// CHECK-NEXT: n0 [label="x", shape=ellipse];
// CHECK-NEXT: n1 [label="argument 1", shape=ellipse];
// CHECK-NEXT: n2 [label="@w", shape=cylinder];
// CHECK-NEXT: n3 [label="a \"quoted\" \\ label\n@square", shape=box];
// CHECK-NEXT: n4 [label="pick", shape=diamond];
// CHECK-NEXT: n5 [label="merge", shape=circle];
// CHECK-NEXT: subgraph cluster_1 {
// CHECK-NEXT:   label="case 0";
// CHECK-NEXT:   n6 [label="", shape=point];
// CHECK-NEXT:   n7 [label="add", shape=box];
// CHECK-NEXT: }
// CHECK-NEXT: subgraph cluster_2 {
// CHECK-NEXT:   label="default";
// CHECK-NEXT:   n8 [label="", shape=point];
// CHECK-NEXT: }
// Wiring that a block's value goes through is drawn, constants are not.
// CHECK-NEXT: n9 [label="arith.addi", shape=plain];
// CHECK-NEXT: n10 [label="rows", shape=diamond];
// CHECK-NEXT: n11 [label="join", shape=circle];
// CHECK-NEXT: subgraph cluster_3 {
// CHECK-NEXT:   label="each";
// CHECK-NEXT:   n12 [label="", shape=point];
// CHECK-NEXT: }
// CHECK-NEXT: n13 [label="answer", shape=ellipse];
// CHECK-NEXT: n14 [label="result 1", shape=ellipse];
// CHECK-NEXT: }
owg.workflow @one(%x: tensor<4xf32> {owg.name = "x"}, %n: index)
    -> (tensor<4xf32> {owg.name = "answer"}, tensor<?xf32>) {
  %w = owg.get_weight @w : tensor<4xf32>
  %s = owg.task "a \22quoted\22 \\ label"(%x : tensor<4xf32>) -> tensor<4xf32> calls @square
  %r = owg.branch "pick"(%v = %n : index) -> tensor<4xf32>
  decide {
    %c = arith.constant 3 : index
    %d = tensor.extract %s[%c] : tensor<4xf32>
    %z = arith.constant 0.0 : f32
    %neg = arith.cmpf olt, %d, %z : f32
    owg.decide %neg : i1
  } case {
    %0 = owg.task "add"(%a = %s : tensor<4xf32>, %b = %w : tensor<4xf32>) -> tensor<4xf32> {
      %1 = arith.addf %a, %b : tensor<4xf32>
      owg.yield %1 : tensor<4xf32>
    }
    owg.yield %0 : tensor<4xf32>
  } default {
    owg.yield %x : tensor<4xf32>
  }
  %one = arith.constant 1 : index
  %m = arith.addi %n, %one : index
  %none = tensor.empty() : tensor<0xf32>
  %q = owg.fanout "rows"(%a = %r : tensor<4xf32>) count %m
      init(concat %none : tensor<0xf32>) -> tensor<?xf32>
  each (%i) {
    owg.yield %a : tensor<4xf32>
  }
  owg.return %r, %q : tensor<4xf32>, tensor<?xf32>
}

// CHECK: label="workflow @two";
// CHECK: n15 [label="q", shape=ellipse];
// CHECK: n16 [label="improve\n2 trips\nat most 9", shape=diamond, tooltip="a.yaml:3:5"];
// CHECK-NEXT: subgraph cluster_5 {
// CHECK-NEXT:   label="after";
// CHECK-NEXT:   n17 [label="", shape=point];
// CHECK-NEXT:   n18 [label="step\n100 cycles", shape=box];
// CHECK-NEXT: }
// CHECK-NEXT: n19 [label="experts", shape=diamond];
// CHECK-NEXT: n20 [label="join", shape=circle];
// CHECK: label="member 1";
// CHECK: n23 [label="expert\n5 bytes\n20.5 mac", shape=box];
// CHECK: n24 [label="again\n@three", shape=component];
owg.workflow @two(%q: !owg.data<512> {owg.name = "q"}) -> !owg.data<?> {
  %l = owg.loop "improve"(%c = %q : !owg.data<512>) -> !owg.data<512> bound 9
      profile #owg.profile<trips = const<2>> source #owg.source<"a.yaml":3:5>
  after {
    %0 = owg.task "step"(%c : !owg.data<512>) -> !owg.data<512>
        profile #owg.profile<cycles = const<100>>
    owg.yield %0 : !owg.data<512>
  }
  %nothing = owg.nothing : !owg.data<0>
  %s = owg.select "experts"(%l : !owg.data<512>) init(concat %nothing : !owg.data<0>) -> !owg.data<?>
      profile #owg.profile<frequencies = [0.5, 0.25]>
  member {
    owg.yield %l : !owg.data<512>
  } member {
    %0 = owg.task "expert"(%l : !owg.data<512>) -> !owg.data<64>
        profile #owg.profile<work = {mac = uniform<20, 21>, bytes = const<5>}>
    owg.yield %0 : !owg.data<64>
  }
  %t = owg.call "again" @three(%s : !owg.data<?>) -> !owg.token
  owg.return %s : !owg.data<?>
}

// A loop that decides by blocks: `before` is a cluster of its own.
// CHECK: label="workflow @three";
// CHECK: [[LOOP:n[0-9]+]] [label="ask", shape=diamond];
// CHECK-NEXT: subgraph cluster_{{[0-9]+}} {
// CHECK-NEXT:   label="before";
// CHECK-NEXT:   [[BEFORE:n[0-9]+]] [label="", shape=point];
// CHECK-NEXT:   [[TEST:n[0-9]+]] [label="test\n1 cycles", shape=box];
// CHECK-NEXT:   [[DECIDE:n[0-9]+]] [label="decide", shape=diamond];
// CHECK-NEXT: }
// CHECK-NEXT: subgraph cluster_[[AFTER:[0-9]+]] {
// CHECK-NEXT:   label="after";
// CHECK-NEXT:   [[ENTRY:n[0-9]+]] [label="", shape=point];
// CHECK-NEXT: }
owg.workflow @three(%x: !owg.data<?>) -> !owg.token {
  %start = owg.task "start"(%x : !owg.data<?>) -> !owg.token profile #owg.profile<cycles = const<1>>
  %r = owg.loop "ask"(%v = %start : !owg.token) -> !owg.token
  before {
    %more = owg.task "test"(%v : !owg.token) -> i1 profile #owg.profile<cycles = const<1>>
    owg.decide %more : i1 forward(%v : !owg.token)
  } after (%w : !owg.token) {
    owg.yield %w : !owg.token
  }
  owg.return %r : !owg.token
}

// Edges: uses, captures of decisions, chances, yields, back edges, tokens.
// CHECK: n0 -> n3 [label="tensor<4xf32>"];
// CHECK: n1 -> n4 [label="index"];
// CHECK-NEXT: n3 -> n4 [label="tensor<4xf32>"];
// CHECK-NEXT: n4 -> n6 [style=dashed, lhead=cluster_1];
// CHECK-NEXT: n3 -> n7 [label="tensor<4xf32>"];
// CHECK-NEXT: n2 -> n7 [label="tensor<4xf32>"];
// CHECK-NEXT: n7 -> n5 [label="tensor<4xf32>"];
// CHECK-NEXT: n4 -> n8 [style=dashed, lhead=cluster_2];
// CHECK-NEXT: n0 -> n5 [label="tensor<4xf32>"];
// CHECK-NEXT: n1 -> n9 [label="index"];
// CHECK-NEXT: n5 -> n10 [label="tensor<4xf32>"];
// CHECK-NEXT: n9 -> n10 [label="index"];
// CHECK-NEXT: n10 -> n12 [style=dashed, lhead=cluster_3];
// CHECK-NEXT: n12 -> n11 [label="tensor<4xf32>"];
// CHECK-NEXT: n5 -> n13 [label="tensor<4xf32>"];
// CHECK-NEXT: n11 -> n14 [label="tensor<?xf32>"];
// CHECK-NEXT: n15 -> n16 [label="512 B"];
// CHECK-NEXT: n16 -> n17 [style=dashed, lhead=cluster_5];
// CHECK-NEXT: n17 -> n18 [label="512 B"];
// CHECK-NEXT: n18 -> n16 [label="512 B", style=bold, constraint=false];
// CHECK-NEXT: n16 -> n19 [label="512 B"];
// CHECK-NEXT: n19 -> n21 [label="0.5", style=dashed, lhead=cluster_6];
// CHECK-NEXT: n16 -> n20 [label="512 B"];
// CHECK-NEXT: n19 -> n22 [label="0.25", style=dashed, lhead=cluster_7];
// CHECK-NEXT: n16 -> n23 [label="512 B"];
// CHECK-NEXT: n23 -> n20 [label="64 B"];
// CHECK-NEXT: n20 -> n24 [label="? B"];
// CHECK: [[LOOP]] -> [[BEFORE]] [style=dashed,
// CHECK-NEXT: [[BEFORE]] -> [[TEST]] [style=dotted];
// CHECK-NEXT: [[TEST]] -> [[DECIDE]] [label="i1"];
// CHECK-NEXT: [[BEFORE]] -> [[DECIDE]] [style=dotted];
// CHECK-NEXT: [[DECIDE]] -> [[ENTRY]] [style=dashed, lhead=cluster_[[AFTER]]];
// CHECK-NEXT: [[ENTRY]] -> [[LOOP]] [style=bold, constraint=false];
