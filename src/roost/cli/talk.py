"""`roost say` and `roost tail`: chat for scripts and pipes."""

import asyncio
import dataclasses
import os
import sys

from roost.cli.errors import CommandError, UsageError
from roost.cli.flags import ClientFlags
from roost.cli.target import make_target, read_settings
from roost.client.script import ScriptError, Target
from roost.client.tail import Printer, parse_since
from roost.ops import clock

STDIN_LINES_MAX = 10_000
"""More lines than this are a file, not a conversation."""


def _quiet(target: Target, **changes: object) -> Target:
    """Remove what a script does not want: other rooms and typing notices."""
    profile = dataclasses.replace(
        target.profile,
        rooms=(),
        sends_typing=False,
        sends_read_markers=False,
        **changes,  # type: ignore[arg-type]
    )
    return Target(addresses=target.addresses, trust=target.trust, profile=profile)


def say(flags: ClientFlags, room: str, words: list[str], timeout_s: float) -> None:
    """Send messages and wait until they are confirmed.

    Raises:
        CommandError: they were not; exit code 1.
        UsageError: the text or the target is not valid; exit code 2.
    """
    from roost.client.say import say as run

    if timeout_s <= 0:
        raise UsageError("--timeout must be more than 0")
    if not room.strip() or any(letter in room for letter in " ,\r\n"):
        raise UsageError(f"{room!r} is not a room or nickname; write '#room' or 'nickname'")
    text = " ".join(words)
    texts = sys.stdin.read().splitlines() if text in ("", "-") else [text]
    texts = [line for line in texts if line.strip()]
    if not texts:
        raise UsageError("there is nothing to send: give TEXT, or lines on standard input")
    if len(texts) > STDIN_LINES_MAX:
        raise UsageError(f"{len(texts)} lines are too many; the limit is {STDIN_LINES_MAX}")
    target = make_target(flags, read_settings(flags), nick_suffix="-say")
    try:
        asyncio.run(run(_quiet(target, loads_history=True), room, texts, timeout_s))
    except ScriptError as error:
        raise CommandError(str(error)) from None


def tail(
    flags: ClientFlags,
    room: str,
    *,
    is_json: bool,
    since: str,
    lines: int | None,
    is_following: bool,
) -> None:
    """Print the messages of a room.

    Raises:
        CommandError: the room cannot be read; exit code 1.
        UsageError: the room or the time is not valid; exit code 2.
    """
    from roost.client.tail import tail as run

    name = room if room[:1] in "#&" else f"#{room}"
    if not room.strip() or any(letter in room for letter in " ,\r\n"):
        raise UsageError(f"{room!r} is not a room")
    since_ms = 0
    if since:
        try:
            since_ms = parse_since(since, clock.now().wall_ms)
        except ValueError as error:
            raise UsageError(str(error)) from None
    if lines is not None and lines < 0:
        raise UsageError("--lines must be 0 or more")
    last = None if since_ms else (10 if lines is None else lines)
    target = _quiet(
        make_target(flags, read_settings(flags), nick_suffix="-tail"),
        history_since_ms=since_ms,
        fills_whole_gaps=True,
        loads_events=False,
    )
    printer = Printer(sys.stdout, is_json=is_json, last=last)
    try:
        asyncio.run(run(target, name, printer, is_following=is_following, warn=_warn))
    except ScriptError as error:
        raise CommandError(str(error)) from None
    except BrokenPipeError:
        # The reader has ended, as in `roost tail ROOM | head`. Python must not try to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _warn(text: str) -> None:
    print(f"roost: {text}", file=sys.stderr)
