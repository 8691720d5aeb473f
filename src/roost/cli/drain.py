"""`roost drain` and `roost undrain`: an operator's orders to a node, through a balancer.

    command --Order--> balancer --Drain--> node --Status--> all balancers, which move its clients
            <-Answer-- asked repeatedly until no client is left

The balancer accepts orders only with the certificate in the cluster's `operator` directory.
"""

import asyncio
from collections.abc import Callable

import msgspec

from roost.cli.cluster import CONFIG_FILE, DEFAULT_DATA, OPERATOR
from roost.cli.configuration import read_config
from roost.cli.errors import CommandError, UnreachableError, UsageError
from roost.cli.flags import OperatorFlags
from roost.cli.order_line import OrderLine
from roost.ops import clock
from roost.protocol.codec import FrameError
from roost.protocol.orders import PROTOCOL_VERSION, Answer, Order, decode_answer, encode
from roost.wire import Credentials

ANSWER_S = 5.0
"""How long a balancer may take to answer. It answers at once."""
POLL_S = 0.1
SAY_S = 1.0
"""Between two lines about progress."""
NOTED_S = 5.0
"""How long a node may take to report that it obeys: twice the time of a reconnection."""


class OperatorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contents of an operator's file."""

    cluster: str
    balancers: tuple[str, ...]
    """HOST:PORT of the balancers' trunk listeners."""
    credentials: Credentials


def load_operator(flags: OperatorFlags) -> OperatorConfig:
    """Read an operator's file: the given one, or that of a cluster's data directory.

    Raises:
        UsageError: it does not exist or cannot be used.
    """
    file = flags.config or (flags.data or DEFAULT_DATA) / OPERATOR / CONFIG_FILE
    if not file.exists():
        raise UsageError(
            f"there is no operator's certificate: {file} does not exist. Give the data directory "
            "of `roost up` with --data, or the file that `roost init` wrote with --config"
        )
    found = read_config(OperatorConfig, file)
    for path in (found.credentials.certificate, found.credentials.key):
        if not path.exists():
            raise UsageError(f"there is no operator's certificate: {path} does not exist")
    return found


def drain(config: OperatorConfig, node: str, *, is_waiting: bool) -> None:
    """Drain a node; if `is_waiting`, wait until it has no clients.

    Raises:
        CommandError: no balancer answers, or the order cannot be carried out.
    """
    asyncio.run(_drain(config, node, is_waiting=is_waiting))


def undrain(config: OperatorConfig, node: str) -> None:
    """Let a node serve clients again.

    Raises:
        CommandError: no balancer answers, or the order cannot be carried out.
    """
    asyncio.run(_undrain(config, node))


def wait_ready(config: OperatorConfig, node: str, patience_s: float) -> bool:
    """Wait until a node is ready; return whether it is within `patience_s`."""
    return asyncio.run(_wait_ready(config, node, clock.monotonic() + patience_s))


async def _wait_ready(config: OperatorConfig, node: str, deadline: float) -> bool:
    while clock.monotonic() < deadline:
        try:
            line, answer = await _order(config, node, is_drained=None)
            line.close()
            if answer.state == "ready":
                return True
        except CommandError:
            pass  # It has not come yet, or no balancer can be asked just now.
        await asyncio.sleep(SAY_S)
    return False


async def _drain(config: OperatorConfig, node: str, *, is_waiting: bool) -> None:
    line, answer = await _order(config, node, is_drained=True)
    if not is_waiting:
        _say(f"{node} is being drained; it still serves {_clients(answer.sessions)}.")
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
    _say(f"{node} is drained. It gets no clients until `roost undrain {node}`.")


async def _undrain(config: OperatorConfig, node: str) -> None:
    line, _ = await _order(config, node, is_drained=False)
    answer = await line.wait(node, lambda answer: answer.state != "draining")
    why = f" ({answer.reason})" if answer.reason else ""
    _say(f"{node} may serve clients again; it is {answer.state}{why}.")


class _Line(OrderLine):
    """A connection to one balancer."""

    async def ask(self, order: Order) -> Answer:
        """Send an order, and return the answer.

        Raises:
            UnreachableError: the balancer is gone, or its answer cannot be read.
            CommandError: the balancer could not pass the order on.
        """
        try:
            answer = decode_answer(await self.exchange(encode(order), ANSWER_S))
        except FrameError as error:
            raise UnreachableError(f"the balancer cannot be understood: {error}") from error
        if answer.problem:
            raise CommandError(answer.problem)
        return answer

    async def wait(self, node: str, is_noted: Callable[[Answer], bool]) -> Answer:
        """Wait until the node reports that it obeys.

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
                    f"{node} got the order but is still {answer.state}{why}; see `roost status`"
                )
            await asyncio.sleep(POLL_S)


async def _order(
    config: OperatorConfig, node: str, *, is_drained: bool | None
) -> tuple[_Line, Answer]:
    """Send the order to the first balancer that can pass it on."""
    problem: CommandError = UnreachableError("the operator's file lists no balancer")
    for address in config.balancers:
        line = _Line()
        try:
            await line.open(address, config.cluster, config.credentials)
            return line, await line.ask(Order(PROTOCOL_VERSION, node, is_drained))
        except UsageError:
            raise
        except CommandError as error:
            # A balancer that answers knows more than one that does not.
            if not isinstance(error, UnreachableError) or isinstance(problem, UnreachableError):
                problem = error
    raise problem


def _clients(count: int) -> str:
    return "1 client" if count == 1 else f"{count} clients"


def _say(text: str) -> None:
    print(text, flush=True)
