"""The whole chat state as bytes; equal states make equal bytes.

    format 2   one MessagePack value: the state
    format 3   parts, each after its length: first the state without its large mappings, then slices
               of these, as [field, mapping]

A large state is in parts, so that it can be decoded in steps: between two of them, the event loop
answers others.
"""

import itertools
import struct
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, get_type_hints

import msgspec

from roost.chat.directory import find_account
from roost.chat.ids import AccountId, UserId
from roost.chat.state import Session, State, User

FORMAT = 2
FORMAT_IN_PARTS = 3

PART_ITEMS = 1000
"""Users, sessions or the like in one part, which is decoded in 1 to 3 ms."""

_LENGTH = struct.Struct(">I")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(State)
_part_decoder = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])
_slice_decoders: dict[str, msgspec.msgpack.Decoder[dict[Any, Any]]] = {
    name: msgspec.msgpack.Decoder(hint)
    for name, hint in get_type_hints(State).items()
    if getattr(hint, "__origin__", None) is dict
}
"""How to decode slices of the fields that are mappings."""

Known: TypeAlias = dict[Any, Any]
"""Strings and numbers that occurred already: each with the object that is to be used again."""


class SnapshotError(Exception):
    """The bytes are not a snapshot of this version."""


def encode_state(state: State, part_items: int = PART_ITEMS) -> bytes:
    """Encode a state, in parts if a mapping has more than `part_items` entries."""
    large = [name for name in _slice_decoders if len(getattr(state, name)) > part_items]
    if not large:
        return bytes((FORMAT,)) + _encoder.encode(state)
    pieces = [bytes((FORMAT_IN_PARTS,))]
    for part in _parts(state, large, part_items):
        pieces += (_LENGTH.pack(len(part)), part)
    return b"".join(pieces)


def _parts(state: State, large: list[str], part_items: int) -> Iterator[bytes]:
    yield _encoder.encode(msgspec.structs.replace(state, **{name: {} for name in large}))
    for name in large:
        items = iter(getattr(state, name).items())
        while part := dict(itertools.islice(items, part_items)):
            yield _encoder.encode((name, part))


def decode_state(data: bytes) -> State:
    """Decode a snapshot.

    Raises:
        SnapshotError: the bytes are of another format, or invalid.
    """
    decoder = StateDecoder(data)
    while decoder.step():
        pass
    return decoder.state


class StateDecoder:
    """Decodes a snapshot in steps: call `step` until it returns False, then take `state`."""

    def __init__(self, data: bytes) -> None:
        """Raise SnapshotError if the bytes are of another format."""
        self._format = data[0] if data else None
        if self._format not in (FORMAT, FORMAT_IN_PARTS):
            formats = f"{FORMAT} or {FORMAT_IN_PARTS}"
            raise SnapshotError(f"snapshot format {data[:1]!r} is not {formats}")
        self._data = memoryview(data)
        self._offset = 1
        self._state: State | None = None
        self._known: Known = {}

    @property
    def state(self) -> State:
        """The state, once all is decoded."""
        assert self._state is not None, "nothing is decoded yet"
        assert self._offset == len(self._data), "it is not decoded to its end"
        return self._state

    def step(self) -> bool:
        """Decode the next part; return whether another one follows.

        Raises:
            SnapshotError: the bytes are invalid.
        """
        try:
            part = self._next_part()
            if self._state is None:
                self._state = _decoder.decode(part)
            else:
                _add_slice(self._state, part, self._known)
        except (msgspec.MsgspecError, struct.error, KeyError) as error:
            raise SnapshotError(f"the snapshot cannot be read: {error}") from error
        if self._offset < len(self._data):
            return True
        if self._format == FORMAT:
            _complete(self._state)
        return False

    def _next_part(self) -> memoryview:
        begin, end = self._offset, len(self._data)
        if self._format == FORMAT_IN_PARTS:
            begin += _LENGTH.size
            end = begin + _LENGTH.unpack_from(self._data, self._offset)[0]
            if end > len(self._data):
                raise SnapshotError("the snapshot ends within a part")
        self._offset = end
        return self._data[begin:end]


def _add_slice(state: State, part: memoryview, known: Known) -> None:
    name, raw = _part_decoder.decode(part)
    found = _slice_decoders[name].decode(raw)
    if name in _SHARING:
        found = _SHARING[name](state, found, known)
    getattr(state, name).update(found)


# What is decoded has an object for each place where a name or a number stands, but users are many:
# those that are equal become the same object again, as in a state that was not decoded.


def _share_in_users(_state: State, users: dict[Any, User], _known: Known) -> dict[Any, Any]:
    for user in users.values():
        if user.active_ms == user.signed_on_ms:
            user.active_ms = user.signed_on_ms
        if user.cloak == user.host:
            user.cloak = user.host
    return {user.id: user for user in users.values()}


def _share_in_nicks(state: State, nicks: dict[Any, Any], _known: Known) -> dict[Any, Any]:
    shared = {}
    for nick, number in nicks.items():
        user = state.users.get(number)
        if user is not None and user.nick == nick:
            shared[user.nick] = user.id
        else:
            shared[nick] = number
    return shared


def _share_in_sessions(state: State, sessions: dict[Any, Session], known: Known) -> dict[Any, Any]:
    shared = {}
    for session in sessions.values():
        session.capabilities = known.setdefault(session.capabilities, session.capabilities)
        if (user := state.users.get(session.user)) is not None:
            session.user = user.id
            host = user.real_host or user.host
            if session.address == host:
                session.address = host
                known[host] = host
            if user.sessions == (session.id,):
                session.id = user.sessions[0]
        shared[session.id] = session
    return shared


def _share_in_rooms(state: State, rooms: dict[Any, Any], _known: Known) -> dict[Any, Any]:
    shared = {}
    for room in rooms.values():
        if room.members:
            room.members = {_same(state, user): one for user, one in room.members.items()}
        shared[room.id] = room
    return shared


def _share_in_addresses(_state: State, counts: dict[str, int], known: Known) -> dict[Any, Any]:
    return {known.get(address, address): count for address, count in counts.items()}


def _same(state: State, number: UserId) -> UserId:
    user = state.users.get(number)
    return number if user is None else user.id


_SHARING: dict[str, Callable[[State, dict[Any, Any], Known], dict[Any, Any]]] = {
    "users": _share_in_users,
    "nicks": _share_in_nicks,
    "sessions": _share_in_sessions,
    "rooms": _share_in_rooms,
    "sessions_by_address": _share_in_addresses,
}
"""Users come first in a state, so that the others can refer to them."""


def _complete(state: State) -> None:
    """Add what earlier versions did not store."""
    for user in state.users.values():
        if user.account and not user.account_id:
            account = find_account(state, user.account)
            user.account_id = AccountId(0) if account is None else account.id
