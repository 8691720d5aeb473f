"""Running asyncio scenarios on the loop that the processes use."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")

WAIT_S_MAX = 10.0
"""When a condition that should come does not, the test fails after this time."""


def run(scenario: Coroutine[Any, Any, T], *, is_uvloop: bool = True) -> T:
    """Run a scenario to its end."""
    factory = uvloop.new_event_loop if is_uvloop else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(scenario)


async def wait_until(condition: Callable[[], object]) -> None:
    """Let the loop turn until the condition holds."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not condition():  # noqa: ASYNC110 - any condition, of code that knows no events
            await asyncio.sleep(0.001)
