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
