"""The balancer's live page, in a real browser."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from support.cluster import Cluster
from support.devtools import open_page
from support.irc_client import IrcClient


def text_has(text: str) -> str:
    return f"document.body.innerText.includes({text!r})"


WITH_A_PROBLEM = """
    window.realFetch = window.fetch;
    window.fetch = async (...request) => {
        const answer = await realFetch(...request);
        if (!String(request[0]).includes("status.json")) return answer;
        const status = await answer.json();
        status.balancers[0].problems = ["n9 is refused: too old"];
        return new Response(JSON.stringify(status), { status: answer.status });
    };
"""


def test_the_page_shows_the_cluster_as_it_lives(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = start_cluster(arguments=("--balancers", "2"))

    async def scenario() -> None:
        url = cluster.http_url
        async with open_page(tmp_path / "profile", f"{url}/", width=1280, height=1000) as page:
            await page.wait_for(text_has("3 of 3 nodes ready, 2 sessions"))
            await page.wait_for("document.querySelectorAll('#map .box.ready').length === 5")
            await page.wait_for(text_has(f"irssi -c 127.0.0.1 -p {cluster.address[1]}"))
            for name in ("n1", "n2", "n3", "b1", "b2"):
                assert await page.evaluate(
                    f"document.querySelector('#map').textContent.includes('{name}')"
                )
            await page.wait_for("document.querySelector('#rooms')?.innerText.includes('#open')")
            assert not await page.evaluate(text_has("#hidden"))

            victim = cluster.node("n2")
            os.kill(victim.pid, signal.SIGKILL)
            await page.wait_for(text_has("n2 has lost its connection"))
            await page.wait_for(text_has("3 of 3 nodes ready"))

            await page.evaluate(WITH_A_PROBLEM)
            await page.wait_for(text_has("n9 is refused: too old"))
            await page.evaluate("window.fetch = realFetch")
            await page.wait_for("document.getElementById('problems').hidden")

            theme = "document.documentElement.dataset.theme"
            colour = "getComputedStyle(document.body).backgroundColor"
            before = (await page.evaluate(theme), await page.evaluate(colour))
            await page.evaluate("document.getElementById('theme').click()")
            after = (await page.evaluate(theme), await page.evaluate(colour))
            assert {before[0], after[0]} == {"light", "dark"}
            assert before[1] != after[1]

            await page.call(
                "Emulation.setDeviceMetricsOverride",
                width=390,
                height=844,
                deviceScaleFactor=1,
                mobile=True,
            )
            await page.wait_for("innerWidth === 390")
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390
            guide = await page.evaluate("fetch('docs/running.md').then(answer => answer.text())")
            assert guide.startswith("# Running Roost")
            assert page.errors == []
            assert all(one.startswith((url, "data:", "about:")) for one in page.requests)

    with cluster.client("ada") as ada, IrcClient(cluster.addresses[1], "bob") as bob:
        ada.register().join("#open")
        bob.register().join("#open")
        ada.send("JOIN #hidden")
        ada.send("MODE #hidden +s")
        for number in range(3):
            ada.send(f"PRIVMSG #open :{number}")
            ada.send(f"PRIVMSG #hidden :{number}")
        bob.expect("PRIVMSG", "#open", "2")
        asyncio.run(scenario())
