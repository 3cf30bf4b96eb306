"""The JSON Schema of a configuration file, for editors. Main entry: `json_schema`."""

from __future__ import annotations

from typing import Any

from atalanta.config.model import BreakerSettings, Config
from atalanta.config.sources import default_layer

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """What a file may hold: nothing is required, and each option has its default and its description."""
    schema = Config.model_json_schema()
    sections: dict[str, Any] = schema["$defs"]
    for part in (schema, *sections.values()):
        part.pop("required", None)
    for name, values in default_layer().values.items():
        properties = sections[_definition(schema["properties"][name])]["properties"]
        for option, value in values.items():
            properties[option].setdefault("default", value)
    for option, value in BreakerSettings().model_dump(mode="json").items():
        sections["BreakerSettings"]["properties"][option]["default"] = value  # with its unit
    schema["properties"] = {name: _optional(part) for name, part in schema["properties"].items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Atalanta",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def _definition(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _optional(part: dict[str, Any]) -> dict[str, Any]:
    """A section may be a name with nothing beneath it."""
    return {"anyOf": [part, {"type": "null"}]}
