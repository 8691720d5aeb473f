"""The command `roost` and its subcommands.

Each command imports the module that does its work only when it runs, so that `roost --help` and
typing mistakes are answered at once.
"""

import os
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from roost.cli.errors import CommandError
from roost.cli.flags import (
    AddFlags,
    BackupFlags,
    ChatFlags,
    ClientFlags,
    ExportFlags,
    InitFlags,
    JoinFlags,
    OperatorFlags,
    ProcessFlags,
    RestoreFlags,
    UpConfig,
)
from roost.cli.options import with_options, with_overrides
from roost.cli.people import accounts, rooms

_ANY_KEY = {"allow_extra_args": True, "ignore_unknown_options": True}
_KEYS_HINT = (
    "Every key of the configuration file is also a flag: max_x is --max-x. --keys lists them."
)
_SUMMARY = "Chat that keeps going when a machine dies."

NodeName = Annotated[
    str, typer.Argument(metavar="NODE", help="Name of the node, as `roost status` shows it.")
]

app = typer.Typer(
    name="roost",
    help=_SUMMARY,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


config_app = typer.Typer(
    help="Check configuration files.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(config_app, name="config")


class Shell(StrEnum):
    """A shell that can complete the command line."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


members = typer.Typer(rich_markup_mode=None)
app.add_typer(members, name="members")
app.add_typer(accounts, name="accounts")
app.add_typer(rooms, name="rooms")


def main() -> None:
    """Run the command line, and exit with its code."""
    if "_ROOST_COMPLETE" in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
    try:
        app(prog_name="roost")
    except CommandError as error:
        print(f"roost: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        from roost import __version__, compiled

        print(f"roost {__version__} ({compiled.describe()})")
        raise typer.Exit


@app.callback(help=_SUMMARY)
def _roost(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None: ...


@app.command()
@with_overrides(UpConfig)
def up(
    flags: dict[str, Any],
    config: Annotated[
        Path | None, typer.Option(help="TOML file whose keys are the flags above, with _ for -.")
    ] = None,
) -> None:
    """Run a whole cluster on this machine until Ctrl-C."""
    from roost.cli.configuration import read_config
    from roost.cli.up import up as run

    run(read_config(UpConfig, config, flags, command="roost up"))


@app.command()
@with_options(InitFlags)
def init(flags: InitFlags) -> None:
    """Create the files of a cluster on several machines.

    Each process gets a directory of its own, to be copied to its machine.
    """
    from roost.cli.init import init as run

    run(flags)


@app.command()
def renew(
    data: Annotated[Path, typer.Option(help="Directory that `roost init` wrote.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="Processes; by default those whose certificates expire soon."
        ),
    ] = None,
) -> None:
    """Create new certificates for processes."""
    from roost.cli.renew import renew as run

    run(data, names or [])


@app.command()
def recover(
    config: Annotated[Path, typer.Option(help="TOML file of the node that is left.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before changing anything.")
    ] = False,
) -> None:
    """Bring a cluster back from one node, when most voters are lost for good.

    Says what may be lost, asks, and makes the node a cluster of its own. The node must not run.
    """
    from roost.cli.recover import recover as run

    run(config, is_confirmed=yes)


@app.command()
@with_options(BackupFlags)
def backup(
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="Directory of the backups of one cluster.")
    ],
    flags: BackupFlags,
) -> None:
    """Back up a running cluster, from a node on this machine.

    The first backup holds everything, later ones add what is new. Nobody waits for it.
    """
    from roost.cli.backup import backup as run

    run(destination, flags)


@app.command()
@with_options(RestoreFlags)
def restore(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="Directory that `roost backup` wrote to.")
    ],
    flags: RestoreFlags,
) -> None:
    """Make a new cluster from a backup."""
    from roost.cli.restore import restore as run

    run(source, flags)


@app.command()
@with_options(ExportFlags)
def export(flags: ExportFlags) -> None:
    """Write the history of rooms, or of a person, as JSON lines.

    Reads a running node on this machine. Nobody waits for it.
    """
    from roost.cli.export import export as run

    run(flags)


@app.command("erase-account")
@with_options(OperatorFlags)
def erase_account(
    name: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Name of the account.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before changing anything.")
    ] = False,
    *,
    flags: OperatorFlags,
) -> None:
    """Delete an account, and what its people said from state, history, search and logs."""
    from roost.cli.accounts import erase

    erase(flags, name, is_confirmed=yes)


@app.command("hash-password")
def hash_one_password() -> None:
    """Ask for an operator's password and print its hash."""
    from roost.cli.hash_password import hash_password

    hash_password()


@app.command("node", context_settings=_ANY_KEY, epilog=_KEYS_HINT)
@with_options(ProcessFlags)
def run_one_node(context: typer.Context, flags: ProcessFlags) -> None:
    """Run one node."""
    from roost.cli.processes import run_node

    run_node(flags, context.args)


@app.command("balancer", context_settings=_ANY_KEY, epilog=_KEYS_HINT)
@with_options(ProcessFlags)
def run_one_balancer(context: typer.Context, flags: ProcessFlags) -> None:
    """Run one balancer."""
    from roost.cli.processes import run_balancer

    run_balancer(flags, context.args)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="Data directory of a running `roost up`.")
    ] = None,
    http: Annotated[
        str | None, typer.Option(help="http://HOST:PORT of a balancer to ask instead.")
    ] = None,
) -> None:
    """Show the state of a cluster."""
    from roost.cli.status import draw, fetch_all, find_urls, to_json

    cluster = fetch_all(find_urls(data, http))
    if as_json:
        print(to_json(cluster))
    else:
        draw(cluster)


