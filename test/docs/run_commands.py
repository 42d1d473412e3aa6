# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the commands of a documentation page.

Usage: run_commands.py PAGE.md SOURCE_DIR [BUILD_DIR]

Every ```console block is executed, block after block, in one scratch folder
that has `examples` and `bench` of the source tree beside it, and the build
folder as `build` where it is given. Lines that start with `$ ` are commands (a
trailing backslash continues them); the other lines are what the command should
print. `...` alone on a line stands for any lines; `...` inside a
line for any text. A block introduced as ```mlir file=NAME (or yaml, python)
is written to NAME first, so a page can show a file and then use it.
"""
import os
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", re.M | re.S)


def pattern(expected):
    """The regular expression of an expected output."""
    parts = []
    for line in expected:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            pieces = [re.escape(piece.rstrip()) for piece in line.split("...")]
            parts.append(r".*?".join(pieces) + r"[ \t]*\n")
    return re.compile("".join(parts) + r"\Z")


def commands(block):
    """Yields (command, expected output lines) of a console block."""
    command, expected, continued = None, [], False
    for line in block.splitlines():
        if continued:
            command += "\n" + line
            continued = line.endswith("\\")
        elif line.startswith("$ "):
            if command is not None:
                yield command, expected
            command, expected = line[2:], []
            continued = line.endswith("\\")
        elif command is not None:
            expected.append(line)
    if command is not None:
        yield command, expected


def main():
    page, source = sys.argv[1], os.path.abspath(sys.argv[2])
    with open(page, encoding="utf-8") as f:
        text = f.read()
    # `python3` of the page is the interpreter that runs this.
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join(
        [os.path.dirname(sys.executable), os.environ["PATH"]])
    ran = 0
    beside = {name: os.path.join(source, name) for name in ("examples", "bench")}
    if len(sys.argv) > 3:
        beside["build"] = os.path.abspath(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        for name, path in beside.items():
            os.symlink(path, os.path.join(folder, name))
        for language, info, body in FENCE.findall(text):
            name = re.search(r"file=(\S+)", info)
            if name:
                with open(os.path.join(folder, name.group(1)), "w",
                          encoding="utf-8") as f:
                    f.write(body)
            if language != "console":
                continue
            for command, expected in commands(body):
                ran += 1
                done = subprocess.run(["bash", "-c", command], cwd=folder,
                                      env=environment, capture_output=True,
                                      text=True, check=False)
                output = done.stdout + done.stderr
                if done.returncode != 0:
                    sys.exit(f"{page}: `{command}` exited with "
                             f"{done.returncode}:\n{output}")
                if expected and not pattern(expected).match(
                        output if output.endswith("\n") else output + "\n"):
                    sys.exit(f"{page}: `{command}` printed\n{output}\n"
                             "where the page says\n" + "\n".join(expected))
    if ran == 0:
        sys.exit(f"{page}: no command to run")
    print(f"{page}: {ran} commands ran")


if __name__ == "__main__":
    main()
