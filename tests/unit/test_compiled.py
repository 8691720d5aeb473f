"""Compiled modules are used only while they are what the source says."""

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roost.compiled import (
    LIBRARY,
    MANIFEST,
    PLAIN,
    ROOT,
    SOURCES,
    SUFFIX,
    Finder,
    digest,
    object_file,
)

TOP = Path(__file__).parents[2]


@pytest.fixture(scope="module", name="build")
def load_build() -> Iterator[Any]:
    """Return the module `hatch_build`, which is not installed."""
    spec = importlib.util.spec_from_file_location("hatch_build", TOP / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    path = [*sys.path]
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = path


def objects(folder: Path, **different: object) -> Path:
    """Make a folder of objects, of which one cannot be loaded."""
    manifest = {"suffix": SUFFIX, "digest": digest(), "modules": ["roost.chat.talk"], **different}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    object_file(LIBRARY, folder).write_bytes(b"not a shared object")
    return folder


@pytest.mark.parametrize(
    ("different", "environment", "reason"),
    [
        ({}, {PLAIN: "1"}, "ROOST_PLAIN is set"),
        ({"suffix": ".cpython-27-vax.so"}, {}, "what is compiled is for another Python"),
        ({"digest": "0"}, {}, "the source has changed since it was compiled"),
        ({}, {}, "what is compiled cannot be loaded: "),
    ],
)
def test_plain_python_runs_if_anything_speaks_against_what_is_compiled(
    different: dict[str, object], environment: dict[str, str], reason: str, tmp_path: Path
) -> None:
    finder = Finder(objects(tmp_path, **different), environment)
    assert finder.find_spec("roost.chat.talk", None) is None
    assert finder.check().startswith(reason)


def test_plain_python_runs_if_nothing_is_compiled(tmp_path: Path) -> None:
    finder = Finder(tmp_path, {})
    assert finder.find_spec("roost.chat.talk", None) is None
    assert finder.check() == "nothing is compiled"


def test_modules_that_are_not_compiled_cost_no_look_at_the_sources(tmp_path: Path) -> None:
    finder = Finder(objects(tmp_path, digest="0"), {})
    assert finder.find_spec("roost.cli.main", None) is None
    assert finder.reason == ""


def is_in_digest(module: str) -> bool:
    within = ROOT.joinpath(*module.split(".")[1:])
    file = within / "__init__.py" if within.is_dir() else within.with_suffix(".py")
    return any(file.is_relative_to(ROOT / name) for name in SOURCES)


def test_each_listed_module_is_one_that_mypyc_compiles_truly(build: Any) -> None:
    for module in build.modules():
        text = build.source(module).read_text(encoding="utf-8")
        assert list(build.faults(text)) == [], module
        assert is_in_digest(module), module


def test_what_is_in_the_digest_imports_nothing_that_is_not() -> None:
    tops = [ROOT / name for name in SOURCES]
    for file in (file for top in tops for file in (top, *top.rglob("*.py")) if file.is_file()):
        text = file.read_text(encoding="utf-8")
        imported = re.findall(r"^from (roost\.\S+) import", text, re.MULTILINE)
        assert [one for one in imported if not is_in_digest(one)] == [], file


@pytest.mark.parametrize(
    "text",
    [
        "class Point(msgspec.Struct):\n    x: int",
        "class Frame(_Frame, tag=3):\n    x: int",
        "class Pair(NamedTuple):\n    x: int",
        "class Colour(enum.IntFlag):\n    RED = 1",
        "class One:\n    def get(self): ...\n    also = get",
        "class One:\n    seen: list[int] = []",
    ],
)
def test_what_mypyc_would_change_in_silence_is_refused(build: Any, text: str) -> None:
    (fault,) = build.faults(text)
    assert fault.startswith("line ")


def test_a_plain_class_is_compiled(build: Any) -> None:
    assert (
        list(
            build.faults(
                "class One(Generic[T]):\n    __slots__ = ('x', 'y')\n    x: int\n    y = NEVER"
            )
        )
        == []
    )
