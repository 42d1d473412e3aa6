// RUN: octo-opt %s --split-input-file --owg-classify --verify-diagnostics
// RUN: not octo-opt %s --split-input-file --owg-classify=tolerance=-1 2>&1 | FileCheck %s
// RUN: not octo-opt %s --split-input-file --owg-classify=tolerance=nan 2>&1 | FileCheck %s
// CHECK: owg-classify: the tolerance is a coefficient of variation, at least 0

owg.workflow @w(%x: f32) -> f32 {
  // expected-error @below {{has no cost yet; run owg-estimate-cost before owg-classify}}
  %0 = owg.task "t"(%a = %x : f32) -> f32 {
    %1 = arith.addf %a, %a : f32
    owg.yield %1 : f32
  }
  owg.return %0 : f32
}
