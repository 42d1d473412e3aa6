# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiled module, with an import error that says what to do."""

try:
    from . import _octopus as native
except ImportError as error:
    raise ImportError(
        "the compiled part of octopus cannot be loaded: %s. Build it with "
        "`ninja -C build octopus-python` and put build/python on PYTHONPATH, or "
        "`pip install .` in the source folder" % error
    ) from error

__version__: str = native.__version__
mlir_version: str = native.mlir_version
