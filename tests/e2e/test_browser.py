"""A browser's WebSocket, in headless Chromium."""

import asyncio
import contextlib
import json
import queue
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from support.cluster import PATIENCE_S, Cluster
from support.devtools import open_page
from support.irc_client import IrcClient
from support.web_chat import serve_chat

BROWSER_S = 60.0
"""A browser takes its time to start on a busy machine."""
PROBE_S = 3.0
"""How long a line that is typed may take to arrive before it is typed again."""
PAGE = """<!doctype html><meta charset="utf-8"><script>
const said = [];
const report = why => fetch("/report", {method: "POST", body: JSON.stringify({why, said,
    protocol: socket.protocol})});
const socket = new WebSocket("URL", ["PROTOCOL"]);
socket.binaryType = "arraybuffer";
const text = data => typeof data === "string" ? data : new TextDecoder().decode(data);
socket.onopen = () => { socket.send("NICK NAME"); socket.send("USER web 0 * :A browser"); };
socket.onmessage = event => {
    const line = text(event.data);
    said.push(line);
    const words = line.split(" ");
    if (words[0] === "PING") socket.send("PONG " + words[1]);
    if (words[1] === "001") socket.send("JOIN #web");
    if (words[1] === "366") socket.send("PRIVMSG #web :hello from a browser \\u2603");
    if (line.includes("hello, NAME")) { socket.send("QUIT :done"); }
};
socket.onclose = event => report("closed " + event.code);
</script>"""


class Site:
    """Serves one page, and receives its report."""

    def __init__(self, page: str = "") -> None:
        self.page = page
        self.reports: queue.Queue[dict[str, Any]] = queue.Queue()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(site.page.encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(b"")
                site.reports.put(json.loads(body))

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextlib.contextmanager
def browse(profile: Path, site: Site, url: str = "") -> Iterator[None]:
    """Open a site, or another page, in a browser; the context manager ends both."""
    thread = threading.Thread(target=site.server.serve_forever, daemon=True)
    thread.start()
    browser = subprocess.Popen(
        [
            *("chromium", "--headless=new", "--no-sandbox", "--disable-gpu"),
            *("--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"),
            f"--user-data-dir={profile}",
            url or site.url,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        browser.terminate()
        try:
            browser.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait(PATIENCE_S)
        site.server.shutdown()
        site.server.server_close()
        thread.join(PATIENCE_S)


def page(cluster: Cluster, protocol: str, name: str) -> str:
    url = cluster.http_url.replace("http:", "ws:") + "/irc"
    return PAGE.replace("URL", url).replace("PROTOCOL", protocol).replace("NAME", name)


def test_a_browser_registers_joins_and_talks_if_its_page_may(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    welcome = [Site(), Site()]
    config = tmp_path / "up.toml"
    origins = json.dumps([site.url for site in welcome])
    config.write_text(f"[balancer]\nwebsocket_origins = {origins}\n")
    cluster = start_cluster(arguments=("--config", str(config)))
    with cluster.client("terminal") as terminal:
        terminal.register().join("#web")
        for site, protocol, name in zip(
            welcome, ("text.ircv3.net", "binary.ircv3.net"), ("webtext", "webbinary"), strict=True
        ):
            site.page = page(cluster, protocol, name)
            with browse(tmp_path / name, site):
                line = terminal.expect("PRIVMSG", "#web", patience_s=BROWSER_S)
                assert (line.nick, line.text) == (name, "hello from a browser \N{SNOWMAN}")
                terminal.say("#web", f"hello, {name}")
                report = site.reports.get(timeout=BROWSER_S)
            assert report["protocol"] == protocol
            assert report["why"] == "closed 1000"
            # What was said before is shown, too: a page that asks for no history gets some.
            assert f"hello, {name}" in report["said"][-2]
            assert report["said"][-1].startswith("ERROR ")
        evil = Site(page(cluster, "text.ircv3.net", "evil"))
        with browse(tmp_path / "evil", evil):
            report = evil.reports.get(timeout=BROWSER_S)
            assert report == {"why": "closed 1006", "said": [], "protocol": ""}
        assert "websocket-refused" in cluster.log()


TYPIST = """<!doctype html><meta charset="utf-8"><script>
const said = [];
const sockets = URLS.map(url => new WebSocket(url + "?width=100&height=30"));
let left = sockets.length;
for (const socket of sockets) {
    socket.onopen = () => {
        said.push("opened " + socket.url);
        socket.send(JSON.stringify(["stdin", "I am the user\\r"]));
    };
    socket.onclose = () => {
        left -= 1;
        if (left === 0) fetch("/report", {method: "POST", body: JSON.stringify({said})});
    };
    setTimeout(() => socket.close(), 20000);
}
</script>"""
"""A page that types into whatever client it can reach."""


def test_a_browser_shows_the_client_with_nothing_from_elsewhere(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = start_cluster()
    arguments = ("--nick", "webby", "--room", "#web")
    with cluster.client("terminal") as terminal, serve_chat(cluster, tmp_path, *arguments) as chat:
        terminal.register().join("#web")
        host, path, _ = chat
        asyncio.run(chat_in_page(tmp_path / "browser", f"http://{host}{path}", terminal))
        with urllib.request.urlopen(f"http://{host}{path}") as answer:
            policy = answer.headers["Content-Security-Policy"]
            page = answer.read().decode()
    sources = {word for rule in policy.split(";") for word in rule.split()[1:]}
    own = {f"ws://{host}", f"wss://{host}"}
    assert sources == {"'none'", "'self'", "'unsafe-inline'", "data:", *own}
    assert "//" not in page


async def chat_in_page(profile: Path, url: str, terminal: IrcClient) -> None:
    """Type without a click first, and use keys that browsers know: Ctrl+O opens files in them."""
    terminal.join("#found")
    async with open_page(profile, url, width=1200, height=800) as page:
        join = await asyncio.to_thread(terminal.expect, "JOIN", "#web", patience_s=BROWSER_S)
        assert join.nick == "webby"
        await page.wait_for("document.activeElement.matches('#terminal textarea')")
        # The client may join before it takes its first keys.
        for _ in range(int(BROWSER_S / PROBE_S)):
            await page.type("is it there?\r")
            with contextlib.suppress(AssertionError, TimeoutError):
                await asyncio.to_thread(terminal.expect, "PRIVMSG", "#web", patience_s=PROBE_S)
                break
        await page.type("no click\r")
        await asyncio.to_thread(
            terminal.expect, "PRIVMSG", "#web", "no click", patience_s=BROWSER_S
        )
        await page.press_with_ctrl("o")
        await page.type("found\r")
        join = await asyncio.to_thread(terminal.expect, "JOIN", "#found", patience_s=BROWSER_S)
        assert join.nick == "webby"
        assert await page.evaluate("document.title") == "Roost chat"
        icon = "fetch(document.querySelector('link[rel=icon]').href).then(found => found.status)"
        assert await page.evaluate(icon) == 200


def test_pages_of_others_cannot_type_as_the_user(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = start_cluster()
    arguments = ("--nick", "webby", "--room", "#web")
    with serve_chat(cluster, tmp_path, *arguments) as (host, path, _):
        # Not even one that knows the token.
        urls = [f"ws://{host}/ws", f"ws://{host}{path}ws"]
        evil = Site(TYPIST.replace("URLS", json.dumps(urls)))
        with browse(tmp_path / "browser", evil):
            assert evil.reports.get(timeout=BROWSER_S) == {"said": []}
