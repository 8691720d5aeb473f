"""`roost node` and `roost balancer`: one process of a cluster, from its file and flags."""

import asyncio
import contextlib
import resource
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, get_args

import uvloop

from roost.cli.configuration import keys_of, load_file, make_config, parse_flags
from roost.cli.errors import UsageError
from roost.cli.supervisor import die_with_parent
from roost.ops.logging import Level, configure

ConfigT = TypeVar("ConfigT")

STOP_S_MAX = 5
"""A process that has not ended in order by then after a signal ends all the same."""


@dataclass(frozen=True)
class ProcessOptions:
    """What both kinds of process are told on the command line."""

    config: Path | None
    arguments: tuple[str, ...]
    """Flags that are keys of the configuration."""
    log_level: str
    is_listing_keys: bool
    parent: int | None
    """End together with the process of this id."""


def run_node(options: ProcessOptions) -> None:
    """Run a node until a signal ends it.

    Raises:
        UsageError: it cannot start as it was told to.
    """
    from roost.node import Node, NodeConfig

    config = _prepare(NodeConfig, options, "roost node")
    if config is not None:
        _run(config.name, options, lambda: Node(config).run())


def run_balancer(options: ProcessOptions) -> None:
    """Run a balancer until a signal ends it.

    Raises:
        UsageError: it cannot start as it was told to.
    """
    from roost.balancer import Balancer, Config

    config = _prepare(Config, options, "roost balancer")
    if config is not None:
        _run(config.name, options, lambda: Balancer(config).run())


def _prepare(
    kind: type[ConfigT], options: ProcessOptions, command: str
) -> ConfigT | None:
    """Read file and flags; None when only the keys were asked for."""
    if options.parent is not None:
        die_with_parent(options.parent)
    if options.is_listing_keys:
        print("\n".join(keys_of(kind)))
        return None
    if options.log_level not in get_args(Level):
        levels = ", ".join(get_args(Level))
        raise UsageError(f"--log-level {options.log_level}: it must be one of {levels}")
    file = options.config
    return make_config(
        kind,
        load_file(file) if file else {},
        source=str(file or command),
        base=file.absolute().parent if file else None,
        flags=parse_flags(kind, options.arguments),
    )


def _run(name: str, options: ProcessOptions, start: Callable[[], Awaitable[None]]) -> None:
    for level in get_args(Level):
        if level == options.log_level:
            configure(name, level=level)
    _raise_file_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_signalled(start))


async def _until_signalled(start: Callable[[], Awaitable[None]]) -> None:
    """Run until the process is told to end; then cancel, which ends things in order."""
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    assert main is not None
    is_asked = False

    def stop() -> None:
        nonlocal is_asked
        if not is_asked:
            is_asked = True
            # Without a handler this signal ends the process, whatever hangs.
            signal.alarm(STOP_S_MAX)
            main.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await start()


def _raise_file_limit() -> None:
    """Allow as many connections as the system lets us have without asking anybody."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
