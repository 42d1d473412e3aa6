"""Writes what an editor sends that opens a file with N regions in each other."""

import json
import sys

count = int(sys.argv[1])
text = (
    "func.func @f(%c: i1) {\n"
    + "scf.if %c {\n" * count
    + "}\n" * count
    + "return }\n"
)
messages = [
    {"id": 0, "method": "initialize", "params": {"processId": 1, "rootPath": "mlir", "capabilities": {}}},
    {
        "method": "textDocument/didOpen",
        "params": {
            "textDocument": {"uri": "test:///deep.mlir", "languageId": "mlir", "version": 1, "text": text}
        },
    },
    {"id": 7, "method": "shutdown"},
    {"method": "exit"},
]
print("\n// -----\n".join(json.dumps({"jsonrpc": "2.0", **message}) for message in messages))
