"""What the commands that connect as a client can be told; the work is elsewhere, as for all."""

from pathlib import Path
from typing import Annotated

import typer

Addresses = Annotated[
    list[str] | None,
    typer.Option(
        "--address",
        "-a",
        help="HOST, HOST:PORT, irc://HOST or ircs://HOST; repeat it for more doors of a network.",
    ),
]
Nick = Annotated[str, typer.Option("--nick", "-n", help="The name to come in with.")]
Account = Annotated[
    str, typer.Option(help="Log in to it; its password is in ROOST_PASSWORD or from a command.")
]
Tls = Annotated[
    bool | None, typer.Option("--tls/--no-tls", help="TLS, whatever the address looks like.")
]
Fingerprint = Annotated[
    str, typer.Option(help="Accept this one certificate: its SHA-256 in hexadecimal.")
]
Authority = Annotated[
    Path | None, typer.Option("--ca", help="A file of authorities, instead of the system's.")
]
Insecure = Annotated[bool, typer.Option("--insecure", help="Accept any certificate at all.")]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="A settings.toml, instead of the usual one.")
]


def say(
    room: Annotated[str, typer.Argument(help="A room, '#room', or somebody's name.")],
    text: Annotated[
        list[str] | None, typer.Argument(help="What to say; nothing or - reads standard input.")
    ] = None,
    address: Addresses = None,
    nick: Nick = "",
    account: Account = "",
    tls: Tls = None,
    fingerprint: Fingerprint = "",
    ca: Authority = None,
    insecure: Insecure = False,
    settings: SettingsFile = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the confirmation.")] = 30.0,
) -> None:
    """Say something; ends with 0 once it is confirmed."""
    from roost.cli.talk import say as run
    from roost.cli.target import Flags

    flags = Flags(
        addresses=tuple(address or ()),
        nick=nick,
        account=account,
        is_secure=tls,
        fingerprint=fingerprint,
        authority=ca,
        is_insecure=insecure,
        settings=settings,
    )
    run(flags, room, text or [], timeout)


def tail(
    room: Annotated[str, typer.Argument(help="The room, with or without '#'.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each line.")] = False,
    since: Annotated[
        str, typer.Option(help="From then on: 10m, 2h, 3d, 2026-01-31, 2026-01-31T12:00:00Z.")
    ] = "",
    lines: Annotated[
        int | None, typer.Option("--lines", help="How many of the last, without --since; 10.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Go on with what is said from now on.")
    ] = True,
    address: Addresses = None,
    nick: Nick = "",
    account: Account = "",
    tls: Tls = None,
    fingerprint: Fingerprint = "",
    ca: Authority = None,
    insecure: Insecure = False,
    settings: SettingsFile = None,
) -> None:
    """Print what was said in a room, and what is being said."""
    from roost.cli.talk import tail as run
    from roost.cli.target import Flags

    flags = Flags(
        addresses=tuple(address or ()),
        nick=nick,
        account=account,
        is_secure=tls,
        fingerprint=fingerprint,
        authority=ca,
        is_insecure=insecure,
        settings=settings,
    )
    run(flags, room, is_json=json, since=since, lines=lines, is_following=follow)


def chat(
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ADDRESS]...", help="HOST, HOST:PORT, irc://HOST or ircs://HOST."),
    ] = None,
    nick: Nick = "",
    room: Annotated[
        list[str] | None, typer.Option("--room", "-r", help="A room to join; repeat it.")
    ] = None,
    account: Account = "",
    tls: Tls = None,
    fingerprint: Fingerprint = "",
    ca: Authority = None,
    insecure: Insecure = False,
    settings: SettingsFile = None,
    state: Annotated[
        Path | None, typer.Option("--state", help="Where to remember rooms, drafts and the like.")
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Run a cluster on this machine if there is none.")
    ] = False,
    data: Annotated[Path | None, typer.Option(help="With --local: where it keeps things.")] = None,
    web: Annotated[bool, typer.Option("--web", help="Serve the client to browsers.")] = False,
    web_host: Annotated[str, typer.Option(help="With --web: where to listen.")] = "127.0.0.1",
    web_port: Annotated[int, typer.Option(help="With --web: the port.")] = 8000,
    served: Annotated[bool, typer.Option("--served", hidden=True)] = False,
) -> None:
    """Chat in this terminal, or with --web in a browser."""
    from roost.cli.chat import ChatOptions, run_chat
    from roost.cli.target import Flags

    flags = Flags(
        addresses=tuple(addresses or ()),
        nick=nick,
        account=account,
        is_secure=tls,
        fingerprint=fingerprint,
        authority=ca,
        is_insecure=insecure,
        settings=settings,
    )
    options = ChatOptions(rooms=tuple(room or ()), state=state, is_local=local, data=data)
    run_chat(flags, options, web=(web_host, web_port) if web else None, is_served=served)
