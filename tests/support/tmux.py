"""A real terminal for a real program: a tmux server of its own, and its screen."""

import os
import shlex
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from roost.ops import clock

PATIENCE_S = 20.0
POLL_S = 0.1


class Terminal:
    """A program in a terminal; the context manager ends both."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        width: int = 180,
        height: int = 50,
    ) -> None:
        self._server = f"roost-{uuid.uuid4().hex[:12]}"
        self._tmux(
            *("new-session", "-d", "-x", str(width), "-y", str(height)),
            shlex.join(command),
            environment=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the program and its terminal."""
        subprocess.run(
            ["tmux", "-L", self._server, "kill-server"], check=False, capture_output=True
        )

    def type(self, text: str) -> None:
        """Type a line and press Enter."""
        self._tmux("send-keys", "-l", text)
        self._tmux("send-keys", "Enter")

    def write(self, text: str) -> None:
        """Type without pressing Enter."""
        self._tmux("send-keys", "-l", text)

    def press(self, key: str) -> None:
        """Press one key by its tmux name, such as "C-c"."""
        self._tmux("send-keys", key)

    def screen(self, *, styles: bool = False) -> str:
        """Return the screen, and what has scrolled off it; on request with its colours."""
        extra = ("-e",) if styles else ()
        return self._tmux("capture-pane", "-p", "-J", "-S", "-500", *extra)

    def title(self) -> str:
        """Return the title that the program has given to its window."""
        return self._tmux("display-message", "-p", "#{pane_title}").strip()

    def wait_for(self, text: str, *, count: int = 1, patience_s: float = PATIENCE_S) -> str:
        """Wait until a text is on the screen `count` times; return the screen."""
        return self.wait_until(lambda screen: screen.count(text) >= count, repr(text), patience_s)

    def wait_until(
        self, condition: Callable[[str], bool], what: str, patience_s: float = PATIENCE_S
    ) -> str:
        """Wait until the screen meets a condition; return the screen."""
        deadline = clock.monotonic() + patience_s
        while True:
            screen = self.screen()
            if condition(screen):
                return screen
            if clock.monotonic() > deadline:
                raise AssertionError(f"no {what} on the screen:\n{screen}")
            time.sleep(POLL_S)

    def wait_gone(self, patience_s: float = PATIENCE_S) -> None:
        """Wait until the program, and the terminal with it, has ended by itself."""
        deadline = clock.monotonic() + patience_s
        while True:
            try:
                screen = self.screen()
            except AssertionError:
                return
            if clock.monotonic() > deadline:
                raise AssertionError(f"it did not end:\n{screen}")
            time.sleep(POLL_S)

    def _tmux(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        base = {
            name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ
        }
        done = subprocess.run(
            ["tmux", "-u", "-L", self._server, "-f", os.devnull, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env={**base, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", **(environment or {})},
        )
        if done.returncode:
            raise AssertionError(f"tmux {arguments[0]} failed: {done.stderr}")
        return done.stdout
