"""Logs: readable lines on a terminal, one JSON object a line everywhere else.

Every process calls `configure` once, first of all; after that any module takes a logger from
`structlog.get_logger()` and logs an event's name with its facts:

    logger.info("peer-connected", peer="n2", address="10.0.0.2:7001")

What libraries say through the standard `logging` module comes out the same way. Logs go to the
standard error stream, so that a program's output stays its own. A line is one write: processes
that share a stream do not tear each other's lines.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from roost.ops.level import Level

_PROCESS_WIDTH = 4
"""Columns for a process's name before a readable line; "n1" and "b1" and room for more."""


def configure(
    process: str,
    *,
    level: Level = "info",
    stream: TextIO | None = None,
    is_readable: bool | None = None,
) -> None:
    """Send this process's logs to `stream` (default: standard error).

    `process` names the process in every line. `is_readable` decides between readable lines and
    JSON; by default a terminal gets readable ones.
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
    """Puts the process's name into every line."""

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
    """Begin with what every line has."""
    first = {name: event.pop(name) for name in ("timestamp", "level", "process", "event")}
    return {**first, **event}


def _shorten_time(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Cut microseconds to milliseconds."""
    event["timestamp"] = str(event["timestamp"])[:12]
    return event


def _prefix_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put the process's name before the event, where a reader of mixed logs looks for it."""
    event["event"] = f"{event.pop('process'):<{_PROCESS_WIDTH}} {event['event']}"
    return event
