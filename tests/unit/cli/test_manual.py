"""Manual pages and completion come from the definitions of the commands."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from roost.cli.main import app
from roost.cli.manual import SHELLS, completion_script, write_pages

DAY = dt.date(2026, 1, 31)


def test_every_command_has_a_page_that_man_can_show(tmp_path: Path) -> None:
    pages = write_pages(app, tmp_path, DAY)
    names = {page.stem for page in pages}
    assert {"roost", "roost-up", "roost-node", "roost-config-check"} <= names
    assert "roost-man-pages" not in names
    done = subprocess.run(
        ["man", "--warnings", "-l", *pages],
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C.UTF-8", "MANWIDTH": "100", "PATH": "/usr/bin:/bin", "TERM": "dumb"},
    )
    assert not done.stderr
    assert "--log-level LEVEL" in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_gets_a_script(shell: str) -> None:
    script = completion_script(shell)
    assert f"_ROOST_COMPLETE=complete_{shell}" in script


@pytest.mark.parametrize(
    ("typed", "found"), [("roost st", "status"), ("roost tail --f", "--follow")]
)
def test_what_is_typed_is_completed(typed: str, found: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "roost.cli"],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "COMP_WORDS": typed,
            "COMP_CWORD": str(typed.count(" ")),
            "_ROOST_COMPLETE": "complete_bash",
        },
    )
    assert found in done.stdout.splitlines()
