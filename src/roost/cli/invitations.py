"""`roost accounts invite`: codes with which people can register.

The code is made here, and only its hash goes to the cluster.
"""

import sys

import msgspec

from roost.chat.commands.control import CreateInvitation, RevokeInvitation, SetAdmission
from roost.chat.invitations import ID_CHARACTERS, hash_code
from roost.cli.desk import Desk, shown_time
from roost.cli.errors import UsageError
from roost.cli.flags import OperatorFlags
from roost.cli.passwords import make_password


def invite(flags: OperatorFlags, uses: int, span: str, note: str) -> None:
    """Make an invitation and print its code.

    Raises:
        UsageError: `span` is not a duration.
    """
    from roost.ircd.queries.durations import read_duration

    duration_s = read_duration(span)
    if duration_s is None:
        raise UsageError(f"--for {span}: it must be a duration such as 12h, 7d or 4w")
    desk = Desk(flags)
    code = make_password()
    desk.control(CreateInvitation(hash_code(code), uses, duration_s, note))
    way = desk.invitations().registration
    people = "one account" if uses == 1 else f"{uses} accounts"
    text = f"The invitation {hash_code(code)[:ID_CHARACTERS]} is for {people}, for {span}."
    print(f"{text} The code is shown only now:", file=sys.stderr, flush=True)
    print(code)
    if way != "invitation":
        text = f'Note: settings.registration is "{way}", so nobody needs or can use a code yet.'
        print(text, file=sys.stderr)


def admit(flags: OperatorFlags, registration: str, login_required: bool | None) -> None:
    """Say who may register and connect, or show it if nothing is given."""
    desk = Desk(flags)
    if registration or login_required is not None:
        desk.control(SetAdmission(registration, login_required))
    view = desk.invitations()
    login = "required" if view.login_required else "not required"
    print(f"registration {view.registration}, login {login}")


def show_all(flags: OperatorFlags, *, as_json: bool) -> None:
    """Print the invitations that can be used."""
    found = Desk(flags).invitations().invitations
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    for one in found:
        until = f"until {shown_time(one.expires_ms)}" if one.expires_ms else "for good"
        by = f" by {one.setter}" if one.setter else ""
        note = f": {one.note}" if one.note else ""
        print(f"{one.id}  {one.uses:>6} accounts  {until}{by}{note}")


def uninvite(flags: OperatorFlags, number: str) -> None:
    """Revoke an invitation."""
    Desk(flags).control(RevokeInvitation(number))
    print(f"The invitation {number} is revoked.")
