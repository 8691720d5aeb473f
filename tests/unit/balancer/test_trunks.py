"""Nodes that announce themselves, and those that break the protocol, over real links."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from roost.protocol.trunk import (
    Attach,
    Refusal,
    Registry,
)
from roost.wire import RefusedPeerError
from support.loops import run, wait_until
from unit.balancer.fakes import hello, status
from unit.balancer.running import RunningBalancer, run_balancer


def test_a_frame_that_cannot_be_read_costs_a_node_its_link(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            with capture_logs() as logs:
                node.connection.send(b"\xc1 this is no frame")
                await wait_until(lambda: node.closed and here.node_state("n1") == "down")
            (log,) = [log for log in logs if log["event"] == "trunk-misused"]
            assert (log["node"], log["log_level"]) == ("n1", "error")
            assert "cannot be read" in log["reason"]

    run(scenario())


@pytest.mark.parametrize(
    ("announcement", "reason"),
    [
        (hello("n1", cluster="other"), "it belongs to cluster 'other', not to 'test'"),
        (hello("n1", protocol=9), "it speaks version 9 of the protocol, we speak 4"),
        (hello("n2"), "it calls itself 'n2', its certificate says 'n1'"),
        (status(), "it did not announce itself first"),
    ],
)
def test_a_wrong_announcement_is_refused(tmp_path: Path, announcement: object, reason: str) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            with capture_logs() as logs:
                node = await here.link("n1")
                node.say(announcement)  # type: ignore[arg-type]
                await wait_until(lambda: node.closed)
            (log,) = [log for log in logs if log["event"] == "peer-refused"]
            assert log["reason"] == reason
            assert not here.balancer.statistics().nodes
            # Whoever refuses says so, and whoever is refused is told.
            assert here.balancer.statistics().problems == (f"n1 is refused: {reason}",)
            if reason.startswith("it did not announce"):
                return
            assert node.seen(Refusal) == [Refusal(reason)]
            await here.node("n1")
            assert not here.balancer.statistics().problems

    run(scenario())


def test_certificates_of_balancers_and_other_clusters_are_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        foreign = tmp_path / "foreign"
        async with run_balancer(tmp_path) as here:
            with capture_logs() as logs:
                node = await here.link("x1", role="balancer")
                await wait_until(lambda: node.closed)
                stranger = RunningBalancer(foreign, here.balancer, here.clock)
                await stranger.open()
                with pytest.raises(RefusedPeerError):
                    await stranger.link("n1")
            assert any(log["event"] == "peer-refused" for log in logs)
            assert not here.balancer.statistics().nodes

    run(scenario())


def test_a_second_node_of_the_same_name_is_refused_and_the_first_stays(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            first = await here.node("n1")
            second = await here.link("n1")
            second.say(hello("n1"))
            await wait_until(lambda: second.closed)
            assert not first.closed
            assert here.node_state("n1") == "ready"

    run(scenario())


def test_a_peer_that_does_not_announce_itself_is_dropped(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.link("n1")
            await here.sweep_until(lambda: node.closed, 0.5)

    run(scenario())


def test_a_node_that_does_not_answer_is_dropped(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            hung, well = await here.node("n1"), await here.node("n2")
            hung.is_answering = False
            for step in range(8):
                here.clock.monotonic += 0.4
                pings = well.pings
                here.balancer.sweep()
                if step % 2:
                    # It is probed because it does not report.
                    await wait_until(lambda pings=pings: well.pings > pings)  # type: ignore[misc]
            await wait_until(lambda: here.node_state("n1") == "down")
            assert here.node_state("n2") == "ready"
            for _ in range(3):
                await here.client()
            assert len(await well.next(Attach, 3)) == 3
            assert not hung.seen(Attach)

    run(scenario())


def test_a_removed_node_is_told_and_refused_and_its_clients_go_on(tmp_path: Path) -> None:
    both = Registry(5, (("n1", ""), ("n2", "")))

    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            first = await here.node("n1")
            client, _ = await here.registered(first)
            second = await here.node("n2")
            first.say(both)
            second.say(both)
            await wait_until(lambda: here.balancer.statistics().members == ("n1", "n2"))
            second.say(Registry(9, (("n2", ""),)))
            (attach,) = await second.next(Attach)
            await wait_until(lambda: first.closed)
            assert attach.generation == 2
            (told,) = first.seen(Refusal)
            assert "'n1' does not belong to the cluster" in told.reason
            assert [node.name for node in here.balancer.statistics().nodes] == ["n2"]
            again = await here.link("n1")
            again.say(hello("n1"))
            await wait_until(lambda: again.closed)
            assert "does not belong" in again.seen(Refusal)[0].reason
            assert not client.reader.at_eof()

    run(scenario())


def test_a_node_that_joined_again_needs_its_new_key(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            node.say(Registry(5, (("n1", "of another machine"),)))
            await wait_until(lambda: node.closed)
            assert "the key of 'n1' has changed" in node.seen(Refusal)[0].reason

    run(scenario())
