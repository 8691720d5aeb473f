"""Runs asyncio scenarios on the event loop that the processes use."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")

WAIT_S_MAX = 10.0
"""A test fails if a condition does not hold within this time."""


def run(scenario: Coroutine[Any, Any, T], *, is_uvloop: bool = True) -> T:
    """Run a scenario to its end."""
    factory = uvloop.new_event_loop if is_uvloop else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(scenario)


async def wait_until(condition: Callable[[], object]) -> None:
    """Run the loop until the condition holds."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not condition():  # noqa: ASYNC110 - any condition, of code that knows no events
            await asyncio.sleep(0.001)


async def pass_turns(count: int = 1) -> None:
    """Let the loop do what is due, and what that makes due, without passing time."""
    loop = asyncio.get_running_loop()
    for _ in range(count):
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn


class CancelledLate:
    """Awaits a dial as a task of an overloaded loop does whose time-out strikes late.

    When TCP is connected, the loop goes on with the TLS handshake at once, but the task is woken,
    and cancelled, only after `condition` has come true.
    """

    def __init__(self, dial: Coroutine[Any, Any, object], condition: Callable[[], object]) -> None:
        self._dial = dial
        self._condition = condition

    def __await__(self) -> Generator[Any, None, None]:
        yield self._dial.send(None)
        yield from wait_until(self._condition).__await__()
        self._dial.throw(asyncio.CancelledError())
