"""A line for a client, before it is encoded."""

import msgspec


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line that is not encoded yet."""

    tags: str
    """Encoded, without "@"; empty for none."""
    body: str
    """Without the line end."""
    batch: str = ""
    """The reference of the batch that the line is in."""
