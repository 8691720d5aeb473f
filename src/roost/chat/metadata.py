"""METADATA: keys and values that describe users and rooms.

Source: ircv3.net/specs/extensions/metadata.
"""

import re
from collections.abc import Mapping

from msgspec.structs import replace

from roost.chat.access import is_founder
from roost.chat.changes import MetadataChanged, SubscriptionsChanged
from roost.chat.commands.metadata import SetMetadata, SubscribeMetadata
from roost.chat.commands.sessions import OpenSession
from roost.chat.directory import account_of
from roost.chat.dispatch import applies
from roost.chat.ids import FoldedNick, FoldedRoom, RoomId, UserId
from roost.chat.refusals import Reason
from roost.chat.settings import Settings
from roost.chat.state import NOTHING, Room, Session, User
from roost.chat.step import Step, has_operator_rights, rooms_of, source_of
from roost.irc.casemapping import fold_nick, fold_room
from roost.irc.names import is_room_name

_KEY = re.compile(r"[a-z0-9_./-]+")
_SPAN_MS = 60_000


def is_valid_key(key: str, settings: Settings) -> bool:
    """Return whether a key is valid: "restricted to the ranges `a-z`, `0-9`, and `_./-`"."""
    return len(key) <= settings.metadata_key_bytes_max and _KEY.fullmatch(key) is not None


@applies(SetMetadata)
def set_metadata(step: Step, user: User, operation: SetMetadata) -> None:
    """Set, remove or clear metadata; the asker is answered even if nothing changed."""
    state = step.state
    key, target = operation.key, operation.target
    if key and not is_valid_key(key, state.settings):
        step.refused(Reason.METADATA, key, "KEY_INVALID")
        return
    if is_room_name(target):
        room_id = state.room_names.get(FoldedRoom(fold_room(target)))
        room = None if room_id is None else state.rooms[room_id]
        if room is None or ("s" in room.modes and room.id not in user.rooms):
            step.refused(Reason.METADATA, target, "INVALID_TARGET")
        elif not has_operator_rights(room, user) and not is_founder(room, user):
            step.refused(Reason.METADATA, target, f"KEY_NO_PERMISSION {key or '*'}")
        else:
            _set_for_room(step, user, room, operation)
        return
    folded = FoldedNick(fold_nick(target))
    if target == "*" or folded == fold_nick(user.nick):
        _set_for_user(step, user, operation)
    elif folded in state.nicks:
        step.refused(Reason.METADATA, target, f"KEY_NO_PERMISSION {key or '*'}")
    else:
        step.refused(Reason.METADATA, target, "INVALID_TARGET")


def _set_for_room(step: Step, user: User, room: Room, operation: SetMetadata) -> None:
    if not _may_change(step, user, room.metadata, operation):
        return
    room.metadata, entries, is_changed = _changed(room.metadata, operation)
    step.changed(
        MetadataChanged(
            step.part,
            source_of(user),
            room.id,
            UserId(0),
            room.name,
            entries,
            ((room.id, room.name),) if is_changed else (),
        )
    )


def _set_for_user(step: Step, user: User, operation: SetMetadata) -> None:
    if not _may_change(step, user, user.metadata, operation):
        return
    user.metadata, entries, is_changed = _changed(user.metadata, operation)
    _remember(step, user)
    step.changed(_of_user(step, user, entries, is_told=is_changed))


def _of_user(
    step: Step, user: User, entries: tuple[tuple[str, str | None], ...], *, is_told: bool
) -> MetadataChanged:
    return MetadataChanged(
        step.part,
        source_of(user),
        RoomId(0),
        user.id,
        user.nick,
        entries,
        rooms_of(step.state, user) if is_told else (),
        FoldedNick(fold_nick(user.nick) if is_told else ""),
    )


def _may_change(
    step: Step, user: User, metadata: Mapping[str, str], operation: SetMetadata
) -> bool:
    """Check everything except permission, and count the change."""
    settings = step.state.settings
    key, value, target = operation.key, operation.value, operation.target
    if key and value is None and key not in metadata:
        step.refused(Reason.METADATA, target, f"KEY_NOT_SET {key}")
    elif value is not None and len(value.encode()) > settings.metadata_value_bytes_max:
        step.refused(Reason.METADATA, target, f"VALUE_INVALID {key}")
    elif key and key not in metadata and len(metadata) >= settings.metadata_keys_max:
        step.refused(Reason.METADATA, target, f"LIMIT_REACHED {settings.metadata_keys_max}")
    else:
        seconds = _seconds_to_wait(step, user)
        if not seconds:
            return True
        step.refused(Reason.METADATA, target, f"RATE_LIMITED {key or '*'} {seconds}")
    return False


def _seconds_to_wait(step: Step, user: User) -> int:
    """Count a change and return 0, or return in how many seconds the next is allowed."""
    if step.time_ms - user.metadata_since_ms >= _SPAN_MS:
        user.metadata_since_ms = step.time_ms
        user.metadata_changes = 0
    if user.metadata_changes < step.state.settings.metadata_changes_per_minute_max:
        user.metadata_changes += 1
        return 0
    return 1 + (user.metadata_since_ms + _SPAN_MS - step.time_ms) // 1000


