"""Checks JSON answers against Google's discovery document of the Sheets API.

The document ships with google-api-python-client, so the check needs no network.
"""

import json
from pathlib import Path

import googleapiclient

DOCUMENT = json.loads(
    (
        Path(googleapiclient.__file__).parent
        / "discovery_cache/documents/sheets.v4.json"
    ).read_text()
)
SCHEMAS = DOCUMENT["schemas"]
PLAIN_TYPES = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float))
    and not isinstance(value, bool),
    "any": lambda value: True,
}


def problems(value, schema_name):
    """The differences of a JSON value from a schema: unknown fields, wrong types, unknown enum values."""
    return list(_problems(value, {"$ref": schema_name}, schema_name))


def _problems(value, schema, path):
    if "$ref" in schema:
        yield from _object_problems(value, SCHEMAS[schema["$ref"]], path)
    elif schema["type"] == "array":
        yield from _array_problems(value, schema["items"], path)
    elif schema["type"] == "object":
        yield from _object_problems(value, schema, path)
    elif not PLAIN_TYPES[schema["type"]](value):
        yield f"{path}: {value!r} is not of type {schema['type']}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is not one of {schema['enum']}"


def _array_problems(value, items, path):
    if not isinstance(value, list):
        yield f"{path}: {value!r} is not an array"
        return
    for index, element in enumerate(value):
        yield from _problems(element, items, f"{path}[{index}]")


def _object_problems(value, schema, path):
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is not an object"
        return
    known = schema.get("properties", {})
    for name, element in value.items():
        if name in known:
            yield from _problems(element, known[name], f"{path}.{name}")
        elif "additionalProperties" in schema:
            yield from _problems(
                element, schema["additionalProperties"], f"{path}.{name}"
            )
        else:
            yield f"{path}: unknown field {name}"
