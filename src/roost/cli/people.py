"""The commands `roost accounts ...` and `roost rooms ...`, for administrators."""

from typing import Annotated

import typer

from roost.cli.flags import OperatorFlags
from roost.cli.options import with_options

accounts = typer.Typer(
    help="Show, add, suspend, rename and delete accounts.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
rooms = typer.Typer(
    help="Show rooms, give them to an account, or take them from one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AccountName = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Name of the account.")]
RoomName = Annotated[
    str, typer.Argument(metavar="ROOM", help="Name of the room, with or without '#'.")
]
Mask = Annotated[
    str, typer.Argument(metavar="[MASK]", help="Name, in which * and ? are wildcards.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before changing anything.")]
Generate = Annotated[
    bool, typer.Option("--generate", help="Make up a password, and print it once.")
]
Reason = Annotated[str, typer.Option(help="What the people concerned are told.")]


@accounts.command("list")
@with_options(OperatorFlags)
def list_accounts(
    mask: Mask = "*",
    suspended: Annotated[
        bool, typer.Option("--suspended", help="Only those that are suspended.")
    ] = False,
    as_json: AsJson = False,
    *,
    flags: OperatorFlags,
) -> None:
    """List accounts."""
    from roost.cli.accounts import show_all

    show_all(flags, mask, is_suspended=suspended, as_json=as_json)


@accounts.command("show")
@with_options(OperatorFlags)
def show_account(name: AccountName, as_json: AsJson = False, *, flags: OperatorFlags) -> None:
    """Show an account, its rooms, and whether it is suspended."""
    from roost.cli.accounts import show

    show(flags, name, as_json=as_json)


@accounts.command("add")
@with_options(OperatorFlags)
def add_account(name: AccountName, generate: Generate = False, *, flags: OperatorFlags) -> None:
    """Register an account for somebody.

    Asks for the password, or reads it from standard input.
    """
    from roost.cli.accounts import add

    add(flags, name, is_generated=generate)


@accounts.command("password")
@with_options(OperatorFlags)
def set_password(
    name: AccountName,
    generate: Generate = False,
    disconnect: Annotated[
        bool, typer.Option("--disconnect", help="End the sessions of the account.")
    ] = False,
    *,
    flags: OperatorFlags,
) -> None:
    """Replace the password of an account, and remove its certificates.

    Asks for the new password, or reads it from standard input. Clients that are logged in stay
    unless --disconnect is given.
    """
    from roost.cli.accounts import set_password as run

    run(flags, name, is_generated=generate, is_disconnected=disconnect)


@accounts.command("suspend")
@with_options(OperatorFlags)
def suspend_account(
    name: AccountName,
    reason: Reason = "",
    span: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="Such as 90m, 12h or 7d.")
    ] = "",
    *,
    flags: OperatorFlags,
) -> None:
    """Disconnect an account's clients, and let nobody log in to it.

    The name and the rooms stay reserved. Without --for it lasts until it is lifted.
    """
    from roost.cli.accounts import suspend

    suspend(flags, name, reason, span)


@accounts.command("unsuspend")
@with_options(OperatorFlags)
def unsuspend_account(name: AccountName, flags: OperatorFlags) -> None:
    """Lift the suspension of an account."""
    from roost.cli.accounts import unsuspend

    unsuspend(flags, name)


@accounts.command("rename")
@with_options(OperatorFlags)
def rename_account(
    name: AccountName,
    new: Annotated[str, typer.Argument(metavar="NEW-NAME", help="Its new name.")],
    flags: OperatorFlags,
) -> None:
    """Give an account another name; its rooms, access and history stay."""
    from roost.cli.accounts import rename

    rename(flags, name, new)


@accounts.command("disconnect")
@with_options(OperatorFlags)
def disconnect_account(name: AccountName, reason: Reason = "", *, flags: OperatorFlags) -> None:
    """End the sessions of an account, which may log in again."""
    from roost.cli.accounts import disconnect

    disconnect(flags, name, reason)


@accounts.command("delete")
@with_options(OperatorFlags)
def delete_account(name: AccountName, yes: Yes = False, *, flags: OperatorFlags) -> None:
    """Delete an account for good, and release its rooms."""
    from roost.cli.accounts import delete

    delete(flags, name, is_confirmed=yes)


@accounts.command("registration")
@with_options(OperatorFlags)
def set_registration(
    way: Annotated[
        str, typer.Argument(metavar="[WAY]", help="open, closed, invitation or email.")
    ] = "",
    login_required: Annotated[
        bool | None,
        typer.Option(
            "--login-required/--no-login-required",
            help="Whether only people with an account can connect.",
        ),
    ] = None,
    *,
    flags: OperatorFlags,
) -> None:
    """Show or set, at once and on all nodes, who may register and connect.

    It lasts until the settings in the configuration of a node change.
    """
    from roost.cli.invitations import admit

    admit(flags, way, login_required)


@accounts.command("invite")
@with_options(OperatorFlags)
def invite(
    uses: Annotated[int, typer.Option(help="How many accounts it is for.", min=1)] = 1,
    span: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="Such as 12h, 7d or 4w.")
    ] = "7d",
    note: Annotated[str, typer.Option(help="For whom it is.")] = "",
    *,
    flags: OperatorFlags,
) -> None:
    """Print a code with which people can register (settings.registration = "invitation")."""
    from roost.cli.invitations import invite as run

    run(flags, uses, span, note)


@accounts.command("invitations")
@with_options(OperatorFlags)
def list_invitations(as_json: AsJson = False, *, flags: OperatorFlags) -> None:
    """List the invitations that can be used, without their codes."""
    from roost.cli.invitations import show_all

    show_all(flags, as_json=as_json)


@accounts.command("uninvite")
@with_options(OperatorFlags)
def uninvite(
    number: Annotated[
        str, typer.Argument(metavar="ID", help="As `roost accounts invitations` shows it.")
    ],
    flags: OperatorFlags,
) -> None:
    """Revoke an invitation."""
    from roost.cli.invitations import uninvite as run

    run(flags, number)


@rooms.command("list")
@with_options(OperatorFlags)
def list_rooms(
    mask: Mask = "*",
    registered: Annotated[
        bool, typer.Option("--registered", help="Only those that belong to an account.")
    ] = False,
    as_json: AsJson = False,
    *,
    flags: OperatorFlags,
) -> None:
    """List rooms, secret ones too."""
    from roost.cli.rooms import show_all

    show_all(flags, mask, is_registered=registered, as_json=as_json)


@rooms.command("show")
@with_options(OperatorFlags)
def show_room(name: RoomName, as_json: AsJson = False, *, flags: OperatorFlags) -> None:
    """Show a room, its founder, and who has access."""
    from roost.cli.rooms import show

    show(flags, name, as_json=as_json)


@rooms.command("give")
@with_options(OperatorFlags)
def give_room(room: RoomName, account: AccountName, flags: OperatorFlags) -> None:
    """Make an account the founder of a room, registered or not."""
    from roost.cli.rooms import give

    give(flags, room, account)


@rooms.command("take")
@with_options(OperatorFlags)
def take_room(room: RoomName, yes: Yes = False, *, flags: OperatorFlags) -> None:
    """Take a room from its founder: end its registration."""
    from roost.cli.rooms import take

    take(flags, room, is_confirmed=yes)
