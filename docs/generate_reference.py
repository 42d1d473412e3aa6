#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes docs/reference/*.md from the TableGen definitions.

One page per dialect (operations, attributes, types, enums, interfaces) and one
per Passes.td under include/octo. `--check` writes nothing and exits with 1 where
a committed page is not what this would write. The usual way to run it:

  ninja -C build octo-reference
"""

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INCLUDE = os.path.join(ROOT, "include")

# Page, dialect, definitions of the dialect, definitions of its interfaces.
DIALECTS = [
    ("owg.md", "owg", "octo/Dialect/OWG/IR/OWGOps.td", "octo/Dialect/OWG/IR/OWGInterfaces.td"),
    ("octo.md", "octo", "octo/Dialect/Octo/IR/OctoOps.td", "octo/Dialect/Octo/IR/OctoInterfaces.td"),
]
# Page and title of the passes in a folder of include/octo.
PASSES = {
    "Conversion": ("conversion-passes.md", "Conversions"),
    "KernelCodegen": ("kernel-passes.md", "Passes on kernels"),
    "Dialect/OWG/Transforms": ("owg-passes.md", "Passes on `owg`"),
    "Dialect/Octo/Transforms": ("octo-passes.md", "Passes on `octo`"),
}

HEADER = """<!-- SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception -->
<!-- Made from {source} by `ninja octo-reference`; change that file instead. -->
"""


def run(tblgen, arguments, td, mlir_include):
    command = [tblgen, *arguments, "-I", INCLUDE, "-I", mlir_include, os.path.join(INCLUDE, td)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nexited with {done.returncode}:\n{done.stderr}")
    text = done.stdout
    text = re.sub(r"<!--.*?-->\n*", "", text, flags=re.S)
    # A marker of MLIR's own web site.
    return text.replace("[TOC]\n\n", "").strip() + "\n"


def shift_headings(text, levels):
    """Headings, outside of fenced code, `levels` deeper (or, below 0, less deep)."""
    lines, fenced = [], False
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if line.startswith("#") and not fenced and re.match(r"#+ ", line):
            line = "#" * levels + line if levels > 0 else line[-levels:]
        lines.append(line)
    return "\n".join(lines)


def tidy(text):
    """No spaces at line ends, one empty line between parts, one line end."""
    text = re.sub(r"[ \t]+$", "", text, flags=re.M)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def make_pages(tblgen, mlir_include):
    pages = {}
    for page, dialect, ops, interfaces in DIALECTS:
        body = run(tblgen, ["-gen-dialect-doc", f"-dialect={dialect}"], ops, mlir_include)
        methods = run(tblgen, ["-gen-op-interface-docs"], interfaces, mlir_include)
        methods = methods.replace("# OpInterface definitions\n", "# Interfaces\n")
        source = f"include/{os.path.dirname(ops)}"
        pages[page] = tidy(HEADER.format(source=source) + "\n" + body + "\n" + shift_headings(methods, 1))
    found = []
    for folder, _, files in os.walk(os.path.join(INCLUDE, "octo")):
        if "Passes.td" in files:
            found.append(os.path.relpath(folder, os.path.join(INCLUDE, "octo")))
    for folder in sorted(found):
        td = f"octo/{folder}/Passes.td"
        page, title = PASSES.get(
            folder, (folder.replace("/", "-").lower() + "-passes.md", f"Passes of {folder}")
        )
        body = run(tblgen, ["-gen-pass-doc"], td, mlir_include)
        pages[page] = tidy(HEADER.format(source=f"include/{td}") + f"\n# {title}\n\n" + shift_headings(body, -1))
    index = [HEADER.format(source="the definitions under include/octo"), "# Reference", ""]
    index.append("Every operation, attribute, type, interface and pass, from the same definitions that the code is made of.")
    index.append("")
    for page in sorted(pages):
        title = re.search(r"^# (.*)$", pages[page], re.M).group(1)
        index.append(f"- [{title}]({page})")
    pages["README.md"] = tidy("\n".join(index))
    return pages


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tblgen", default="mlir-tblgen", help="mlir-tblgen of the MLIR in use (default: on PATH)")
    parser.add_argument("--mlir-include", help="folder of MLIR's own definitions (default: ../include beside mlir-tblgen)")
    parser.add_argument("--output", default=os.path.join(ROOT, "docs", "reference"), help="folder of the pages")
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    args = parser.parse_args()
    tblgen = shutil.which(args.tblgen)
    if not tblgen:
        sys.exit(f"{args.tblgen}: not found; it is part of Debian's mlir-22-tools")
    mlir_include = args.mlir_include or os.path.join(
        os.path.dirname(os.path.dirname(os.path.realpath(tblgen))), "include"
    )
    pages = make_pages(tblgen, mlir_include)

    existing = {}
    if os.path.isdir(args.output):
        for name in sorted(os.listdir(args.output)):
            if name.endswith(".md"):
                with open(os.path.join(args.output, name), encoding="utf-8") as file:
                    existing[name] = file.read()
    if args.check:
        stale = [name for name in sorted({*pages, *existing}) if pages.get(name) != existing.get(name)]
        for name in stale:
            sys.stdout.writelines(
                list(
                    difflib.unified_diff(
                        existing.get(name, "").splitlines(True),
                        pages.get(name, "").splitlines(True),
                        f"docs/reference/{name}",
                        "from the definitions",
                    )
                )[:40]
            )
        if stale:
            sys.exit("\ndocs/reference is stale: " + ", ".join(stale) + "\nrun: ninja -C build octo-reference")
        print(f"{len(pages)} pages are up to date")
        return
    os.makedirs(args.output, exist_ok=True)
    for name in existing:
        if name not in pages:
            os.remove(os.path.join(args.output, name))
    for name, text in pages.items():
        if existing.get(name) != text:
            with open(os.path.join(args.output, name), "w", encoding="utf-8") as file:
                file.write(text)


if __name__ == "__main__":
    main()
