# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# How the lit tests run. Substitutions of our own:
#   %examples   the folder examples/
#   %targets    the folder examples/targets
#   %workflows  the folder examples/workflows
#   %tiny       the folder of small workflows, python/tests/workflows
#   %data       the folder test/data
#   %python     the Python interpreter; PYTHONPATH has the package
#   %octo_lib   the folder of the shared libraries that were built
#   %octo_src, %octo_build   the source and the build folder
#   %exit       `%exit 2 command`: succeeds if the command ends with code 2
# Features: octo-run, octo-compile, ... for each tool that was built; asan;
# kernels (their loader was built); python-package; shared-data (its
# folder is in the environment as OCTO_DATA_DIR); numpy; x86 (this processor).

import os
import platform
import subprocess

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import ToolSubst

config.name = "Octopus"
config.test_format = lit.formats.ShTest(not llvm_config.use_lit_shell)
config.suffixes = [".mlir", ".test", ".yaml"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.octo_obj_root, "test")
config.excludes = ["Inputs", "data", "unit", "reference", "CMakeLists.txt"]

examples = os.path.join(config.octo_src_root, "examples")
config.substitutions.append(("%examples", examples))
config.substitutions.append(("%targets", os.path.join(examples, "targets")))
config.substitutions.append(("%workflows", os.path.join(examples, "workflows")))
config.substitutions.append(
    ("%tiny", os.path.join(config.octo_src_root, "python", "tests", "workflows"))
)
config.substitutions.append(("%data", os.path.join(config.test_source_root, "data")))
config.substitutions.append(("%python", config.python_executable))
config.substitutions.append(("%octo_lib", config.octo_lib_dir))
config.substitutions.append(("%octo_src", config.octo_src_root))
config.substitutions.append(("%octo_build", config.octo_obj_root))
expect_exit = os.path.join(config.test_source_root, "tools", "Inputs", "expect_exit.py")
config.substitutions.append(("%exit", config.python_executable + " " + expect_exit))

path = [
    config.octo_tools_dir,
    config.mlir_tools_dir,
    # `python3` of a documentation page is the interpreter of the build.
    os.path.dirname(config.python_executable),
    os.environ.get("PATH", ""),
]
llvm_config.with_environment("PATH", os.pathsep.join(path))
llvm_config.with_environment(
    "PYTHONPATH",
    os.pathsep.join([config.octo_python_dir, os.path.join(config.test_source_root, "reference")]),
)
llvm_config.with_environment("PYTHONDONTWRITEBYTECODE", "1")
llvm_config.with_system_environment(["ASAN_OPTIONS", "UBSAN_OPTIONS", "HOME"])

# FileCheck, count and not, from LLVM.
llvm_config.use_default_substitutions()

own_tools = ["octo-opt", "octo-translate", "octo-compile", "octo-run", "octo-lsp-server"]
tool_dirs = [config.octo_tools_dir]
if config.octo_sanitize:
    # Only the simulator is built with sanitizers; the compiler that makes its
    # programs is that of the release build.
    tool_dirs.append(os.path.join(config.octo_src_root, "build", "bin"))
for tool in own_tools:
    if any(os.path.exists(os.path.join(d, tool)) for d in tool_dirs):
        config.available_features.add(tool)
llvm_config.add_tool_substitutions(
    [ToolSubst(tool, unresolved="ignore") for tool in own_tools + ["mlir-opt", "mlir-runner", "mlir-translate"]],
    tool_dirs + [config.mlir_tools_dir],
)

if platform.machine() == "x86_64":
    config.available_features.add("x86")
if "address" in config.octo_sanitize:
    config.available_features.add("asan")
if config.octo_data_dir and os.path.isdir(config.octo_data_dir):
    config.available_features.add("shared-data")
    llvm_config.with_environment("OCTO_DATA_DIR", config.octo_data_dir)
if os.path.exists(os.path.join(config.octo_lib_dir, "libOctoKernels.so")):
    config.available_features.add("kernels")
if os.path.exists(os.path.join(config.octo_python_dir, "octopus", "__init__.py")):
    config.available_features.add("python-package")
if subprocess.call([config.python_executable, "-c", "import numpy"], stderr=subprocess.DEVNULL) == 0:
    config.available_features.add("numpy")
