"""Modules and functions stay short enough to be read in one go."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60


def _too_long(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    place = path.relative_to(ROOT)
    if (lines := text.count("\n")) > MODULE_LINES_MAX:
        yield f"{place} has {lines} lines; the limit is {MODULE_LINES_MAX}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            if (lines := node.end_lineno - node.lineno + 1) > FUNCTION_LINES_MAX:
                where = f"{place}:{node.lineno}: {node.name}"
                yield f"{where} has {lines} lines; the limit is {FUNCTION_LINES_MAX}"


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks"])
def test_modules_and_functions_are_short(folder: str) -> None:
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    problems = [problem for path in paths for problem in _too_long(path)]
    assert not problems, "\n".join(problems)
