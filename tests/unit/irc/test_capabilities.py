"""The table of capabilities: no two rows share a bit or a name."""

import pytest

from roost.irc.capabilities import NAMES, Capability, CapabilityTable, names_of


def test_every_capability_has_one_name_and_one_bit() -> None:
    assert sorted([*NAMES.values(), Capability.CAP_302]) == sorted(Capability)
    assert [row.value for row in Capability] == [1 << bit for bit in range(len(Capability))]
    assert list(NAMES) == sorted(NAMES)
    assert names_of(Capability.BATCH | Capability.SERVER_TIME) == ("batch", "server-time")


def test_bits_on_disk_keep_their_meaning() -> None:
    assert Capability.MESSAGE_TAGS == 1 << 0
    assert Capability.RESUME == 1 << 16
    assert Capability.MULTILINE == 1 << 21
    assert Capability.SEARCH == 1 << 29
    assert Capability.CAP_302 == 1 << 30


def test_two_rows_with_one_bit_fail_at_import() -> None:
    with pytest.raises(AssertionError, match="two capabilities have bit 3"):

        class Broken(CapabilityTable):
            ONE = 3, "one"
            OTHER = 3, "other"


def test_two_rows_with_one_name_fail_at_import() -> None:
    with pytest.raises(AssertionError, match="two capabilities are named 'one'"):

        class Broken(CapabilityTable):
            ONE = 3, "one"
            OTHER = 4, "one"
