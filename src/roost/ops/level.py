"""How severe a log line is; the command line must not load all of structlog for it."""

from typing import Literal, TypeAlias

Level: TypeAlias = Literal["debug", "info", "warning", "error"]
"""The least severe kind of line that is written."""
