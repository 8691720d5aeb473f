"""The whole chat state as bytes; equal states make equal bytes."""

import msgspec

from roost.chat.directory import find_account
from roost.chat.ids import AccountId
from roost.chat.state import State

FORMAT = 2

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(State)


class SnapshotError(Exception):
    """The bytes are not a snapshot of this version."""


def encode_state(state: State) -> bytes:
    return bytes((FORMAT,)) + _encoder.encode(state)


def decode_state(data: bytes) -> State:
    """Decode a snapshot.

    Raises:
        SnapshotError: the bytes are of another format, or invalid.
    """
    if data[:1] != bytes((FORMAT,)):
        raise SnapshotError(f"snapshot format {data[:1]!r} is not {FORMAT}")
    try:
        state = _decoder.decode(data[1:])
    except msgspec.MsgspecError as error:
        raise SnapshotError(f"the snapshot cannot be read: {error}") from error
    _complete(state)
    return state


def _complete(state: State) -> None:
    """Add what earlier versions did not store."""
    for user in state.users.values():
        if user.account and not user.account_id:
            account = find_account(state, user.account)
            user.account_id = AccountId(0) if account is None else account.id
