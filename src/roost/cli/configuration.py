"""Turns TOML files and flags into a package's own `Config`, and values into TOML.

The keys of a file are the fields of the class; nested classes are tables. As a flag, `port_max` is
`--port-max` and a key in a table is `--table.key`. A flag overrides the file. A path in a file is
relative to the file's directory, a path in a flag to the current directory. An error names the
key and the values that it can have.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import tomli_w
from msgspec import inspect

from roost.cli.errors import UsageError

ConfigT = TypeVar("ConfigT")

_AT = re.compile(r"^(?P<problem>.*?)(?: - at `\$\.?(?P<key>[^`]*)`)?$", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<expected>[^`]+)`(?P<bound>[^,]*)(?:, got `(?P<got>\w+)`)?")
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


def read_config(
    kind: type[ConfigT],
    file: Path | None,
    flags: Mapping[str, Any] | None = None,
    *,
    command: str = "",
) -> ConfigT:
    """Make a `kind` from a TOML file and flags. Without a file, errors name `command`.

    Raises:
        UsageError: the file cannot be read, or a key is unknown, missing or has a wrong value.
    """
    return make_config(
        kind,
        load_file(file) if file else {},
        source=str(file or command),
        base=file.absolute().parent if file else None,
        flags=flags,
    )


def load_file(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        UsageError: it cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error


def render(values: Mapping[str, Any], comment: str) -> str:
    """Return a TOML document that begins with a comment. Values that are None are left out."""
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return head + tomli_w.dumps(_plain(values))


def make_config(
    kind: type[ConfigT],
    values: Mapping[str, Any],
    *,
    source: str,
    base: Path | None = None,
    flags: Mapping[str, Any] | None = None,
) -> ConfigT:
    """Make a `kind` from a file's `values` and `flags` (field name, dotted if nested -> value).

    `source` names the file in errors, `base` is its directory. A flag's text is converted to the
    type of its field.

    Raises:
        UsageError: a key is unknown, missing or has a wrong value.
    """
    _check_keys(kind, values, source)
    over: dict[str, Any] = {}
    for name, value in (flags or {}).items():
        flag = flag_of(name)
        field_type = _field_type(kind, name)
        if field_type is None:
            raise UsageError(_unknown("flag", flag, [flag_of(key) for key in keys_of(kind)]))
        if isinstance(value, str):
            value = _read_flag(flag, field_type, value)
        put_value(over, name, str(value.absolute()) if isinstance(value, Path) else value)
    try:
        return msgspec.convert(merge(values, over), kind, dec_hook=_path_hook(base))
    except msgspec.ValidationError as error:
        raise UsageError(f"{source}: {_explain(kind, str(error))}") from error


def parse_flags(kind: type, arguments: Sequence[str]) -> dict[str, Any]:
    """Parse `--key value` and `--key=value` for any key of `kind`; `--key` alone means true.

    Raises:
        UsageError: an argument is not a flag, or there is no such key.
    """
    known = {flag_of(key): key for key in keys_of(kind)}
    flags: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        flag, has_value, value = word.partition("=")
        if flag not in known:
            raise UsageError(_unknown("flag", flag, list(known)))
        if not has_value:
            if isinstance(_field_type(kind, known[flag]), inspect.BoolType):
                value = rest.pop(0) if rest and rest[0] in {"true", "false"} else "true"
            elif not rest:
                raise UsageError(f"{flag} needs a value")
            else:
                value = rest.pop(0)
        flags[known[flag]] = value
    return flags


def keys_of(kind: type) -> list[str]:
    """Return every key of a configuration, nested ones with a dot."""
    return [name for name, _ in _walk(inspect.type_info(kind), "")]


def paths_of(kind: type) -> list[str]:
    """Return every key of a configuration that names a file, nested ones with a dot."""
    found = []
    for name, info in _walk(inspect.type_info(kind), ""):
        options = info.types if isinstance(info, inspect.UnionType) else (info,)
        if any(isinstance(each, inspect.CustomType) and each.cls is Path for each in options):
            found.append(name)
    return found


def flag_of(key: str) -> str:
    """Return the flag for a key."""
    return "--" + key.replace("_", "-")


def put_value(table: dict[str, Any], key: str, value: Any) -> None:
    """Set a key such as `table.key` in nested tables."""
    *tables, name = key.split(".")
    for each in tables:
        table = table.setdefault(each, {})
    table[name] = value


def merge(values: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values`, overridden by those of `over`, table by table."""
    merged = dict(values)
    for key, value in over.items():
        old = merged.get(key)
        is_nested = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(merged[key], value) if is_nested else value
    return merged


