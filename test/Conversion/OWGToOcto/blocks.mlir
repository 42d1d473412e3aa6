// Each control block with code in it.
// RUN: octo-opt %s --owg-outline-tasks --owg-estimate-cost --convert-owg-to-octo --verify-roundtrip | FileCheck %s

// CHECK: octo.weight @w : tensor<4xf32> {scale = 1.250000e-01 : f64, seed = 7 : i64}
// CHECK: octo.kernel @k.all.scale image on vector code {{[0-9]+}} body @all.scale : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> {{.*}}phases = [#owg.phase<vector "
// CHECK: octo.weight @const : tensor<4xf32> {value = dense<0.000000e+00> : tensor<4xf32>}
// CHECK: octo.kernel @join.add join(add) on vector code 0 : (tensor<4xf32>) -> tensor<4xf32> {num_counters = 1 : i32, work = [#octo.work<vector, 4, [counter(0)]>, #octo.work<bytes, 48, [counter(0)]>]}
// CHECK: octo.kernel @join.concat join(concat) on vector code 0 : (tensor<0x4xf32>) -> tensor<?x4xf32> {num_counters = 1 : i32, work = [#octo.work<bytes, 32, [counter(0)]>]}
// CHECK: octo.weight @const.2 : f32 {value = dense<1.000000e+02> : tensor<f32>}

// CHECK-LABEL: octo.program @all attributes {arg_names = ["x", ""], result_names = ["y", "", ""]} {
// CHECK: %[[BODY:.*]], %[[ARG:.*]]:2 = octo.entry
// CHECK: octo.switch "all/sign" in %[[BODY]] decide @k.all.decide(%{{.*}}) captures(%[[ARG]]#0) scopes {{\[\[}}0], [1]]
// CHECK-SAME: : (
// CHECK: octo.select "all/experts" in %[[BODY]] decide @k.all.decide.1(%{{.*}}) inits(%{{.*}}) captures(%[[ARG]]#0) scopes {{\[\[}}2], [2]]
// CHECK: octo.join %{{.*}} by @join.add
// CHECK: octo.fork "all/rows" in %[[BODY]] count(%{{.*}}) inits(%{{.*}}) captures(%{{.*}}) scopes {{\[\[}}index, 2]]
// CHECK: octo.join %{{.*}} by @join.concat {{.*}} -> !octo.flow<tensor<?x4xf32>, 1024>
// CHECK: octo.loop "all/until-small" in %[[BODY]] decide @k.all.decide.2 inits(%{{.*}}) captures(%{{.*}}) next(%{{.*}}) scopes {{\[\[}}0], [forward 0, 1]] {bound = 100 : i64}
// CHECK: octo.decide
// CHECK: octo.tb "all/sign/case0/neg"
// CHECK: octo.tb "all/experts/member0/double"
// CHECK: octo.tb "all/rows/each/row"
// CHECK: octo.tb "all/until-small/after/halve"
// CHECK: octo.exit

// True takes the only case, false the default after it.
// CHECK: func.func @all.decide(
// CHECK: %[[NEG:.*]] = arith.cmpf olt
// CHECK: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK: %[[ONE:.*]] = arith.constant 1 : index
// CHECK: %[[CASE:.*]] = arith.select %[[NEG]], %[[ZERO]], %[[ONE]]
// CHECK: return %[[CASE]]

owg.weight @w : tensor<4xf32> seed 7 scale 0.125
owg.workflow @all(%x: tensor<4xf32> {owg.name = "x"}, %n: index) -> (tensor<4xf32> {owg.name = "y"}, tensor<?x4xf32>, f32) {
  %w = owg.get_weight @w : tensor<4xf32>
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %a = owg.task "scale"(%p = %x : tensor<4xf32>, %q = %w : tensor<4xf32>) -> tensor<4xf32> {
    %0 = arith.mulf %p, %q : tensor<4xf32>
    owg.yield %0 : tensor<4xf32>
  }
  %c0 = arith.constant 0 : index
  %two = arith.constant 2 : index
  %m = arith.addi %n, %two : index
  %b = owg.branch "sign"(%v = %a : tensor<4xf32>) -> tensor<4xf32>
  decide {
    %f = tensor.extract %v[%c0] : tensor<4xf32>
    %z = arith.constant 0.0 : f32
    %neg = arith.cmpf olt, %f, %z : f32
    owg.decide %neg : i1
  } case {
    %0 = owg.task "neg"(%p = %a : tensor<4xf32>) -> tensor<4xf32> {
      %1 = arith.negf %p : tensor<4xf32>
      owg.yield %1 : tensor<4xf32>
    }
    owg.yield %0 : tensor<4xf32>
  } default {
    owg.yield %x : tensor<4xf32>
  }
  %s = owg.select "experts"(%g = %b : tensor<4xf32>)
      init(add %zero : tensor<4xf32>) -> tensor<4xf32>
  decide {
    %half = arith.constant dense<0.5> : tensor<4xf32>
    %mask = arith.cmpf ogt, %g, %half : tensor<4xf32>
    %sl = tensor.extract_slice %mask[0] [2] [1] : tensor<4xi1> to tensor<2xi1>
    owg.decide %sl : tensor<2xi1>
  } member {
    %0 = owg.task "double"(%p = %x : tensor<4xf32>) -> tensor<4xf32> {
      %1 = arith.addf %p, %p : tensor<4xf32>
      owg.yield %1 : tensor<4xf32>
    }
    owg.yield %0 : tensor<4xf32>
  } member {
    owg.yield %x : tensor<4xf32>
  }
  %none = tensor.empty() : tensor<0x4xf32>
  %r = owg.fanout "rows"(%p = %s : tensor<4xf32>) count %m
      init(concat %none : tensor<0x4xf32>) -> tensor<?x4xf32>
  each (%i) {
    %0 = owg.task "row"(%t = %p : tensor<4xf32>, %j = %i : index) -> tensor<1x4xf32> {
      %e = tensor.expand_shape %t [[0, 1]] output_shape [1, 4] : tensor<4xf32> into tensor<1x4xf32>
      owg.yield %e : tensor<1x4xf32>
    }
    owg.yield %0 : tensor<1x4xf32>
  }
  %one = arith.constant 100.0 : f32
  %l = owg.loop "until-small"(%v = %one : f32) -> f32 bound 100
  before {
    %o = arith.constant 1.0 : f32
    %big = arith.cmpf ogt, %v, %o : f32
    owg.decide %big : i1 forward(%v : f32)
  } after (%ww : f32) {
    %nn = owg.task "halve"(%p = %ww : f32, %q = %b : tensor<4xf32>) -> f32 {
      %half = arith.constant 0.5 : f32
      %0 = arith.mulf %p, %half : f32
      owg.yield %0 : f32
    }
    owg.yield %nn : f32
  }
  owg.return %s, %r, %l : tensor<4xf32>, tensor<?x4xf32>, f32
}
