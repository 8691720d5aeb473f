"""The guides list every key that the program has, and their links lead somewhere."""

import re
from pathlib import Path

import pytest
import yaml

from support.key_tables import GUIDE, tables, with_tables

TOP = GUIDE.parents[1]
PAGES = sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def test_the_guide_lists_every_key_with_its_default_and_its_meaning() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert text == with_tables(text), "docs/running.md is out of date: run `make docs`"


def test_a_table_that_is_out_of_date_is_replaced() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    rows = [row for table in tables().values() for row in table[2:]]
    stale = text.replace(f"{rows[0]}\n", "").replace(rows[-1], "| `old` | `1` | Gone. |")
    assert stale != text
    assert with_tables(stale) == text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_page_and_a_heading_that_exist(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        at = page if not name else page.parent / name
        assert at.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(at), f"{page.name} links to {target}"


def test_every_alert_names_what_to_do() -> None:
    text = (TOP / "packaging" / "monitoring" / "alerts.yaml").read_text(encoding="utf-8")
    for group in yaml.safe_load(text)["groups"]:
        for rule in group["rules"]:
            name, _, anchor = rule["annotations"]["runbook"].partition("#")
            assert anchor in anchors(TOP / name), rule["alert"]
