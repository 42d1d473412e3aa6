// What cannot be a program, and what must run first.
// RUN: octo-opt %s --convert-owg-to-octo --split-input-file --verify-diagnostics

owg.workflow @w(%x: f32) -> f32 {
  // expected-error @below {{has its body inline; run owg-outline-tasks first}}
  %y = owg.task "t"(%a = %x : f32) -> f32 {
    owg.yield %a : f32
  }
  owg.return %y : f32
}

// -----

// expected-note @below {{the function is here}}
func.func private @f(%x: f32) -> f32 {
  return %x : f32
}
owg.workflow @w(%x: f32) -> f32 {
  // expected-error @below {{runs @f, whose cost has not been estimated; run owg-estimate-cost first}}
  %y = owg.task "t"(%x : f32) -> f32 calls @f
  owg.return %y : f32
}

// -----

owg.workflow private @inner(%x: f32) -> f32 {
  owg.return %x : f32
}
owg.workflow @w(%x: f32) -> f32 {
  // expected-error @below {{of @inner is still there; run the inliner (--inline) first}}
  %y = owg.call "c" @inner(%x : f32) -> f32
  owg.return %y : f32
}

// -----

// expected-error @below {{is private, and so is every workflow of the module; there is no program to make: drop 'private' from one}}
owg.workflow private @w(%x: f32) -> f32 {
  owg.return %x : f32
}

// -----

// expected-error @below {{takes argument 0 of type !owg.data<?>, whose size nothing tells; give its bytes, as in !owg.data<4096>}}
owg.workflow @w(%x: !owg.data<?>) -> !owg.data<?> {
  owg.return %x : !owg.data<?>
}

// -----

// expected-error @below {{a flow between blocks cannot carry 'complex<f32>'; it carries ranked tensors and scalars of i1, i8, i16, i32, i64, index, f16, bf16, f32 or f64, !owg.data or !owg.token}}
owg.workflow @w(%x: complex<f32>) -> complex<f32> {
  owg.return %x : complex<f32>
}

// -----

owg.workflow @w(%x: !owg.data<8>) -> (!owg.data<?>, !owg.data<8>) {
  // expected-error @below {{combines results in different ways (concat, add); a program joins all results of a block in one way: use a block for each}}
  %r:2 = owg.fanout "f"(%a = %x : !owg.data<8>) init(concat %x : !owg.data<8>, add %x : !owg.data<8>)
    -> (!owg.data<?>, !owg.data<8>) profile #owg.profile<count = const<3>>
  each (%i) {
    owg.yield %a, %a : !owg.data<8>, !owg.data<8>
  }
  owg.return %r#0, %r#1 : !owg.data<?>, !owg.data<8>
}

// -----

// expected-error @below {{reads its file from byte 64; a program file has no offsets: put the weight into a file of its own}}
owg.weight @v : tensor<4xf32> from "v.bin" at 64 sha256
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
owg.workflow @w() -> tensor<4xf32> {
  %v = owg.get_weight @v : tensor<4xf32>
  owg.return %v : tensor<4xf32>
}

// -----

owg.workflow @w(%x: !owg.data<8>) -> !owg.data<8> {
  // expected-error @below {{has a profile of 'work', which only a machine turns into cycles; add an octo.machine to the module (octo-compile does), or give 'cycles'}}
  %y = owg.task "t"(%x : !owg.data<8>) -> !owg.data<8>
    profile #owg.profile<work = {mac = const<1000>}>
  owg.return %y : !owg.data<8>
}

// -----

owg.workflow @w(%x: !owg.data<8>) -> !owg.data<8> {
  // expected-error @below {{has a distribution that cannot be drawn in integers}}
  %y = owg.task "t"(%x : !owg.data<8>) -> !owg.data<8>
    profile #owg.profile<cycles = const<1.0e+30>>
  owg.return %y : !owg.data<8>
}

// -----

octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
owg.workflow @w(%x: !owg.data<8>) -> !owg.data<8> {
  // expected-error @below {{has work 'mac' that cannot be drawn in integers}}
  %y = owg.task "t"(%x : !owg.data<8>) -> !owg.data<8>
    profile #owg.profile<work = {mac = const<1.0e+30>}>
  owg.return %y : !owg.data<8>
}

// -----

// expected-note @below {{the first is here}}
octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
// expected-error @below {{is the second of the module; a module is compiled for one machine}}
octo.machine @m2 {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
owg.workflow @w(%x: f32) -> f32 {
  owg.return %x : f32
}

// -----

owg.workflow @w(%x: !owg.data<8>) -> !owg.data<8> {
  // expected-error @below {{has a profile that begins at request 5; give it for the requests before, outside of 'drift'}}
  %r = owg.branch "b"(%a = %x : !owg.data<8>) -> !owg.data<8>
    profile #owg.profile<drift = [from 5 <frequencies = [0.5, 0.5]>]>
  decide {
    %c = arith.constant true
    owg.decide %c : i1
  } case {
    owg.yield %x : !owg.data<8>
  } default {
    owg.yield %x : !owg.data<8>
  }
  owg.return %r : !owg.data<8>
}
