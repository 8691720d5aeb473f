"""Groups that change while nodes crash, lose disks and are cut off; the harness checks Figure 3."""

import random

import pytest

from roost.raft.messages import Configuration, HardState
from support.raft_cluster import CALM, Cluster, Faults, Node

FAULTS = Faults(loss=0.02, doubling=0.03, delay_s=(0.0002, 0.01), fsync_s=(0.0005, 0.01))
CLOSE = 10
"""A learner that lacks fewer entries than this is promoted."""


class Chaos:
    """Random proposals, changes of the group, and faults."""

    def __init__(self, seed: int, snapshot_every: int) -> None:
        self.chance = random.Random(-seed - 1)
        self.cluster = Cluster(3, seed, FAULTS, snapshot_every, snapshot_chunk_bytes=300)
        self.asked = self.changes = 0
        self.lost_disk: Node | None = None

    def run(self, steps: int) -> None:
        cluster = self.cluster.start()
        for _ in range(steps):
            cluster.run(self.chance.uniform(0.0, 0.1))
            for _ in range(self.chance.randint(0, 4)):
                self.asked += 1
                cluster.propose(self.chance.choice(cluster.names), b"c%d" % self.asked)
            if self.chance.random() < 0.3:
                self.changes += self.change()
            if self.chance.random() < 0.06:
                self.disturb()
            if self.chance.random() < 0.06:
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

    def change(self) -> bool:
        """Do what an operator, or the cluster itself, might do next."""
        cluster = self.cluster
        leader = cluster.leader()
        if leader is None:
            return False
        voters, learners = leader.up.configuration.voters, leader.up.configuration.learners
        outside = [name for name in cluster.names if name not in voters + learners]
        what = self.chance.randrange(6)
        if what == 0 and len(cluster.names) < 7:
            learners += (cluster.add().name,)
        elif what == 1 and outside:
            name = self.chance.choice(outside)
            node = cluster.nodes[name]
            if self.chance.random() < 0.5:
                # The name comes back with a new disk.
                node.crash()
                node.disk = type(node.disk)()
                node.disk.hard_state = HardState(is_amnesiac=True)
                node.start()
            learners += (name,)
        elif what in (2, 3) and learners:
            name = self.chance.choice(learners)
            node = cluster.nodes[name]
            is_close = node.replica and node.up.last_index >= leader.up.commit_index - CLOSE
            if not is_close or not node.up.is_sound:
                return False
            voters += (name,)
            learners = tuple(other for other in learners if other != name)
        elif what == 4 and learners:
            name = self.chance.choice(learners)
            learners = tuple(other for other in learners if other != name)
        elif what == 5 and len(voters) > 3:
            name = self.chance.choice(voters)
            voters = tuple(other for other in voters if other != name)
            nodes = [cluster.nodes[other] for other in voters]
            up = [node for node in nodes if node.replica is not None and node.up.is_sound]
            if len(up) <= len(voters) // 2:
                return False
            if self.chance.random() < 0.7:
                learners += (name,)
        return cluster.change(voters, learners)

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
        elif what == 3:
            self.lose(node)
        elif node.replica is None:
            node.start()
        else:
            node.crash()

    def lose(self, node: Node) -> None:
        """Lose the disk, or the end of the log, of one voter at a time."""
        lost = self.lost_disk
        # Less than three voters cannot make a loss good.
        if lost is not None and (lost.replica is None or lost.up.statistics().is_barred):
            return
        self.lost_disk = node
        node.crash()
        if self.chance.random() < 0.5 and node.disk.entries:
            node.disk.cut(self.chance.choice(node.disk.entries).index)
        else:
            node.lose_disk()


@pytest.mark.parametrize("seed", range(12))
def test_changing_groups_keep_one_log_under_faults(seed: int) -> None:
    Chaos(seed, snapshot_every=20 if seed % 2 else 0).run(200)


def test_a_group_grows_from_three_to_seven_and_shrinks_again() -> None:
    cluster = Cluster(3, 1, snapshot_every=10).start()
    cluster.wait_leader()
    voters, learners = ["n1", "n2", "n3"], []
    for number in range(4, 8):
        assert cluster.add().name == f"n{number}"
        learners.append(f"n{number}")
        cluster.must_change(voters, learners)
        cluster.settle()
        if number < 6:
            newcomer = cluster.nodes[learners[0]]
            cluster.run_until(lambda newcomer=newcomer: newcomer.up.is_sound, 5.0)  # type: ignore[misc]
            voters.append(learners.pop(0))
            cluster.must_change(voters, learners)
    assert len(voters) == 5
    for name in ("n1", "n2", "n3", "n4"):
        cluster.must_change([n for n in voters if n != name], learners)
        voters.remove(name)
        cluster.wait_leader()
        if learners:
            newcomer = cluster.nodes[learners[-1]]
            cluster.run_until(lambda newcomer=newcomer: newcomer.up.is_sound, 5.0)  # type: ignore[misc]
            voters.append(learners.pop())
            cluster.must_change(voters, learners)
    assert cluster.wait_leader().up.configuration == Configuration(("n5", "n7", "n6"))
    cluster.settle()


