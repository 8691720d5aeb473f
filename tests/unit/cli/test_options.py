"""Options of a command come from the fields of a struct."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from roost.cli.configuration import read_config
from roost.cli.flags import UpConfig
from roost.cli.options import Command, with_options, with_overrides

Decorator = Callable[[Command], Command]


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    size: Annotated[int, msgspec.Meta(ge=1), typer.Option(help="How large.")]
    names: Annotated[tuple[str, ...], typer.Option("--name", "-n", help="Repeatable.")] = ("a",)
    file: Annotated[Path | None, typer.Option(help="A file.")] = None
    is_open: Annotated[bool, typer.Option("--open/--closed", help="Whether open.")] = True
    table: dict[str, int] = {}


def run(decorate: Decorator, arguments: list[str]) -> tuple[Any, str]:
    """Run a command with options of `Flags`; return what it received, and the output."""
    received: list[Any] = []
    app = typer.Typer(rich_markup_mode=None)

    @app.command()
    @decorate
    def command(word: str, *, flags: Any) -> None:
        received.append((word, flags))

    result = CliRunner().invoke(app, arguments)
    return received[0] if received else None, result.output


def test_a_command_receives_the_struct() -> None:
    arguments = ["--size", "3", "-n", "x", "--name", "y", "w", "--file", "f", "--closed"]
    received, _ = run(with_options(Flags), arguments)
    expected = Flags(size=3, names=("x", "y"), file=Path("f"), is_open=False)
    assert received == ("w", expected)


def test_defaults_are_those_of_the_fields() -> None:
    received, _ = run(with_options(Flags), ["w", "--size", "3"])
    assert received == ("w", Flags(size=3))
    assert run(with_options(Flags), ["w"])[0] is None


def test_overrides_are_only_what_was_given() -> None:
    assert run(with_overrides(Flags), ["w"])[0] == ("w", {})
    received, _ = run(with_overrides(Flags), ["w", "--size", "3", "--closed"])
    assert received == ("w", {"size": 3, "is_open": False})


@pytest.mark.parametrize("decorate", [with_options, with_overrides])
def test_help_shows_texts_and_defaults(
    decorate: Callable[[type[msgspec.Struct]], Decorator],
) -> None:
    _, shown = run(decorate(UpConfig), ["--help"])
    words = " ".join(shown.split())
    assert "Number of balancers. [default: 1]" in words
    assert "--restart / --no-restart" in words
    assert "--node" not in words.replace("--nodes", "")


def test_a_flag_of_up_sets_keys_of_its_processes(tmp_path: Path) -> None:
    file = tmp_path / "up.toml"
    file.write_text("host = 'a'\n[balancer]\nhttp_host = 'b'\n[balancer.tls]\nx = 1\n")
    flags = {"certificate": Path("c.pem"), "key": Path("k.pem")}
    config = read_config(UpConfig, file, flags)
    assert config.values_of("balancer") == {
        "host": "a",
        "http_host": "b",
        "tls": {"certificate": Path("c.pem").absolute(), "key": Path("k.pem").absolute(), "x": 1},
    }
    assert config.values_of("node") == {}
