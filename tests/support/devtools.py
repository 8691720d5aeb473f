"""A headless Chromium that a test controls over the DevTools protocol."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from support.cluster import PATIENCE_S, POLL_S

START_S = 60.0
"""A browser takes its time to start on a busy machine."""


class Page:
    """One page of a browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.requests: list[str] = []
        """The addresses that the page has asked for."""
        self.errors: list[str] = []
        """What scripts threw, and what the browser refused to load."""

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=PATIENCE_S)
            if message.get("id") == number:
                assert "error" not in message, message
                return dict(message["result"])
            self._note(message["method"], message["params"])

    async def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in JavaScript, which may be a promise."""
        result = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def wait_for(self, expression: str) -> None:
        """Wait until an expression in JavaScript is true."""
        script = (
            "new Promise(done => { const look = () => document.body && (EXPRESSION) ? done(true) "
            ": setTimeout(look, 50); look(); setTimeout(() => done(false), PATIENCE); })"
        )
        milliseconds = str(int(PATIENCE_S * 1000 * 0.9))
        script = script.replace("EXPRESSION", expression).replace("PATIENCE", milliseconds)
        if not await self.evaluate(script):
            shown = await self.evaluate("document.body.innerText")
            raise AssertionError(f"not true: {expression}; the page shows:\n{shown}")

    async def type(self, text: str) -> None:
        """Press the keys of a text, wherever the page has its focus; "\r" is Enter."""
        for letter in text:
            name = "Enter" if letter == "\r" else letter
            key = {"key": name, "windowsVirtualKeyCode": ord(letter.upper())}
            await self.call("Input.dispatchKeyEvent", type="keyDown", text=letter, **key)
            await self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    async def press_with_ctrl(self, letter: str) -> None:
        """Press Ctrl and a letter."""
        key = {"key": letter, "windowsVirtualKeyCode": ord(letter.upper()), "modifiers": 2}
        for kind in ("rawKeyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, **key)

    def _note(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(parameters["entry"]["text"])


@contextlib.asynccontextmanager
async def open_page(profile: Path, url: str, *, width: int, height: int) -> AsyncIterator[Page]:
    """Open a page in a browser of its own; `width` and `height` are those of the window in px."""
    browser = await asyncio.create_subprocess_exec(
        *("chromium", "--headless=new", "--no-sandbox", "--disable-gpu"),
        *("--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"),
        *("--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port_file = profile / "DevToolsActivePort"
        async with asyncio.timeout(START_S):
            while not (port_file.exists() and port_file.read_text().count("\n")):  # noqa: ASYNC110
                await asyncio.sleep(POLL_S)
        port = port_file.read_text().split()[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                (target,) = [one for one in await answer.json() if one["type"] == "page"]
            async with session.ws_connect(target["webSocketDebuggerUrl"]) as socket:
                page = Page(socket)
                for domain in ("Network", "Runtime", "Log", "Page"):
                    await page.call(f"{domain}.enable")
                await page.call(
                    "Emulation.setDeviceMetricsOverride",
                    width=width,
                    height=height,
                    deviceScaleFactor=1,
                    mobile=width < 600,
                )
                await page.call("Page.navigate", url=url)
                await page.wait_for("document.readyState === 'complete'")
                yield page
    finally:
        browser.terminate()
        try:
            await asyncio.wait_for(browser.wait(), PATIENCE_S)
        except TimeoutError:
            browser.kill()
            await browser.wait()
