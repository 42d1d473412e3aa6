"""Writes a workflow @NAME with N branches in each other; further arguments are
lines for the innermost one, or `//` comments in front of branch N."""

import sys

name, count, before, inside = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
print(f"owg.workflow @{name}(%c: i1) {{")
for n in range(count):
    if n == count - 1:
        print(before)
    print(f'owg.branch "b{n}"(%d = %c : i1) decide {{ owg.decide %d : i1 }} case {{')
print(inside)
print("owg.yield } default { owg.yield }\n" * count + "owg.return }")
