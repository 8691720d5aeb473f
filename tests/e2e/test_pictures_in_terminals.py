"""Pictures in terminals that answer as kitty, as iTerm2 (sixel) and as tmux do."""

import contextlib
import http.server
import io
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from support.cluster import Cluster
from support.pseudo_terminal import (
    PseudoTerminal,
    kitty_pictures,
    kitty_placements,
    kitty_rows,
    sixel_pictures,
)
from support.tmux import Terminal

RED, GREEN = (200, 30, 60), (10, 200, 40)
SLOW_S = 0.3
"""As over a slow line."""
KITTY = b"\x1b[?62;52;c"
ITERM2 = b"\x1b[?64;1;2;4;6;17;18;21;22c"
CHOOSE_AND_OPEN = (b"\x1b[1;5A", b"o")


@contextlib.contextmanager
def served_picture() -> Iterator[tuple[str, list[str]]]:
    """Serve a picture, red with a green half; yield its address and the paths that were asked."""
    picture = Image.new("RGB", (120, 80), RED)
    picture.paste(GREEN, (60, 0, 120, 80))
    data = io.BytesIO()
    picture.save(data, "PNG")
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(data.getvalue())

        def log_request(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def command(cluster: Cluster, nick: str) -> list[str]:
    address = "{}:{}".format(*cluster.address)
    arguments = ("chat", address, "--nick", nick, "--room", "#pictures")
    return [sys.executable, "-m", "roost.cli", *arguments]


def make_home(path: Path, *, pictures: bool) -> dict[str, str]:
    settings = path / ".config" / "roost" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("pictures = true\n" if pictures else "")
    return {"HOME": str(path), "COLORTERM": "truecolor"}


def is_like_the_picture(picture: Image.Image) -> bool:
    left = picture.getpixel((picture.width // 4, picture.height // 2))
    right = picture.getpixel((picture.width * 3 // 4, picture.height // 2))
    return (left, right) == (RED, GREEN)


def check_kitty(terminal: PseudoTerminal) -> tuple[int, int]:
    """Check what kitty is given to draw; return the size of the picture in cells."""
    terminal.wait_until(lambda: kitty_rows(terminal.text), "picture in kitty's protocol")
    ((number, picture),) = kitty_pictures(terminal.output).items()
    columns, rows = kitty_placements(terminal.output)[number]
    assert is_like_the_picture(picture)
    assert kitty_rows(terminal.text) == {number % 2**24: set(range(10))}
    assert picture.size == (columns * terminal.cell_width, rows * terminal.cell_height)
    assert not sixel_pictures(terminal.output)
    return columns, rows


def check_sixel(terminal: PseudoTerminal, size: tuple[int, int]) -> None:
    terminal.wait_until(lambda: sixel_pictures(terminal.output), "picture in sixel")
    (width, height), colours = sixel_pictures(terminal.output)[0]
    assert (width // terminal.cell_width, height // terminal.cell_height) == size
    assert {(78, 11, 24), (4, 78, 15)} <= colours
    assert not kitty_pictures(terminal.output)


def test_each_terminal_gets_pictures_in_its_own_way_and_only_if_the_user_wants_them(
    cluster: Cluster, tmp_path: Path
) -> None:
    homes = [make_home(tmp_path / name, pictures=True) for name in ("kitty", "iterm", "tmux")]
    off = make_home(tmp_path / "off", pictures=False)
    with (
        served_picture() as (address, asked),
        PseudoTerminal(
            command(cluster, "kate"),
            environment=homes[0],
            attributes=KITTY,
            has_graphics=True,
            delay_s=SLOW_S,
        ) as kitty,
        PseudoTerminal(
            command(cluster, "ivan"),
            environment=homes[1],
            attributes=ITERM2,
            has_graphics=True,
            delay_s=SLOW_S,
        ) as iterm,
        Terminal(command(cluster, "tom"), environment=homes[2], width=100, height=30) as tmux,
        PseudoTerminal(
            command(cluster, "olaf"), environment=off, attributes=KITTY, has_graphics=True
        ) as plain,
        cluster.client("bob") as bob,
    ):
        for terminal in (kitty, iterm, plain):
            terminal.wait_for("You joined")
        tmux.wait_for("You joined")
        title = tmux.title()
        bob.register().join("#pictures")
        bob.say("#pictures", f"look: {address}/a.png")
        for terminal in (kitty, iterm, plain):
            terminal.wait_for("a.png")
        tmux.wait_for("a.png")
        assert asked == []
        assert plain.questions == []
        # A link is one for the terminal, too (OSC 8).
        assert re.search(rf"\x1b\]8;[^;]*;{address}/a\.png\x1b", plain.text)

        for terminal in (kitty, iterm):
            terminal.press(*CHOOSE_AND_OPEN, until="Escape closes this")
        tmux.press("C-Up")
        tmux.wait_for("Enter: menu")
        tmux.press("o")

        size = check_kitty(kitty)
        check_sixel(iterm, size)

        tmux.wait_for("\u2580" * 20)
        assert "38;2;200;30;60" in tmux.screen(styles=True)
        assert tmux.title() == title
        assert asked == ["/a.png"] * 3

        for terminal in (kitty, iterm):
            assert len(terminal.questions) == 2
            assert "OK" not in terminal.text
