"""Long answers that are made and sent a piece at a time, so that nobody else waits for them.

The client's own next line waits until its answer is whole. A node that takes over begins such an
answer anew, and the balancer drops the parts that the client has been given.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from roost.irc.message import escape_tag_value
from roost.ircd.context import Context, Gradual
from roost.ircd.rendering.lines import Line

STEPS_PER_TICK = 2
"""Of all clients' long answers together: a step is some 10 ms of work, and a tick comes four times
a second."""


class GoingAnswer:
    """An answer that is being made."""

    __slots__ = ("_steps", "context")

    def __init__(self, context: Context, gradual: Gradual) -> None:
        self.context = context
        self._steps = _labelled(context, gradual.steps)

    def step(self) -> bool:
        """Put some more lines into the context; tells whether these are the last ones."""
        return next(self._steps, True) is True


def _labelled(context: Context, steps: Iterator[None]) -> Iterator[None]:
    """Put all the lines in one batch, if the client labelled its line."""
    if not context.label:
        yield from steps
        return
    server, reference = context.config.server_name, context.next_batch()
    label = f"label={escape_tag_value(context.label)}"
    context.label = ""
    first = Line(label, f":{server} BATCH +{reference} labeled-response")
    context.lines = [first, *(replace(line, batch=reference) for line in context.lines)]
    with context.within(reference):
        yield from steps
    context.lines.append(Line("", f":{server} BATCH -{reference}"))
