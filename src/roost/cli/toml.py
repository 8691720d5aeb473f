"""Writing TOML: the standard library only reads it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

Value: TypeAlias = (
    "str | int | float | bool | Path | list[Value] | tuple[Value, ...] | Mapping[str, Value]"
)
Table: TypeAlias = "Mapping[str, Value]"


def render(table: Table, comment: str) -> str:
    """Make a TOML document; `comment` goes on top, and tables deeper down stay within a line."""
    lines = [f"# {line}" for line in comment.splitlines()]
    nested: list[tuple[str, Mapping[str, Value]]] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            nested.append((key, value))
        else:
            lines.append(f"{key} = {_render_value(value)}")
    for name, inner in nested:
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {_render_value(value)}" for key, value in inner.items()]
    return "\n".join(lines) + "\n"


def _render_value(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str() | Path():
            # JSON's strings are TOML's, but for the one control character that JSON lets through.
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping():
            inner = ", ".join(f"{key} = {_render_value(item)}" for key, item in value.items())
            return f"{{{inner}}}"
        case _:
            return "[" + ", ".join(_render_value(item) for item in value) + "]"
