"""Checks that nobody who hung up stays while there is service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.simulation.cluster import SimulatedCluster

GHOST_S_MAX = 3.5
"""How long somebody who hung up may be seen while others are served: a node that is cut off is
given up after 1.1 s, one that is silent after 2 s, and a lost entry is asked for again. Time in
which a link of the leader stalls is not counted: one stall may follow another. Neither is the time
that it takes to give up a node that is cut off from etcd, if it is to say that somebody is gone."""
CUT_S = 2.2
"""A node that is cut off from etcd says so after 1.5 s, and is given up after 0.5 s more."""
STALL_S = 0.2
LOOK_S = 0.1


def watch_departures(cluster: SimulatedCluster, *, while_: Callable[[], bool]) -> None:
    """See to it that nobody who hung up stays although there is service all the time."""
    ghosts: dict[int, int] = {}
    world = cluster.world

    def look() -> None:
        if not while_():
            return
        is_served = _is_served(cluster)
        has_engine = any(node.engine is not None for node in cluster.nodes.values())
        sessions = cluster.newest_state().sessions if has_engine else {}
        is_stalled = any(
            node.engine is not None
            and node.engine.log.is_in_charge
            and cluster.network.is_stalled(name, STALL_S)
            for name, node in cluster.nodes.items()
        )
        for client in cluster.clients:
            number = client.session.id
            if not (client.has_hung_up and number in sessions and is_served):
                ghosts.pop(number, None)
                continue
            is_excused = is_stalled or _is_with_a_cut_node(cluster, number)
            ghosts[number] = ghosts.get(number, 0) + (not is_excused)
            assert ghosts[number] * LOOK_S < GHOST_S_MAX, (
                f"seed {world.seed} at {world.now:.4f}: {client.name} hung up, and "
                f"is still there after {GHOST_S_MAX} s of service"
            )
        world.at(LOOK_S, look)

    look()


def _is_with_a_cut_node(cluster: SimulatedCluster, session: int) -> bool:
    """Tell whether the node that is to end a session cannot, and was not given up yet."""
    etcd = cluster.etcd
    return etcd is not None and any(
        session in node.detaches and etcd.was_cut_off_lately(node.name, CUT_S)
        for balancer in cluster.balancers
        for node in balancer.exchange.pool
    )


def _is_served(cluster: SimulatedCluster) -> bool:
    """Tell whether lines can take effect: what a frozen node last said of itself is no help."""
    able = [
        name
        for name, node in cluster.nodes.items()
        if node.engine is not None and not node.is_frozen and node.engine.log.status().fault is None
    ]
    etcd = cluster.etcd
    is_majority = len(able) * 2 > len(cluster.nodes) if etcd is None else etcd.is_available
    return is_majority and all(
        any(node.name in able for node in balancer.ready_nodes()) for balancer in cluster.balancers
    )
