// Cycles of a matrix product by the fold formula: on 4 x 4 PEs an 8 x 16 result
// takes 2 x 4 folds of 2 * 4 + 4 + 32 - 2 = 42 cycles, 336 in all; on two PEAs
// half, and 8 cycles for the gang to meet. Work of the kernel: 4096.
//   one PEA:  336 * 65536 / 4096 = 5376
//   two PEAs: 168 * 65536 / 4096 = 2688
// RUN: octo-opt %s --octo-allocate-peas | FileCheck %s

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 1,
  peasPerTbu = 2,
  pea = {rows = 4, cols = 4, sramBytes = 100000, layout = ["matrix", "matrix"],
    rates = {matrix = {macQ16 = 1048576, vectorQ16 = 262144, specialQ16 = 65536,
                       scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 64}, configStore = {bytes = 20000, bytesPerCycle = 4}}}

// CHECK: octo.kernel @product image on matrix
// CHECK-SAME: #octo.variant<gang = 1, mac_q16 = 5376, vector_q16 = 16384, special_q16 = 65536, scalar_q16 = 65536, bytes_q16 = 1024, footprint = 3584>
// CHECK-SAME: #octo.variant<gang = 2, fixed = 8, mac_q16 = 2688, vector_q16 = 8192, special_q16 = 32768, scalar_q16 = 65536, bytes_q16 = 1024, footprint = 1792>
octo.kernel @product image on matrix code 64 : (tensor<8x32xf32>, tensor<32x16xf32>) -> tensor<8x16xf32>
  {work = [#octo.work<mac, 4096>],
   owg.cost = #owg.cost<on matrix, code 64, matmuls = [[8, 16, 32, 1]], terms = [<mac, 4096>]>}

// A class that the machine lacks becomes one that it has.
// CHECK: octo.kernel @wide image on matrix
octo.kernel @wide image on vector code 64 : (tensor<8x32xf32>) -> tensor<8x32xf32>
  {work = [#octo.work<vector, 256>]}

octo.program @p on @m {
  %body, %x, %w = octo.entry : !octo.flow<tensor<8x32xf32>, 1024>, !octo.flow<tensor<32x16xf32>, 2048>
  %y = octo.tb "p/w" in %body @wide(%x) : (!octo.flow<tensor<8x32xf32>, 1024>) -> !octo.flow<tensor<8x32xf32>, 1024>
  %z = octo.tb "p/m" in %body @product(%y, %w)
    : (!octo.flow<tensor<8x32xf32>, 1024>, !octo.flow<tensor<32x16xf32>, 2048>) -> !octo.flow<tensor<8x16xf32>, 512>
  octo.exit in %body (%z) : !octo.flow<tensor<8x16xf32>, 512>
}
