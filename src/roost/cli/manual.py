"""Manual pages and shell completion, made from the definitions of the commands.

Both are written when a package is built, and by the user with `roost completion`.
"""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]

from roost import __version__

SHELLS = {"bash": "roost.bash", "zsh": "_roost", "fish": "roost.fish"}
"""The shells that can complete, and the names of their files."""


COMPLETE_VARIABLE = "_ROOST_COMPLETE"
"""A shell that completes a command line runs `roost` with this variable."""


def completion_script(shell: str) -> str:
    """Return what a shell has to read so that it completes `roost`'s commands and options."""
    script = get_completion_script(prog_name="roost", complete_var=COMPLETE_VARIABLE, shell=shell)
    return f"{script}\n"


def write_pages(app: typer.Typer, directory: Path, day: date) -> list[Path]:
    """Write roost(1) and a page for each command; return their paths."""
    command = typer.main.get_command(app)
    pages = {"roost": _page("roost", command, day)}
    for name, each in sorted(_visible(command)):
        pages[f"roost-{name}"] = _page(f"roost {name}", each, day)
        for inner, one in sorted(_visible(each)):
            pages[f"roost-{name}-{inner}"] = _page(f"roost {name} {inner}", one, day)
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pages.items():
        path = directory / f"{name}.1"
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _visible(command: Any) -> list[tuple[str, Any]]:
    found = getattr(command, "commands", {})
    return [(name, each) for name, each in found.items() if not each.hidden]


def _page(name: str, command: Any, day: date) -> str:
    """Return one page in the language of man(7)."""
    help_text = (command.help or "").strip()
    summary = help_text.partition("\n\n")[0]
    title = name.replace(" ", "-")
    lines = [
        f'.TH {title.upper()} 1 {day:%Y-%m-%d} "Roost {__version__}" "Roost manual"',
        ".SH NAME",
        f"{title} \\- {_escaped(_one_line(summary).rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {name}",
        _escaped(" ".join(_usage(command))),
        ".SH DESCRIPTION",
        *_paragraphs(help_text),
        *_paragraphs(command.epilog or ""),
    ]
    options = [each for each in command.params if not getattr(each, "hidden", False)]
    if options:
        lines.append(".SH OPTIONS")
        for option in options:
            lines += _option(option)
    inner = _visible(command)
    if inner:
        lines.append(".SH COMMANDS")
        for word, each in inner:
            text = _one_line((each.help or "").partition("\n\n")[0])
            lines += [".TP", f".BR {title}\\-{_escaped(word)} (1)", _escaped(text)]
    if name != "roost":
        lines += [".SH SEE ALSO", ".BR roost (1)"]
    return "\n".join(line for line in lines if line) + "\n"


def _usage(command: Any) -> Iterator[str]:
    if any(each.param_type_name == "option" for each in command.params):
        yield "[OPTIONS]"
    for each in command.params:
        if each.param_type_name == "argument":
            yield each.make_metavar(None) if each.metavar is None else each.metavar
    if _visible(command):
        yield "COMMAND [ARGUMENTS]..."


def _option(option: Any) -> list[str]:
    names = [*option.opts, *option.secondary_opts]
    if option.param_type_name == "argument":
        head = option.metavar or option.name.upper()
    else:
        value = "" if option.is_flag else f" {option.metavar or option.type.name.upper()}"
        head = ", ".join(names) + value
    text = _one_line(option.help or "")
    default, is_flag = option.default, getattr(option, "is_flag", False)
    if default not in (None, "", [], ()) and not is_flag and "[default" not in text:
        text += f" [default: {default}]"
    return [".TP", f".B {_escaped(head)}", _escaped(text)]


def _paragraphs(text: str) -> list[str]:
    lines = []
    for paragraph in filter(None, re.split(r"\n\s*\n", text.strip())):
        lines += [".PP", _escaped(_one_line(paragraph))]
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    """Escape what man(7) would take for a request or for typographic signs."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
    return f"\\&{text}" if text.startswith(".") else text
