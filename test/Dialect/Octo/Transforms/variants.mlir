// How phases lie on gangs of 4 x 4 PEs, and what cannot.
// RUN: octo-opt %s --split-input-file --octo-allocate-peas --verify-diagnostics | FileCheck %s

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 1,
  peasPerTbu = 2,
  pea = {rows = 4, cols = 4, sramBytes = 100000, layout = ["matrix", "matrix"],
    rates = {matrix = {macQ16 = 1048576, vectorQ16 = 262144, specialQ16 = 65536,
                       scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 64}, configStore = {bytes = 20000, bytesPerCycle = 4}}}

// An 8 x 16 result of a reduction of 32. Output stationary: 2 x 4 folds of 32 +
// 4 + 4 - 2 = 38 cycles, 303 in all; the others 8 x 4 folds of 18, 8 x 2 of 26.
// Two PEAs take half of the columns each. All operands fit: 64 bytes of code and
// 3584, or a left operand for both and half of the rest.
// CHECK: octo.kernel @product image on matrix
// CHECK-SAME: #octo.variant<gang = 1, mac_q16 = 4096, vector_q16 = 16384, special_q16 = 65536, scalar_q16 = 65536, bytes_q16 = 1024, footprint = 3648, maps = [#octo.map<dataflow = os>]>
// CHECK-SAME: #octo.variant<gang = 2, mac_q16 = 4096, vector_q16 = 16384, special_q16 = 65536, scalar_q16 = 65536, bytes_q16 = 1024, footprint = 2368, sync = 8, maps = [#octo.map<dataflow = os, n = 2>]>
octo.kernel @product image on matrix code 64 : (tensor<8x32xf32>, tensor<32x16xf32>) -> tensor<8x16xf32>
  {phases = [#owg.phase<matrix "linalg.matmul" {m = 8, n = 16, k = 32, mac = 4096, load = 3072, store = 512,
                        left = 1024, right = 2048, result = 512, live = 3584, held = 512}>]}

// 4 MiB of operands stream through the 100,000 bytes of the SRAM.
// CHECK: octo.kernel @streamed image on matrix
// CHECK-SAME: #octo.map<dataflow = {{[a-z]+}}, tile_m = {{[0-9]+}}, tile_n = {{[0-9]+}}, tile_k = {{[0-9]+}}>
octo.kernel @streamed image on matrix code 64 : (tensor<512x512xf32>, tensor<512x512xf32>) -> tensor<512x512xf32>
  {phases = [#owg.phase<matrix "linalg.matmul" {m = 512, n = 512, k = 512, mac = 134217728, load = 2097152, store = 1048576,
                        left = 1048576, right = 1048576, result = 1048576, live = 3145728, held = 1048576}>]}

// A class that the machine lacks becomes one that it has. Without phases the
// work spreads evenly.
// CHECK: octo.kernel @wide image on matrix
// CHECK-SAME: #octo.variant<gang = 1, mac_q16 = 4096, vector_q16 = 16384,
// CHECK-SAME: #octo.variant<gang = 2, fixed = 8, mac_q16 = 2048, vector_q16 = 8192,
octo.kernel @wide image on vector code 64 : (tensor<8x32xf32>) -> tensor<8x32xf32>
  {work = [#octo.work<vector, 256>]}

octo.program @p on @m {
  %body, %x, %w, %l = octo.entry : !octo.flow<tensor<8x32xf32>, 1024>, !octo.flow<tensor<32x16xf32>, 2048>, !octo.flow<tensor<512x512xf32>, 1048576>
  %y = octo.tb "p/w" in %body @wide(%x) : (!octo.flow<tensor<8x32xf32>, 1024>) -> !octo.flow<tensor<8x32xf32>, 1024>
  %z = octo.tb "p/m" in %body @product(%y, %w)
    : (!octo.flow<tensor<8x32xf32>, 1024>, !octo.flow<tensor<32x16xf32>, 2048>) -> !octo.flow<tensor<8x16xf32>, 512>
  %s = octo.tb "p/s" in %body @streamed(%l, %l)
    : (!octo.flow<tensor<512x512xf32>, 1048576>, !octo.flow<tensor<512x512xf32>, 1048576>) -> !octo.flow<tensor<512x512xf32>, 1048576>
  octo.exit in %body (%z, %s) : !octo.flow<tensor<8x16xf32>, 512>, !octo.flow<tensor<512x512xf32>, 1048576>
}

// -----

// The code leaves no room for one fill of the arrays.
octo.machine @m {target = {name = "tiny", clockHz = 1000000000, tbusPerCluster = 1,
  peasPerTbu = 1,
  pea = {rows = 4, cols = 4, sramBytes = 1024, layout = ["matrix"],
    rates = {matrix = {macQ16 = 1048576, vectorQ16 = 262144, specialQ16 = 65536,
                       scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 64}, configStore = {bytes = 20000, bytesPerCycle = 4}}}
// expected-error @below {{needs at least 1.1 KiB in the SRAM of a PEA (704 bytes of code, 384 bytes for the least tile of its phase 'linalg.matmul' with double buffers), but a PEA of 'tiny' has 1.0 KiB; use a target with more 'sram', or cut the task into smaller ones}}
octo.kernel @product image on matrix code 704 : (tensor<8x32xf32>, tensor<32x16xf32>) -> tensor<8x16xf32>
  {phases = [#owg.phase<matrix "linalg.matmul" {m = 8, n = 16, k = 32, mac = 4096, load = 3072, store = 512,
                        left = 1024, right = 2048, result = 512, live = 3584, held = 512}>]}
octo.program @p on @m {
  %body, %x, %w = octo.entry : !octo.flow<tensor<8x32xf32>, 1024>, !octo.flow<tensor<32x16xf32>, 2048>
  %z = octo.tb "p/m" in %body @product(%x, %w)
    : (!octo.flow<tensor<8x32xf32>, 1024>, !octo.flow<tensor<32x16xf32>, 2048>) -> !octo.flow<tensor<8x16xf32>, 512>
  octo.exit in %body (%z) : !octo.flow<tensor<8x16xf32>, 512>
}

// -----

// What does not fit the scratchpad has nowhere to go.
octo.machine @m {target = {name = "small", clockHz = 1000000000, tbusPerCluster = 1,
  peasPerTbu = 1,
  pea = {rows = 4, cols = 4, sramBytes = 4096, layout = ["matrix"],
    rates = {matrix = {macQ16 = 1048576, vectorQ16 = 262144, specialQ16 = 65536,
                       scalarQ16 = 65536}}},
  scratchpad = {bytes = 65536, bytesPerCycle = 64}, configStore = {bytes = 20000, bytesPerCycle = 4}}}
// expected-error @below {{needs 1.0 MiB for the tensors that are alive in its phase 'math.exp', but a scratchpad of 'small' has 64.0 KiB and there is no external memory to spill to; cut the task into smaller ones, or use a target with 'hbm'}}
octo.kernel @grow image on matrix code 64 : (f32) -> f32
  {phases = [#owg.phase<special "math.exp" {m = 262144, special = 262144, result = 1048576, live = 1048576, held = 1048576}>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32, 4>
  %y = octo.tb "p/g" in %body @grow(%x) : (!octo.flow<f32, 4>) -> !octo.flow<f32, 4>
  octo.exit in %body (%y) : !octo.flow<f32, 4>
}
