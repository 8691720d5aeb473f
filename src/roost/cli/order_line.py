"""A connection to a balancer's port for nodes, on which orders are given and answered in turn."""

import asyncio

from roost.cli.errors import UnreachableError, UsageError
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

CONNECT_S = 5.0
"""How long a balancer may take to accept a connection."""


class OrderLine:
    """A connection to one balancer."""

    def __init__(self) -> None:
        self._answers: asyncio.Queue[bytes | str] = asyncio.Queue()
        self._connection: FramedConnection | None = None

    async def open(self, address: str, cluster: str, credentials: Credentials) -> None:
        """Connect.

        Raises:
            UsageError: the credentials cannot be used.
            UnreachableError: nothing answers there, or it refuses the connection.
        """

        def take(connection: FramedConnection) -> "OrderLine":
            self._connection = connection
            return self

        try:
            host, port = parse_address(address)
            context = client_context(credentials)
            async with asyncio.timeout(CONNECT_S):
                await connect(host, port, context, take, admit(cluster, "balancer"))
        except CredentialsError as error:
            raise UsageError(str(error)) from error
        except (OSError, ValueError, WireError) as error:
            why = str(error) if isinstance(error, WireError) else describe_failure(error)
            raise UnreachableError(f"no balancer answers at {address}: {why}") from error

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._connection is not None:
            self._connection.close()

    def on_frame(self, body: bytes) -> None:
        self._answers.put_nowait(body)

    def on_closed(self, reason: str) -> None:
        self._answers.put_nowait(reason)

    async def exchange(self, order: bytes, answer_s: float) -> bytes:
        """Give an order, and return the answer.

        Raises:
            UnreachableError: the balancer is gone, or does not answer within `answer_s`.
        """
        assert self._connection is not None, "the line is not open"
        self._connection.send(order)
        try:
            async with asyncio.timeout(answer_s):
                got = await self._answers.get()
        except TimeoutError as error:
            raise UnreachableError("the balancer does not answer") from error
        if isinstance(got, str):
            raise UnreachableError(f"the balancer closed the connection: {got}")
        return got
