"""Whole clusters under random faults, while the harness checks Figure 3."""

import random

import pytest

from support.raft_cluster import CALM, Cluster, Faults, Node

FAULTS = Faults(loss=0.02, doubling=0.03, delay_s=(0.0002, 0.01), fsync_s=(0.0005, 0.01))
GHOSTS = Faults(loss=0.02, doubling=0.1, delay_s=(0.0002, 0.3), has_ghosts=True)


class Chaos:
    """Random proposals and faults, and a record of the proposals."""

    def __init__(
        self, seed: int, size: int, snapshot_every: int = 0, faults: Faults = FAULTS
    ) -> None:
        self.chance = random.Random(-seed - 1)
        self.cluster = Cluster(size, seed, faults, snapshot_every, snapshot_chunk_bytes=300)
        self.asked = 0
        self.lost_disk: Node | None = None

    def run(self, steps: int) -> None:
        cluster = self.cluster
        cluster.start()
        for _ in range(steps):
            cluster.run(self.chance.uniform(0.0, 0.1))
            for _ in range(self.chance.randint(0, 4)):
                self.asked += 1
                cluster.propose(self.chance.choice(cluster.names), b"c%d" % self.asked)
            if self.chance.random() < 0.06:
                self.disturb()
            if self.chance.random() < 0.05:
                self.mend()
        cluster.faults = CALM
        self.mend()
        cluster.run(0.5)
        cluster.settle(20.0)
        cluster.check_logs()
        cluster.check_times()
        histories = [node.applied for node in cluster.nodes.values()]
        assert all(history == histories[0] for history in histories)
        assert len(histories[0]) > 10, "hardly anything happened: the run shows nothing"

    def mend(self) -> None:
        for node in self.cluster.nodes.values():
            if node.replica is None:
                node.start()
        self.cluster.heal()

    def disturb(self) -> None:
        cluster = self.cluster
        leader = cluster.leader()
        node = cluster.nodes[self.chance.choice(cluster.names)]
        if leader is not None and self.chance.random() < 0.5:
            node = leader
        what = self.chance.randrange(8)
        if what <= 1:
            side = [name for name in cluster.names if self.chance.random() < 0.4]
            cluster.partition(side, is_noticed=self.chance.random() < 0.5)
        elif what == 2:
            node.step(lambda replica, now: replica.transfer_leadership(None, now))
        elif what == 3 and not cluster.faults.has_ghosts:
            self.lose(node)
        elif node.replica is None:
            node.start()
        else:
            node.crash()

    def lose(self, node: Node) -> None:
        """Lose the disk, or the end of the log, of one node at a time."""
        if self.lost_disk is not None and (
            self.lost_disk.replica is None or self.lost_disk.up.statistics().is_barred
        ):
            return
        self.lost_disk = node
        node.crash()
        if self.chance.random() < 0.5 and node.disk.entries:
            node.disk.cut(self.chance.choice(node.disk.entries).index)
        else:
            node.lose_disk()


@pytest.mark.parametrize("seed", range(20))
def test_three_members_keep_one_log_under_faults(seed: int) -> None:
    Chaos(seed, 3, snapshot_every=20 if seed % 2 else 0).run(150)


@pytest.mark.parametrize("seed", range(100, 110))
def test_five_members_keep_one_log_under_faults(seed: int) -> None:
    Chaos(seed, 5, snapshot_every=20 if seed % 2 else 0).run(100)


@pytest.mark.parametrize("seed", range(200, 205))
def test_four_members_keep_one_log_under_faults(seed: int) -> None:
    Chaos(seed, 4, snapshot_every=0).run(100)


@pytest.mark.parametrize("seed", range(300, 315))
def test_messages_that_outlive_their_links_do_no_harm(seed: int) -> None:
    Chaos(seed, 3, snapshot_every=20 if seed % 2 else 0, faults=GHOSTS).run(150)
