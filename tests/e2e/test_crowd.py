"""A crowd enters one room at once while a node dies, and everybody is served."""

from collections.abc import Callable

from support.cluster import Cluster
from support.crowd import Crowd
from support.dialling import plain
from support.loops import run

PEOPLE = 1500
KILLED_AFTER = 100
"""Answers after which a node is killed."""
SERVED_S_MAX = 60.0
"""Far more than the seconds that it takes; without any answer to a crowd it would be for ever."""


def test_a_crowd_that_enters_a_room_while_a_node_dies_is_served(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster()
    run(scenario(cluster))


async def scenario(cluster: Cluster) -> None:
    crowd = Crowd()
    try:
        await crowd.register(plain(*cluster.address), PEOPLE)
        crowd.ask(b"JOIN #crowd\r\n", b" 366 ")
        await crowd.wait_answered(KILLED_AFTER, SERVED_S_MAX)
        cluster.kill("n1")
        await crowd.wait_answered(PEOPLE, SERVED_S_MAX)
        crowd.ask(b"PING still-there\r\n", b"still-there")
        await crowd.wait_answered(PEOPLE, SERVED_S_MAX)
    finally:
        await crowd.leave()
    assert "frame-too-long" not in cluster.log()
