"""IRC's grammar: bytes to messages and back, names, masks, numerics and capabilities; pure."""

from roost.irc.capabilities import Capability
from roost.irc.errors import ParseError
from roost.irc.framing import LineBuffer
from roost.irc.message import Message
from roost.irc.parsing import parse

__all__ = ["Capability", "LineBuffer", "Message", "ParseError", "parse"]
