// Four layers over 256 rows, each task at most two PEAs wide: every one works row by row.
owg.weight @w0 : tensor<128x256xf32> seed 1 scale 0.1
owg.weight @w1 : tensor<256x256xf32> seed 2 scale 0.1
owg.weight @w2 : tensor<256x64xf32> seed 3 scale 0.1

owg.workflow @layers(%x: tensor<256x128xf32> {owg.name = "x"}) -> (tensor<256x64xf32> {owg.name = "y"}) {
  %w0 = owg.get_weight @w0 : tensor<128x256xf32>
  %w1 = owg.get_weight @w1 : tensor<256x256xf32>
  %w2 = owg.get_weight @w2 : tensor<256x64xf32>
  %a = owg.task "project"(%i = %x : tensor<256x128xf32>, %w = %w0 : tensor<128x256xf32>) -> tensor<256x256xf32> {
    %zeros = arith.constant dense<0.0> : tensor<256x256xf32>
    %p = linalg.matmul ins(%i, %w : tensor<256x128xf32>, tensor<128x256xf32>) outs(%zeros : tensor<256x256xf32>) -> tensor<256x256xf32>
    owg.yield %p : tensor<256x256xf32>
  }
  %b = owg.task "activate"(%i = %a : tensor<256x256xf32>) -> tensor<256x256xf32> {
    %t = math.tanh %i : tensor<256x256xf32>
    owg.yield %t : tensor<256x256xf32>
  }
  %c = owg.task "mix"(%i = %b : tensor<256x256xf32>, %w = %w1 : tensor<256x256xf32>) -> tensor<256x256xf32> {
    %zeros = arith.constant dense<0.0> : tensor<256x256xf32>
    %p = linalg.matmul ins(%i, %w : tensor<256x256xf32>, tensor<256x256xf32>) outs(%zeros : tensor<256x256xf32>) -> tensor<256x256xf32>
    owg.yield %p : tensor<256x256xf32>
  }
  %d = owg.task "classify"(%i = %c : tensor<256x256xf32>, %w = %w2 : tensor<256x64xf32>) -> tensor<256x64xf32> {
    %zeros = arith.constant dense<0.0> : tensor<256x64xf32>
    %e = tensor.empty() : tensor<256x64xf32>
    %p = linalg.matmul ins(%i, %w : tensor<256x256xf32>, tensor<256x64xf32>) outs(%zeros : tensor<256x64xf32>) -> tensor<256x64xf32>
    %s = linalg.softmax dimension(1) ins(%p : tensor<256x64xf32>) outs(%e : tensor<256x64xf32>) -> tensor<256x64xf32>
    owg.yield %s : tensor<256x64xf32>
  }
  owg.return %d : tensor<256x64xf32>
}