def test_learners_are_sent_committed_entries_only() -> None:
    cluster = Cluster(3, 2).start()
    leader = cluster.wait_leader()
    newcomer = cluster.add()
    cluster.must_change(cluster.founders, [newcomer.name])
    cluster.settle()
    others = [name for name in cluster.founders if name != leader.name]
    for name in others:
        cluster.cut |= {tuple(sorted((leader.name, name)))}  # type: ignore[arg-type]
    cluster.propose(leader.name, b"never committed")
    cluster.run(0.4)
    assert newcomer.up.last_index < leader.up.last_index
    assert newcomer.up.commit_index == newcomer.up.last_index


def test_a_learner_writes_nothing_before_it_votes_and_then_everything() -> None:
    cluster = Cluster(3, 3).start()
    cluster.wait_leader()
    newcomer = cluster.add()
    cluster.must_change(cluster.founders, [newcomer.name])
    cluster.settle()
    assert newcomer.up.commit_index > 2
    assert newcomer.disk.entries == []
    cluster.must_change((*cluster.founders, newcomer.name))
    cluster.settle()
    assert len(newcomer.disk.entries) == newcomer.up.last_index


def test_a_learner_asks_another_source_when_its_own_dies() -> None:
    cluster = Cluster(3, 4).start()
    leader = cluster.wait_leader()
    newcomer = cluster.add()
    cluster.must_change(cluster.founders, [newcomer.name])
    cluster.run_until(lambda: newcomer.up.source == leader.name, 1.0)
    cluster.run_until(lambda: newcomer.up.is_sound, 5.0)
    cluster.run_until(lambda: newcomer.up.source not in ("", leader.name), 0.2)
    source = newcomer.up.source
    cluster.nodes[source].crash()
    cluster.run_until(lambda: newcomer.up.source not in ("", source), 0.1)
    cluster.propose(leader.name, b"after")
    cluster.run_until(lambda: newcomer.applied[-1:] == [b"after"], 0.1)


def test_a_learner_leaves_a_source_that_is_out_of_touch_with_the_leader() -> None:
    cluster = Cluster(3, 5).start()
    leader = cluster.wait_leader()
    newcomer = cluster.add()
    cluster.must_change(cluster.founders, [newcomer.name])
    cluster.run_until(lambda: newcomer.up.is_sound, 5.0)
    cluster.run_until(lambda: newcomer.up.source not in ("", leader.name), 0.2)
    source = newcomer.up.source
    for name in cluster.founders:
        if name != source:
            cluster.cut |= {tuple(sorted((source, name)))}  # type: ignore[arg-type]
    cluster.run(2.0)
    assert newcomer.up.source != source
    assert newcomer.up.is_in_touch
    cluster.propose(leader.name, b"after")
    cluster.run_until(lambda: newcomer.applied[-1:] == [b"after"], 0.1)


def test_a_removed_node_that_does_not_know_learns_it_and_disturbs_nobody() -> None:
    cluster = Cluster(3, 6).start()
    leader = cluster.wait_leader()
    removed = next(name for name in cluster.founders if name != leader.name)
    cluster.nodes[removed].crash()
    cluster.must_change([name for name in cluster.founders if name != removed])
    term = leader.up.term
    cluster.nodes[removed].start()
    assert cluster.nodes[removed].up.is_voter, "its disk says so"
    cluster.run(4.0)
    assert not cluster.nodes[removed].up.is_voter
    assert leader.up.term == term
    assert leader.up.is_leader


def test_the_only_source_left_is_the_leader() -> None:
    cluster = Cluster(1, 7).start()
    cluster.wait_leader()
    newcomer = cluster.add()
    cluster.must_change(["n1"], ["n2"])
    cluster.settle()
    assert newcomer.up.source == "n1"
    cluster.run_until(lambda: newcomer.up.is_sound, 5.0)
    cluster.must_change(["n1", "n2"])
    cluster.settle()
    cluster.must_change(["n2"])
    cluster.run(0.1)
    assert cluster.wait_leader().name == "n2"


def test_under_load_a_learner_is_woken_every_ten_milliseconds() -> None:
    cluster = Cluster(3, 8).start()
    leader = cluster.wait_leader()
    newcomer = cluster.add()
    cluster.must_change(cluster.founders, [newcomer.name])
    cluster.settle()
    counts: list[int] = []
    for number in range(1000):
        cluster.propose(leader.name, b"%d" % number)
        cluster.run(0.001)
        if newcomer.up.commit_index not in counts:
            counts.append(newcomer.up.commit_index)
    assert 50 <= len(counts) <= 101


def test_a_lost_disk_is_made_good_although_the_files_members_are_gone() -> None:
    cluster = Cluster(3, 9, snapshot_every=10).start()
    leader = cluster.wait_leader()
    newcomer = cluster.add()
    cluster.must_change(cluster.founders, [newcomer.name])
    cluster.run_until(lambda: newcomer.up.is_sound, 5.0)
    cluster.must_change((*cluster.founders, newcomer.name))
    removed, kept = (name for name in cluster.founders if name != leader.name)
    cluster.must_change((leader.name, kept, newcomer.name))
    cluster.nodes[removed].crash()
    victim = cluster.nodes[kept]
    victim.lose_disk()
    victim.start()
    cluster.run_until(lambda: victim.up.is_sound, 5.0)
    assert victim.up.configuration == Configuration((leader.name, kept, newcomer.name))
