"""Encodes the lines of an answer, and adds the label.

Source: ircv3.net/specs/extensions/labeled-response.
"""

from roost.irc.capabilities import Capability
from roost.irc.message import escape_tag_value
from roost.ircd.context import Context
from roost.ircd.rendering.line import Line
from roost.ircd.rendering.lines import encode

LABEL_BYTES_MAX = 64
"""A longer value is ignored: it "MUST NOT exceed 64 bytes"."""

_NEEDED = (Capability.LABELED_RESPONSE | Capability.BATCH).value


def label_of(tags: tuple[tuple[str, str], ...], capabilities: int) -> str:
    """Return the label of a client's line; empty if there is no valid one.

    "[...] the batch capability [...] MUST be negotiated to use labeled responses."
    """
    if not tags or capabilities & _NEEDED != _NEEDED:
        return ""
    label = dict(tags).get("label", "")
    return label if len(label.encode()) <= LABEL_BYTES_MAX else ""


def finish(context: Context) -> bytes:
    """Encode everything that the line was answered with."""
    lines = context.lines
    if not context.label:
        return b"".join([encode(line) for line in lines])
    label = f"label={escape_tag_value(context.label)}"
    server = context.config.server_name
    if not lines:
        return encode(Line(label, f":{server} ACK"))
    if len(lines) == 1 or _is_one_batch(lines):
        # "An existing [batch] type applicable to the entire response" carries the label itself.
        return b"".join([encode(lines[0], label), *[encode(line) for line in lines[1:]]])
    reference = context.label_batch
    parts = [encode(Line(label, f":{server} BATCH +{reference} labeled-response"))]
    parts.extend(encode(line, f"batch={reference}") for line in lines)
    parts.append(encode(Line("", f":{server} BATCH -{reference}")))
    return b"".join(parts)


def _is_one_batch(lines: list[Line]) -> bool:
    """Return whether the first line starts a batch that only the last one ends."""
    first, last = lines[0].body.split(" ", 3), lines[-1].body.split(" ")
    if lines[0].batch or len(first) < 3 or first[1] != "BATCH" or last[1] != "BATCH":
        return False
    return first[2][:1] == "+" and last[2] == f"-{first[2][1:]}"
