"""`roost node` and `roost balancer`: one process of a cluster, from its file and flags."""

import asyncio
import contextlib
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar, get_args, runtime_checkable

import uvloop

from roost.cli.configuration import keys_of, load_file, make_config, parse_flags
from roost.cli.errors import CommandError, UsageError
from roost.cli.supervisor import die_with_parent
from roost.ops.logging import Level, configure

ConfigT = TypeVar("ConfigT")

STOP_S_MAX = 5.0
"""A process that has not ended in order by then after a signal ends all the same; a node may take
longer by what it waits for its clients to be moved."""


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


class Process(Protocol):
    """What a process of a cluster can be told."""

    async def run(self) -> None:
        """Run until `stop` is called."""

    def stop(self) -> None:
        """End `run` in order."""


@runtime_checkable
class Reloading(Protocol):
    """A process that can read again what it was told, while it runs."""

    def reload(self) -> None:
        """Do that; what cannot be used is refused, and the old stays."""


def run_node(options: ProcessOptions) -> None:
    """Run a node until a signal ends it.

    Raises:
        UsageError: it cannot start as it was told to.
        CommandError: it failed.
    """
    from roost.node.config import NodeConfig
    from roost.node.errors import FailedError, StartError
    from roost.node.node import Node

    config = _prepare(NodeConfig, options, "roost node")
    if config is None:
        return

    def reread() -> NodeConfig:
        try:
            return _read(NodeConfig, options, "roost node")
        except UsageError as error:
            raise ValueError(str(error)) from error

    try:
        _run(config.name, options, lambda: Node(config, reread), STOP_S_MAX + config.leave_s)
    except StartError as error:
        raise UsageError(f"{config.name}: {error}") from error
    except FailedError as error:
        raise CommandError(f"{config.name}: {error}") from error


def run_balancer(options: ProcessOptions) -> None:
    """Run a balancer until a signal ends it.

    Raises:
        UsageError: it cannot start as it was told to.
    """
    from roost.balancer import Balancer, Config
    from roost.wire import CredentialsError

    config = _prepare(Config, options, "roost balancer")
    if config is None:
        return
    try:
        _run(config.name, options, lambda: Balancer(config), STOP_S_MAX)
    except (OSError, CredentialsError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{config.name}: {why}") from error


def _prepare(kind: type[ConfigT], options: ProcessOptions, command: str) -> ConfigT | None:
    """Read file and flags; None when only the keys were asked for."""
    if options.parent is not None:
        die_with_parent(options.parent)
    if options.is_listing_keys:
        print("\n".join(keys_of(kind)))
        return None
    if options.log_level not in get_args(Level):
        levels = ", ".join(get_args(Level))
        raise UsageError(f"--log-level {options.log_level}: it must be one of {levels}")
    return _read(kind, options, command)


def _read(kind: type[ConfigT], options: ProcessOptions, command: str) -> ConfigT:
    """Read file and flags."""
    file = options.config
    return make_config(
        kind,
        load_file(file) if file else {},
        source=str(file or command),
        base=file.absolute().parent if file else None,
        flags=parse_flags(kind, options.arguments),
    )


def _run(
    name: str, options: ProcessOptions, make: Callable[[], Process], stop_s_max: float
) -> None:
    for level in get_args(Level):
        if level == options.log_level:
            configure(name, level=level)
    _raise_file_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run_until_signalled(make, stop_s_max))


async def _run_until_signalled(make: Callable[[], Process], stop_s_max: float) -> None:
    process = make()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        # Without a handler this signal ends the process, whatever hangs.
        signal.setitimer(signal.ITIMER_REAL, stop_s_max)
        process.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    if isinstance(process, Reloading):
        loop.add_signal_handler(signal.SIGHUP, process.reload)
    await process.run()


def _raise_file_limit() -> None:
    """Allow as many connections as the system lets us have without asking anybody."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
