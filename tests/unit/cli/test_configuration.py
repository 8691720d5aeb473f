"""Files and flags become configurations; errors are clear."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.cli.configuration import (
    flag_of,
    keys_of,
    load_file,
    make_config,
    parse_flags,
    render,
)
from roost.cli.errors import UsageError

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_VALUE = st.one_of(
    _TEXT,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(_TEXT, max_size=4),
)
_KEY = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)
_TABLE = st.dictionaries(_KEY, _VALUE, max_size=4)
_DEEP = st.one_of(_VALUE, _TABLE, st.lists(_TABLE, max_size=4))


class Files(msgspec.Struct, frozen=True, kw_only=True):
    key: Path
    is_encrypted: bool = False


class Config(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    port_min: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 6667
    ramp_s: float = 5.0
    is_open: bool = False
    members: tuple[str, ...] = ()
    mode: Literal["calm", "busy"] = "calm"
    limit: int | None = None
    files: Files = Files(key=Path("key.pem"))

    def __post_init__(self) -> None:
        if self.name == "forbidden":
            raise ValueError("name: it must not be forbidden")


def test_every_key_has_a_flag() -> None:
    assert keys_of(Config) == [
        *("name", "port_min", "ramp_s", "is_open", "members", "mode", "limit"),
        *("files.key", "files.is_encrypted"),
    ]
    assert flag_of("files.is_encrypted") == "--files.is-encrypted"


def test_flags_are_read_as_their_fields_types() -> None:
    arguments = [
        *("--name", "n1", "--port-min=7", "--ramp-s", "2", "--is-open", "--members", "a, b"),
        *("--limit", "9", "--files.key", "/k"),
    ]
    flags = parse_flags(Config, arguments)
    config = make_config(Config, {}, source="here", flags=flags)
    assert config == Config(
        name="n1",
        port_min=7,
        ramp_s=2.0,
        is_open=True,
        members=("a", "b"),
        limit=9,
        files=Files(key=Path("/k")),
    )


def test_a_flag_wins_over_the_file() -> None:
    values = {"name": "file", "port_min": 1}
    config = make_config(Config, values, source="here", flags={"name": "flag"})
    assert (config.name, config.port_min) == ("flag", 1)
    assert values["name"] == "file"


def test_paths_count_from_the_file() -> None:
    values = {"name": "n1", "files": {"key": "keys/n1.pem"}}
    config = make_config(Config, values, source="here", base=Path("/etc/roost"))
    assert config.files.key == Path("/etc/roost/keys/n1.pem")
    values["files"] = {"key": "/keys/n1.pem"}
    config = make_config(Config, values, source="here", base=Path("/etc/roost"))
    assert config.files.key == Path("/keys/n1.pem")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({}, "here: name is missing"),
        ({"name": 5}, "here: name: it must be text, not a whole number"),
        ({"name": "n", "port_min": "80"}, "here: port_min: it must be a whole number, not text"),
        ({"name": "n", "port_min": 70000}, "here: port_min: it must be a whole number <= 65535"),
        (
            {"name": "n", "is_open": 1},
            "here: is_open: it must be true or false, not a whole number",
        ),
        ({"name": "n", "mode": "mad"}, "here: mode: it must be one of busy, calm"),
        ({"name": "n", "members": "a"}, "here: members: it must be a list, not text"),
        ({"name": "n", "port_mni": 1}, "here: unknown key port_mni: did you mean port_min?"),
        (
            {"name": "n", "files": {"key": "k", "sort": 1}},
            "here: [files]: unknown key sort: choose from is_encrypted, key",
        ),
        ({"name": "n", "files": {}}, "here: files.key is missing"),
        ({"name": "forbidden"}, "here: name: it must not be forbidden"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, object], error: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_config(Config, values, source="here")
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--port-min", "many"], "--port-min many: it must be a whole number"),
        (["--prot-min", "5"], "unknown flag --prot-min: did you mean --port-min?"),
        (["--name"], "--name needs a value"),
        (["stray"], "unknown flag stray: choose from"),
        (["--is-open=maybe"], "--is-open maybe: it must be true or false"),
    ],
)
def test_wrong_flags_are_named(arguments: list[str], error: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_config(Config, {"name": "n"}, source="here", flags=parse_flags(Config, arguments))
    assert error in str(caught.value)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("name = \n")
    with pytest.raises(UsageError, match=r"broken\.toml is not valid TOML: .*line 1"):
        load_file(path)
    with pytest.raises(UsageError, match=r"cannot read .*: No such file"):
        load_file(tmp_path / "missing.toml")


@settings(max_examples=40)
@given(
    st.dictionaries(_KEY, st.one_of(_VALUE, st.dictionaries(_KEY, _DEEP, max_size=4)), max_size=4)
)
def test_every_value_survives(table: dict[str, object]) -> None:
    assert tomllib.loads(render(table, "a\ncomment")) == table


def test_a_path_is_text() -> None:
    assert tomllib.loads(render({"data": Path("/a b/c")}, "")) == {"data": "/a b/c"}


def test_what_is_none_is_left_out() -> None:
    assert tomllib.loads(render({"a": None, "b": [{"c": None, "d": 1}]}, "")) == {"b": [{"d": 1}]}
