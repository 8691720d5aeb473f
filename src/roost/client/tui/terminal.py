"""The terminal that the client runs in, and what happens when it vanishes.

A terminal vanishes when its window, its SSH connection or its tmux server ends. Then writes fail,
reads return nothing at once, and Textual would neither notice nor be able to end: its threads spin
or die, and its queue of output fills up. So a thread of ours waits for the end of the terminal,
stops the input, lets output go nowhere, and tells the application.
"""

import contextlib
import os
import select
import selectors
import sys
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import IO, Any, cast

from textual.app import App
from textual.driver import Driver
from textual.drivers._byte_stream import ByteStream
from textual.drivers.linux_driver import LinuxDriver
from textual.drivers.web_driver import WebDriver, _ExitInput
from textual.events import CursorPosition
from textual.message import Message

from roost.client.tui.glyphs import END, Glyphs, Probe, is_multiplexed, may_ask
from roost.client.tui.graphics import Inquiry
from roost.client.tui.key_parser import KeyParser

POLL_S = 0.1
"""How soon the end of the program, and the end of an unfinished sequence, is noticed."""
READ_BYTES = 64 * 1024


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
        self._glyphs = Glyphs()
        self._probe: Probe | None = None
        self.inquiry: Inquiry | None = None
        """What the terminal has said about pictures, if it was asked."""

    def write(self, data: str) -> None:
        super().write(self._glyphs.safe(data))

    def start_application_mode(self) -> None:
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self.input_tty and may_ask(os.environ):
            self._probe = Probe()
            super().write(self._probe.query())
        if self._watcher is None and os.isatty(self.fileno):
            self._watcher = watch(self.fileno, self._vanished)

    def ask_for_pictures(self) -> None:
        """Ask the terminal how it can show pictures."""
        if self.input_tty:
            self.inquiry = Inquiry(is_multiplexed=is_multiplexed(os.environ))
            super().write(self.inquiry.query())

    def stop_application_mode(self) -> None:
        if self._probe is not None:
            super().write(END)
        super().stop_application_mode()

    def process_message(self, message: Message) -> None:
        """Keep the answers of the terminal, and pass everything else on."""
        probe = self._probe
        if not isinstance(message, CursorPosition) or probe is None or probe.is_over:
            super().process_message(message)
            return
        is_last = probe.receive(message.x)
        self._glyphs.native = probe.native
        if is_last:
            self._app.call_later(self._app.refresh)

    def _vanished(self) -> None:
        self._has_vanished = True
        self.exit_event.set()
        tell_vanished(self)

    def run_input_thread(self) -> None:
        """Read until the end, or until the terminal has vanished, which makes reading fail."""
        try:
            self._read_keys()
        except OSError:
            if not self._has_vanished and not has_vanished(self.fileno):
                raise

    def _read_keys(self) -> None:
        parser = KeyParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(POLL_S):
                    data = os.read(self.fileno, READ_BYTES)
                    if not data:
                        return
                    text = decode(data)
                    if self.inquiry is not None:
                        text = self.inquiry.receive(text)
                else:
                    text = "" if self.inquiry is None else self.inquiry.flush()
                if text:
                    for event in parser.feed(text):
                        self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)


class BrowserDriver(WebDriver):
    """Textual's driver for a server of browsers, which also notices that the server has vanished.

    Its standard input and output are pipes to the server.
    """

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._write = cast("Any", self._write_or_drop)
        self._glyphs = Glyphs()

    def write(self, data: str) -> None:
        super().write(self._glyphs.safe(data))

    def _write_or_drop(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self.fileno, data)

    def start_application_mode(self) -> None:
        super().start_application_mode()
        watch(sys.__stdin__.fileno(), lambda: tell_vanished(self))  # type: ignore[union-attr]

    def run_input_thread(self) -> None:
        """Read packets from the server until the end: keys, and what it says about the page."""
        parser = KeyParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        packets = ByteStream()
        with contextlib.suppress(_ExitInput), contextlib.closing(self._input_reader):
            for data in self._input_reader:
                for kind, payload in packets.feed(data) if data else ():
                    if kind != "D":
                        self._on_meta(kind, payload)
                    elif text := decode(payload):
                        for event in parser.feed(text):
                            self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)


def tell_vanished(driver: Driver) -> None:
    """Tell a driver's application, from another thread, to end."""
    # The application may have ended just now.
    with contextlib.suppress(RuntimeError):
        loop, app = driver._loop, driver._app  # noqa: SLF001
        loop.call_soon_threadsafe(app.terminal_vanished)  # type: ignore[attr-defined]


def watch(fd: int, vanished: Callable[[], None]) -> threading.Thread:
    """Call `vanished`, in a thread, when the other end of a terminal or pipe is gone."""

    def wait() -> None:
        wait_vanished(fd)
        vanished()

    # It cannot be woken up, and need not be: it only waits.
    thread = threading.Thread(target=wait, name="roost-terminal", daemon=True)
    thread.start()
    return thread


def wait_vanished(fd: int) -> None:
    """Wait until a terminal or pipe has no other end, without using the processor."""
    poll = select.poll()
    # POLLHUP is reported without being asked for. Input is not waited for.
    poll.register(fd, 0)
    while not poll.poll():
        pass


def has_vanished(fd: int) -> bool:
    """Return whether a terminal or pipe has no other end."""
    poll = select.poll()
    poll.register(fd, 0)
    return bool(poll.poll(0))
