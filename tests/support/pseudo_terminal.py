"""A program in a pseudoterminal that answers the program's questions as a known terminal does."""

import base64
import contextlib
import fcntl
import io
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from PIL import Image

from roost.ops import clock

PATIENCE_S = 40.0

ATTRIBUTES = b"\x1b[c"
GRAPHICS = re.compile(rb"\x1b_G([^;\x1b]*);?([^\x1b]*)\x1b\\")
PLACEHOLDER = "\U0010eeee"
"""What kitty draws a part of a picture over."""
_PART = re.compile(f"\x1b\\[38;2;(\\d+);(\\d+);(\\d+)[;\\d]*m((?:{PLACEHOLDER}...)+)")
_NUMBER_MARKS = "\u0305\u030d\u030e\u0310\u0312\u033d\u033e\u033f\u0346\u034a"
"""The first marks with which kitty counts rows and columns."""


class PseudoTerminal:
    """Runs a program; the context manager ends it.

    `attributes` is what the terminal answers to a question for its device attributes, after
    `delay_s`; `has_graphics` says whether it has kitty's graphics protocol.
    """

    cell_width, cell_height = 10, 20
    """In pixels."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        attributes: bytes,
        has_graphics: bool,
        width: int = 100,
        height: int = 30,
        delay_s: float = 0.0,
    ) -> None:
        self._attributes, self._has_graphics, self._delay_s = attributes, has_graphics, delay_s
        self.questions: list[bytes] = []
        """Those about pictures that it was asked."""
        self._master, slave = pty.openpty()
        pixels = (width * self.cell_width, height * self.cell_height)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, *pixels))
        self._output = bytearray()
        self._answered = 0
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={
                **{name: value for name, value in os.environ.items() if name != "TMUX"},
                "TERM": "xterm-256color",
                **environment,
            },
        )
        os.close(slave)
        self._is_open = True
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_open = False
        self._reader.join(PATIENCE_S)
        os.close(self._master)
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        while self._is_open:
            if select.select([self._master], [], [], 0.05)[0]:
                try:
                    self._output += os.read(self._master, 65536)
                except OSError:
                    return
                self._answer()

    def _answer(self) -> None:
        """Answer the questions that came, in their order."""
        question = re.compile(rb"\x1b\[c|\x1b_G[^\x1b]*\x1b\\")
        for found in question.finditer(bytes(self._output), self._answered):
            self._answered = found.end()
            if found[0] == ATTRIBUTES or b"a=q" in found[0]:
                self.questions.append(found[0])
            if found[0] == ATTRIBUTES:
                time.sleep(self._delay_s)
                self.write(self._attributes)
            elif self._has_graphics and b"a=q" in found[0]:
                number = re.search(rb"i=(\d+)", found[0])
                assert number is not None
                self.write(b"\x1b_Gi=" + number[1] + b";OK\x1b\\")

    def write(self, data: bytes) -> None:
        """Send what a user types, or what the terminal answers."""
        os.write(self._master, data)

    def press(self, *keys: bytes, until: str) -> None:
        """Press keys, each once the program has drawn after the one before, until a text comes."""
        start = len(self.text)
        for key in keys:
            drawn = len(self.output)
            self.write(key)
            self.wait_until(lambda drawn=drawn: len(self.output) > drawn, "output")  # type: ignore[misc]
        self.wait_until(lambda: until in self.text[start:], repr(until))

    @property
    def output(self) -> bytes:
        """What the program has written so far."""
        return bytes(self._output)

    @property
    def text(self) -> str:
        return self.output.decode(errors="replace")

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        deadline = clock.monotonic() + PATIENCE_S
        while not condition():
            if clock.monotonic() > deadline:
                raise AssertionError(f"no {what} in what the program wrote:\n{self.text[-4000:]!r}")
            time.sleep(0.02)

    def wait_for(self, text: str) -> None:
        self.wait_until(lambda: text in self.text, repr(text))


def kitty_pictures(output: bytes) -> dict[int, Image.Image]:
    """Decode the pictures that a program has given to kitty, by their numbers."""
    data: dict[int, bytes] = {}
    for found in GRAPHICS.finditer(output):
        keys = dict(pair.split(b"=", 1) for pair in found[1].split(b",") if b"=" in pair)
        if keys.get(b"f") == b"100":
            number = int(keys[b"i"])
            data[number] = data.get(number, b"") + found[2]
    pictures = {}
    for number, encoded in data.items():
        with contextlib.suppress(OSError, ValueError):
            pictures[number] = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")
    return pictures


def kitty_placements(output: bytes) -> dict[int, tuple[int, int]]:
    """Return the columns and rows that each picture was given to be drawn in, by its number."""
    placements = {}
    for found in GRAPHICS.finditer(output):
        keys = dict(pair.split(b"=", 1) for pair in found[1].split(b",") if b"=" in pair)
        if keys.get(b"a") == b"p" and keys.get(b"U") == b"1":
            placements[int(keys[b"i"])] = (int(keys[b"c"]), int(keys[b"r"]))
    return placements


def kitty_rows(output: str) -> dict[int, set[int]]:
    """Return which of the first ten rows of each picture were drawn, by its number modulo 2^24."""
    rows: dict[int, set[int]] = {}
    for red, green, blue, cells in _PART.findall(output):
        # The colour is the lower 24 bits of the number; the third mark of a cell is the rest.
        number = int(red) << 16 | int(green) << 8 | int(blue)
        row = _NUMBER_MARKS.find(cells[1])
        if row >= 0:
            rows.setdefault(number, set()).add(row)
    return rows


def sixel_pictures(output: bytes) -> list[tuple[tuple[int, int], set[tuple[int, int, int]]]]:
    """Return size and colours (from 0 to 100) of each sixel picture."""
    found = []
    for width, height, data in re.findall(
        rb"\x1bP[\d;]*q\"\d+;\d+;(\d+);(\d+)([^\x1b]*)\x1b\\", output
    ):
        colours = re.findall(rb"#\d+;2;(\d+);(\d+);(\d+)", data)
        shades = {(int(red), int(green), int(blue)) for red, green, blue in colours}
        found.append(((int(width), int(height)), shades))
    return found
