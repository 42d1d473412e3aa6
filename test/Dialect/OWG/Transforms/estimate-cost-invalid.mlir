// RUN: octo-opt %s --split-input-file --owg-estimate-cost --verify-diagnostics

func.func private @again(%x: f32) -> f32 {
  // expected-error @below {{calls 'again' recursively, so its work cannot be estimated; use a loop}}
  %0 = func.call @again(%x) : (f32) -> f32
  return %0 : f32
}
owg.workflow @w(%x: f32) -> f32 {
  %0 = owg.task "t"(%x : f32) -> f32 calls @again
  owg.return %0 : f32
}

// -----

// Calls of calls of calls: two to the twentieth operations.
func.func private @f0(%x: f32) -> f32 {
  %y = arith.addf %x, %x : f32
  return %y : f32
}
func.func private @f1(%x: f32) -> f32 {
  %y = call @f0(%x) : (f32) -> f32
  %z = call @f0(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f2(%x: f32) -> f32 {
  %y = call @f1(%x) : (f32) -> f32
  %z = call @f1(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f3(%x: f32) -> f32 {
  %y = call @f2(%x) : (f32) -> f32
  %z = call @f2(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f4(%x: f32) -> f32 {
  %y = call @f3(%x) : (f32) -> f32
  %z = call @f3(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f5(%x: f32) -> f32 {
  %y = call @f4(%x) : (f32) -> f32
  %z = call @f4(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f6(%x: f32) -> f32 {
  %y = call @f5(%x) : (f32) -> f32
  %z = call @f5(%y) : (f32) -> f32
  // expected-error @below {{is past the 1000000 operations that a body may have with its calls expanded; give the task a profile}}
  return %z : f32
}
func.func private @f7(%x: f32) -> f32 {
  %y = call @f6(%x) : (f32) -> f32
  %z = call @f6(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f8(%x: f32) -> f32 {
  %y = call @f7(%x) : (f32) -> f32
  %z = call @f7(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f9(%x: f32) -> f32 {
  %y = call @f8(%x) : (f32) -> f32
  %z = call @f8(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f10(%x: f32) -> f32 {
  %y = call @f9(%x) : (f32) -> f32
  %z = call @f9(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f11(%x: f32) -> f32 {
  %y = call @f10(%x) : (f32) -> f32
  %z = call @f10(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f12(%x: f32) -> f32 {
  %y = call @f11(%x) : (f32) -> f32
  %z = call @f11(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f13(%x: f32) -> f32 {
  %y = call @f12(%x) : (f32) -> f32
  %z = call @f12(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f14(%x: f32) -> f32 {
  %y = call @f13(%x) : (f32) -> f32
  %z = call @f13(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f15(%x: f32) -> f32 {
  %y = call @f14(%x) : (f32) -> f32
  %z = call @f14(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f16(%x: f32) -> f32 {
  %y = call @f15(%x) : (f32) -> f32
  %z = call @f15(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f17(%x: f32) -> f32 {
  %y = call @f16(%x) : (f32) -> f32
  %z = call @f16(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f18(%x: f32) -> f32 {
  %y = call @f17(%x) : (f32) -> f32
  %z = call @f17(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f19(%x: f32) -> f32 {
  %y = call @f18(%x) : (f32) -> f32
  %z = call @f18(%y) : (f32) -> f32
  return %z : f32
}
func.func private @f20(%x: f32) -> f32 {
  %y = call @f19(%x) : (f32) -> f32
  %z = call @f19(%y) : (f32) -> f32
  return %z : f32
}
owg.workflow @w(%x: f32) -> f32 {
  %y = owg.task "t"(%x : f32) -> f32 calls @f20
  owg.return %y : f32
}
