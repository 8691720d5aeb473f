"""`roost node` and `roost balancer`: run one process of a cluster."""

import asyncio
import contextlib
import os
import resource
import signal
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

import uvloop

from roost.cli.configuration import keys_of, parse_flags, read_config
from roost.cli.errors import CommandError, UsageError
from roost.cli.flags import ProcessFlags
from roost.cli.supervisor import die_with_parent
from roost.ops.level import Level
from roost.ops.logging import configure
from roost.ops.service import ServiceManager

ConfigT = TypeVar("ConfigT")

STOP_S_MAX = 5.0
"""Time for an orderly stop after a signal; then the process ends anyway. A node also gets the time
that it waits for its clients to be moved."""
STATUS_S = 10.0
"""Between two reports to a service manager that has no watchdog."""


class Process(Protocol):
    """A process of a cluster."""

    async def run(self) -> None:
        """Run until `stop` is called."""

    def stop(self) -> None:
        """Let `run` end in an orderly way."""

    async def wait_started(self) -> None:
        """Wait until the process has started: it listens, and does what it can."""

    def describe(self) -> str:
        """Return one line about the process's state."""


@runtime_checkable
class Reloading(Protocol):
    """A process that can reload its configuration while it runs."""

    def reload(self) -> None:
        """Reload the configuration; if it is not valid, keep the old one."""


def run_node(flags: ProcessFlags, arguments: Sequence[str]) -> None:
    """Run a node until a signal ends it.

    Raises:
        UsageError: it cannot start with this configuration.
        CommandError: it failed.
    """
    from roost.node.config import NodeConfig
    from roost.node.errors import FailedError, StartError
    from roost.node.node import Node

    read = _prepare(NodeConfig, flags, arguments, "roost node")
    if read is None:
        return
    config = read()

    def reread() -> NodeConfig:
        try:
            return read()
        except UsageError as error:
            raise ValueError(str(error)) from error

    try:
        _run(
            config.name, flags.log_level, lambda: Node(config, reread), STOP_S_MAX + config.leave_s
        )
    except StartError as error:
        raise UsageError(f"{config.name}: {error}") from error
    except FailedError as error:
        raise CommandError(f"{config.name}: {error}") from error


def run_balancer(flags: ProcessFlags, arguments: Sequence[str]) -> None:
    """Run a balancer until a signal ends it.

    Raises:
        UsageError: it cannot start with this configuration.
    """
    from roost.balancer import Balancer, Config
    from roost.wire import CredentialsError

    read = _prepare(Config, flags, arguments, "roost balancer")
    if read is None:
        return
    config = read()
    try:
        _run(config.name, flags.log_level, lambda: Balancer(config), STOP_S_MAX)
    except (OSError, CredentialsError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{config.name}: {why}") from error


def _prepare(
    kind: type[ConfigT], flags: ProcessFlags, arguments: Sequence[str], command: str
) -> Callable[[], ConfigT] | None:
    """Return what reads the configuration; None if only the keys were asked for."""
    if flags.parent is not None:
        die_with_parent(flags.parent)
    if flags.is_listing_keys:
        print("\n".join(keys_of(kind)))
        return None
    own = parse_flags(kind, arguments)
    return lambda: read_config(kind, flags.config, own, command=command)


def _run(name: str, level: Level, make: Callable[[], Process], stop_s_max: float) -> None:
    configure(name, level=level)
    _raise_file_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run_until_signalled(make, stop_s_max))


async def _run_until_signalled(make: Callable[[], Process], stop_s_max: float) -> None:
    process = make()
    loop = asyncio.get_running_loop()

    service = ServiceManager(os.environ)

    def stop() -> None:
        service.stopping()
        # Nothing handles this signal, so it ends the process even if something hangs.
        signal.setitimer(signal.ITIMER_REAL, stop_s_max)
        process.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    if isinstance(process, Reloading):
        loop.add_signal_handler(signal.SIGHUP, process.reload)
    telling = loop.create_task(_tell(service, process))
    try:
        await process.run()
    finally:
        telling.cancel()


async def _tell(service: ServiceManager, process: Process) -> None:
    """Tell the service manager that the process has started, and then that it is alive.

    The event loop sends the signs of life. So a process whose loop hangs is restarted.
    """
    await process.wait_started()
    service.ready()
    while True:
        service.alive(process.describe())
        await asyncio.sleep(service.watchdog_s / 3 or STATUS_S)


def _raise_file_limit() -> None:
    """Raise the limit of open files as far as the system permits."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
