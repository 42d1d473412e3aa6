# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a command and succeeds if it ends with the given exit code: `%exit 2 cmd`."""

import subprocess
import sys

wanted = int(sys.argv[1])
code = subprocess.call(sys.argv[2:])
if code != wanted:
    sys.stderr.write("exit code %d, expected %d\n" % (code, wanted))
    sys.exit(1)
