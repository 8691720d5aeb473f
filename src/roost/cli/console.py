"""What a person sees of `roost up`: one line of progress, and not the logs.

The logs go to a file in the data directory if standard error is a terminal, unless they are asked
for. Elsewhere, such as under systemd, they go to standard error and there is no progress.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from roost.ops.level import Level
from roost.ops.logging import configure

LOG_FILE = "roost.log"
"""In the data directory. That of the run before has ".1" at its end."""

_ERROR = "roost: "
"""How a command's line of error begins."""


class Console:
    """The terminal that `roost up` was started in, or what takes its place."""

    def __init__(self, terminal: TextIO | None, log: TextIO | None = None) -> None:
        """Without `terminal`, nothing is shown; without `log`, logs go to standard error."""
        self._terminal = terminal
        self._log = log
        self._is_in_line = False

    @property
    def log_fd(self) -> int | None:
        """The file descriptor for the logs of all processes; None for standard error."""
        return None if self._log is None else self._log.fileno()

    @property
    def log_path(self) -> str:
        """The path of the log file; empty if there is none."""
        return "" if self._log is None else self._log.name

    def progress(self, waiting_for: Sequence[str]) -> None:
        """Show what a start is waiting for, in place of what was shown before."""
        if self._terminal is not None:
            text = "; ".join(waiting_for)
            # Shorter than the line, or it would leave its beginning behind.
            width = max(20, _columns(self._terminal) - 1)
            self._write(f"\r\x1b[K{f'Starting Roost: {text} ...'[:width]}")
            self._is_in_line = True

    def tell(self, sentence: str) -> None:
        """Show a sentence on a line of its own."""
        if self._terminal is not None:
            self.clear()
            self._write(f"{sentence}\n")

    def clear(self) -> None:
        """Remove the line of progress."""
        if self._is_in_line:
            self._write("\r\x1b[K")
            self._is_in_line = False

    def explain_end(self) -> str:
        """Return what a process that cannot start said last, or where to read it."""
        if self._log is None:
            return "see above"
        lines = Path(self._log.name).read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [line for line in lines if line.startswith(_ERROR)]
        return errors[-1].removeprefix(_ERROR) if errors else f"see {self._log.name}"

    def _write(self, text: str) -> None:
        # A terminal that is gone must not end the cluster.
        with contextlib.suppress(OSError):
            assert self._terminal is not None, "checked by the callers"
            self._terminal.write(text)
            self._terminal.flush()


@contextlib.contextmanager
def open_console(
    data: Path, level: Level, *, are_logs_shown: bool | None, stderr: TextIO | None = None
) -> Iterator[Console]:
    """Send this process's logs to where they belong, and return the console.

    `are_logs_shown` is None to decide by whether standard error is a terminal.

    Raises:
        OSError: the log file cannot be written.
    """
    stderr = stderr or sys.stderr
    is_terminal = stderr.isatty()
    if are_logs_shown or (are_logs_shown is None and not is_terminal):
        configure("up", level=level, stream=stderr)
        yield Console(None)
        return
    path = data / LOG_FILE
    if path.exists():
        path.replace(path.with_name(f"{LOG_FILE}.1"))
    with path.open("a", encoding="utf-8") as log:
        configure("up", level=level, stream=log)
        console = Console(stderr if is_terminal else None, log)
        yield console
        console.clear()


def _columns(terminal: TextIO) -> int:
    try:
        return os.get_terminal_size(terminal.fileno()).columns
    except (OSError, ValueError):
        return 80
