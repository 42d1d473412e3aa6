# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints a program whose switch decides by as many values as the argument says."""

import sys

n = int(sys.argv[1])
print(
    f"""octo.machine @m {{target = {{clockHz = 1000000000,
  pea = {{sramBytes = 65536, layout = ["general"],
    rates = {{general = {{macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}}}}},
  scratchpad = {{bytes = 1048576}}, configStore = {{bytes = 65536}}}}}}
octo.program @p on @m {{
  %body, %x = octo.entry : !octo.flow<f32>
  %s, %a = octo.switch "p/s" in %body ({", ".join(["%x"] * n)}) scopes [[]]
    profile <[{{frequencies = [4294967296]}}]> place <[{{cluster 0}}]>
    policy <static_time, static_frequency, "", priority = 0, cycles = 0, p95 = 0,
            count_q16 = 0>
    : (!octo.act, {", ".join(["!octo.flow<f32>"] * n)}) -> (!octo.block, !octo.act)
  octo.merge %s yields() : () -> ()
  octo.exit in %body
}}"""
)
