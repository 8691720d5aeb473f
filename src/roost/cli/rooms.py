"""`roost rooms`: show rooms, give them to an account, and take them from one."""

import msgspec

from roost.chat.commands.control import GiveRoom, TakeRoom
from roost.cli.desk import Desk, confirm, shown_time
from roost.cli.errors import CommandError
from roost.cli.flags import OperatorFlags


def show_all(flags: OperatorFlags, mask: str, *, is_registered: bool, as_json: bool) -> None:
    """Print the rooms whose names match, or only the registered ones."""
    found = [room for room in Desk(flags).rooms(mask) if room.founder or not is_registered]
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    for room in found:
        owner = f"belongs to {room.founder}" if room.founder else "not registered"
        print(f"{room.name:<24} {room.members:>6} members  +{room.modes:<8} {owner}")


def show(flags: OperatorFlags, name: str, *, as_json: bool) -> None:
    """Print what the cluster knows of a room, without what is said there."""
    room = Desk(flags).room(name)
    if as_json:
        print(msgspec.json.encode(room).decode())
        return
    rows = {
        "room": room.name,
        "created": shown_time(room.created_ms),
        "members": str(room.members),
        "modes": f"+{room.modes}",
        "founder": room.founder or "-",
        "registered": shown_time(room.registered_ms) if room.founder else "no",
        "operators": ", ".join(room.operators) or "-",
        "voiced": ", ".join(room.voiced) or "-",
        "offered to": room.offered_to or "-",
    }
    for label, value in rows.items():
        print(f"{label:<12} {value}")


def give(flags: OperatorFlags, name: str, account: str) -> None:
    """Make an account the founder of a room, registered or not."""
    desk = Desk(flags)
    room, owner = desk.room(name), desk.account(account)
    desk.control(GiveRoom(room.name, owner.id))
    print(f"{room.name} belongs to {owner.name} now.")


def take(flags: OperatorFlags, name: str, *, is_confirmed: bool) -> None:
    """End a room's registration, after a confirmation.

    Raises:
        CommandError: the room belongs to nobody.
    """
    desk = Desk(flags)
    room = desk.room(name)
    if not room.founder:
        raise CommandError(f"the room {room.name} is not registered, so it belongs to nobody")
    confirm(
        f"{room.name} will not belong to {room.founder} any more. Its access list will be gone, "
        "and whoever enters it first when it is empty becomes its operator.",
        room.name,
        is_confirmed=is_confirmed,
    )
    desk.control(TakeRoom(room.name))
    print(f"{room.name} belongs to nobody now.")
