import itertools

import pytest

from roost.raft.quorum import committed_index, majority


@pytest.mark.parametrize("members", range(1, 9))
def test_two_majorities_share_a_member(members: int) -> None:
    assert 2 * majority(members) > members
    assert 2 * (majority(members) - 1) <= members


@pytest.mark.parametrize("members", range(1, 6))
def test_a_majority_has_the_committed_index_and_nothing_higher(members: int) -> None:
    for matches in itertools.product(range(4), repeat=members):
        index = committed_index(matches)
        assert sum(match >= index for match in matches) >= majority(members)
        assert sum(match > index for match in matches) < majority(members)
