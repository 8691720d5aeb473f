"""What is written can be read back."""

import tomllib
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from roost.cli.toml import render

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_VALUE = st.one_of(
    _TEXT,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(_TEXT),
)
_KEY = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
_TABLE = st.dictionaries(_KEY, _VALUE)
_DEEP = st.one_of(_VALUE, _TABLE, st.lists(_TABLE))


@settings(max_examples=40)
@given(st.dictionaries(_KEY, st.one_of(_VALUE, st.dictionaries(_KEY, _DEEP))))
def test_every_value_survives(table: dict[str, object]) -> None:
    assert tomllib.loads(render(table, "a\ncomment")) == table  # type: ignore[arg-type]


def test_a_path_is_text() -> None:
    assert tomllib.loads(render({"data": Path("/a b/c")}, "")) == {"data": "/a b/c"}
