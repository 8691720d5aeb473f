"""The operators' guide lists every key that the program has."""

from support.key_tables import GUIDE, tables, with_tables


def test_the_guide_lists_every_key_with_its_default_and_its_meaning() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert text == with_tables(text), "docs/running.md is out of date: run `make docs`"


def test_a_table_that_is_out_of_date_is_replaced() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    rows = [row for table in tables().values() for row in table[2:]]
    stale = text.replace(f"{rows[0]}\n", "").replace(rows[-1], "| `old` | `1` | Gone. |")
    assert stale != text
    assert with_tables(stale) == text
