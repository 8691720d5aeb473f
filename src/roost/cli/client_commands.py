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
