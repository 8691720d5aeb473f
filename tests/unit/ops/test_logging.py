"""Log lines are readable by people or programs."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from roost.ops.logging import configure


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_stream_that_is_no_terminal_gets_json() -> None:
    stream = io.StringIO()
    configure("n1", stream=stream)
    structlog.get_logger("roost.test").info("peer-connected", peer="n2")
    line = json.loads(stream.getvalue())
    assert line["event"] == "peer-connected"
    assert line["process"] == "n1"
    assert line["peer"] == "n2"
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")
    assert list(line)[:4] == ["timestamp", "level", "process", "event"]


def test_a_readable_line_begins_with_time_and_process() -> None:
    stream = io.StringIO()
    configure("n1", stream=stream, is_readable=True)
    structlog.get_logger("roost.test").warning("peer-refused", reason="another cluster")
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert line[2] == ":"
    assert line[12] == " "
    assert "n1   peer-refused" in line
    assert "another cluster" in line


def test_what_libraries_log_looks_the_same() -> None:
    stream = io.StringIO()
    configure("b1", stream=stream)
    logging.getLogger("asyncio").warning("socket.send() raised %s", "BrokenPipeError")
    line = json.loads(stream.getvalue())
    assert line["event"] == "socket.send() raised BrokenPipeError"
    assert line["process"] == "b1"
    assert line["level"] == "warning"


def test_an_exception_stays_on_one_line() -> None:
    stream = io.StringIO()
    configure("b1", stream=stream)
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        structlog.get_logger("roost.test").exception("failed")
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue())["exception"][0]["exc_value"] == "broken"


def test_less_severe_lines_than_the_level_are_not_written() -> None:
    stream = io.StringIO()
    configure("n1", stream=stream, level="warning")
    structlog.get_logger("roost.test").info("quiet")
    structlog.get_logger("roost.test").error("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_configuring_again_replaces_the_first_configuration() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure("n1", stream=first)
    configure("n2", stream=second)
    structlog.get_logger("roost.test").info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1
