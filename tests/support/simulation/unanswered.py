"""Lines that say that an answer is not whole: messages are out of reach, or gone."""

from roost.node.archive import UNREACHABLE
from roost.node.engine.inquiries import NOBODY
from roost.node.engine.spread import GONE_TEXT
from support.simulation.clients import Received

_BEGINS = ("", "*** CHATHISTORY: ")


def is_unreachable(received: Received) -> bool:
    """Return whether a line says that messages are on nodes that cannot be reached."""
    return _says(received, NOBODY, UNREACHABLE)


def is_warning(received: Received) -> bool:
    """Return whether a line says that the answer before it is not whole."""
    if received.message.command not in ("WARN", "NOTICE"):
        return False
    return is_unreachable(received) or _says(received, GONE_TEXT)


def _says(received: Received, *texts: str) -> bool:
    said = received.message.parameters[-1:]
    return said in [(f"{begin}{text}",) for begin in _BEGINS for text in texts]
