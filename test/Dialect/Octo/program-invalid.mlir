// The verifier of whole programs: scopes, closing ops, circles, symbols.
// RUN: octo-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{has no octo.entry}}
octo.program @p {
}

// -----

// expected-error @below {{has no octo.exit}}
octo.program @p {
  %body = octo.entry
}

// -----

octo.program @p {
  %body = octo.entry
  // expected-error @below {{is the second of its program}}
  %b2 = octo.entry
  octo.exit in %body
}

// -----

octo.program @p {
  %body = octo.entry
  octo.exit in %body
  // expected-error @below {{is the second of its program}}
  octo.exit in %body
}

// -----

// expected-error @below {{has block arguments; its arguments are the results of octo.entry}}
octo.program @p {
^bb0(%a: f32):
  %body = octo.entry
  octo.exit in %body
}

// -----

octo.program @p {
  %body = octo.entry
  // expected-error @below {{does not belong in an octo.program}}
  %c = arith.constant 1 : i32
  octo.exit in %body
}

// -----

// expected-error @below {{names 2 of 1 arguments}}
octo.program @p attributes {arg_names = ["a", "b"]} {
  %body, %x = octo.entry : !octo.flow<f32>
  octo.exit in %body
}

// -----

// expected-error @below {{names 0 of 1 results}}
octo.program @p attributes {result_names = []} {
  %body, %x = octo.entry : !octo.flow<f32>
  octo.exit in %body (%x) : !octo.flow<f32>
}

// -----

