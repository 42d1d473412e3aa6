// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every kind of block on values small enough to follow by hand.

owg.weight @shift : tensor<4xf32> seed 7 scale 0.5

owg.workflow @mini(%x: tensor<4xf32> {owg.name = "x"},
                   %n: index {owg.name = "n"})
    -> (tensor<4xf32> {owg.name = "y"}, tensor<?x4xf32> {owg.name = "rows"},
        tensor<4xf32> {owg.name = "chosen"}) {
  %w = owg.get_weight @shift : tensor<4xf32>
  %shifted = owg.task "shift"(%a = %x : tensor<4xf32>, %b = %w : tensor<4xf32>)
      -> tensor<4xf32> {
    %0 = arith.addf %a, %b : tensor<4xf32>
    owg.yield %0 : tensor<4xf32>
  }
  // The first element decides: double the vector, or square it.
  %branched = owg.branch "sign"(%v = %shifted : tensor<4xf32>) -> tensor<4xf32>
  decide {
    %i = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %first = tensor.extract %v[%i] : tensor<4xf32>
    %positive = arith.cmpf ogt, %first, %zero : f32
    owg.decide %positive : i1
  } case {
    %0 = owg.task "double"(%a = %shifted : tensor<4xf32>) -> tensor<4xf32> {
      %1 = arith.addf %a, %a : tensor<4xf32>
      owg.yield %1 : tensor<4xf32>
    }
    owg.yield %0 : tensor<4xf32>
  } default {
    %0 = owg.task "square"(%a = %shifted : tensor<4xf32>) -> tensor<4xf32> {
      %1 = arith.mulf %a, %a : tensor<4xf32>
      owg.yield %1 : tensor<4xf32>
    }
    owg.yield %0 : tensor<4xf32>
  }
  // Halve until the first element is at most 1 in magnitude.
  %small = owg.loop "halve"(%v = %branched : tensor<4xf32>) -> tensor<4xf32>
      bound 64
  before {
    %i = arith.constant 0 : index
    %one = arith.constant 1.0 : f32
    %first = tensor.extract %v[%i] : tensor<4xf32>
    %size = math.absf %first : f32
    %large = arith.cmpf ogt, %size, %one : f32
    owg.decide %large : i1 forward(%v : tensor<4xf32>)
  } after (%v: tensor<4xf32>) {
    %0 = owg.task "half"(%a = %v : tensor<4xf32>) -> tensor<4xf32> {
      %half = arith.constant dense<0.5> : tensor<4xf32>
      %1 = arith.mulf %a, %half : tensor<4xf32>
      owg.yield %1 : tensor<4xf32>
    }
    owg.yield %0 : tensor<4xf32>
  }
  // The members whose element of the argument is positive add up.
  %none = arith.constant dense<0.0> : tensor<4xf32>
  %chosen = owg.select "experts"(%v = %x : tensor<4xf32>)
      init(add %none : tensor<4xf32>) -> tensor<4xf32>
  decide {
    %zero = arith.constant dense<0.0> : tensor<4xf32>
    %mask = arith.cmpf ogt, %v, %zero : tensor<4xf32>
    owg.decide %mask : tensor<4xi1>
  } member {
    %0 = owg.task "one"(%a = %small : tensor<4xf32>) -> tensor<4xf32> {
      %c = arith.constant dense<1.0> : tensor<4xf32>
      %1 = arith.addf %a, %c : tensor<4xf32>
      owg.yield %1 : tensor<4xf32>
    }
    owg.yield %0 : tensor<4xf32>
  } member {
    %0 = owg.task "two"(%a = %small : tensor<4xf32>) -> tensor<4xf32> {
      %c = arith.constant dense<2.0> : tensor<4xf32>
      %1 = arith.addf %a, %c : tensor<4xf32>
      owg.yield %1 : tensor<4xf32>
    }
    owg.yield %0 : tensor<4xf32>
  } member {
    %0 = owg.task "three"(%a = %small : tensor<4xf32>) -> tensor<4xf32> {
      %c = arith.constant dense<3.0> : tensor<4xf32>
      %1 = arith.addf %a, %c : tensor<4xf32>
      owg.yield %1 : tensor<4xf32>
    }
    owg.yield %0 : tensor<4xf32>
  } member {
    owg.yield %small : tensor<4xf32>
  }
  // Row i is the vector plus i.
  %empty = tensor.empty() : tensor<0x4xf32>
  %rows = owg.fanout "rows"(%v = %small : tensor<4xf32>) count %n
      init(concat %empty : tensor<0x4xf32>) -> tensor<?x4xf32>
  each (%i) {
    %0 = owg.task "row"(%a = %v : tensor<4xf32>, %k = %i : index)
        -> tensor<1x4xf32> {
      %1 = arith.index_cast %k : index to i32
      %2 = arith.sitofp %1 : i32 to f32
      %3 = tensor.splat %2 : tensor<4xf32>
      %4 = arith.addf %a, %3 : tensor<4xf32>
      %5 = tensor.expand_shape %4 [[0, 1]] output_shape [1, 4]
          : tensor<4xf32> into tensor<1x4xf32>
      owg.yield %5 : tensor<1x4xf32>
    }
    owg.yield %0 : tensor<1x4xf32>
  }
  owg.return %small, %rows, %chosen
      : tensor<4xf32>, tensor<?x4xf32>, tensor<4xf32>
}
