"""A token is given to one machine, whoever dies while several ask for it again and again."""

from collections.abc import Callable

import pytest

from roost.chat.commands.administration import Administration, IssueToken, RedeemToken
from simulation.test_cluster import SEEDS, seeds
from support.simulation.asking import SimulatedAsker
from support.simulation.cluster import Faults, SimulatedCluster

TOKENS = ("t1", "t2", "t3")
CLAIMS = ("a", "b", "c")
FAULTS = Faults(
    loss=0.01, crashes=0.5, partitions=0.2, freezes=0.2, clock_jumps=0.2, balancer_crashes=0.3
)


class Machines:
    """Machines that all have the same tokens."""

    def __init__(self, cluster: SimulatedCluster) -> None:
        self.askers: dict[tuple[str, str], SimulatedAsker] = {}
        self.issued: list[SimulatedAsker] = []
        self._cluster = cluster

    def issue(self, token: str) -> None:
        """Issue a token for a node of the same name, which every machine then tries to use."""
        operation = IssueToken(token, token, "host", 3_600_000, token.encode())
        self.issued.append(self._ask(f"issue {token}", operation, lambda: self._redeem(token)))

    def _redeem(self, token: str) -> None:
        for claim in CLAIMS:
            asker = self._ask(f"{token} {claim}", RedeemToken(token, claim))
            self.askers[token, claim] = asker

    def _ask(
        self, request: str, operation: Administration, settled: Callable[[], None] = lambda: None
    ) -> SimulatedAsker:
        world, balancers = self._cluster.world, self._cluster.balancers
        return SimulatedAsker(world, balancers, request, operation, settled)

    def are_settled(self) -> bool:
        return len(self.askers) == len(TOKENS) * len(CLAIMS) and all(
            asker.answer is not None for asker in self.askers.values()
        )


@pytest.mark.parametrize("seed", seeds()[: max(2, SEEDS // 3)])
def test_one_machine_gets_what_a_token_was_issued_for(seed: int) -> None:
    cluster = SimulatedCluster(
        seed, faults=FAULTS, balancers=1 + seed % 2, snapshot_entries=60, retained_entries=40
    )
    cluster.wait_ready()
    cluster.start_people()
    machines = Machines(cluster)
    cluster.start_faults()
    for token in TOKENS:
        machines.issue(token)
        cluster.world.run(3.0)
    cluster.stop_faults()
    cluster.world.run_until(machines.are_settled, 30.0, "every machine has an answer")
    cluster.settle()
    state = cluster.newest_state()
    for token in TOKENS:
        answers = {claim: machines.askers[token, claim].answer for claim in CLAIMS}
        winners = [claim for claim, answer in answers.items() if answer and not answer.problem]
        assert len(winners) == 1, answers
        for claim, answer in answers.items():
            assert answer is not None
            assert answer.data == (token.encode() if claim in winners else b"")
            assert claim in winners or "another machine used this token" in answer.problem
        assert state.join_tokens[token].claim == winners[0]
        assert token in state.nodes
    assert not any(asker.answer is None or asker.answer.problem for asker in machines.issued)