def _fields(info: inspect.Type) -> tuple[inspect.Field, ...]:
    return info.fields if isinstance(info, inspect.StructType | inspect.DataclassType) else ()


def _walk(info: inspect.Type, prefix: str) -> Iterable[tuple[str, inspect.Type]]:
    for field in _fields(info):
        name = f"{prefix}{field.encode_name}"
        if _fields(field.type):
            yield from _walk(field.type, f"{name}.")
        else:
            yield name, field.type


def _field_type(kind: type, key: str) -> inspect.Type | None:
    return dict(_walk(inspect.type_info(kind), "")).get(key)


def _check_keys(kind: type, values: Mapping[str, Any], source: str) -> None:
    def check(info: inspect.Type, table: Mapping[str, Any], prefix: str) -> None:
        known = {field.encode_name: field.type for field in _fields(info)}
        for key, value in table.items():
            if key not in known:
                where = f"{source}: [{prefix[:-1]}]" if prefix else source
                raise UsageError(f"{where}: {_unknown('key', key, list(known))}")
            if _fields(known[key]) and isinstance(value, Mapping):
                check(known[key], value, f"{prefix}{key}.")

    check(inspect.type_info(kind), values, "")


def _unknown(what: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"choose from {', '.join(sorted(known))}"
    return f"unknown {what} {name}: {hint}"


def _plain(value: Any) -> Any:
    """Return a value in the types that TOML has."""
    match value:
        case Path():
            return str(value)
        case Mapping():
            return {key: _plain(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value


def _read_flag(flag: str, info: inspect.Type, text: str) -> Any:
    """Convert a flag's text to the type of its field."""
    options = info.types if isinstance(info, inspect.UnionType) else (info,)
    for option in options:
        match option:
            case inspect.IntType() | inspect.FloatType():
                for number in (int, float):
                    try:
                        return number(text)
                    except ValueError:
                        continue
            case inspect.BoolType():
                if text.lower() in {"true", "false"}:
                    return text.lower() == "true"
            case inspect.ListType() | inspect.VarTupleType():
                return [item.strip() for item in text.split(",") if item.strip()]
            case inspect.DictType() if all("=" in item for item in text.split(",")):
                return dict(item.strip().split("=", 1) for item in text.split(","))
            case inspect.DictType():
                continue
            case inspect.CustomType() if option.cls is Path:
                return str(Path(text).absolute())
            case inspect.NoneType():
                continue
            case _:
                return text
    raise UsageError(f"{flag} {text}: it must be {_describe(options[0])}")


def _path_hook(base: Path | None) -> Callable[[type, Any], Any]:
    def convert(kind: type, value: Any) -> Any:
        if kind is Path and isinstance(value, str):
            return (base or Path()) / value
        raise TypeError(f"Expected `{kind.__name__.lower()}`")

    return convert


def _explain(kind: type, message: str) -> str:
    """Reword a validation error so that it begins with the key."""
    match = _AT.match(message)
    assert match is not None
    problem, key = match["problem"], match["key"] or ""
    missing = re.search(r"missing required field `(\w+)`", problem)
    if missing:
        return f"{key + '.' if key else ''}{missing[1]} is missing"
    info = _field_type(kind, re.sub(r"\[.*", "", key))
    expected = _EXPECTED.match(problem)
    if expected:
        # TOML has no null.
        kinds = [word for word in expected["expected"].split(" | ") if word != "null"]
        words = " or ".join(_WORDS.get(word, word) for word in kinds)
        got = _WORDS.get(expected["got"] or "", "")
        problem = f"it must be {words}{expected['bound']}" + (f", not {got}" if got else "")
    elif info is not None and problem.startswith("Invalid enum value"):
        problem = f"it must be {_describe(info)}"
    return f"{key}: {problem}" if key else problem


def _describe(info: inspect.Type) -> str:
    match info:
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(str(value) for value in values)
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "a whole number"
        case inspect.FloatType():
            return "a number"
        case inspect.DictType():
            return "NAME=VALUE, several with commas"
        case _:
            return "something else"
