# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks JSON against the part of JSON Schema that docs/result.schema.json uses."""

import json
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

_TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}

_KNOWN = {
    "$ref",
    "$schema",
    "additionalProperties",
    "definitions",
    "description",
    "enum",
    "items",
    "maximum",
    "minimum",
    "oneOf",
    "properties",
    "required",
    "title",
    "type",
}


def load():
    """The schema of results."""
    with open(os.path.join(ROOT, "docs", "result.schema.json")) as file:
        return json.load(file)


def _is(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, _TYPES[name])


def errors(value, schema, root, place="$"):
    """What is wrong with `value`, as a list of texts."""
    unknown = set(schema) - _KNOWN
    assert not unknown, "this checker does not know %s" % unknown
    if "$ref" in schema:
        assert schema["$ref"].startswith("#/definitions/")
        return errors(value, root["definitions"][schema["$ref"][14:]], root, place)
    found = []
    if "oneOf" in schema:
        each = [errors(value, option, root, place) for option in schema["oneOf"]]
        if sum(not e for e in each) != 1:
            found.append("%s: fits %d of the alternatives: %s" % (place, sum(not e for e in each), each))
    if "enum" in schema and value not in schema["enum"]:
        found.append("%s: %r is none of %s" % (place, value, schema["enum"]))
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(_is(value, name) for name in names):
            return found + ["%s: %r is no %s" % (place, value, " or ".join(names))]
    if _is(value, "number"):
        if value < schema.get("minimum", value):
            found.append("%s: %r is less than %r" % (place, value, schema["minimum"]))
        if value > schema.get("maximum", value):
            found.append("%s: %r is more than %r" % (place, value, schema["maximum"]))
    if isinstance(value, dict):
        for key in schema.get("required", []):
            if key not in value:
                found.append("%s: %s is missing" % (place, key))
        properties = schema.get("properties", {})
        for key, entry in value.items():
            if key in properties:
                found += errors(entry, properties[key], root, "%s.%s" % (place, key))
            elif not schema.get("additionalProperties", True):
                found.append("%s: %s is not in the schema" % (place, key))
    if isinstance(value, list) and "items" in schema:
        for i, entry in enumerate(value):
            found += errors(entry, schema["items"], root, "%s[%d]" % (place, i))
    return found
