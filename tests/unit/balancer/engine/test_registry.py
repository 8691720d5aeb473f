"""A balancer listens to the nodes that belong, and to nobody who was removed."""

from roost.balancer.engine.registry import NodeRegistry
from roost.protocol.trunk import Registry


def registry(changed: int, *names: str) -> Registry:
    return Registry(changed, tuple((name, "") for name in names))


THREE = registry(10, "n1", "n2", "n3")
WITHOUT_TWO = registry(20, "n1", "n3")


def test_everybody_is_accepted_until_a_majority_says_who_belongs() -> None:
    one = NodeRegistry()
    assert not one.note("n1", THREE)
    assert not one.refusal("n9", "key")
    assert not one.names
    assert one.note("n3", THREE)
    assert list(one.names) == ["n1", "n2", "n3"]
    assert "'n9' does not belong to the cluster" in one.refusal("n9", "key")
    assert not one.refusal("n2", "key")


def test_a_removed_node_cannot_make_up_the_first_registry() -> None:
    one = NodeRegistry()
    lie = registry(10**12, "n2", "n8", "n9")
    for _ in range(5):
        assert not one.note("n2", lie)
    assert not one.note("n1", WITHOUT_TWO)
    assert one.note("n3", WITHOUT_TWO)
    assert one.refusal("n2", "key")


def test_a_node_that_belongs_brings_news_and_nobody_else_does() -> None:
    one = NodeRegistry()
    one.note("n1", THREE)
    one.note("n2", THREE)
    assert not one.note("n9", registry(99, "n9"))
    assert one.note("n1", WITHOUT_TWO)
    assert not one.note("n2", registry(99, "n1", "n2", "n3"))
    assert one.refusal("n2", "key")


def test_a_node_that_is_behind_changes_nothing() -> None:
    one = NodeRegistry()
    one.note("n1", WITHOUT_TWO)
    one.note("n3", WITHOUT_TWO)
    assert not one.note("n3", THREE)
    assert not one.note("n3", registry(0))
    assert one.names == ("n1", "n3")


def test_a_node_that_joined_again_must_have_its_new_key() -> None:
    one = NodeRegistry()
    one.note("n1", Registry(5, (("n1", "ab12"),)))
    assert not one.refusal("n1", "ab12")
    assert "the key of 'n1' has changed" in one.refusal("n1", "cd34")
