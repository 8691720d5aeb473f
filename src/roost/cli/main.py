"""The command `roost`: what it can be told, and nothing else.

The work is in the other modules, each imported only by the command that needs it, so that
`roost --help` and a typing mistake are answered at once.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from roost.cli import client_commands
from roost.cli.errors import CommandError

_ANY_KEY = {"allow_extra_args": True, "ignore_unknown_options": True}
_KEYS_HINT = (
    "Every key of the configuration file is a flag too: max_x is --max-x; --keys lists them."
)

app = typer.Typer(
    name="roost",
    help="A chat that goes on when a machine dies.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line, and end with its exit code."""
    try:
        app(prog_name="roost")
    except CommandError as error:
        print(f"roost: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        from roost import __version__

        print(f"roost {__version__}")
        raise typer.Exit


@app.callback()
def _roost(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """A chat that goes on when a machine dies."""


@app.command()
def up(
    nodes: Annotated[
        int | None, typer.Option(help="How many nodes a new cluster gets; 3 by default.")
    ] = None,
    balancers: Annotated[int | None, typer.Option(help="How many balancers to run.")] = None,
    data: Annotated[Path | None, typer.Option(help="Where everything is kept.")] = None,
    host: Annotated[str | None, typer.Option(help="Where to listen; loopback by default.")] = None,
    port: Annotated[int | None, typer.Option(help="For clients; 0 is any free one.")] = None,
    tls_port: Annotated[
        int | None, typer.Option(help="For clients by TLS; 0 is any free one.")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="What clients are shown, a PEM file; or it is made.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The certificate's key.")] = None,
    http_port: Annotated[int | None, typer.Option(help="For status; 0 is any free one.")] = None,
    restart: Annotated[
        bool | None, typer.Option("--restart/--no-restart", help="Start again what dies.")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file with the same keys.")] = None,
) -> None:
    """Run a whole cluster on this machine, until Ctrl-C."""
    from roost.cli.configuration import load_file, make_config
    from roost.cli.up import UpConfig
    from roost.cli.up import up as run

    flags = {
        "nodes": nodes,
        "balancers": balancers,
        "data": data,
        "host": host,
        "port": port,
        "tls_port": tls_port,
        "certificate": certificate,
        "key": key,
        "http_port": http_port,
        "restart": restart,
        "log_level": log_level,
    }
    run(
        make_config(
            UpConfig,
            load_file(config) if config else {},
            source=str(config or "roost up"),
            base=config.absolute().parent if config else None,
            flags=_given(flags),
        )
    )


@app.command()
def init(
    data: Annotated[Path, typer.Option(help="Where to write; must not hold a cluster yet.")],
    node: Annotated[
        list[str] | None, typer.Option(help="NAME=HOST of a node, as others reach it; repeat it.")
    ] = None,
    balancer: Annotated[
        list[str] | None,
        typer.Option(help="NAME=HOST of a balancer; repeat it."),
    ] = None,
    nodes: Annotated[int, typer.Option(help="Without --node: so many, on this machine.")] = 3,
    port: Annotated[int, typer.Option(help="Where balancers expect clients.")] = 6667,
    tls_port: Annotated[int, typer.Option(help="Where they expect clients by TLS.")] = 6697,
    http_port: Annotated[int, typer.Option(help="Where processes answer over HTTP.")] = 8080,
    trunk_port: Annotated[int, typer.Option(help="Where balancers expect nodes.")] = 6700,
    mesh_port: Annotated[int, typer.Option(help="Where nodes expect each other.")] = 6800,
) -> None:
    """Write the files of a cluster over several machines: one directory for each process."""
    from roost.cli.init import InitConfig
    from roost.cli.init import init as run

    here = [f"n{number}=127.0.0.1" for number in range(1, nodes + 1)]
    run(
        InitConfig(
            nodes=tuple(node or here),
            balancers=tuple(balancer or ["b1=127.0.0.1"]),
            data=data,
            port=port,
            tls_port=tls_port,
            http_port=http_port,
            trunk_port=trunk_port,
            mesh_port=mesh_port,
        )
    )


@app.command()
def renew(
    data: Annotated[Path, typer.Option(help="The directory that `roost init` wrote.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Processes; without them, those whose certificates expire soon."),
    ] = None,
) -> None:
    """Make certificates anew, to be copied to the processes' machines."""
    from roost.cli.renew import renew as run

    run(data, names or [])


@app.command("hash-password")
def hash_one_password() -> None:
    """Print what an operator's password is in the configuration; it is asked for."""
    from roost.cli.hash_password import hash_password

    hash_password()


@app.command("node", context_settings=_ANY_KEY, epilog=_KEYS_HINT)
def run_one_node(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="The node's TOML file.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    keys: Annotated[bool, typer.Option("--keys", help="List every key, and end.")] = False,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run one node."""
    from roost.cli.processes import ProcessOptions, run_node

    run_node(ProcessOptions(config, tuple(context.args), log_level, keys, parent))


@app.command("balancer", context_settings=_ANY_KEY, epilog=_KEYS_HINT)
def run_one_balancer(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="The balancer's TOML file.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    keys: Annotated[bool, typer.Option("--keys", help="List every key, and end.")] = False,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run one balancer."""
    from roost.cli.processes import ProcessOptions, run_balancer

    run_balancer(ProcessOptions(config, tuple(context.args), log_level, keys, parent))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="The data directory of a running `roost up`.")
    ] = None,
    http: Annotated[str | None, typer.Option(help="A balancer's http://HOST:PORT.")] = None,
) -> None:
    """Show the cluster: who is there, how they are, who leads."""
    from roost.cli.status import draw, fetch_all, find_urls, to_json

    cluster = fetch_all(find_urls(data, http))
    if as_json:
        print(to_json(cluster))
    else:
        draw(cluster)


@app.command()
def drain(
    node: Annotated[str, typer.Argument(help="The node's name, as `roost status` shows it.")],
    data: Annotated[Path | None, typer.Option(help="The data directory of a cluster.")] = None,
    config: Annotated[Path | None, typer.Option(help="An operator's TOML file.")] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until the node serves nobody.")
    ] = True,
) -> None:
    """Move a node's clients to the others, and give it none until it is undrained."""
    from roost.cli.drain import drain as run
    from roost.cli.drain import load_operator

    run(load_operator(data, config), node, is_waiting=wait)


@app.command()
def undrain(
    node: Annotated[str, typer.Argument(help="The node's name, as `roost status` shows it.")],
    data: Annotated[Path | None, typer.Option(help="The data directory of a cluster.")] = None,
    config: Annotated[Path | None, typer.Option(help="An operator's TOML file.")] = None,
) -> None:
    """Let a node that was drained serve clients again."""
    from roost.cli.drain import load_operator
    from roost.cli.drain import undrain as run

    run(load_operator(data, config), node)


app.command()(client_commands.chat)
app.command()(client_commands.say)
app.command()(client_commands.tail)


def _given(flags: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in flags.items()
        if value is not None
    }
