"""Requests that change the cluster, through any balancer, until one is known to be settled.

A request has an id, so repeating it is harmless: the log carries it out once.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence

from roost.chat.commands.administration import Administration
from roost.chat.versions import VERSION_MIN
from roost.cli.errors import CommandError, UnreachableError
from roost.cli.order_line import OrderLine
from roost.ops import clock
from roost.protocol.codec import FrameError
from roost.protocol.orders import (
    PROTOCOL_VERSION,
    AdministerAnswer,
    AdministerOrder,
    decode_administer_answer,
    encode,
)
from roost.wire import Credentials

ANSWER_S = 5.0
"""How long to wait for one balancer's answer: an election and a few commits."""
SETTLE_S = 30.0
"""How long to go on asking: a cluster that has no leader by then needs people."""
PAUSE_S = 0.3
REQUEST_BYTES = 12
OLD_BALANCER = "a balancer of an older release hangs up on this request: upgrade balancers first"


def administer(
    cluster: str, balancers: Sequence[str], credentials: Credentials, operation: Administration
) -> bytes:
    """Have the cluster carry out a request; return the answer's data.

    Raises:
        CommandError: it was refused; the text says why.
        UnreachableError: nobody could be asked, or it is not known what became of it.
    """
    request = secrets.token_hex(REQUEST_BYTES)
    order = encode(AdministerOrder(PROTOCOL_VERSION, request, operation))
    try:
        return asyncio.run(settle(cluster, balancers, credentials, order))
    except UnreachableError as error:
        if type(operation).SINCE == VERSION_MIN:
            raise
        raise UnreachableError(f"{error} ({OLD_BALANCER})") from error


async def settle(
    cluster: str,
    balancers: Sequence[str],
    credentials: Credentials,
    order: bytes,
    *,
    patience_s: float = SETTLE_S,
    say: Callable[[str], None] | None = None,
) -> bytes:
    """Give an order to one balancer after the other until one has settled it; return the data.

    `say` is told, once, that it takes longer.

    Raises:
        CommandError: it was refused.
        UnreachableError: nobody has settled it within `patience_s`.
    """
    deadline = clock.monotonic() + patience_s
    problem = "the operator's file lists no balancer"
    while True:
        for address in balancers:
            try:
                answer = await _ask(address, cluster, credentials, order)
            except UnreachableError as error:
                problem = str(error)
                continue
            if not answer.is_unsettled:
                if answer.problem:
                    raise CommandError(answer.problem)
                return answer.data
            problem = answer.problem
        if clock.monotonic() >= deadline:
            raise UnreachableError(f"the cluster has not confirmed this: {problem}")
        if say is not None:
            say(problem)
            say = None
        await asyncio.sleep(PAUSE_S)


async def _ask(
    address: str, cluster: str, credentials: Credentials, order: bytes
) -> AdministerAnswer:
    line = OrderLine()
    await line.open(address, cluster, credentials)
    try:
        return decode_administer_answer(await line.exchange(order, ANSWER_S))
    except FrameError as error:
        raise UnreachableError(f"the balancer cannot be understood: {error}") from error
    finally:
        line.close()