def _changed(
    metadata: Mapping[str, str], operation: SetMetadata
) -> tuple[Mapping[str, str], tuple[tuple[str, str | None], ...], bool]:
    """Return the metadata after a change, the changed entries, and whether they really changed."""
    key, value = operation.key, operation.value
    if not key:
        return NOTHING, tuple((one, None) for one in metadata), bool(metadata)
    if value is None:
        rest = {one: metadata[one] for one in metadata if one != key}
        return rest or NOTHING, ((key, None),), True
    return {**metadata, key: value}, ((key, value),), metadata.get(key) != value


def _remember(step: Step, user: User) -> None:
    """Save a user's metadata with their account, if any."""
    account = account_of(step.state, user)
    if account is not None:
        account.metadata = user.metadata


# Arrivals


def add_initial_metadata(step: Step, user: User, session: Session, command: OpenSession) -> None:
    """Adopt the metadata and subscriptions that a client set while it registered."""
    settings = step.state.settings
    account = account_of(step.state, user)
    if account is not None and len(user.sessions) == 1:
        user.metadata = account.metadata
    keys = dict.fromkeys(key for key in command.subscribed if is_valid_key(key, settings))
    session.subscribed = tuple(keys)[: settings.metadata_subscriptions_max]
    given = []
    for key, value in command.metadata:
        is_known = key in user.metadata
        if (
            is_valid_key(key, settings)
            and len(value.encode()) <= settings.metadata_value_bytes_max
            and (is_known or len(user.metadata) < settings.metadata_keys_max)
            and user.metadata.get(key) != value
        ):
            user.metadata = {**user.metadata, key: value}
            given.append((key, value))
    if given:
        _remember(step, user)
    if given and user.rooms:
        step.changed(_of_user(step, user, tuple(given), is_told=True))


def adopt_account_metadata(step: Step, user: User) -> None:
    """Merge the metadata of a user who has logged in with that of the account.

    Where both have a key, the account's value counts.
    """
    account = account_of(step.state, user)
    if account is None:
        return
    news = tuple(
        (key, value) for key, value in account.metadata.items() if user.metadata.get(key) != value
    )
    kept = {key: value for key, value in user.metadata.items() if key not in account.metadata}
    space = step.state.settings.metadata_keys_max - len(account.metadata)
    user.metadata = {**account.metadata, **dict(list(kept.items())[: max(0, space)])}
    account.metadata = user.metadata
    if news:
        step.changed(replace(_of_user(step, user, news, is_told=True), cause="account"))


def show_to_watchers(step: Step, user: User) -> None:
    """Show a user's metadata to those who watch the nickname that came into use.

    "The server MUST additionally send [...] a `metadata` batch": also if there is none.
    """
    step.changed(
        MetadataChanged(
            step.part,
            source_of(user),
            RoomId(0),
            user.id,
            user.nick,
            tuple(user.metadata.items()),
            (),
            FoldedNick(fold_nick(user.nick)),
            "presence",
        )
    )


def show_on_join(step: Step, room: Room, user: User) -> None:
    """Show the metadata of a user who entered a room to those who were there."""
    if user.metadata and len(room.members) > 1:
        step.changed(
            MetadataChanged(
                step.part,
                source_of(user),
                RoomId(0),
                user.id,
                user.nick,
                tuple(user.metadata.items()),
                ((room.id, room.name),),
                FoldedNick(""),
                "presence",
            )
        )


@applies(SubscribeMetadata)
def subscribe(step: Step, user: User, operation: SubscribeMetadata) -> None:
    """Change the keys that a client is told about.

    "The server MUST process each key in order"; this stops at the first one too many.
    """
    limit = step.state.settings.metadata_subscriptions_max
    subscribed = dict.fromkeys(step.session.subscribed)
    added: list[str] = []
    asked: list[str] = []
    excess = ""
    for key in operation.added:
        if not is_valid_key(key, step.state.settings):
            step.refused(Reason.METADATA, key, "KEY_INVALID")
            continue
        if len(subscribed) >= limit:
            excess = key
            break
        if key not in subscribed:
            subscribed[key] = None
            added.append(key)
        asked.append(key)
    removed: list[str] = []
    for key in operation.removed:
        if not is_valid_key(key, step.state.settings):
            step.refused(Reason.METADATA, key, "KEY_INVALID")
            continue
        if key in subscribed:
            del subscribed[key]
            removed.append(key)
        asked.append(key)
    if excess:
        step.refused(Reason.METADATA, excess, f"TOO_MANY_SUBS {limit}")
    step.session.subscribed = tuple(subscribed)
    step.changed(
        SubscriptionsChanged(
            step.part,
            source_of(user),
            step.session.id,
            tuple(added),
            tuple(removed),
            tuple(dict.fromkeys(asked)),
        )
    )


def forget_subscriptions(step: Step, user: User) -> None:
    """Forget the subscriptions of a client that gave up the capability."""
    removed, step.session.subscribed = step.session.subscribed, ()
    if removed:
        number = step.session.id
        step.changed(SubscriptionsChanged(step.part, source_of(user), number, (), removed, ()))
