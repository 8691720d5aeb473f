"""A whole node: the engine, its driver, the disk, the mesh, the trunks, and HTTP.

    start   certificates -> disk -> mesh -> HTTP -> first turn -> trunks -> run file
    stop    clients moved elsewhere -> leadership handed over -> links closed -> disk flushed

Every long-lived part is a context of one task, so that nothing outlives the node. An unexpected
exception ends the process: what is durable stays durable, and the other nodes go on.
"""

import asyncio
import contextlib
import os
import random
import secrets
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import structlog

from roost import __version__, compiled
from roost.chat.versions import VERSION_MIN
from roost.node.archive import asking_archive
from roost.node.config import NodeConfig
from roost.node.driver import Driver
from roost.node.engine.config import EngineConfig
from roost.node.engine.engine import Engine
from roost.node.engine.inputs import Reconfigured
from roost.node.errors import FailedError, StartError
from roost.node.files import RunFile, save_drained, write_run_file
from roost.node.hashing import Hasher
from roost.node.http import NodeView, make_node_application
from roost.node.local import LocalServer
from roost.node.logs import asking_etcd, make_log
from roost.node.mail import Mailer
from roost.node.mesh import Mesh, MeshConfig
from roost.node.provider import DoWork, Provider, doing_work
from roost.node.pushing import Pusher
from roost.node.snapshotting import SnapshotMaker
from roost.node.store import DiskStore
from roost.node.trunks import Trunks
from roost.ops import clock
from roost.ops.http import serve as serve_http
from roost.ops.tuning import tune_process
from roost.protocol.trunk import PROTOCOL_VERSION, Hello, Neighbour
from roost.raft.config import Config as RaftConfig
from roost.storage.setting_aside import kept_aside, order_setting_aside
from roost.wire import CertificateWatch, CredentialsError, format_address

_logger = structlog.get_logger()

REMEMBERED_FILE = "neighbours.json"
DRAINED_FILE = "drained"


