"""Gaps that clients are told of: what they missed was not available any more.

served | lost | HISTORY_LOST ... 221 | everything again | JOIN and members ... 221 | live
"""

from collections.abc import Sequence

from support.simulation.clients import Received
from support.simulation.truth import Shown

_LOST_HISTORY = "no longer available"
_LOST_ANSWER = "the answer to it is no longer available"
END = "221"
"""The command that ends what a client is told of itself after a gap, and of its rooms later."""


def is_gap(received: Received) -> bool:
    """Return whether a line says that what came before it is lost."""
    message = received.message
    match message.command:
        case "NOTE":
            return message.parameters[1] == "HISTORY_LOST"
        case "NOTICE":
            text = message.parameters[-1]
            return _LOST_HISTORY in text and _LOST_ANSWER not in text
    return False


def is_answer_lost(received: Received) -> bool:
    """Return whether a line stands for an answer that is lost."""
    message = received.message
    return message.command in ("NOTE", "NOTICE") and _LOST_ANSWER in message.parameters[-1]


def check_pieces(pieces: Sequence[Sequence[Shown]], due: Sequence[Shown], *, is_cut: bool) -> None:
    """Check that what a client saw is what was due, except that something lacks between two pieces.

    With `is_cut`, the end may lack too.
    """
    at = 0
    for number, piece in enumerate(pieces):
        is_last = number + 1 == len(pieces)
        if number > 0:
            at = _find(piece, due, at, is_end=is_last and not is_cut)
        for line in piece:
            assert at < len(due), f"{line} was due to nobody here"
            assert line == due[at], f"{line} was shown, and due was {due[at]}"
            at += 1
    if not is_cut:
        assert at == len(due), f"{due[at]} was never shown"


def _find(piece: Sequence[Shown], due: Sequence[Shown], low: int, *, is_end: bool) -> int:
    """Return where a piece begins that follows a gap."""
    if is_end:
        return max(low, len(due) - len(piece))
    for at in range(low, len(due) - len(piece) + 1):
        if list(due[at : at + len(piece)]) == list(piece):
            return at
    raise AssertionError(f"{piece} was not due after a gap")
