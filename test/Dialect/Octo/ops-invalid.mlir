// What each op verifies by itself.
// RUN: octo-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{a kernel is 'image', 'profiled' or 'join', not 'code'}}
octo.kernel @x code on general code 1 : () -> ()

// -----

// expected-error @below {{results are combined by 'concat', 'add', 'max' or 'min', not 'mul'}}
octo.kernel @x join(mul) on general code 1 : () -> ()

// -----

// expected-error @below {{a class of PEAs is 'matrix', 'vector' or 'general', not 'tensor'}}
octo.kernel @x image on tensor code 1 : () -> ()

// -----

// expected-error @below {{has 'i7' in its signature, which no flow can carry}}
octo.kernel @x image on general code 1 : (i7) -> ()

// -----

// expected-error @below {{is a join and must say how it combines: concat, add, max or min}}
octo.kernel @x join on general code 1 : (f32) -> f32

// -----

// expected-error @below {{combines results, which only a join does}}
octo.kernel @x image(add) on general code 1 : (f32) -> f32

// -----

// expected-error @below {{is a join, with one input (the init) for each result; it has 2 and 1}}
octo.kernel @x join(add) on general code 1 : (f32, f32) -> f32

// -----

// expected-error @below {{is profiled and has no code; drop 'body' and 'image'}}
octo.kernel @x profiled on general code 1 body @f : (f32) -> f32

// -----

