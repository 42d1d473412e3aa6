// What keeps a module from being a program file, and which pass to run.
// RUN: octo-translate %s --mlir-to-octo --split-input-file --verify-diagnostics

// expected-error @below {{has no octo.program; run convert-owg-to-octo first}}
module {
}

// -----

// expected-error @below {{has no octo.machine; add one, or compile for a target}}
module {
  octo.program @p {
    %body = octo.entry
    octo.exit in %body
  }
}

// -----

// expected-note @below {{the first is here}}
octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
// expected-error @below {{is the second of the module; a program file is for one machine}}
octo.machine @m2 {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
octo.program @p {
  %body = octo.entry
  octo.exit in %body
}

// -----

octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/t' has no place; run octo-allocate-peas first}}
  %y = octo.tb "p/t" in %body @k(%x) : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{'p/t' has no policy; run octo-runtime-tables first}}
  %y = octo.tb "p/t" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
    : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
// expected-error @below {{has no variants; run octo-allocate-peas first}}
octo.kernel @k image on general code 1 : (f32) -> f32
octo.program @p on @m {
  %body = octo.entry
  octo.exit in %body
}

// -----

octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
// expected-error @below {{names image @code, which is no octo.image}}
octo.kernel @k image on general code 1 image @code : (f32) -> f32 {variants = [#octo.variant<gang = 1>]}
octo.program @p on @m {
  %body = octo.entry
  octo.exit in %body
}

// -----

octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
octo.image @a entry "a" cpu "x86-64-v3" digest "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
// expected-error @below {{is made for 'generic', others for 'x86-64-v3'; all images of a program are for one CPU}}
octo.image @b entry "b" cpu "generic" digest "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
octo.program @p on @m {
  %body = octo.entry
  octo.exit in %body
}

// -----

octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
// expected-error @below {{refers to resource 'gone', which the module does not have}}
octo.weight @w : tensor<4xf32> {value = dense_resource<gone> : tensor<4xf32>}
octo.program @p on @m {
  %body = octo.entry
  octo.exit in %body
}

// -----

octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
// expected-error @below {{has elements of a kind that cannot be written: sparse<0, 1.000000e+00> : tensor<4xf32>; use dense or dense_resource}}
octo.weight @w : tensor<4xf32> {value = sparse<0, 1.0> : tensor<4xf32>}
octo.program @p on @m {
  %body = octo.entry
  octo.exit in %body
}

// -----

octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
octo.kernel @k profiled on general code 1 : (tensor<4xf32>) -> tensor<4xf32>
  {variants = [#octo.variant<gang = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<100>}]>
      place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
      policy <static_time, static_frequency, "", priority = 1, cycles = 1, p95 = 1, count_q16 = 65536>
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  // expected-error @below {{is streamed to 'p/b', which has no slot; run octo-static-schedule, or drop 'streamed'}}
  %y = octo.flow %a streamed 4 : !octo.flow<tensor<4xf32>>
  %b = octo.tb "p/b" in %body @k(%y) profile <[{draw = #octo.dist<100>}]>
      place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
      policy <static_time, static_frequency, "", priority = 1, cycles = 1, p95 = 1, count_q16 = 65536>
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  octo.exit in %body (%b) : !octo.flow<tensor<4xf32>>
}

// -----

octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
  rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
// expected-error @below {{has a request path whose tail is at 1.200000e+01 %; a program file takes 50 to 99.9999}}
octo.program @p on @m attributes {octo.request_path =
    #octo.request_path<cycles = 1, deviation = 0, tail = 1, percent = 12.0 : f64, samples = 1>} {
  %body = octo.entry
  octo.exit in %body
}

// -----

// What the writer of program files finds has no place in the module.
// expected-error @below {{does not make a valid program file: the program to be written is not valid: image 0 ('a') does not have the SHA-256 that it states}}
module {
  octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536, layout = ["general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
    scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}
  octo.image @a entry "a" cpu "x86-64-v3" digest "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    object dense<1> : tensor<4xi8>
  octo.program @p on @m {
    %body = octo.entry
    octo.exit in %body
  }
}
