"""The package of an earlier release, imported under another name beside the one that is tested.

It comes from `tests/releases`. What one release gives the other takes as made anew from the class
of the same name: a field that one side does not have is left out, or keeps its default.
"""

import atexit
import dataclasses
import enum
import importlib
import re
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from support.releases import unpack

NAME = "roost_of_version_1"
_IMPORT = re.compile(r"^(\s*)(from|import) roost\b", re.MULTILINE)
_PLAIN = (str, bytes, int, float, bool, type(None))


@cache
def _install() -> None:
    """Make the earlier release importable under its other name."""
    directory = Path(tempfile.mkdtemp(prefix="roost-release-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    unpack(1, "source", directory)
    (directory / "roost").rename(directory / NAME)
    for file in (directory / NAME).rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        file.write_text(_IMPORT.sub(rf"\1\2 {NAME}", text), encoding="utf-8")
    sys.path.append(str(directory))


@cache
def former(module: str) -> Any:
    """Return a module of the earlier release, such as "chat.state"."""
    _install()
    return importlib.import_module(f"{NAME}.{module}")


@cache
def _counterpart(kind: Any) -> Any:
    """Return the class of the same name in the other release."""
    package, _, module = kind.__module__.partition(".")
    other = former(module) if package == "roost" else importlib.import_module(f"roost.{module}")
    return getattr(other, kind.__name__)


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    known = dict.fromkeys(_names(_counterpart(kind)))
    return tuple(name for name in _names(kind) if name in known)


def _names(kind: Any) -> tuple[str, ...]:
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    return tuple(getattr(kind, "__struct_fields__", ()) or getattr(kind, "_fields", ()))


def translate(value: Any) -> Any:
    """Return the same value as the other release has it."""
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, enum.Enum):
        return _counterpart(kind)(value.value)
    if isinstance(value, msgspec.Struct) or hasattr(kind, "_fields") or _names(kind):
        fields = {name: translate(getattr(value, name)) for name in _fields(kind)}
        return _counterpart(kind)(**fields)
    if isinstance(value, dict):
        return {translate(key): translate(one) for key, one in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return kind(translate(one) for one in value)
    return value
