"""The tables of keys in docs/running.md, made from the classes that define the keys.

A key is defined once: as a field with a default and, below it, a docstring. `make docs` writes the
tables; a test compares them.
"""

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect as types

from roost.balancer import Config as BalancerConfig
from roost.cli.flags import UpConfig
from roost.cli.options import option_of
from roost.node.config import NodeConfig

GUIDE = Path(__file__).parents[2] / "docs" / "running.md"


def tables() -> dict[str, list[str]]:
    """Return each table's lines by the line of text that stands above it."""
    return {
        "The keys of `roost up`, each of which is also a flag:": list(_up_rows()),
        "A node's keys:": list(_rows(NodeConfig)),
        "A balancer's keys:": list(_rows(BalancerConfig)),
    }


def with_tables(text: str) -> str:
    """Return the guide's text with its tables of keys as they should be."""
    for heading, rows in tables().items():
        before, heading, after = text.partition(f"{heading}\n\n")
        assert heading, "the guide lacks a heading"
        table = "".join(f"{row}\n" for row in rows)
        text = before + heading + table + re.sub(r"\A(\|.*\n)*", "", after)
    return text


def _up_rows() -> Iterator[str]:
    yield from ("| key | default | meaning |", "|---|---|---|")
    for field in msgspec.structs.fields(UpConfig):
        option = option_of(field.type)
        if option is not None:
            yield f"| `{field.name}` | {_shown(field.default)} | {option.help} |"


def _rows(kind: type) -> Iterator[str]:
    yield from ("| key | default | meaning |", "|---|---|---|")
    yield from _key_rows(kind, "")


def _key_rows(kind: type, prefix: str) -> Iterator[str]:
    meanings = _docstrings(kind)
    info = types.type_info(kind)
    assert isinstance(info, types.StructType | types.DataclassType)
    for field in info.fields:
        name = f"{prefix}{field.encode_name}"
        if isinstance(field.type, types.StructType | types.DataclassType):
            yield from _key_rows(field.type.cls, f"{name}.")
        else:
            assert field.name in meanings, f"{name} has no docstring"
            yield f"| `{name}` | {_shown(_default(field))} | {meanings[field.name]} |"


def _default(field: types.Field) -> Any:
    has_factory = field.default_factory is not msgspec.NODEFAULT
    return field.default_factory() if has_factory else field.default


def _shown(default: Any) -> str:
    if default is msgspec.NODEFAULT:
        return "(required)"
    return "(none)" if default is None else f"`{json.dumps(default, default=str)}`"


def _docstrings(kind: type) -> dict[str, str]:
    """Return the text below each field of a class, on one line."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    for field, text in zip(definition.body, definition.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(ast.Constant(str(meaning))):
                found[name] = " ".join(meaning.split())
    return found


if __name__ == "__main__":
    GUIDE.write_text(with_tables(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
