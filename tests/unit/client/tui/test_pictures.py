"""Pictures: only if the user wants them, and within limits."""

import io
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image

from roost.client import pictures
from roost.client.pictures import PictureError, decode, load
from roost.client.tui.graphics import Inquiry, Means, fit
from roost.client.tui.screens.picture import is_picture
from support.chat_interface import open_interface, run_async
from support.fake_irc_network import Network

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def png(width: int = 40, height: int = 20) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(data, "PNG")
    return data.getvalue()


async def serve(handler: Handler) -> TestServer:
    application = web.Application()
    application.router.add_get("/{name:.*}", handler)
    server = TestServer(application)
    await server.start_server()
    return server


async def picture(_: web.Request) -> web.StreamResponse:
    return web.Response(body=png(400, 100), content_type="image/png")


def test_a_large_picture_is_made_small_and_what_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert decode(png(3200, 1600)).size == (1600, 800)
    with pytest.raises(PictureError, match="damaged"):
        decode(b"GIF89a nonsense")
    monkeypatch.setattr(pictures, "PIXELS_MAX", 100)
    with pytest.raises(PictureError, match="40 x 20 pixels"):
        decode(png())


def test_links_to_pictures_are_told_by_their_end() -> None:
    assert is_picture("https://x.org/a/b.PNG?size=1")
    for url in ("https://x.org/a.html", "ftp://x/a.png", "https://x.org/?a.png", "http://[x/a.png"):
        assert not is_picture(url)


def test_what_cannot_be_loaded_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        if request.path == "/none.png":
            raise web.HTTPNotFound
        kind = "text/html" if request.path == "/page.png" else "image/png"
        return web.Response(body=b"x" * 2000, content_type=kind)

    monkeypatch.setattr(pictures, "BYTES_MAX", 1000)

    async def scenario() -> None:
        server = await serve(page)
        for path, words in (
            ("/none.png", "The server answered 404"),
            ("/page.png", "no picture, but text/html"),
            ("/big.png", "more than"),
        ):
            with pytest.raises(PictureError, match=words):
                await load(str(server.make_url(path)))
        await server.close()
        with pytest.raises(PictureError, match="cannot be loaded"):
            await load("http://127.0.0.1:9/x.png")

    run_async(scenario())


def test_a_picture_is_shown_when_its_link_is_opened_and_only_if_that_is_wanted() -> None:
    asked: list[str] = []

    async def note(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return await picture(request)

    async def scenario() -> None:
        server = await serve(note)
        network = Network()
        network.say("bob", f"look: {server.make_url('/a.png')}")
        async with open_interface(network) as ui:
            await ui.see("look:", "You joined")
            await ui.pilot.press("ctrl+up", "up", "enter")
            assert "Show the picture" not in await ui.see("Copy the text")
            await ui.pilot.press("escape")
            assert asked == []
            ui.host.preferences.shows_pictures = True
            await ui.pilot.press("ctrl+up", "up", "o")
            await ui.see("Picture", "a.png")
            await ui.wait(lambda: asked == ["/a.png"])
            await ui.see_none("Loading")
            shown = await ui.see("\u2580" * 66)
            assert sum("\u2580" * 66 in line for line in shown.splitlines()) > 5
            await ui.pilot.resize_terminal(60, 20)
            await ui.see_none("\u2580" * 54)
            await ui.see("\u2580" * 30)
            await ui.pilot.resize_terminal(80, 24)
            await ui.pilot.press("escape")
            await ui.see("look:")
        await server.close()

    run_async(scenario())


KITTY = "\x1b_Gi=1;OK\x1b\\\x1b[6;20;10t\x1b[?62;52;c"
OLD_KITTY = "\x1b[6;20;10t\x1b[?62;c"
GHOSTTY = "\x1b_Gi=1;OK\x1b\\\x1b[6;20;10t\x1b[?62;22c"
WEZTERM = "\x1b_Gi=1;OK\x1b\\\x1b[6;20;10t\x1b[?65;4;6;18;22c"
XTERM = "\x1b[?63;1;2;4;6;9;15;16;22;28c"
TMUX = "\x1b[?1;2c"


@pytest.mark.parametrize(
    ("answers", "means"),
    [
        (KITTY, Means.KITTY),
        (GHOSTTY, Means.KITTY),
        (OLD_KITTY, Means.BLOCKS),
        ("\x1b_Gi=1;ENOTSUPPORTED\x1b\\" + OLD_KITTY, Means.BLOCKS),
        (WEZTERM, Means.SIXEL),
        (XTERM, Means.SIXEL),
        (TMUX, Means.BLOCKS),
    ],
)
def test_a_terminal_says_how_it_shows_pictures_while_the_user_types(
    answers: str, means: Means
) -> None:
    for cut in range(len(answers) + 1):
        inquiry = Inquiry(is_multiplexed=False)
        typed = inquiry.receive("a\x1b[A" + answers[:cut])
        typed += inquiry.receive(answers[cut:] + "b\x1b")
        assert typed == "a\x1b[Ab\x1b", cut
        assert inquiry.means is means
        assert inquiry.is_over
        assert inquiry.cell_size == ((10, 20) if "[6;" in answers else None)
        # What looks like an answer later is none.
        assert inquiry.receive(TMUX) == TMUX


def test_keys_that_begin_like_an_answer_are_typed_in_the_end() -> None:
    inquiry = Inquiry(is_multiplexed=False)
    assert inquiry.receive("x\x1b") == "x"
    assert inquiry.flush() == "\x1b"
    assert inquiry.receive("\x1b[6") == ""
    assert inquiry.receive("~") == "\x1b[6~"
    assert inquiry.receive("\x1b_") == ""
    assert inquiry.receive("q") == "\x1b_q"
    assert inquiry.means is Means.BLOCKS
    assert inquiry.flush() == ""


@pytest.mark.parametrize(
    ("pixels", "cells"),
    [((100, 100), (40, 20)), ((4000, 100), (80, 1)), ((10, 4000), (1, 20)), ((400, 100), (80, 10))],
)
def test_a_picture_fills_the_room_and_keeps_its_shape(
    pixels: tuple[int, int], cells: tuple[int, int]
) -> None:
    assert fit(pixels, (80, 20), (10, 20)) == cells


def test_a_multiplexer_is_not_asked_what_it_takes_for_a_title() -> None:
    assert "\x1b_G" in Inquiry(is_multiplexed=False).query()
    assert "\x1b_G" not in Inquiry(is_multiplexed=True).query()
