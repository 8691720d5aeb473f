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

    await run_session(target, work, is_patient=True)


def _why(model: Model) -> str:
    return describe(model) if not model.is_online else "the server has not answered"


async def _say_all(session: Session, where: str, texts: list[str]) -> None:
    model = session.model
    await session.come_online()
    if model.offered.is_room(where):
        key = await _approach(session, where)
    else:
        found = model.query(where)
        if found is None:
            raise ScriptError(f"{where!r} is neither a room nor a nickname")
        key = found
    for text in texts:
        model.send(key, text)
    session.connection.flush()
    await _wait_confirmed(session, where, key)


async def _approach(session: Session, room: str) -> str:
    """Return the key of a room that accepts messages: from outside, or once it is entered."""
    enquiry = await session.enquire(room)
    if enquiry.can_speak:
        return session.model.stay_outside(room).key
    return await _enter(session, room)


async def _enter(session: Session, room: str) -> str:
    """Enter a room, which everybody in it sees; return its key."""
    model = session.model
    model.join(room)
    session.connection.flush()
    while (conversation := model.room(room)) is None or not conversation.is_joined:
        if conversation is not None and conversation.problem and not conversation.is_joining:
            raise ScriptError(f"{room}: {conversation.problem}")
        if session.error and conversation is None:
            raise ScriptError(session.error)
        await session.wait()
    return conversation.key


async def _wait_confirmed(session: Session, where: str, key: str) -> None:
    model = session.model
    began_outside = model.conversations[key].is_outside
    while True:
        conversation = model.conversations.get(key)
        if conversation is None:
            raise ScriptError("the room was left before everything was confirmed")
        if not conversation.pending:
            return
        # Messages go out in order, a few at a time, so a failed one is among the first.
        first: list[Entry] = conversation.pending[:WINDOW]
        failed = [entry for entry in first if entry.delivery is Delivery.FAILED]
        if began_outside and (failed or not conversation.is_outside):
            # The room accepts messages of members only; or the connection was lost, and only the
            # history of the room says what has arrived.
            began_outside = conversation.is_outside = False
            await session.come_online()
            await _enter(session, where)
            for entry in failed:
                model.retry(key, entry)
            session.connection.flush()
        elif failed:
            raise ScriptError(failed[0].failure)
        else:
            await session.wait()
