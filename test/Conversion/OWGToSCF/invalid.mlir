// RUN: octo-opt %s --convert-owg-to-scf --split-input-file --verify-diagnostics

owg.workflow @f(%x: f32) {
  // expected-error @below {{'t' is profiled: it has timing but no code, so it has no value; give it code, or simulate the workflow with timing only}}
  owg.task "t"(%x : f32) profile #owg.profile<cycles = const<1>>
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{'b' is profiled: it has timing but no code}}
  owg.branch "b"() profile #owg.profile<frequencies = [1]> default { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{'s' is profiled: it has timing but no code}}
  owg.select "s"() profile #owg.profile<frequencies = [1]> member { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{'l' is profiled: it has timing but no code}}
  owg.loop "l"() profile #owg.profile<trips = const<1>> after { owg.yield }
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{'f' is profiled: it has timing but no code}}
  owg.fanout "f"() profile #owg.profile<count = const<1>> each (%i) { owg.yield }
  owg.return
}
// -----
// expected-error @below {{takes or gives '!owg.data<4>', which has no value; only workflows with values can become functions}}
owg.workflow @f(%q: !owg.data<4>) {
  owg.return
}
// -----
owg.workflow @f() {
  // expected-error @below {{gives '!owg.token', which has no value; only workflows with values can become functions}}
  %0 = owg.nothing : !owg.token
  owg.return
}
// -----
// expected-error @below {{cannot read its file 'no-such-file.bin': No such file or directory; give its folder by weights-dir}}
owg.weight @w : tensor<4xi8> from "no-such-file.bin" sha256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
