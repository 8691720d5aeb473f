"""`roost accounts`: show, add, suspend, rename and delete accounts, and replace their passwords.

A password is hashed where the command runs. Only the hash goes to the cluster.
"""

import sys

import msgspec

from roost.chat.commands.control import (
    DisconnectAccount,
    EraseAccount,
    RenameAccount,
    SuspendAccount,
    UnsuspendAccount,
)
from roost.chat.commands.operators import DropAccountOf, RegisterFor, ResetCredentials
from roost.chat.credentials import Credentials
from roost.cli.desk import Desk, confirm, shown_time
from roost.cli.errors import UsageError
from roost.cli.flags import OperatorFlags
from roost.protocol.people import AccountView


def show_all(flags: OperatorFlags, mask: str, *, is_suspended: bool, as_json: bool) -> None:
    """Print the accounts whose names match, or only the suspended ones."""
    found = [
        account
        for account in Desk(flags).accounts(mask)
        if not is_suspended or account.suspension is not None
    ]
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    for account in found:
        print(
            f"{account.name:<20} since {shown_time(account.created_ms)}  "
            f"{_count(account.sessions, 'client')}, {_count(len(account.rooms), 'room')}"
            f"{_suspended(account)}"
        )


def show(flags: OperatorFlags, name: str, *, as_json: bool) -> None:
    """Print what the cluster knows of an account."""
    account = Desk(flags).account(name)
    if as_json:
        print(msgspec.json.encode(account).decode())
        return
    password = "a password" if account.has_password else "no password"
    rows = {
        "account": account.name,
        "registered": shown_time(account.created_ms),
        "clients": str(account.sessions),
        "logs in by": f"{password}, {_count(account.certificates, 'certificate')}",
        "always on": "yes" if account.is_always_on else "no",
        "rooms": ", ".join(account.rooms) or "-",
        "e-mail": account.email or "-",
        "shown host": account.virtual_host or "-",
        "suspended": _suspended(account).removeprefix(", suspended ") or "no",
    }
    for label, value in rows.items():
        print(f"{label:<12} {value}")


def add(flags: OperatorFlags, name: str, *, is_generated: bool) -> None:
    """Register an account, limits on registrations aside."""
    desk = Desk(flags)
    credentials, password = _credentials(name, is_generated=is_generated)
    desk.control(RegisterFor(name, credentials))
    _tell(f"The account {name} is registered.", password)


def set_password(
    flags: OperatorFlags, name: str, *, is_generated: bool, is_disconnected: bool
) -> None:
    """Make a new password the only way into an account."""
    desk = Desk(flags)
    account = desk.account(name)
    credentials, password = _credentials(account.name, is_generated=is_generated)
    desk.control(ResetCredentials(account.id, credentials))
    if is_disconnected:
        desk.control(DisconnectAccount(account.id, "The password of your account was changed"))
    _tell(f"The password of {account.name} is changed, its certificates are removed.", password)


def suspend(flags: OperatorFlags, name: str, reason: str, span: str) -> None:
    """Disconnect an account's clients, and let nobody log in to it.

    Raises:
        UsageError: `span` is not a duration.
    """
    from roost.ircd.queries.durations import read_duration

    duration_s = read_duration(span) if span else 0
    if duration_s is None:
        raise UsageError(f"--for {span}: it must be a duration such as 90m, 12h, 7d or 2w")
    desk = Desk(flags)
    account = desk.account(name)
    desk.control(SuspendAccount(account.id, reason, duration_s))
    print(f"Suspended: {account.name}{_suspended(desk.account(name)).removeprefix(', suspended')}")


def unsuspend(flags: OperatorFlags, name: str) -> None:
    desk = Desk(flags)
    account = desk.account(name)
    desk.control(UnsuspendAccount(account.id))
    print(f"{account.name} can log in again.")


def rename(flags: OperatorFlags, name: str, new: str) -> None:
    """Give an account another name; everything else stays."""
    desk = Desk(flags)
    account = desk.account(name)
    desk.control(RenameAccount(account.id, new))
    print(f"The account {account.name} is now {new}.")


def disconnect(flags: OperatorFlags, name: str, reason: str) -> None:
    """End the sessions of an account, which may log in again."""
    desk = Desk(flags)
    account = desk.account(name)
    desk.control(DisconnectAccount(account.id, reason))
    print(f"The clients of {account.name} are disconnected.")


def delete(flags: OperatorFlags, name: str, *, is_confirmed: bool) -> None:
    """Delete an account, after a confirmation."""
    desk = Desk(flags)
    account = desk.account(name)
    rooms = f", and these rooms belong to nobody: {', '.join(account.rooms)}"
    confirm(
        f"The account {account.name} will be gone for good{rooms if account.rooms else ''}.",
        account.name,
        is_confirmed=is_confirmed,
    )
    desk.control(DropAccountOf(account.id))
    print(f"The account {account.name} is deleted.")


def erase(flags: OperatorFlags, name: str, *, is_confirmed: bool) -> None:
    """Delete an account and what its people said, after a confirmation."""
    desk = Desk(flags)
    account = desk.account(name)
    confirm(
        f"The account {account.name}, its private conversations, and all words that it said while "
        "logged in will be gone for good, on every node.",
        account.name,
        is_confirmed=is_confirmed,
    )
    desk.control(EraseAccount(account.id))
    print(
        f"{account.name} is erased. Each node now takes the words out of its history, its index "
        "for searching and its log, which takes longer the more there are; nodes that are away do "
        "so when they return.\n"
        "Not reached are: backups that were made before (make a new one with `roost backup --full "
        "--keep 1`, and delete other copies), what others wrote down or quoted, and what clients "
        "and bridges have stored."
    )


def _credentials(name: str, *, is_generated: bool) -> tuple[Credentials, str]:
    """Return what a new password is checked against, and the password if it was made up here."""
    from roost.cli.passwords import ask_password, make_password
    from roost.node.hashing import make_credentials

    password = make_password() if is_generated else ask_password(name)
    return make_credentials(password), password if is_generated else ""


def _tell(text: str, password: str) -> None:
    print(text, file=sys.stderr if password else sys.stdout)
    if password:
        print("The password, which is shown only now:", file=sys.stderr, flush=True)
        print(password)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _suspended(account: AccountView) -> str:
    suspension = account.suspension
    if suspension is None:
        return ""
    until = f"until {shown_time(suspension.expires_ms)}" if suspension.expires_ms else "for good"
    by = f" by {suspension.setter}" if suspension.setter else ""
    reason = f": {suspension.reason}" if suspension.reason else ""
    return f", suspended {until}{by}{reason}"
