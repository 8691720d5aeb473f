"""Logs: readable lines on a terminal, one JSON object per line elsewhere.

Every process calls `configure` once, at the start. Any module then gets a logger from
`structlog.get_logger()` and logs the name of an event with its facts:

    logger.info("peer-connected", peer="n2", address="10.0.0.2:7001")

Lines that libraries log through the standard `logging` module look the same. Logs go to standard
error, apart from a program's output. Each line is one write, so that processes that share a stream
do not mix their lines.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from roost.ops.level import Level

_PROCESS_WIDTH = 4
"""Columns for a process's name before a readable line: "n1" or "b1", and room for more."""


def configure(
    process: str,
    *,
    level: Level = "info",
    stream: TextIO | None = None,
    is_readable: bool | None = None,
) -> None:
    """Send this process's logs to `stream` (default: standard error).

    `process` is the process's name, which every line carries. `is_readable` chooses readable lines
    instead of JSON; by default, a terminal gets them.
    """
    if stream is None:
        stream = sys.stderr
    if is_readable is None:
        is_readable = stream.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(
            fmt="%H:%M:%S.%f" if is_readable else "iso", utc=not is_readable
        ),
        structlog.stdlib.ExtraAdder(),
        _ProcessName(process),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(is_readable, is_coloured=stream.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # aiohttp writes a line for each request, and Prometheus asks every few seconds.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class _ProcessName:
    """Adds the process's name to every line."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("process", self._process)
        return event


def _rendering(is_readable: bool, *, is_coloured: bool) -> list[Processor]:
    if not is_readable:
        return [
            structlog.processors.dict_tracebacks,
            _put_first,
            structlog.processors.JSONRenderer(sort_keys=False),
        ]
    return [
        _shorten_time,
        _prefix_process,
        structlog.dev.ConsoleRenderer(colors=is_coloured, pad_event_to=24, sort_keys=False),
    ]


def _put_first(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Move the fields that every line has to the front."""
    first = {name: event.pop(name) for name in ("timestamp", "level", "process", "event")}
    return {**first, **event}


def _shorten_time(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Cut microseconds down to milliseconds."""
    event["timestamp"] = str(event["timestamp"])[:12]
    return event


def _prefix_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put the process's name before the event, where a reader of several logs looks for it."""
    event["event"] = f"{event.pop('process'):<{_PROCESS_WIDTH}} {event['event']}"
    return event
