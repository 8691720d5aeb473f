"""`roost say ROOM TEXT`: send something, and end once it is confirmed.

Roost confirms what a majority of its nodes has on disk. Other servers confirm what they received.
"""

import asyncio

from roost.client.model import Delivery, Entry, Model
from roost.client.model.sending import WINDOW
from roost.client.script import ScriptError, Session, Target, describe, run_session


async def say(target: Target, where: str, texts: list[str], timeout_s: float) -> None:
    """Send each text, in order, and wait until all are confirmed.

    Raises:
        ScriptError: something was not confirmed; the text says why.
    """

    async def work(session: Session) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await _say_all(session, where, texts)
        except TimeoutError:
            why = _why(session.model)
            raise ScriptError(f"not confirmed within {timeout_s:g} s: {why}") from None

    await run_session(target, work)


def _why(model: Model) -> str:
    return describe(model) if not model.is_online else "the server has not answered"


async def _say_all(session: Session, where: str, texts: list[str]) -> None:
    model = session.model
    is_room = model.offered.is_room(where)
    if is_room:
        model.join(where)
    while not (model.is_online and model.registration.is_welcomed):
        await session.wait()
    if is_room:
        while (room := model.room(where)) is None or not room.is_joined:
            if room is not None and room.problem:
                raise ScriptError(f"{where}: {room.problem}")
            if session.error and room is None:
                raise ScriptError(session.error)
            await session.wait()
        key = room.key
    else:
        found = model.query(where)
        if found is None:
            raise ScriptError(f"{where!r} is neither a room nor a nickname")
        key = found
    for text in texts:
        model.send(key, text)
    session.connection.flush()
    await _wait_confirmed(session, key)


async def _wait_confirmed(session: Session, key: str) -> None:
    while True:
        conversation = session.model.conversations.get(key)
        if conversation is None:
            raise ScriptError("the room was left before everything was confirmed")
        if not conversation.pending:
            return
        # Messages go out in order, a few at a time, so a failed one is among the first.
        first: list[Entry] = conversation.pending[:WINDOW]
        for entry in first:
            if entry.delivery is Delivery.FAILED:
                raise ScriptError(entry.failure)
        await session.wait()
