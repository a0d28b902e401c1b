"""Reference of the kinds: ``docs/kinds.md`` and the table in ``README.md``, generated from the registry of kinds.

``python -m infra.commands.kinds_reference`` writes both.
"""

import json
import re
from pathlib import Path
from typing import Any

from darkroom.contract.engine import Engine
from darkroom.contract.kind_definition import EngineSupport, KindDefinition
from darkroom.contract.kinds import KINDS, Kind
from handlers.limits.rates import DEFAULT, DEFAULT_RATES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "kinds.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- kinds: written by `make reference` -->", "<!-- /kinds -->"

INTRODUCTION = """\
# Kinds

Written by `make reference` from the registry of kinds, [kinds.py](../darkroom/contract/kinds.py). The stages of each
kind are in [plans.md](plans.md). Estimates decide what is reserved of an owner's budget; they are not measurements."""


def kinds_markdown() -> str:
    """Return the content of ``docs/kinds.md``: a section for each kind."""
    return "\n\n".join([INTRODUCTION, *(_section(kind, definition) for kind, definition in KINDS.items())]) + "\n"


def kinds_table() -> str:
    """Return the table of README.md: inputs and methods of each kind."""
    lines = [
        "| kind | from | `preview` engine: OpenCV and NumPy, about a second on a laptop "
        "| `models` engine: torch, on a GPU |",
        "| --- | --- | --- | --- |",
    ]
    for kind, definition in KINDS.items():
        methods = (definition.engines.get(engine) for engine in (Engine.PREVIEW, Engine.MODELS))
        cells = [each.method if each else "none: runs on the `models` engine" for each in methods]
        lines.append(f"| [`{kind}`](docs/kinds.md#{kind}) | {definition.inputs} | {' | '.join(cells)} |")
    return "\n".join(lines)


def readme_with_table(text: str) -> str:
    """Return README.md's text with the table between its markers renewed. Raises ``ValueError`` without markers."""
    pattern = re.compile(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"README.md has no {BEGIN} … {END}")
    return pattern.sub(lambda _: f"{BEGIN}\n{kinds_table()}\n{END}", text)


def _section(kind: Kind, definition: KindDefinition) -> str:
    rate = DEFAULT_RATES.get(kind, DEFAULT_RATES[DEFAULT])
    engines = [f"- `{engine}`: {each.method}. {_estimate(each)}" for engine, each in definition.engines.items()]
    roles = [
        f"`{role}`" if field.is_required() else f"`{role}` (optional)"
        for role, field in definition.uploads.model_fields.items()
    ]
    return "\n".join(
        [
            f"## {kind}",
            "",
            definition.summary,
            "",
            f"Made from {definition.inputs}. Uploads: {', '.join(roles) or 'none'}. "
            f"At most {rate.count} requests in {rate.seconds} seconds for each owner by default.",
            "",
            *engines,
            "",
            "| param | values | default | |",
            "| --- | --- | --- | --- |",
            *_params(definition),
        ]
    )


def _estimate(support: EngineSupport) -> str:
    if support.per_video_second:
        return f"Estimate: {support.seconds:g} s, and {support.per_video_second:g} s for each second of the video."
    return f"Estimate: {support.seconds:g} s for each picture."


def _params(definition: KindDefinition) -> list[str]:
    schema = definition.params.model_json_schema()
    required = set(schema.get("required", ()))
    rows = []
    for name, given in schema["properties"].items():
        field = _resolved(given, schema)
        default = "required" if name in required else f"`{_json(field.get('default'))}`"
        rows.append(f"| `{name}` | {_values(field, schema)} | {default} | {field.get('description', '')} |")
    return rows


def _resolved(field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return a field's schema without references, and without the alternative ``null``."""
    others = [each for each in field.get("anyOf", ()) if each.get("type") != "null"]
    if len(others) == 1:
        field = {**others[0], **field}
    if "$ref" in field:
        field = {**schema["$defs"][field["$ref"].rpartition("/")[2]], **field}
    return field


def _values(field: dict[str, Any], schema: dict[str, Any]) -> str:
    if "const" in field:
        return f"`{_json(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "prefixItems" in field:
        return " and ".join(_values(each, schema) for each in field["prefixItems"])
    if field.get("type") == "array":
        length = f" of {field.get('minItems', 0)} to {field['maxItems']}" if "maxItems" in field else ""
        items = _resolved(field.get("items", {}), schema)
        return f"list{length}: {_values(items, schema)}"
    bounds = [
        f"{word} {field[key]}"
        for key, word in (
            ("minimum", "at least"),
            ("exclusiveMinimum", "above"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "below"),
        )
        if key in field
    ]
    if "maxLength" in field:
        bounds.append(f"at most {field['maxLength']} characters")
    return ", ".join([field.get("type", "object"), *bounds])


def _json(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)


def main() -> None:
    """Write both files."""
    PAGE.write_text(kinds_markdown(), "utf-8")
    README.write_text(readme_with_table(README.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
