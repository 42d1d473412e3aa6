// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: octo-translate --mlir-to-dot %s | FileCheck %s

octo.kernel @d image on general code 64 : (tensor<4xf32>) -> index
octo.kernel @b image on general code 64 : (tensor<4xf32>) -> i1
octo.kernel @k image on general code 64 : (tensor<4xf32>) -> tensor<4xf32>
octo.kernel @v image on general code 64 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
octo.kernel @j join(add) on vector code 0 : (tensor<4xf32>) -> tensor<4xf32>
octo.weight @w : tensor<4xf32> {seed = 7 : i64, scale = 0.125 : f64}

// CHECK: label="program @p";
// CHECK-NEXT: [[X:n[0-9]+]] [label="in", shape=ellipse];
// CHECK-NEXT: [[T:n[0-9]+]] [label="t\n@v\ncluster 3, tbu 1, pea 0 + 2\n+ 1 replicas", shape=box, tooltip="p/t"];
// CHECK-NEXT: [[W:n[0-9]+]] [label="@w", shape=cylinder];
// CHECK-NEXT: [[C:n[0-9]+]] [label="c\n@d", shape=diamond, tooltip="p/c"];
// CHECK-NEXT: subgraph cluster_[[CASE0:[0-9]+]] {
// CHECK-NEXT: label="case 0";
// CHECK-NEXT: [[CASE0IN:n[0-9]+]] [label="", shape=point];
// CHECK-NEXT: [[CT:n[0-9]+]] [label="t\n@k", shape=box, tooltip="p/c/case0/t"];
// CHECK-NEXT: }
// CHECK-NEXT: subgraph cluster_[[CASE1:[0-9]+]] {
// CHECK-NEXT: label="case 1";
// CHECK-NEXT: [[CASE1IN:n[0-9]+]] [label="", shape=point];
// CHECK-NEXT: }
// CHECK-NEXT: [[MERGE:n[0-9]+]] [label="merge", shape=circle];
// CHECK-NEXT: [[L:n[0-9]+]] [label="l\n@b\ncluster 5", shape=diamond, tooltip="p/l"];
// CHECK-NEXT: subgraph cluster_[[BEFORE:[0-9]+]] {
// CHECK-NEXT: label="before";
// CHECK-NEXT: [[BEFOREIN:n[0-9]+]] [label="", shape=point];
// CHECK-NEXT: [[DECIDE:n[0-9]+]] [label="decide", shape=diamond];
// CHECK-NEXT: }
// CHECK-NEXT: subgraph cluster_[[AFTER:[0-9]+]] {
// CHECK-NEXT: label="after";
// CHECK-NEXT: [[AFTERIN:n[0-9]+]] [label="", shape=point];
// CHECK-NEXT: [[N:n[0-9]+]] [label="n\n@k", shape=box
// CHECK-NEXT: }
// CHECK-NEXT: [[F:n[0-9]+]] [label="f", shape=diamond
// CHECK-NEXT: subgraph cluster_[[EACH:[0-9]+]] {
// CHECK-NEXT: label="each";
// CHECK-NEXT: [[EACHIN:n[0-9]+]] [label="", shape=point];
// CHECK-NEXT: }
// CHECK-NEXT: [[JOIN:n[0-9]+]] [label="join", shape=circle];
// CHECK-NEXT: [[S:n[0-9]+]] [label="s", shape=diamond
// CHECK-NEXT: subgraph cluster_[[M0:[0-9]+]] {
// CHECK-NEXT: label="member 0";
// CHECK-NEXT: [[M0IN:n[0-9]+]] [label="", shape=point];
// CHECK-NEXT: }
// CHECK-NEXT: [[JOIN2:n[0-9]+]] [label="join", shape=circle];
// CHECK-NEXT: [[Y:n[0-9]+]] [label="result 0", shape=ellipse];
octo.program @p attributes {arg_names = ["in"]} {
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>, 16>
  %t = octo.tb "p/t" in %body @v(%x, %w)
    place <[{cluster 3, tbu 1, pea 0 + 2, max 4, share 65536}, {cluster 4, tbu 1, pea 0 + 2, max 4, share 0, standby} ], by_request>
    : (!octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<4xf32>, 16>) -> !octo.flow<tensor<4xf32>, 16>
  %w = octo.use_weight @w : !octo.flow<tensor<4xf32>, 16>
  %c, %case0, %x0, %case1, %x1 =
    octo.switch "p/c" in %body decide @d(%t) captures(%x) scopes [[1], [1]]
    : (!octo.act, !octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<4xf32>, 16>)
    -> (!octo.block, !octo.act, !octo.flow<tensor<4xf32>, 16>,
        !octo.act, !octo.flow<tensor<4xf32>, 16>)
  %y = octo.merge %c yields(%z, %x1)
    : (!octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<4xf32>, 16>)
    -> !octo.flow<tensor<4xf32>, 16>
  %z = octo.tb "p/c/case0/t" in %case0 @k(%x0)
    : (!octo.flow<tensor<4xf32>, 16>) -> !octo.flow<tensor<4xf32>, 16>
  %l, %before, %bv, %after, %a =
    octo.loop "p/l" in %body decide @b inits(%y) next(%n)
    scopes [[0], [forward 0]] place <[{cluster 5} ]> {bound = 10 : i64}
    : (!octo.act, !octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<4xf32>, 16>)
    -> (!octo.block, !octo.act, !octo.flow<tensor<4xf32>, 16>,
        !octo.act, !octo.flow<tensor<4xf32>, 16>)
  %ly = octo.decide %l (%bv) forwards(%bv)
    : (!octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<4xf32>, 16>)
    -> !octo.flow<tensor<4xf32>, 16>
  %n = octo.tb "p/l/after/n" in %after @k(%a)
    : (!octo.flow<tensor<4xf32>, 16>) -> !octo.flow<tensor<4xf32>, 16>
  %lf = octo.flow %ly : !octo.flow<tensor<4xf32>, 16>
  %f, %each, %i, %xi =
    octo.fork "p/f" in %body inits(%x) captures(%lf)
    scopes [[index, 1]] profile <[{draw = #octo.dist<3>} ]>
    : (!octo.act, !octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<4xf32>, 16>)
    -> (!octo.block, !octo.act, !octo.flow<index, 8>, !octo.flow<tensor<4xf32>, 16>)
  %fy = octo.join %f by @j yields(%xi)
    : (!octo.flow<tensor<4xf32>, 16>) -> !octo.flow<tensor<4xf32>, 16>
  %s, %m0, %x2 =
    octo.select "p/s" in %body inits(%x) captures(%fy)
    scopes [[1]] profile <[{frequencies = [1073741824]} ]>
    : (!octo.act, !octo.flow<tensor<4xf32>, 16>, !octo.flow<tensor<4xf32>, 16>)
    -> (!octo.block, !octo.act, !octo.flow<tensor<4xf32>, 16>)
  %sy = octo.join %s by @j yields(%x2)
    : (!octo.flow<tensor<4xf32>, 16>) -> !octo.flow<tensor<4xf32>, 16>
  octo.exit in %body (%sy) : !octo.flow<tensor<4xf32>, 16>
}

// CHECK: [[C]] -> [[CASE0IN]] [style=dashed, lhead=cluster_[[CASE0]]];
// CHECK-NEXT: [[C]] -> [[CASE1IN]] [style=dashed, lhead=cluster_[[CASE1]]];
// CHECK-NEXT: [[L]] -> [[BEFOREIN]] [style=dashed, lhead=cluster_[[BEFORE]]];
// CHECK-NEXT: [[DECIDE]] -> [[AFTERIN]] [style=dashed, lhead=cluster_[[AFTER]]];
// CHECK-NEXT: [[F]] -> [[EACHIN]] [style=dashed, lhead=cluster_[[EACH]]];
// CHECK-NEXT: [[S]] -> [[M0IN]] [label="0.25", style=dashed, lhead=cluster_[[M0]]];
// CHECK-NEXT: [[X]] -> [[T]] [label="tensor<4xf32>, 16 B"];
// CHECK-NEXT: [[W]] -> [[T]]
// CHECK-NEXT: [[T]] -> [[C]]
// CHECK-NEXT: [[CT]] -> [[MERGE]]
// CHECK-NEXT: [[X]] -> [[MERGE]]
// CHECK-NEXT: [[X]] -> [[CT]]
// CHECK-NEXT: [[MERGE]] -> [[L]]
// CHECK-NEXT: [[N]] -> [[L]] [label="tensor<4xf32>, 16 B", style=bold, constraint=false];
// CHECK-NEXT: [[L]] -> [[DECIDE]]
// CHECK-NEXT: [[L]] -> [[DECIDE]]
// CHECK-NEXT: [[DECIDE]] -> [[N]]
// CHECK-NEXT: [[X]] -> [[F]]
// CHECK-NEXT: [[DECIDE]] -> [[JOIN]]
// CHECK-NEXT: [[X]] -> [[S]]
// CHECK-NEXT: [[JOIN]] -> [[JOIN2]]
// CHECK-NEXT: [[JOIN2]] -> [[Y]]
