"""Cuts the bytes of a stream into lines, in bounded memory."""


class LineBuffer:
    """Cuts a stream into lines.

    A line ends with LF or CR LF. Empty lines are dropped (modern.ircdocs.horse, "Message Format":
    empty messages are silently ignored).
    """

    __slots__ = ("_is_discarding", "_line_bytes_max", "_rest")

    def __init__(self, line_bytes_max: int) -> None:
        """Allow lines of up to `line_bytes_max` bytes, line ends included."""
        self._line_bytes_max = line_bytes_max
        self._rest = b""
        self._is_discarding = False

    @property
    def is_unfinished(self) -> bool:
        """Whether a line has begun, and has not ended."""
        return bool(self._rest) or self._is_discarding

    def feed(self, data: bytes) -> list[bytes | None]:
        """Add what arrived; return the lines that it completed, without line ends.

        None stands for a line that is too long. It comes once, as soon as the limit is passed; the
        rest of that line is discarded.
        """
        *complete, rest = data.split(b"\n")
        lines: list[bytes | None] = []
        if complete:
            first = complete[0]
            if self._is_discarding:
                self._is_discarding = False
                complete = complete[1:]
            elif self._rest:
                complete[0] = self._rest + first
            self._rest = b""
            for line in complete:
                if len(line) >= self._line_bytes_max:
                    lines.append(None)
                    continue
                stripped = line[:-1] if line[-1:] == b"\r" else line
                if stripped:
                    lines.append(stripped)
        if self._is_discarding or not rest:
            return lines
        self._rest = self._rest + rest if self._rest else rest
        if len(self._rest) >= self._line_bytes_max:
            self._rest = b""
            self._is_discarding = True
            lines.append(None)
        return lines
