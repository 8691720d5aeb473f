"""What goes wrong in the interface itself: written to a file, said in a sentence, survived.

Textual ends a widget's message loop, and the program with a traceback, when a handler raises.
`Guarded` keeps the loop; what a handler left half done is drawn anew at the next change.
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
"""Of the file; it begins anew above that."""
BURST_S = 10.0
BURST_MAX = 30
"""So many mistakes within so short a time mean that it cannot go on."""


class Mistakes:
    """Everything unexpected that happened."""

    def __init__(self, path: Path | None) -> None:
        """Write to `path`, in a folder that need not exist yet; None: write nowhere."""
        self._path = path
        self._times: list[float] = []
        self.texts: list[str] = []
        """The latest, for tests and for whoever asks."""

    @property
    def where(self) -> str:
        """Say where it is written."""
        return str(self._path) if self._path else "nowhere"

    def note(self, error: BaseException) -> bool:
        """Write it down; False when there are so many that the program had better end."""
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
            # Nothing can be written; there is nobody else to tell.
            return


class Guarded(MessagePump):
    """A part of the interface that outlives mistakes in its own handlers."""

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - nothing may reach the screen as a traceback
            report: Callable[[Exception], Any] = self.app._handle_exception  # noqa: SLF001
            report(error)