// expected-error @below {{has 'scaling', which only profiled kernels have}}
octo.kernel @x image on general code 1 : (f32) -> f32 {scaling = #octo.scaling<max_gang = 1>}

// -----

// expected-error @below {{donates input 1 of 1}}
octo.kernel @x image on general code 1 : (f32) -> f32 {donated = array<i32: 1>}

// -----

// expected-error @below {{has work by counter 0 but returns 0 counters}}
octo.kernel @x image on general code 1 : (f32) -> f32 {work = [#octo.work<mac, 1, [counter(0)]>]}

// -----

// expected-error @below {{has work by dimension 0 of input 0, which does not exist}}
octo.kernel @x image on general code 1 : (f32) -> f32 {work = [#octo.work<mac, 1, [dim(0, 0)]>]}

// -----

// expected-error @below {{has work by dimension 2 of input 0, which does not exist}}
octo.kernel @x image on general code 1 : (tensor<4x?xf32>) -> f32 {work = [#octo.work<mac, 1, [dim(0, 2)]>]}

// -----

// expected-error @below {{has an empty list of variants; leave it out, or give at least that of one PEA}}
octo.kernel @x image on general code 1 : (f32) -> f32 {variants = []}

// -----

// expected-error @below {{has a first variant for 2 PEAs; it is for one}}
octo.kernel @x image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 2>]}

// -----

// expected-error @below {{has both work and phases; the sum of the phases is its work: drop 'work'}}
octo.kernel @x image on general code 1 : (f32) -> f32 {work = [#octo.work<mac, 1>], phases = [#owg.phase<scalar "x" {scalar = 1}>]}

// -----

// expected-error @below {{has work that cannot be counted: a form uses counter 0, but there are 0}}
octo.kernel @x image on general code 1 : (f32) -> f32 {phases = [#owg.phase<scalar "x" {scalar = counter(0)}>]}

// -----

// expected-error @below {{has phases by dimension 0 of input 0, which does not exist}}
octo.kernel @x image on general code 1 : (f32) -> f32 {phases = [#owg.phase<scalar "x" {scalar = dim(0, 0)}>]}

// -----

// expected-error @below {{has a variant with 2 maps for 1 phases; give one a phase, or none}}
octo.kernel @x image on general code 1 : (f32) -> f32
  {phases = [#owg.phase<scalar "x" {scalar = 1}>], variants = [#octo.variant<gang = 1, maps = [#octo.map<>, #octo.map<>]>]}

// -----

// expected-error @below {{has variants that do not ascend: 2 after 2}}
octo.kernel @x image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1>, #octo.variant<gang = 2>, #octo.variant<gang = 2>]}

// -----

// expected-error @below {{has digest 'abc'; a SHA-256 is 64 lower-case hexadecimal digits}}
octo.image @x entry "f" cpu "generic" digest "abc"

// -----

// expected-error @below {{has an object of 'i32', not of i8}}
octo.image @x entry "f" cpu "generic" digest "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" object dense<1> : tensor<4xi32>

// -----

// expected-error @below {{has type 'i7', which no flow can carry}}
octo.weight @x : i7 {seed = 1 : i64, scale = 1.0 : f64}

// -----

// expected-error @below {{has type 'tensor<?xf32>'; the shape of a weight is known}}
octo.weight @x : tensor<?xf32> {seed = 1 : i64, scale = 1.0 : f64}

// -----

// expected-error @below {{has 0 sources; it has exactly one of 'value', 'file' and 'seed'}}
octo.weight @x : tensor<4xf32>

// -----

// expected-error @below {{has 2 sources; it has exactly one of 'value', 'file' and 'seed'}}
octo.weight @x : f32 {seed = 1 : i64, scale = 1.0 : f64, value = dense<1.0> : tensor<f32>}

// -----

// expected-error @below {{needs 'file' and 'digest' together}}
octo.weight @x : f32 {file = "w.bin"}

// -----

// expected-error @below {{has digest 'ABC'; a SHA-256 is 64 lower-case hexadecimal digits}}
octo.weight @x : f32 {file = "w.bin", digest = "ABC"}

// -----

// expected-error @below {{needs 'seed' and 'scale' together}}
octo.weight @x : f32 {seed = 1 : i64}

// -----

// expected-error @below {{has type 'tensor<4xf32>' but a value of 'tensor<4xi32>'}}
octo.weight @x : tensor<4xf32> {value = dense<1> : tensor<4xi32>}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{opens at least one scope}}
  %s = octo.switch "p/s" in %body decide @d(%x) scopes []
    : (!octo.act, !octo.flow<f32>) -> !octo.block
  octo.merge %s yields() : () -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{opens 2 scopes, not 1}}
  %l, %b = octo.loop "p/l" in %body decide @more scopes [[]]
    : (!octo.act) -> (!octo.block, !octo.act)
  octo.decide %l (%x) : (!octo.flow<f32>) -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{opens 1 scope, not 2}}
  %f, %a, %b = octo.fork "p/f" in %body scopes [[], []]
    : (!octo.act) -> (!octo.block, !octo.act, !octo.act)
  octo.join %f yields() : () -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{has a negative number of imports}}
  %f, %a = "octo.fork"(%body) <{path = "p/f", imports = array<i32>, importSizes = array<i32: -1>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0>}> : (!octo.act) -> (!octo.block, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{lists 0 imports for scopes that have 1}}
  %f, %a = "octo.fork"(%body) <{path = "p/f", imports = array<i32>, importSizes = array<i32: 1>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0>}> : (!octo.act) -> (!octo.block, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{has 2 results; a token, 1 activations and 1 imports are 3}}
  %f, %a = octo.fork "p/f" in %body captures(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{result 1 is the activation of scope 0; its type is !octo.act}}
  %f, %a, %i = octo.fork "p/f" in %body captures(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.flow<f32>, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{result 2 is an import; its type is a flow}}
  %f, %a, %i = octo.fork "p/f" in %body captures(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{imports 'index', which only the copies of a fork have}}
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[index]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<index>)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{imports the index of the copy as '!octo.flow<f32>', not as a flow of index}}
  %f, %a, %i = octo.fork "p/f" in %body scopes [[index]]
    : (!octo.act) -> (!octo.block, !octo.act, !octo.flow<f32>)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{imports 'forward', which only the second scope of a loop does}}
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[forward 0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{imports input 1 but has only 1 inputs}}
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[1]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{imports input 0 of type '!octo.flow<f32>' as '!octo.flow<i32>'}}
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<i32>)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x)
    // expected-error @below {{number 1073741824 is too large}}
    scopes [[1073741824]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{has neither a decide kernel nor frequencies; add 'decide', or a profile with 2 frequencies}}
  %s, %a, %b = octo.switch "p/s" in %body scopes [[], []]
    : (!octo.act) -> (!octo.block, !octo.act, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{has 2 scopes but frequencies for 1}}
  %s, %a, %b = octo.switch "p/s" in %body scopes [[], []] profile <[{frequencies = [4294967296]}]>
    : (!octo.act) -> (!octo.block, !octo.act, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{has frequencies that sum to 3, not to 2^32}}
  %s, %a, %b = octo.switch "p/s" in %body scopes [[], []] profile <[{frequencies = [1, 2]}]>
    : (!octo.act) -> (!octo.block, !octo.act, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{has neither a decide kernel nor frequencies; add 'decide', or a profile with 1 frequencies}}
  %s, %a = octo.select "p/s" in %body scopes [[]]
    : (!octo.act) -> (!octo.block, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{carries 1 values but has 0 next values}}
  %l, %b, %i, %a = octo.loop "p/l" in %body decide @more inits(%x) scopes [[0], []]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{carries 1 values; import 0 of its first scope must be input 0}}
  %l, %b, %a, %i = octo.loop "p/l" in %body decide @more inits(%x) next(%i) scopes [[], [0]]
    : (!octo.act, !octo.flow<f32>, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.act, !octo.flow<f32>)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %xn:2 = octo.entry : !octo.flow<f32>, !octo.flow<i32>
  // expected-error @below {{carries value 0 as '!octo.flow<f32>' but its next value is '!octo.flow<i32>'}}
  %l, %b, %i, %a, %j = octo.loop "p/l" in %body decide @more inits(%xn#0) captures(%xn#1) next(%j) scopes [[0], [1]]
    : (!octo.act, !octo.flow<f32>, !octo.flow<i32>, !octo.flow<i32>) -> (!octo.block, !octo.act, !octo.flow<f32>, !octo.act, !octo.flow<i32>)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body = octo.entry
  // expected-error @below {{has neither a decide kernel nor trips; add 'decide', or a profile with 'draw'}}
  %l, %b, %a = octo.loop "p/l" in %body scopes [[], []]
    : (!octo.act) -> (!octo.block, !octo.act, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{has a count of type '!octo.flow<f32>', not a flow of index}}
  %f, %a = octo.fork "p/f" in %body count(%x) scopes [[]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body = octo.entry
  // expected-error @below {{has neither a count nor a profile of it; add 'count', or a profile with 'draw'}}
  %f, %a = octo.fork "p/f" in %body scopes [[]]
    : (!octo.act) -> (!octo.block, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @p profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %l, %b, %a = octo.loop "p/l" in %body decide @more scopes [[], []]
    : (!octo.act) -> (!octo.block, !octo.act, !octo.act)
  // expected-error @below {{expected 1 operand types, found 2}}
  octo.decide %l (%x) : (!octo.flow<f32>, !octo.flow<f32>) -> ()
  octo.exit in %body
}

// -----

octo.program @p {
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
  // expected-error @below {{has a buffer but is not streamed; add 'streamed' and a number of chunks}}
  %y = octo.flow %x buffer 3 : !octo.flow<tensor<4xf32>>
  octo.exit in %body (%y) : !octo.flow<tensor<4xf32>>
}

// -----

octo.program @p {
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
  // expected-error @below {{has a buffer for 5 of 4 chunks}}
  %y = octo.flow %x streamed 4 buffer 5 : !octo.flow<tensor<4xf32>>
  octo.exit in %body (%y) : !octo.flow<tensor<4xf32>>
}

// -----

octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{streams '!octo.flow<f32>', which has no chunks; drop 'streamed'}}
  %y = octo.flow %x streamed 4 : !octo.flow<f32>
  octo.exit in %body (%y) : !octo.flow<f32>
}

// -----

octo.program @p {
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
  // expected-error @below {{32-bit signless integer attribute whose minimum value is 2 whose maximum value is 16}}
  %y = octo.flow %x streamed 17 : !octo.flow<tensor<4xf32>>
  octo.exit in %body (%y) : !octo.flow<tensor<4xf32>>
}

// -----

octo.program @p {
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
  // expected-error @below {{32-bit signless integer attribute whose value is positive}}
  %y = octo.flow %x streamed 4 buffer 0 : !octo.flow<tensor<4xf32>>
  octo.exit in %body (%y) : !octo.flow<tensor<4xf32>>
}
