"""Long answers that are made and sent piece by piece, so that other clients need not wait.

The client's own next line waits until the answer is complete. A node that takes over makes the
whole answer again, and the balancer drops the parts that the client already has. But in a list of
people or rooms a part may have others there (`Context.steps_that_differ`): it is sent again wholly.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from roost.irc.message import escape_tag_value
from roost.ircd.context import Context, Gradual
from roost.ircd.rendering.line import Line

STEPS_PER_TURN = 32
"""Steps of all clients' long answers together: some milliseconds of work, and up to 1 MB."""


class GoingAnswer:
    """An answer that is being made."""

    __slots__ = ("_steps", "context")

    def __init__(self, context: Context, gradual: Gradual) -> None:
        self.context = context
        self._steps = _labelled(context, gradual.steps)

    def step(self) -> bool:
        """Add more lines to the context; return whether these are the last ones."""
        return next(self._steps, True) is True


def _labelled(context: Context, steps: Iterator[None]) -> Iterator[None]:
    """Put all lines in one batch, if the client labelled its line."""
    if not context.label:
        yield from steps
        return
    server, reference = context.config.server_name, context.label_batch
    label = f"label={escape_tag_value(context.label)}"
    context.label = ""
    first = Line(label, f":{server} BATCH +{reference} labeled-response")
    context.lines = [first, *(replace(line, batch=reference) for line in context.lines)]
    with context.within(reference):
        yield from steps
    context.lines.append(Line("", f":{server} BATCH -{reference}"))
