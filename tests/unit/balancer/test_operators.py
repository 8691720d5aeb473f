"""Operators may drain nodes and change the cluster, newcomers redeem their tokens; nobody else."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from roost.balancer.certificates import TlsFiles
from roost.chat.commands.administration import IssueToken, RedeemToken
from roost.cli.drain import OperatorConfig
from roost.cli.renew import send
from roost.protocol.codec import FrameError
from roost.protocol.orders import (
    PROTOCOL_VERSION,
    AdministerAnswer,
    AdministerOrder,
    Answer,
    Order,
    RedeemOrder,
    RenewOrder,
    decode_administer_answer,
    decode_answer,
    encode,
)
from roost.protocol.trunk import Ask, Drain, NewCertificate, Told, Welcome
from roost.wire import FramedConnection, Role, admit, client_context, connect, parse_address
from roost.wire.authority import ensure_authority, ensure_door_certificate
from support.credentials import NOW, issue
from support.loops import run, wait_until
from support.tls_files import self_signed
from unit.balancer.fakes import status
from unit.balancer.running import RunningBalancer, run_balancer

ISSUE = IssueToken("t1", "n4", "host", 60_000, b"sealed")


class Operator:
    """An operator's end of the connection, or a newcomer's."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.outcomes: list[AdministerAnswer] = []
        self.closed: list[str] = []
        self.connection: FramedConnection | None = None

    def on_frame(self, body: bytes) -> None:
        try:
            self.outcomes.append(decode_administer_answer(body))
        except FrameError:
            self.answers.append(decode_answer(body))

    def on_closed(self, reason: str) -> None:
        self.closed.append(reason)

    async def ask(self, order: Order | RenewOrder) -> Answer:
        assert self.connection is not None
        self.connection.send(encode(order))
        count = len(self.answers)
        await wait_until(lambda: len(self.answers) > count)
        return self.answers[-1]

    async def request(self, order: AdministerOrder | RedeemOrder | Order) -> None:
        assert self.connection is not None
        self.connection.send(encode(order))

    async def outcome(self) -> AdministerAnswer:
        await wait_until(lambda: self.outcomes)
        return self.outcomes.pop()


async def connect_operator(
    here: RunningBalancer, name: str = "olga", role: Role = "operator"
) -> Operator:
    operator = Operator()

    def take(connection: FramedConnection) -> Operator:
        operator.connection = connection
        return operator

    host, port = parse_address(here.addresses.trunk_address)
    context = client_context(issue(here.directory, name, role))
    await connect(host, port, context, take, admit("test", "balancer"))
    return operator


@pytest.mark.parametrize("is_wanted", [True, False])
def test_an_order_reaches_the_node_that_it_names(tmp_path: Path, is_wanted: bool) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            first, second = await here.node("n1"), await here.node("n2")
            second.say(status(sessions=7))
            operator = await connect_operator(here)
            await operator.ask(Order(1, "n2", is_wanted))
            assert await second.next(Drain) == [Drain(is_wanted)]
            assert not first.seen(Drain)
            second.say(status("draining", "drained by an operator", sessions=5))
            await wait_until(lambda: here.node_state("n2") == "draining")
            assert await operator.ask(Order(1, "n2", None)) == Answer(
                state="draining", reason="drained by an operator", sessions=5, others_ready=1
            )
            assert not second.seen(Drain)

    run(scenario())


