"""On a terminal, `roost up` shows a line of progress; the logs are in a file."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from roost.cli.console import LOG_FILE, open_console


class Terminal(io.StringIO):
    """A terminal of unknown width."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """Undo what the console sets up."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_terminal_shows_progress_and_no_logs(tmp_path: Path) -> None:
    terminal = Terminal()
    with open_console(tmp_path, "info", are_logs_shown=None, stderr=terminal) as console:
        structlog.get_logger().info("hidden")
        console.progress(["n1 is catching-up", "x" * 200])
        console.tell("n2 has ended.")
        assert console.log_path == str(tmp_path / LOG_FILE)
    shown = terminal.getvalue()
    assert "hidden" not in shown
    progress, _, rest = shown.removeprefix("\r\x1b[K").partition("\r\x1b[K")
    assert progress.startswith("Starting Roost: n1 is catching-up; xxx")
    assert len(progress) < 80, "or the terminal would wrap it"
    assert rest == "n2 has ended.\n"
    assert "hidden" in (tmp_path / LOG_FILE).read_text()


def test_the_logs_of_the_run_before_are_kept(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with open_console(tmp_path, "info", are_logs_shown=False, stderr=io.StringIO()):
            structlog.get_logger().info(text)
    assert "second" in (tmp_path / LOG_FILE).read_text()
    assert "first" in (tmp_path / f"{LOG_FILE}.1").read_text()


@pytest.mark.parametrize(("is_terminal", "asked"), [(False, None), (False, True), (True, True)])
def test_logs_go_to_standard_error_where_nobody_watches_or_if_asked_for(
    tmp_path: Path, is_terminal: bool, asked: bool | None
) -> None:
    stderr = Terminal() if is_terminal else io.StringIO()
    with open_console(tmp_path, "info", are_logs_shown=asked, stderr=stderr) as console:
        structlog.get_logger().info("shown")
        console.progress(["n1 is starting"])
        assert console.log_fd is None
    assert "shown" in stderr.getvalue()
    assert "Starting" not in stderr.getvalue()
    assert not (tmp_path / LOG_FILE).exists()


def test_why_a_process_could_not_start_is_told(tmp_path: Path) -> None:
    with open_console(tmp_path, "info", are_logs_shown=None, stderr=Terminal()) as console:
        assert console.explain_end() == f"see {tmp_path / LOG_FILE}"
        with (tmp_path / LOG_FILE).open("a") as log:
            log.write("roost: n1: the disk is full\nn1 ended\n")
        assert console.explain_end() == "n1: the disk is full"
    with open_console(tmp_path, "info", are_logs_shown=True, stderr=Terminal()) as console:
        assert console.explain_end() == "see above"
