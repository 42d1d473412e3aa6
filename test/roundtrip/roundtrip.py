# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every module of the positive lit tests and of the examples is read and
printed, as text and as bytecode, without change.

Usage: roundtrip.py OCTO_OPT FOLDER...
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys

# Tests that show how something is rejected have nothing to print, and files of
# several files (split-file) are not one module.
NEGATIVE = re.compile(
    r"expected-error|\bnot\b.*octo-|-verify-diagnostics|RUN: split-file")
SPLIT = re.compile(r"^// -----.*\n", re.M)


def run(octo_opt, arguments, data):
    done = subprocess.run([octo_opt, *arguments, "-"], input=data,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode(errors="replace"))
    return done.stdout


def check(octo_opt, name, module):
    """None, or what went wrong."""
    try:
        text = run(octo_opt, [], module)
        if run(octo_opt, [], text) != text:
            return f"{name}: the printed text reads as something else"
        bytecode = run(octo_opt, ["-emit-bytecode"], module)
        if run(octo_opt, [], bytecode) != text:
            return f"{name}: the bytecode reads as something else"
    except RuntimeError as error:
        return f"{name}: {error}"
    return None


def main():
    octo_opt, folders = sys.argv[1], sys.argv[2:]
    modules = []
    for folder in map(pathlib.Path, folders):
        for path in sorted(folder.rglob("*.mlir")):
            text = path.read_text(encoding="utf-8")
            if NEGATIVE.search(text):
                continue
            for number, part in enumerate(SPLIT.split(text)):
                if re.sub(r"//.*", "", part).strip():
                    modules.append((f"{path}:#{number}", part.encode()))
    if not modules:
        sys.exit("no module found")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda m: check(octo_opt, *m), modules)
        errors = [error for error in found if error]
    print("\n".join(errors))
    print(f"{len(modules)} modules, {len(errors)} errors")
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
