"""Counts what nodes render, because a virtual clock charges no time for it.

Rendered is counted whether it is sent or not: answers, changes, and names in lists; not messages to
rooms. What is counted is not compiled, because compiled functions call each other directly.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from roost.ircd import context
from roost.ircd.rendering import name_lists, render
from roost.ircd.replies import names_reply


class Effort:
    """How much has been rendered since it was asked for last."""

    def __init__(self) -> None:
        self._rendered = 0

    def take(self) -> int:
        """Return the count, and start anew."""
        rendered, self._rendered = self._rendered, 0
        return rendered

    def counts(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does the same and counts it."""

        @wraps(function)
        def counted(*arguments: Any, **named: Any) -> Any:
            self._rendered += 1
            return function(*arguments, **named)

        return counted


effort = Effort()
"""Of all nodes, of which one has its turn at a time."""


def _install() -> None:
    for owner, name in (
        (context.Context, "send"),
        (context, "render"),
        (render, "render"),
        (name_lists, "shown_name"),
        (names_reply, "shown_name"),
    ):
        setattr(owner, name, effort.counts(getattr(owner, name)))


_install()