@app.command()
@with_options(OperatorFlags)
def drain(
    node: NodeName,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until no client is left on the node.")
    ] = True,
    *,
    flags: OperatorFlags,
) -> None:
    """Move a node's clients to other nodes and keep it empty."""
    from roost.cli.drain import drain as run
    from roost.cli.drain import load_operator

    run(load_operator(flags), node, is_waiting=wait)


@app.command()
@with_options(OperatorFlags)
def undrain(node: NodeName, flags: OperatorFlags) -> None:
    """Let a drained node serve clients again."""
    from roost.cli.drain import load_operator
    from roost.cli.drain import undrain as run

    run(load_operator(flags), node)


@members.callback(invoke_without_command=True)
@with_options(OperatorFlags)
def show_members(context: typer.Context, flags: OperatorFlags) -> None:
    """Show the nodes that belong to the cluster; add or remove one."""
    if context.invoked_subcommand is None:
        from roost.cli.members import show

        show(flags)


@members.command("add")
@with_options(AddFlags)
def add_member(
    node: Annotated[
        str, typer.Argument(metavar="NAME=HOST", help="The new node, and the machine it is on.")
    ],
    flags: AddFlags,
) -> None:
    """Make a token with which a machine joins as a node, once."""
    from roost.cli.members import add

    add(node, flags)


@members.command("replace")
@with_options(AddFlags)
def replace_member(
    node: NodeName,
    new: Annotated[
        str, typer.Argument(metavar="NAME=HOST", help="The new node, and the machine it is on.")
    ],
    flags: AddFlags,
) -> None:
    """Let a machine join, and remove a node once the new one is ready."""
    from roost.cli.members import replace

    replace(node, new, flags)


@members.command("remove")
@with_options(OperatorFlags)
def remove_member(node: NodeName, flags: OperatorFlags) -> None:
    """Remove a node from the cluster for good."""
    from roost.cli.members import remove

    remove(flags, node)


@app.command()
@with_options(JoinFlags)
def join(
    token: Annotated[
        str,
        typer.Argument(
            metavar="TOKEN", help="What `roost members add` printed; '-' to read standard input."
        ),
    ],
    flags: JoinFlags,
) -> None:
    """Make this machine a node of a cluster, and start it."""
    from roost.cli.join import join as run

    run(token, flags)


@app.command()
@with_options(ChatFlags)
def chat(flags: ChatFlags) -> None:
    """Chat in this terminal, or in a browser with --web."""
    from roost.cli.chat import chat as run

    run(flags)


@app.command()
@with_options(ClientFlags)
def say(
    room: Annotated[str, typer.Argument(metavar="ROOM", help="A room ('#room') or a nickname.")],
    text: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXT]...", help="The message; '-' or nothing to read standard input."
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the confirmation.")] = 30.0,
    *,
    flags: ClientFlags,
) -> None:
    """Send a message and wait until it is confirmed."""
    from roost.cli.talk import say as run

    run(flags, room, text or [], timeout)


@app.command()
@with_options(ClientFlags)
def tail(
    room: Annotated[str, typer.Argument(metavar="ROOM", help="The room, with or without '#'.")],
    json: Annotated[bool, typer.Option("--json", help="Print each message as JSON.")] = False,
    since: Annotated[
        str,
        typer.Option(help="Start there: 10m, 2h, 3d, 2026-01-31 or 2026-01-31T12:00:00Z."),
    ] = "",
    lines: Annotated[
        int | None,
        typer.Option(help="Number of earlier messages without --since; 10 by default."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Go on with new messages.")
    ] = True,
    *,
    flags: ClientFlags,
) -> None:
    """Print earlier and new messages of a room."""
    from roost.cli.talk import tail as run

    run(flags, room, is_json=json, since=since, lines=lines, is_following=follow)


@config_app.command("check")
def check_configuration(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="TOML files of any process.")
    ],
) -> None:
    """Check configuration files and the certificates that they name.

    Prints a line for each file that is valid; exits with 2 if one is not, and says why.
    """
    from roost.cli.check import check

    check(files)


@app.command()
def completion(shell: Annotated[Shell, typer.Argument(help="Your shell.")]) -> None:
    """Print a script that makes a shell complete roost's commands and options.

    For bash: eval "$(roost completion bash)" in ~/.bashrc.
    """
    from roost.cli.manual import completion_script

    print(completion_script(shell), end="")


@app.command("man-pages", hidden=True)
def man_pages(directory: Annotated[Path, typer.Argument(metavar="DIRECTORY")]) -> None:
    """Write the manual pages, for those who build packages."""
    from roost.cli.manual import write_pages
    from roost.ops import clock

    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.fromtimestamp(int(fixed), UTC) if fixed else clock.utc_now()
    write_pages(app, directory, now.date())
