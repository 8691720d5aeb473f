"""Nodes begin at different moments, and each always at the same."""

from itertools import pairwise

from roost.node.engine.phase import phase_of


def test_nodes_in_sequence_are_far_apart() -> None:
    for names in (("n1", "n2", "n3"), ("node-7", "node-8", "node-9"), ("eu", "us", "as")):
        phases = sorted(map(phase_of, names))
        assert all(0 <= phase < 1 for phase in phases)
        assert min(later - earlier for earlier, later in pairwise(phases)) > 0.1


def test_one_without_a_name_has_a_phase() -> None:
    assert phase_of("") == 0.0