octo.program @p {
  %body = octo.entry
  // expected-error @below {{leads back to itself}}
  %f = octo.flow %g : !octo.flow<f32>
  %g = octo.flow %f : !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-note @below {{the value is defined here}}
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  octo.merge %s yields() : () -> ()
  // expected-error @below {{'p/t' takes a value of case 0 of 'p/s' where one of the body is expected; take it in through 'scopes' of the op that opens the scope, or out through the op that closes it}}
  %y = octo.tb "p/t" in %body @k(%i) : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  // expected-note @below {{the value is defined here}}
  %body, %x = octo.entry : !octo.flow<f32>
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  octo.merge %s yields() : () -> ()
  // expected-error @below {{'p/t' takes a value of the body where one of case 0 of 'p/s' is expected}}
  %y = octo.tb "p/t" in %a @k(%x) : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  // expected-note @below {{the value is defined here}}
  %body, %x = octo.entry : !octo.flow<f32>
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/s' takes a value of the body where one of case 0 of 'p/s' is expected}}
  %y = octo.merge %s yields(%x) : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-note @below {{the value is defined here}}
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  octo.merge %s yields() : () -> ()
  // expected-error @below {{takes a value of case 0 of 'p/s' where one of the body is expected}}
  octo.exit in %body (%i) : !octo.flow<f32>
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  octo.merge %s yields() : () -> ()
  // expected-error @below {{ends case 0 of 'p/s', not the body}}
  octo.exit in %a
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body = octo.entry
  // expected-error @below {{'p/s' is in each of 'p/s', which is never activated: its activation leads back to itself}}
  %s, %a = octo.fork "p/s" in %a scopes [[]] profile <[{draw = #octo.dist<1>}]>
    : (!octo.act) -> (!octo.block, !octo.act)
  octo.join %s yields() : () -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-note @below {{the value is defined here}}
  // expected-error @below {{'p/l' takes a value of before of 'p/l' where one of after of 'p/l' is expected}}
  %l, %b, %i, %a, %j = octo.loop "p/l" in %body decide @more inits(%x) next(%i) scopes [[0], [forward 0]]
    : (!octo.act, !octo.flow<f32>, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>, !octo.act, !octo.flow<f32>)
  %y = octo.decide %l (%i) forwards(%i) : (!octo.flow<f32>, !octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-note @below {{the value is defined here}}
  %l, %b, %i, %a, %j = octo.loop "p/l" in %body decide @more inits(%x) next(%j) scopes [[0], [forward 0]]
    : (!octo.act, !octo.flow<f32>, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/l' takes a value of after of 'p/l' where one of before of 'p/l' is expected}}
  %y = octo.decide %l (%j) forwards(%i) : (!octo.flow<f32>, !octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/s' is never closed; it needs an octo.merge}}
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/l' is never closed; it needs an octo.decide}}
  %l, %b, %i, %a, %j = octo.loop "p/l" in %body decide @more inits(%x) next(%j) scopes [[0], [forward 0]]
    : (!octo.act, !octo.flow<f32>, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>, !octo.act, !octo.flow<f32>)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body = octo.entry
  // expected-error @below {{'p/f' is never closed; it needs an octo.join}}
  %f, %a = octo.fork "p/f" in %body scopes [[]] profile <[{draw = #octo.dist<1>}]> : (!octo.act) -> (!octo.block, !octo.act)
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/s' is closed more than once}}
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  // expected-note @below {{closed here}}
  octo.merge %s yields() : () -> ()
  // expected-note @below {{closed here}}
  octo.merge %s yields() : () -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/s' closes octo.switch, which is not what it is for}}
  octo.join %s yields() : () -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/s' closes octo.switch, which is not what it is for}}
  octo.decide %s () : () -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %l, %b, %i, %a, %j = octo.loop "p/l" in %body decide @more inits(%x) next(%j) scopes [[0], [forward 0]]
    : (!octo.act, !octo.flow<f32>, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/l' closes octo.loop, which is not what it is for}}
  octo.merge %l yields() : () -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/s' has 1 results and closes 1 scopes: it needs 1 yields, not 0}}
  %y = octo.merge %s yields() : () -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/s' yields '!octo.flow<f32>' for a result of type '!octo.flow<i32>'}}
  %y = octo.merge %s yields(%i) : (!octo.flow<f32>) -> !octo.flow<i32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %f, %a, %i = octo.fork "p/f" in %body captures(%x) scopes [[0]] profile <[{draw = #octo.dist<1>}]>
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/f' has 1 results, but 0 inits were given}}
  %y = octo.join %f by @j yields(%i) : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %f, %a, %i = octo.fork "p/f" in %body inits(%x) scopes [[0]] profile <[{draw = #octo.dist<1>}]>
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/f' has results and needs a kernel that joins them}}
  %y = octo.join %f yields(%i) : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %f, %a, %i = octo.fork "p/f" in %body captures(%x) scopes [[0]] profile <[{draw = #octo.dist<1>}]>
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/f' has no results, so nothing to join}}
  octo.join %f by @j yields() : () -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %l, %b, %i, %a, %j = octo.loop "p/l" in %body decide @more inits(%x) next(%j) scopes [[0], [forward 0]]
    : (!octo.act, !octo.flow<f32>, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/l' forwards 0 values but has 1 results}}
  %y = octo.decide %l (%i) : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %l, %b, %i, %a, %j = octo.loop "p/l" in %body decide @more inits(%x) next(%j) scopes [[0], [forward 0]]
    : (!octo.act, !octo.flow<f32>, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/l' forwards '!octo.flow<f32>' as a result of type '!octo.flow<i32>'}}
  %y = octo.decide %l (%i) forwards(%i) : (!octo.flow<f32>, !octo.flow<f32>) -> !octo.flow<i32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %l, %b, %i, %a, %j = octo.loop "p/l" in %body decide @more inits(%x) next(%j) scopes [[0], [forward 0]]
    : (!octo.act, !octo.flow<f32>, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/l' forwards 0 values, but the loop takes in number 0}}
  octo.decide %l (%i) : (!octo.flow<f32>) -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %l, %b, %i, %a, %j = octo.loop "p/l" in %body decide @more captures(%x) scopes [[0], [forward 0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>, !octo.act, !octo.flow<i32>)
  // expected-error @below {{of 'p/l' forwards '!octo.flow<f32>' where the loop takes in '!octo.flow<i32>'}}
  %y = octo.decide %l (%i) forwards(%i) : (!octo.flow<f32>, !octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body = octo.entry
  // expected-error @below {{'p/a' waits for its own output; only 'next' of octo.loop may close a circle}}
  %a = octo.tb "p/a" in %body @k(%b) : (!octo.flow<f32>) -> !octo.flow<f32>
  // expected-note @below {{through 'p/b'}}
  %b = octo.tb "p/b" in %body @k(%a) : (!octo.flow<f32>) -> !octo.flow<f32>
  %c = octo.tb "p/c" in %body @k(%b) : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/t' names kernel @nothing, which is no octo.kernel}}
  %y = octo.tb "p/t" in %body @nothing(%x) : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/t' runs @j, which is a join}}
  %y = octo.tb "p/t" in %body @j(%x) : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/t' runs a profiled kernel; add a profile with 'draw', the cycles on one PEA}}
  %y = octo.tb "p/t" in %body @prof(%x) : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
// expected-note @below {{the kernel is}}
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/t' has 2 inputs, not the 1 of kernel @k}}
  %y = octo.tb "p/t" in %body @k(%x, %x) : (!octo.flow<f32>, !octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
// expected-note @below {{the kernel is}}
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/t' output 0 does not have the type of kernel @k}}
  %y = octo.tb "p/t" in %body @k(%x) : (!octo.flow<f32>) -> !octo.flow<i32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/s' decides by @j, which has no code}}
  %s, %a, %i = octo.switch "p/s" in %body decide @j(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  octo.merge %s yields() : () -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/s' needs a decision of type 'index', but @more gives 'i1'}}
  %s, %a, %i = octo.switch "p/s" in %body decide @more(%x) scopes [[0]]
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  octo.merge %s yields() : () -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/s' needs a decision of type 'tensor<1xi1>', but @d gives 'index'}}
  %s, %a = octo.select "p/s" in %body decide @d(%x) scopes [[]] : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act)
  octo.join %s yields() : () -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %l, %b, %i, %a, %j = octo.loop "p/l" in %body decide @d inits(%x) next(%j) scopes [[0], [forward 0]]
    : (!octo.act, !octo.flow<f32>, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/l' needs a decision of type 'i1', but @d gives 'index'}}
  %y = octo.decide %l (%i) forwards(%i) : (!octo.flow<f32>, !octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

// expected-note @below {{the kernel is}}
octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/s' has 0 decide inputs, not the 1 of kernel @d}}
  %s, %a = octo.switch "p/s" in %body decide @d scopes [[]] : (!octo.act) -> (!octo.block, !octo.act)
  octo.merge %s yields() : () -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  %f, %a, %i = octo.fork "p/f" in %body inits(%x) scopes [[0]] profile <[{draw = #octo.dist<1>}]>
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  // expected-error @below {{of 'p/f' joins by @k, which is no join}}
  %y = octo.join %f by @k yields(%i) : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body = octo.entry
  // expected-error @below {{names weight @nothing, which is no octo.weight}}
  %w = octo.use_weight @nothing : !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.weight @w : i32 {value = dense<1> : tensor<i32>}
octo.program @p {
  %body = octo.entry
  // expected-error @below {{has type '!octo.flow<f32>', but weight @w is 'i32'}}
  %w = octo.use_weight @w : !octo.flow<f32>
  octo.exit in %body
}

// -----

// expected-error @below {{is for machine @m, which is no octo.machine}}
octo.program @p on @m {
  %body = octo.entry
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/t' names block 1 as a likely next one; the program has 1}}
  %y = octo.tb "p/t" in %body @k(%x) policy <static_time, static_frequency, "", priority = 0, cycles = 0, p95 = 0, count_q16 = 0, next = [1]> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/t' is a task and has a replica without PEAs}}
  %y = octo.tb "p/t" in %body @k(%x) place <[{cluster 0}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/s' is a control block and has a replica with PEAs; it runs on a CBU}}
  %s, %a, %i = octo.switch "p/s" in %body decide @d(%x) scopes [[0]] place <[{cluster 0, tbu 0, pea 0 + 1, share 0}]>
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  octo.merge %s yields() : () -> ()
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/t' has a slot in segment 0; the program has 0}}
  %y = octo.tb "p/t" in %body @k(%x) slot <segment = 0, replica = 0, start = 0, cycles = 1> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.kernel @d image on general code 1 : (f32) -> index
octo.kernel @mask image on general code 1 : (f32) -> tensor<1xi1>
octo.kernel @more image on general code 1 : (f32) -> i1
octo.kernel @k image on general code 1 : (f32) -> f32
octo.kernel @prof profiled on general code 1 : (f32) -> f32
octo.kernel @j join(add) on general code 1 : (f32) -> f32
octo.program @p {
  %body, %x = octo.entry : !octo.flow<f32>
  octo.segment in %body interval 0 lanes 1
  // expected-error @below {{'p/t' has a slot on replica 0, which it does not have}}
  %y = octo.tb "p/t" in %body @k(%x) slot <segment = 0, replica = 0, start = 0, cycles = 1> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

// Streams lead from task block to task block, in one segment.
octo.program @p {
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
  // expected-error @below {{streams what no octo.tb makes; streams lead from task block to task block: drop 'streamed'}}
  %y = octo.flow %x streamed 4 : !octo.flow<tensor<4xf32>>
  octo.exit in %body (%x) : !octo.flow<tensor<4xf32>>
}

// -----

octo.kernel @k profiled on general code 1 : (tensor<4xf32>) -> tensor<4xf32>
octo.program @p {
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
  %a = octo.tb "p/a" in %body @k(%x)
      profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  // expected-note @below {{for the first time here}}
  %y = octo.flow %a streamed 4 : !octo.flow<tensor<4xf32>>
  // expected-error @below {{is streamed twice}}
  %z = octo.flow %y streamed 2 : !octo.flow<tensor<4xf32>>
  octo.exit in %body (%x) : !octo.flow<tensor<4xf32>>
}

// -----

octo.kernel @k profiled on general code 1 : (tensor<4xf32>) -> tensor<4xf32>
octo.program @p {
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
  %a = octo.tb "p/a" in %body @k(%x)
      profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  // expected-note @below {{the stream is here}}
  %y = octo.flow %a streamed 4 : !octo.flow<tensor<4xf32>>
  // A whole flow after it changes nothing.
  %z = octo.flow %y : !octo.flow<tensor<4xf32>>
  // expected-error @below {{takes a stream and is no octo.tb: drop 'streamed'}}
  octo.exit in %body (%z) : !octo.flow<tensor<4xf32>>
}

// -----

octo.kernel @k profiled on general code 1 : (tensor<4xf32>) -> tensor<4xf32>
octo.program @p {
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
  octo.segment in %body interval 20 lanes 1
  octo.segment in %body interval 20 lanes 1
  %a = octo.tb "p/a" in %body @k(%x)
      profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
      slot <segment = 0, replica = 0, start = 0, cycles = 10>
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  // expected-note @below {{the stream is here}}
  %y = octo.flow %a streamed 4 : !octo.flow<tensor<4xf32>>
  // expected-error @below {{'p/b' takes a stream from 'p/a', which is not in the same segment: drop 'streamed'}}
  %b = octo.tb "p/b" in %body @k(%y)
      profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
      slot <segment = 1, replica = 0, start = 10, cycles = 10>
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  octo.exit in %body (%x) : !octo.flow<tensor<4xf32>>
}

// -----

octo.kernel @k profiled on general code 1 : (tensor<4xf32>) -> tensor<4xf32>
octo.program @p {
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
  octo.segment in %body interval 20 lanes 1
  octo.segment in %body interval 20 lanes 1
  %a = octo.tb "p/a" in %body @k(%x)
      profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  // expected-note @below {{the stream is here}}
  %y = octo.flow %a streamed 4 : !octo.flow<tensor<4xf32>>
  // expected-error @below {{'p/b' takes a stream from 'p/a', which is not in the same segment: drop 'streamed'}}
  %b = octo.tb "p/b" in %body @k(%y)
      profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
      slot <segment = 0, replica = 0, start = 10, cycles = 10>
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  octo.exit in %body (%x) : !octo.flow<tensor<4xf32>>
}

// -----

octo.kernel @k profiled on general code 1 : (tensor<4xf32>) -> tensor<4xf32>
octo.program @p {
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
  octo.segment in %body interval 20 lanes 1
  octo.segment in %body interval 20 lanes 1
  %a = octo.tb "p/a" in %body @k(%x)
      profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
      slot <segment = 0, replica = 0, start = 0, cycles = 10>
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  // expected-note @below {{the stream is here}}
  %y = octo.flow %a streamed 4 : !octo.flow<tensor<4xf32>>
  // expected-error @below {{'p/b' takes a stream from 'p/a', which is not in the same segment: drop 'streamed'}}
  %b = octo.tb "p/b" in %body @k(%y)
      profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  octo.exit in %body (%x) : !octo.flow<tensor<4xf32>>
}

// -----

// A stream is there when its first chunk is, and its consumer goes on until the
// last one is.
octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 1,
  clustersPerDie = [1, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-note @below {{the input is made here, from cycle 0 for 100 cycles}}
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, max 1, share 65536}]> slot <segment = 0, replica = 0, start = 0, cycles = 100>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  %s = octo.flow %a streamed 4 : !octo.flow<!octo.data, 64>
  // expected-error @below {{'p/b' starts at cycle 24 of its segment, before the first chunk of its input from 'p/a' is there at cycle 25; start it later}}
  %b = octo.tb "p/b" in %body @k(%s) profile <[{draw = #octo.dist<70>}]> place <[{cluster 0, tbu 0, pea 1 + 1, max 1, share 65536}]> slot <segment = 0, replica = 0, start = 24, cycles = 100>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%b) : !octo.flow<!octo.data, 64>
  octo.segment in %body interval 100 lanes 1
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 1,
  clustersPerDie = [1, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-note @below {{the input is made here, from cycle 0 for 100 cycles}}
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, max 1, share 65536}]> slot <segment = 0, replica = 0, start = 0, cycles = 100>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  %s = octo.flow %a streamed 4 : !octo.flow<!octo.data, 64>
  // expected-error @below {{'p/b' ends at cycle 99 of its segment, before the last chunk of its input from 'p/a' is made at cycle 100; end it later}}
  %b = octo.tb "p/b" in %body @k(%s) profile <[{draw = #octo.dist<70>}]> place <[{cluster 0, tbu 0, pea 1 + 1, max 1, share 65536}]> slot <segment = 0, replica = 0, start = 25, cycles = 74>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%b) : !octo.flow<!octo.data, 64>
  octo.segment in %body interval 100 lanes 1
}
