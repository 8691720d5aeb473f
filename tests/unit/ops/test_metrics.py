"""Metrics are read only when they are scraped."""

from collections.abc import Iterable

from roost.ops.metrics import Reading, make_registry, render


class FakeNode:
    """A source of numbers that counts how often it is read."""

    def __init__(self) -> None:
        self.asked = 0
        self.sessions = 0

    def read(self) -> Iterable[Reading]:
        self.asked += 1
        yield Reading(
            name="roost_node_sessions", value=self.sessions, documentation="Clients served here."
        )
        for peer in ("n2", "n3"):
            yield Reading(
                name="roost_node_frames",
                value=7,
                documentation="Frames sent.",
                is_counter=True,
                labels={"peer": peer},
            )


def test_nothing_is_read_before_a_scrape() -> None:
    node = FakeNode()
    registry = make_registry(node.read)
    assert node.asked == 0
    render(registry)
    assert node.asked == 1


def test_a_scrape_shows_the_present_number() -> None:
    node = FakeNode()
    registry = make_registry(node.read)
    assert b"roost_node_sessions 0.0\n" in render(registry)[0]
    node.sessions = 12
    assert b"roost_node_sessions 12.0\n" in render(registry)[0]


def test_readings_of_one_name_make_one_family_with_labels() -> None:
    text = render(make_registry(FakeNode().read))[0].decode()
    assert text.count("# HELP roost_node_frames_total Frames sent.") == 1
    assert "# TYPE roost_node_frames_total counter" in text
    assert 'roost_node_frames_total{peer="n2"} 7.0' in text
    assert 'roost_node_frames_total{peer="n3"} 7.0' in text


def test_the_process_itself_is_measured_too() -> None:
    text = render(make_registry(tuple))[0].decode()
    assert "process_resident_memory_bytes" in text
