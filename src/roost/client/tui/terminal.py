"""The terminal that the client runs in, and what happens when it vanishes.

A terminal vanishes when its window, its SSH connection or its tmux server ends. Then writes fail,
reads return nothing at once, and Textual would neither notice nor be able to end: its threads spin
or die, and its queue of output fills up. So a thread of ours waits for the end of the terminal,
stops the input, lets output go nowhere, and tells the application.
"""

import contextlib
import os
import select
import threading
from typing import IO, Any, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver


class Outlet:
    """A file whose writes are dropped once its terminal has vanished."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            return self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()


class TerminalDriver(LinuxDriver):
    """Textual's driver, which also notices that the terminal has vanished."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._file = cast("Any", Outlet(cast("IO[str]", self._file)))
        self._has_vanished = False
        self._watcher: threading.Thread | None = None

    def start_application_mode(self) -> None:
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._watcher is None and os.isatty(self.fileno):
            # It cannot be woken up, and need not be: it only waits.
            self._watcher = threading.Thread(target=self._watch, name="roost-terminal", daemon=True)
            self._watcher.start()

    def _watch(self) -> None:
        wait_vanished(self.fileno)
        self._has_vanished = True
        self.exit_event.set()
        # The application may have ended just now.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._app.terminal_vanished)  # type: ignore[attr-defined]

    def run_input_thread(self) -> None:
        """Read until the end, or until the terminal has vanished, which makes reading fail."""
        try:
            super().run_input_thread()
        except OSError:
            if not self._has_vanished and not has_vanished(self.fileno):
                raise


def wait_vanished(fd: int) -> None:
    """Wait until a terminal has vanished, without using the processor."""
    poll = select.poll()
    # POLLHUP is reported without being asked for. Input is not waited for.
    poll.register(fd, 0)
    while not poll.poll():
        pass


def has_vanished(fd: int) -> bool:
    """Return whether a terminal has vanished."""
    poll = select.poll()
    poll.register(fd, 0)
    return bool(poll.poll(0))
