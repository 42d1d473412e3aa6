# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the 64-bit FNV-1a hash of a schema file as a C++ constant.

Comments and white space do not count, so that explaining a field better does
not make a program look foreign.
"""
import re
import sys

schema, output = sys.argv[1:]
with open(schema, encoding="utf-8") as file:
    text = re.sub(r"//[^\n]*", "", file.read())
value = 0xCBF29CE484222325
for byte in " ".join(text.split()).encode():
    value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
with open(output, "w", encoding="utf-8") as file:
    file.write(f"0x{value:016x}ull\n")
