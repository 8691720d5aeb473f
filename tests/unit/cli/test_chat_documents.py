"""What the page of the client says is true."""

from pathlib import Path

from roost.client.tui.keys import NAMES

PAGE = Path(__file__).parents[3] / "docs" / "chat.md"


def test_the_page_names_every_key_that_can_be_changed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in text] == []