def test_an_order_that_cannot_be_passed_on_says_why(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            operator = await connect_operator(here)
            answer = await operator.ask(Order(1, "n9", True))
            assert answer.problem == "b1 knows no node n9; it knows none at all"
            await here.node("n1")
            second = await here.node("n2")
            answer = await operator.ask(Order(1, "n9", True))
            assert answer.problem == "b1 knows no node n9; it knows n1, n2"
            second.connection.abort()
            await wait_until(lambda: here.node_state("n2") == "down")
            answer = await operator.ask(Order(1, "n2", True))
            assert answer.problem == "n2 is not connected to b1"
            answer = await operator.ask(Order(99, "n1", True))
            assert "speaks version 1" in answer.problem

    run(scenario())


def test_an_unreadable_order_only_closes_its_connection(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            operator = await connect_operator(here)
            assert operator.connection is not None
            operator.connection.send(b"\xc1")
            await wait_until(lambda: operator.closed)
            assert not node.closed

    run(scenario())


def test_a_request_of_a_newer_release_is_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            operator = await connect_operator(here)
            assert operator.connection is not None
            operator.connection.send(msgspec.msgpack.encode([203, PROTOCOL_VERSION, "r", [999]]))
            outcome = await operator.outcome()
            assert outcome.problem == (
                "b1 does not know this request, so it is of an older release: upgrade it first"
            )
            assert not operator.closed

    run(scenario())


def test_a_node_cannot_give_orders(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node, other = await here.node("n1"), await here.link("n2")
            other.connection.send(encode(Order(1, "n1", True)))
            await wait_until(lambda: other.closed)
            assert not node.seen(Drain)
            assert not other.seen(Welcome)

    run(scenario())


def test_a_request_reaches_a_node_and_its_outcome_the_operator(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            operator = await connect_operator(here)
            await operator.request(AdministerOrder(PROTOCOL_VERSION, "r", ISSUE))
            assert await node.next(Ask) == [Ask(1, "r", ISSUE)]
            node.say(Told(1, "a problem"))
            assert await operator.outcome() == AdministerAnswer("a problem")

    run(scenario())


def test_a_newcomer_redeems_the_token_of_its_certificate_and_no_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            newcomer = await connect_operator(here, "t1", "newcomer")
            await newcomer.request(RedeemOrder(PROTOCOL_VERSION, "r", "mine"))
            assert await node.next(Ask) == [Ask(1, "t1/r", RedeemToken("t1", "mine"))]
            node.say(Told(1, "", b"sealed"))
            assert await newcomer.outcome() == AdministerAnswer("", b"sealed")

    run(scenario())


@pytest.mark.parametrize(
    "order", [Order(1, "n1", True), AdministerOrder(PROTOCOL_VERSION, "r", ISSUE)]
)
def test_a_newcomer_can_do_nothing_else(tmp_path: Path, order: Order | AdministerOrder) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            newcomer = await connect_operator(here, "t1", "newcomer")
            await newcomer.request(order)
            await wait_until(lambda: newcomer.closed)
            assert not node.seen(Drain)
            assert not node.seen(Ask)

    run(scenario())


def test_requests_that_no_command_of_ours_makes_are_refused(tmp_path: Path) -> None:
    redeem = RedeemToken("t1", "mine")

    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            operator = await connect_operator(here)
            for order, why in (
                (AdministerOrder(99, "r", ISSUE), "version"),
                (AdministerOrder(PROTOCOL_VERSION, "", ISSUE), "its id"),
                (AdministerOrder(PROTOCOL_VERSION, "r" * 99, ISSUE), "its id"),
                (AdministerOrder(PROTOCOL_VERSION, "r", redeem), "only the token's holder"),
            ):
                await operator.request(order)
                assert why in (await operator.outcome()).problem
            assert not node.seen(Ask)

    run(scenario())


def test_a_request_whose_node_dies_is_unsettled(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            operator = await connect_operator(here)
            await operator.request(AdministerOrder(PROTOCOL_VERSION, "r", ISSUE))
            await node.next(Ask)
            node.connection.abort()
            assert (await operator.outcome()).is_unsettled

    run(scenario())


def test_a_renewed_certificate_is_passed_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            operator = await connect_operator(here)
            assert operator.connection is not None
            operator.connection.send(encode(RenewOrder(PROTOCOL_VERSION, "n1", b"pem")))
            assert await node.next(NewCertificate) == [NewCertificate(b"pem")]
            operator.connection.send(encode(RenewOrder(PROTOCOL_VERSION, "n9", b"pem")))
            await wait_until(lambda: len(operator.answers) == 2)
            assert not operator.answers[0].problem
            assert "knows no node n9" in operator.answers[1].problem

    run(scenario())


def renewed(certificate: Path, make: Callable[[], object]) -> bytes:
    """Return what `make` makes in place of a certificate, which stays as it is."""
    old = certificate.read_bytes()
    certificate.unlink()
    make()
    new = certificate.read_bytes()
    certificate.write_bytes(old)
    assert new != old
    return new


def test_a_balancer_uses_its_own_renewed_certificate_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            path = tmp_path / "balancer-b1.pem"
            new = renewed(path, lambda: issue(tmp_path, "b1", "balancer", days=600))
            credentials = issue(tmp_path, "olga", "operator")
            operator = OperatorConfig(
                cluster="test", balancers=(here.addresses.trunk_address,), credentials=credentials
            )
            (days,) = here.balancer.statistics().certificate_days.values()
            assert days < 366
            order = RenewOrder(PROTOCOL_VERSION, "b1", new + b"# and what does not belong there")
            assert await send(operator, order, days + 600 - 365)
            assert path.read_bytes() == new
            assert here.balancer.statistics().certificate_days == {"cluster": days + 600 - 365}
            assert not node.closed
            await here.node("n2")

    run(scenario())


def test_a_balancer_takes_no_certificate_that_is_no_renewal_of_its_own(tmp_path: Path) -> None:
    other = issue(tmp_path / "other", "b1", "balancer", days=900).certificate.read_bytes()
    foreign = issue(tmp_path, "b2", "balancer", days=900).certificate.read_bytes()

    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            operator = await connect_operator(here)
            old = (tmp_path / "balancer-b1.pem").read_bytes()
            for order, why in (
                (RenewOrder(PROTOCOL_VERSION, "b1", other), "authority did not issue it"),
                (RenewOrder(PROTOCOL_VERSION, "b1", foreign), "not for roost://test/balancer/b1"),
                (RenewOrder(PROTOCOL_VERSION, "b1", b"x"), "not a certificate in PEM form"),
                (RenewOrder(99, "b1", old), "speaks version"),
                (RenewOrder(PROTOCOL_VERSION, "b1", old, True), "no certificate for clients"),
            ):
                assert why in (await operator.ask(order)).problem
            assert (tmp_path / "balancer-b1.pem").read_bytes() == old

    run(scenario())


def test_what_clients_are_shown_is_renewed_if_the_cluster_issued_it(tmp_path: Path) -> None:
    authority = ensure_authority(tmp_path, "test", now=NOW)

    def make(days_ago: int = 0, host: str = "chat.example.org") -> object:
        now = NOW - dt.timedelta(days=days_ago)
        return ensure_door_certificate(authority, tmp_path, now=now, hosts=[host])

    make(300)
    files = TlsFiles(certificate=tmp_path / "clients.pem", key=tmp_path / "clients-key.pem")
    own = self_signed(tmp_path, "own")

    async def scenario() -> None:
        path = tmp_path / "clients.pem"
        elsewhere = renewed(path, lambda: make(0, "other.example.org"))
        new = renewed(path, lambda: make(100))
        async with run_balancer(tmp_path, tls=files, tls_port=0) as here:
            operator = await connect_operator(here)
            order = RenewOrder(PROTOCOL_VERSION, "b1", elsewhere, True)
            assert (await operator.ask(order)).problem == "it is for other names"
            process = issue(tmp_path, "b1", "balancer").certificate.read_bytes()
            order = RenewOrder(PROTOCOL_VERSION, "b1", process, True)
            assert (await operator.ask(order)).problem == "it is not for clients"
            assert (await operator.ask(RenewOrder(PROTOCOL_VERSION, "b1", new, True))) == Answer(
                certificate_days=here.balancer.statistics().certificate_days["clients"]
            )
            assert path.read_bytes() == new
            days = here.balancer.statistics().certificate_days["clients"]
            path.unlink()
            make()
            order = RenewOrder(PROTOCOL_VERSION, "b1", path.read_bytes(), True)
            assert (await operator.ask(order)).certificate_days == days + 100, "it is there already"
        async with run_balancer(tmp_path, tls=own, tls_port=0) as here:
            operator = await connect_operator(here)
            answer = await operator.ask(RenewOrder(PROTOCOL_VERSION, "b1", new, True))
            assert "renew it where it comes from" in answer.problem

    run(scenario())