class Node:
    """One member of the cluster, as a process runs it."""

    def __init__(self, config: NodeConfig, reread: Callable[[], NodeConfig] | None = None) -> None:
        """`reread` reads the configuration again; it raises ValueError if it is not valid."""
        self._config = config
        self._reread = reread
        self._driver: Driver | None = None
        self._started = asyncio.Event()
        self._end = asyncio.Event()
        self._failure: BaseException | None = None
        self._is_stopping = False
        self._is_set_aside = False
        """Whether the node ends only to start anew, without the data that it has."""
        self._mesh: Mesh | None = None
        self._configurable: tuple[Provider, Pusher, Mailer] | None = None
        self._watch: CertificateWatch | None = None
        self._drained_file = config.data / DRAINED_FILE

    async def run(self) -> None:
        """Run until `stop` is called.

        Raises:
            StartError: the environment prevents the node from starting.
            FailedError: there is a bug.
        """
        asyncio.get_running_loop().set_exception_handler(self._receive_loop_error)
        try:
            await self._run()
            while self._is_set_aside and not self._is_stopping:
                # The data is moved when the directory is opened again.
                self._is_set_aside, self._end = False, asyncio.Event()
                await self._run()
        except StartError:
            raise
        except asyncio.CancelledError:
            if self._failure is None:
                raise
        except Exception as error:
            start_error = _find_start_error(error)
            if start_error is not None:
                raise start_error from error
            self._failure = self._failure or error
        if self._failure is not None:
            failure = _first_leaf(self._failure)
            _logger.critical("node-failed", error=repr(failure), exc_info=self._failure)
            raise FailedError(f"the node failed: {failure!r}") from self._failure

    def stop(self) -> None:
        """Have `run` shut down and return; call it on the loop's thread."""
        self._is_stopping = True
        self._end.set()

    async def wait_started(self) -> None:
        """Wait until the node takes part in the cluster, whether it is ready or not."""
        await self._started.wait()

    def describe(self) -> str:
        """Return one line about the node's state."""
        if self._driver is None:
            return "starting"
        status = self._driver.status()
        reason = f": {status.reason}" if status.reason else ""
        return f"{status.state}{reason}; {status.sessions} sessions"

    def reload(self) -> None:
        """Read certificates and configuration again; what is not valid stays as it is."""
        if self._watch is not None:
            self._watch.reload()
        if self._reread is None or self._driver is None:
            return
        try:
            config = self._reread()
        except ValueError as error:
            _logger.error("configuration-not-reloaded", reason=str(error))
            return
        self._driver.receive(Reconfigured(config.irc))
        if self._configurable is not None:
            provider, pusher, mailer = self._configurable
            provider.configure(config.irc.login)
            pusher.configure(config.irc.push)
            mailer.configure(config.irc.mail)
        _logger.info("configuration-reloaded")

    async def _run(self) -> None:
        config = self._config
        async with contextlib.AsyncExitStack() as stack:
            watch = await stack.enter_async_context(self._watching_certificates())
            store = await stack.enter_async_context(DiskStore.open(config))
            engine_config, now = self._engine_config(), clock.now()
            engine = Engine(
                engine_config,
                make_log(config, engine_config.raft, store, now),
                store.history_state,
                random.random,
                now,
                random_bytes=secrets.token_bytes,
                is_drained=self._drained_file.exists(),
            )
            do_work = stack.enter_context(self._doing_work())
            obey = (self._remember_drained, do_work, self.reload, store.remember_version)
            driver = self._driver = Driver(engine, *obey, self._set_aside)
            stack.callback(driver.end)
            around = (watch.server, watch.client, random.random, driver.pulse)
            mesh = self._mesh = Mesh(
                self._mesh_config(), driver.receive, lambda: engine.log.last_index, *around
            )
            trunks = Trunks(
                config.cluster,
                config.balancers,
                driver.receive,
                self._hello,
                self._learn,
                watch.client,
                random.random,
                lambda: watch.days,
                driver.pulse,
                watch.take,
            )
            with _start_errors(f"cannot listen on {config.mesh_host}:{config.mesh_port}"):
                await stack.enter_async_context(mesh.open())
            application = make_node_application(lambda: self._look(engine, driver, trunks))
            with _start_errors("HTTP"):
                http = serve_http(application, config.http_host, config.http_port)
                http_port = await stack.enter_async_context(http)
            tune_process()
            store.begin(driver.receive, self._fail)
            maker = SnapshotMaker(driver.receive)
            stack.callback(maker.close)
            ask_etcd = await stack.enter_async_context(asking_etcd(config.log, driver.receive))
            ask_archive = await stack.enter_async_context(asking_archive(config, driver.receive))
            parts = (store.obey, mesh.send, trunks.send, maker.make, trunks.congested, ask_etcd)
            driver.start(*parts, mesh.follow, ask_archive)
            await stack.enter_async_context(trunks.open())
            local = LocalServer(config, __version__, engine, driver, store)
            await stack.enter_async_context(local.open())
            await stack.enter_async_context(self._announced(http_port))
            await self._end.wait()
            if self._failure is None:
                await self._leave(driver, mesh)

    @contextlib.contextmanager
    def _doing_work(self) -> Iterator[DoWork]:
        """Have slow work done while the context lasts."""
        deliver = asyncio.get_running_loop().call_soon_threadsafe
        with (
            contextlib.closing(Hasher(deliver)) as hasher,
            contextlib.closing(Provider(self._config.irc.login, deliver)) as provider,
            contextlib.closing(Pusher(self._config.irc.push, deliver)) as pusher,
            contextlib.closing(Mailer(self._config.irc.mail, deliver)) as mailer,
        ):
            self._configurable = (provider, pusher, mailer)
            yield doing_work(hasher, provider, pusher, mailer)

    async def _leave(self, driver: Driver, mesh: Mesh) -> None:
        """Have other nodes take over what this one does, unless it is alone."""
        await driver.leave(self._config.leave_s, lambda: not mesh.linked)
        await driver.hand_over(lambda: not mesh.linked)
        driver.end()

    @contextlib.asynccontextmanager
    async def _watching_certificates(self) -> AsyncIterator[CertificateWatch]:
        """Read the certificates, and use new ones while the context lasts."""
        config = self._config
        with _start_errors("cannot use the certificates"):
            watch = CertificateWatch(config.credentials, config.identity, clock.utc_now)
        self._watch = watch
        async with watch.alive():
            yield watch

    @contextlib.asynccontextmanager
    async def _announced(self, http_port: int) -> AsyncIterator[None]:
        """Write the run file while the context lasts."""
        config = self._config
        mesh_address = self._hello().mesh_address
        http_address = format_address((config.http_host, http_port))
        if config.run_file is not None:
            content = RunFile(
                name=config.name,
                pid=os.getpid(),
                mesh_address=mesh_address,
                http_address=http_address,
            )
            with _start_errors(f"cannot write the run file {config.run_file}"):
                write_run_file(config.run_file, content)
        _logger.info(
            "started",
            mesh=mesh_address,
            http=http_address,
            cluster=config.cluster,
            code=compiled.describe(),
        )
        self._started.set()
        yield
        _logger.info("stopping")
        if config.run_file is not None:
            with contextlib.suppress(OSError):
                config.run_file.unlink()

    def _engine_config(self) -> EngineConfig:
        config = self._config
        return EngineConfig(
            raft=RaftConfig(name=config.name, members=config.members),
            irc=config.irc,
            settings=config.settings,
            clock_offset_ms_max=round(config.clock_offset_s_max * 1000),
            balancer_grace_s=config.balancer_grace_s,
            history_days=config.history.days,
            learner_days=config.history.learner_days,
            has_archive=config.history.has_archive,
            archive_days=config.history.archive_days,
            version_max=config.version_max,
            kept_aside=tuple(map(str, kept_aside(config.data))),
        )

    def _mesh_config(self) -> MeshConfig:
        config = self._config
        return MeshConfig(
            cluster=config.cluster,
            name=config.name,
            members=config.members,
            version=__version__,
            host=config.mesh_host,
            port=config.mesh_port,
            addresses=config.neighbours,
            remembered=config.data / REMEMBERED_FILE,
            speaks=(VERSION_MIN, config.version_max),
        )

    def _hello(self) -> Hello:
        config = self._config
        assert self._mesh is not None, "a greeting before the mesh listens"
        return Hello(
            protocol=PROTOCOL_VERSION,
            cluster=config.cluster,
            name=config.name,
            version=__version__,
            pid=os.getpid(),
            mesh_address=config.advertised_address(self._mesh.port),
            weight=config.weight,
            speaks=(VERSION_MIN, config.version_max),
        )

    def _learn(self, neighbours: tuple[Neighbour, ...]) -> None:
        assert self._mesh is not None, "an address before the mesh listens"
        for neighbour in neighbours:
            self._mesh.learn(neighbour.name, neighbour.mesh_address)

    def _remember_drained(self, is_drained: bool) -> None:
        save_drained(self._drained_file, is_drained)

    def _set_aside(self, reason: str) -> None:
        """End, and start anew without the data; an order that is not durable ends the process."""
        try:
            directory = order_setting_aside(self._config.data, reason)
        except OSError as error:
            self._fail(error)
            return
        _logger.error("setting-aside", directory=str(directory), reason=reason)
        self._is_set_aside = True
        self._end.set()

    def _look(self, engine: Engine, driver: Driver, trunks: Trunks) -> NodeView:
        return NodeView(
            cluster=self._config.cluster,
            name=self._config.name,
            pid=os.getpid(),
            version=__version__,
            status=engine.status(),
            driver=driver.statistics(),
            log=engine.log.statistics(),
            balancers=trunks.linked,
            certificate_days=self._watch.days if self._watch is not None else 0,
            kept_aside=len(kept_aside(self._config.data)),
        )

    def _receive_loop_error(
        self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        """End the process after an exception in our code.

        Links handle errors of their sockets. An error within the event loop's own code costs a
        connection at most, which heartbeats find out.
        """
        error = context.get("exception")
        if error is None or isinstance(error, OSError):
            _logger.debug("loop", message=context.get("message"), error=repr(error))
        elif _is_of_the_loop(error):
            _logger.error("loop", message=context.get("message"), error=repr(error))
        else:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._end.set()


@contextlib.contextmanager
def _start_errors(what: str) -> Iterator[None]:
    """Raise errors of the environment as start errors that name what was tried."""
    try:
        yield
    except CredentialsError as error:
        raise StartError(str(error)) from error
    except OSError as error:
        raise StartError(f"{what}: {error.strerror or error}") from error


def _find_start_error(error: BaseException) -> StartError | None:
    """Return the start error in an exception group, if there is one."""
    if isinstance(error, StartError):
        return error
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            found = _find_start_error(inner)
            if found is not None:
                return found
    return None


def _first_leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _is_of_the_loop(error: BaseException) -> bool:
    """Return whether an error arose and was caught within the event loop's own code."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    packages = {str(frame.f_globals.get("__name__")).partition(".")[0] for frame in frames}
    return bool(packages) and packages <= {"asyncio", "uvloop"}
