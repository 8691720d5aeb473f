"""`roost drain` and `roost undrain`: an operator's orders to a node, by way of a balancer.

    command --Order--> balancer --Drain--> node --Status--> all balancers, which move its clients
            <-Answer-- asked again and again, until nobody is left

Who may order is a matter of certificates: the one in the cluster's `operator` directory.
"""

import asyncio
from collections.abc import Callable

import msgspec

from roost.cli.cluster import CONFIG_FILE, DEFAULT_DATA, OPERATOR
from roost.cli.configuration import read_config
from roost.cli.errors import CommandError, UnreachableError, UsageError
from roost.cli.flags import OperatorFlags
from roost.ops import clock
from roost.protocol.codec import FrameError
from roost.protocol.orders import PROTOCOL_VERSION, Answer, Order, decode_answer, encode
from roost.wire import (
    Credentials,
    CredentialsError,
    FramedConnection,
    WireError,
    admit,
    client_context,
    connect,
    parse_address,
)
from roost.wire.tls import describe_failure

ANSWER_S = 5.0
"""How long a balancer may take to answer; it has nothing to wait for."""
POLL_S = 0.1
SAY_S = 1.0
"""Between two lines about how far it is."""
NOTED_S = 5.0
"""How long a node may take to say that it does as it was told; twice a reconnection's time."""


class OperatorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator's file holds."""

    cluster: str
    balancers: tuple[str, ...]
    """HOST:PORT of the balancers' trunk listeners."""
    credentials: Credentials


def load_operator(flags: OperatorFlags) -> OperatorConfig:
    """Read an operator's file: the one given, or that of a cluster's data directory.

    Raises:
        UsageError: there is none, or it cannot be used.
    """
    file = flags.config or (flags.data or DEFAULT_DATA) / OPERATOR / CONFIG_FILE
    if not file.exists():
        raise UsageError(
            f"there is no operator's certificate: {file} does not exist. `roost up` makes it in "
            "its data directory (--data), `roost init` makes one to be copied (--config)"
        )
    found = read_config(OperatorConfig, file)
    for path in (found.credentials.certificate, found.credentials.key):
        if not path.exists():
            raise UsageError(f"there is no operator's certificate: {path} does not exist")
    return found


def drain(config: OperatorConfig, node: str, *, is_waiting: bool) -> None:
    """Have a node drained, and wait until it serves nobody, if wanted.

    Raises:
        CommandError: nobody could be asked, or the order cannot be carried out.
    """
    asyncio.run(_drain(config, node, is_waiting=is_waiting))


def undrain(config: OperatorConfig, node: str) -> None:
    """Have a node serve again.

    Raises:
        CommandError: nobody could be asked, or the order cannot be carried out.
    """
    asyncio.run(_undrain(config, node))


async def _drain(config: OperatorConfig, node: str, *, is_waiting: bool) -> None:
    line, answer = await _order(config, node, is_drained=True)
    if not is_waiting:
        _say(f"{node} is being drained; it serves {_clients(answer.sessions)} at the moment.")
        return
    answer = await line.wait(node, lambda answer: answer.state == "draining")
    said_at, said = clock.monotonic(), answer.sessions
    while answer.sessions:
        now = clock.monotonic()
        if now - said_at >= SAY_S and (said != answer.sessions or not answer.others_ready):
            said_at, said = now, answer.sessions
            waiting = "" if answer.others_ready else "; no other node is ready to take them"
            _say(f"{node} still serves {_clients(answer.sessions)}{waiting} ...")
        await asyncio.sleep(POLL_S)
        answer = await line.ask(Order(PROTOCOL_VERSION, node, None))
    _say(f"{node} is drained: it serves nobody, and gets nobody until `roost undrain {node}`.")


async def _undrain(config: OperatorConfig, node: str) -> None:
    line, _ = await _order(config, node, is_drained=False)
    answer = await line.wait(node, lambda answer: answer.state != "draining")
    why = f" ({answer.reason})" if answer.reason else ""
    _say(f"{node} may serve again; it is {answer.state}{why}.")


class _Line:
    """A connection to one balancer."""

    def __init__(self) -> None:
        self._answers: asyncio.Queue[bytes | str] = asyncio.Queue()
        self._connection: FramedConnection | None = None

    async def open(self, config: OperatorConfig, address: str) -> None:
        """Connect.

        Raises:
            UnreachableError: nobody answers there, or somebody who does not want us.
        """

        def take(connection: FramedConnection) -> "_Line":
            self._connection = connection
            return self

        try:
            host, port = parse_address(address)
            context = client_context(config.credentials)
            async with asyncio.timeout(ANSWER_S):
                await connect(host, port, context, take, admit(config.cluster, "balancer"))
        except CredentialsError as error:
            raise UsageError(str(error)) from error
        except (OSError, ValueError, WireError) as error:
            why = str(error) if isinstance(error, WireError) else describe_failure(error)
            raise UnreachableError(f"no balancer answers at {address}: {why}") from error

    def on_frame(self, body: bytes) -> None:
        """Take an answer."""
        self._answers.put_nowait(body)

    def on_closed(self, reason: str) -> None:
        """The balancer is gone."""
        self._answers.put_nowait(reason)

    async def ask(self, order: Order) -> Answer:
        """Send an order, and wait for the answer.

        Raises:
            UnreachableError: the balancer is gone, or speaks another language.
            CommandError: the order could not be passed on.
        """
        assert self._connection is not None, "the line is not open"
        self._connection.send(encode(order))
        try:
            async with asyncio.timeout(ANSWER_S):
                got = await self._answers.get()
        except TimeoutError as error:
            raise UnreachableError("the balancer does not answer") from error
        if isinstance(got, str):
            raise UnreachableError(f"the balancer closed the connection: {got}")
        try:
            answer = decode_answer(got)
        except FrameError as error:
            raise UnreachableError(f"the balancer cannot be understood: {error}") from error
        if answer.problem:
            raise CommandError(answer.problem)
        return answer

    async def wait(self, node: str, is_noted: Callable[[Answer], bool]) -> Answer:
        """Wait until the node says that it does as it was told.

        Raises:
            CommandError: it does not.
        """
        deadline = clock.monotonic() + NOTED_S
        while True:
            answer = await self.ask(Order(PROTOCOL_VERSION, node, None))
            if is_noted(answer):
                return answer
            if clock.monotonic() > deadline:
                why = f" ({answer.reason})" if answer.reason else ""
                raise CommandError(
                    f"{node} was told, and is {answer.state}{why}; see `roost status`"
                )
            await asyncio.sleep(POLL_S)


async def _order(config: OperatorConfig, node: str, *, is_drained: bool) -> tuple[_Line, Answer]:
    """Give the order to the first balancer that can pass it on."""
    problem: CommandError = UnreachableError("the operator's file names no balancer")
    for address in config.balancers:
        line = _Line()
        try:
            await line.open(config, address)
            return line, await line.ask(Order(PROTOCOL_VERSION, node, is_drained))
        except UsageError:
            raise
        except CommandError as error:
            # One that answers knows more than one that does not.
            if not isinstance(error, UnreachableError) or isinstance(problem, UnreachableError):
                problem = error
    raise problem


def _clients(count: int) -> str:
    return "1 client" if count == 1 else f"{count} clients"


def _say(text: str) -> None:
    print(text, flush=True)
