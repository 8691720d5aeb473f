"""`roost export`: writes the history of rooms, or of a person, as JSON lines.

    running node -- its socket --> state, all rows in order --> those that are wanted

It reads what `roost backup` copies, and holds nobody up either.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

import msgspec

from roost.chat.authorship import is_by, is_conversation_of
from roost.chat.changes import Change
from roost.chat.directory import find_account, find_room
from roost.chat.history import Owner, Row, decode_change, room_conversation
from roost.chat.identities import owners_of
from roost.chat.ids import Position
from roost.chat.snapshot import SnapshotError, decode_state
from roost.chat.state import Account, State
from roost.cli.backup import when
from roost.cli.cluster import why
from roost.cli.errors import CommandError, UsageError
from roost.cli.flags import ExportFlags
from roost.cli.json_lines import render_account, render_row
from roost.cli.local_node import Copy, LocalNode, copying, with_first_node
from roost.client.tail import parse_since
from roost.ops import clock


class Wanted(NamedTuple):
    """Which rows are exported."""

    rooms: dict[str, Position]
    """Conversations, each with the first position that anybody may read."""
    account: Account | None
    owners: tuple[Owner, ...]
    """The person's identities."""
    since_ms: int
    until_ms: int

    def takes(self, row: Row, change: Change) -> bool:
        """Return whether a row is wanted."""
        if not self.since_ms <= row.time_ms < self.until_ms:
            return False
        first = self.rooms.get(row.conversation)
        if first is not None:
            return row.position >= first
        if row.conversation.startswith("r:"):
            return is_by(change, row, self.owners)
        return is_conversation_of(row, self.owners)


def export(flags: ExportFlags) -> None:
    """Export history.

    Raises:
        UsageError: there is no such room or account, or the flags are not valid.
        CommandError: there is no node that can be read, or the disk is full.
    """
    if not flags.rooms and not flags.account:
        raise UsageError("say whose history: --room '#lobby', or --account NAME; or both")
    times = _parse_times(flags)
    with_first_node(flags, lambda node: _export(node, flags, times))


def _parse_times(flags: ExportFlags) -> tuple[int, int]:
    now_ms = clock.now().wall_ms
    try:
        since_ms = parse_since(flags.since, now_ms) if flags.since else 0
        until_ms = parse_since(flags.until, now_ms) if flags.until else 2**63
    except ValueError as error:
        raise UsageError(str(error)) from None
    if since_ms >= until_ms:
        raise UsageError("--since must be before --until")
    return since_ms, until_ms


def _export(node: LocalNode, flags: ExportFlags, times: tuple[int, int]) -> None:
    with copying(node, Position(0)) as copy:
        try:
            state = decode_state(copy.state)
        except SnapshotError as error:
            raise CommandError(f"{node.name} runs another version of Roost: {error}") from error
        wanted = _find(state, flags, times)
        count = 0
        with _opened(flags.output) as out:
            for line in _lines(copy, state, wanted):
                out.write(line + "\n")
                count += 1
    print(f"Exported {count} lines, as of {when(copy.head.time_ms)}.", file=sys.stderr)
    if copy.head.first > 1:
        print(
            f"roost: history before {when(copy.head.first_ms)} is not there: {node.name} does not "
            "hold it",
            file=sys.stderr,
        )


def _find(state: State, flags: ExportFlags, times: tuple[int, int]) -> Wanted:
    rooms: dict[str, Position] = {}
    for name in flags.rooms:
        room = find_room(state, name)
        if room is None:
            raise UsageError(f"there is no room {name}")
        rooms[room_conversation(room.id)] = room.history_from
    account = None
    if flags.account:
        account = find_account(state, flags.account)
        if account is None:
            raise UsageError(f"there is no account {flags.account}")
    return Wanted(rooms, account, () if account is None else owners_of(account), *times)


def _lines(copy: Copy, state: State, wanted: Wanted) -> Iterator[str]:
    if wanted.account is not None:
        yield _encode(render_account(wanted.account, state))
    for rows in copy.rows:
        for row in rows:
            try:
                change = decode_change(row.record)
            except msgspec.MsgspecError:
                print(f"roost: position {row.position} cannot be read", file=sys.stderr)
                continue
            if wanted.takes(row, change):
                yield _encode(render_row(row, change, state.rooms))


def _encode(values: object) -> str:
    # Text of clients may have lone surrogates in place of bytes that are not UTF-8.
    return msgspec.json.encode(_clean(values)).decode()


def _clean(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {key: _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


@contextlib.contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """Yield where to write; a file gets its name when it is complete."""
    if path is None:
        try:
            yield sys.stdout
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has ended, as in `roost export ... | head`. Python must not try to flush.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    temporary = path.with_name(path.name + ".part")
    try:
        with open(temporary, "w", encoding="utf-8", opener=_private) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {why(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
