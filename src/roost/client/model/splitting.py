"""Split texts into parts that fit into lines.

Sources: modern.ircdocs.horse, "Message Format" (512 bytes); ircv3.net/specs/extensions/multiline,
"Splitting long lines".
"""

from roost.client.model.state import State

SAFETY_BYTES = 24
"""For what a server may add: a status prefix, a longer host."""
UNKNOWN_USERNAME_BYTES = 20
UNKNOWN_HOST_BYTES = 63
"""The longest that servers use, for as long as our own is not known."""
PART_BYTES_MIN = 64

Part = tuple[str, bool]
"""A text, and whether it continues the line of the part before."""


def plan(state: State, target: str, text: str, *, is_action: bool) -> list[tuple[Part, ...]]:
    """Split a text into messages: of one part each, or of several if there is multiline."""
    limit = part_bytes(state, target) - (len("\x01ACTION \x01") if is_action else 0)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    parts: list[Part] = []
    for line in lines:
        pieces = split_line(line, limit)
        parts.extend((piece, number > 0) for number, piece in enumerate(pieces))
    multiline = state.offered.multiline
    if multiline is None or is_action or len(parts) == 1:
        return [((part, False),) for part, _ in parts if part.strip()]
    return _pack(parts, multiline.bytes_max, multiline.lines_max)


def _pack(parts: list[Part], bytes_max: int, lines_max: int) -> list[tuple[Part, ...]]:
    """Combine parts into as few messages as the server's limits allow."""
    messages: list[tuple[Part, ...]] = []
    current: list[Part] = []
    size = 0
    for text, is_continued in parts:
        cost = len(text.encode()) + (0 if is_continued or not current else 1)
        if current and (size + cost > bytes_max or len(current) >= lines_max):
            messages.append(tuple(current))
            current, size = [], 0
        current.append((text, is_continued and bool(current)))
        size += cost
    messages.append(tuple(current))
    return [message for message in messages if any(text.strip() for text, _ in message)]


def part_bytes(state: State, target: str) -> int:
    """Return how long a text may be for the line to fit when the server relays it."""
    username = len(state.username.encode()) or UNKNOWN_USERNAME_BYTES
    host = len(state.host.encode()) or UNKNOWN_HOST_BYTES
    prefix = len(":!@ PRIVMSG  :\r\n") + len(state.nick.encode()) + username + host
    return max(PART_BYTES_MIN, 512 - prefix - len(target.encode()) - SAFETY_BYTES)


def split_line(line: str, bytes_max: int) -> list[str]:
    """Split a line, between words if possible, and never within a character."""
    pieces: list[str] = []
    while len(line) > bytes_max // 4 and len(line.encode()) > bytes_max:
        fitting = line.encode()[:bytes_max].decode(errors="ignore")
        space = fitting.rfind(" ")
        # A word nearly as long as the line is cut: better than a line of a few letters.
        end = space + 1 if space > len(fitting) // 2 else len(fitting)
        pieces.append(line[:end])
        line = line[end:]
    pieces.append(line)
    return pieces
