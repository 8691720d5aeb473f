"""Survive unexpected exceptions in the interface: log them, and tell the user in a sentence.

When a handler raises, Textual ends the widget's message loop, and the program with a traceback.
`Guarded` keeps the loop running; what the handler left half done is drawn again at the next change.
"""

import asyncio
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.message import Message
from textual.message_pump import MessagePump

from roost.ops import clock

BYTES_MAX = 1_000_000
"""Of the log file; above that it is started anew."""
BURST_S = 10.0
BURST_MAX = 30
"""So many exceptions within `BURST_S` mean that the program cannot go on."""


class Mistakes:
    """The log of unexpected exceptions."""

    def __init__(self, path: Path | None) -> None:
        """Write to `path`, whose folder need not exist yet; None writes nothing."""
        self._path = path
        self._times: list[float] = []
        self.texts: list[str] = []
        """The latest ones."""

    @property
    def where(self) -> str:
        """Where they are written."""
        return str(self._path) if self._path else "nowhere"

    def note(self, error: BaseException) -> bool:
        """Log an exception; return False if there are so many that the program should end."""
        text = "".join(traceback.format_exception(error))
        self.texts = [*self.texts[-9:], text]
        now = clock.monotonic()
        self._times = [time for time in self._times if now - time < BURST_S] + [now]
        self._write(text)
        return len(self._times) < BURST_MAX

    def _write(self, text: str) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            mode = "a"
            if self._path.exists() and self._path.stat().st_size > BYTES_MAX:
                mode = "w"
            with self._path.open(mode, encoding="utf-8", errors="replace") as file:
                file.write(f"--- {clock.utc_now().isoformat(timespec='seconds')}\n{text}\n")
        except OSError:
            # Nothing can be written, and there is nobody else to tell.
            return


class Guarded(MessagePump):
    """A message pump that survives exceptions in its handlers."""

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - nothing may reach the screen as a traceback
            report: Callable[[Exception], Any] = self.app._handle_exception  # noqa: SLF001
            report(error)
