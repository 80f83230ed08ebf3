"""The console as a person's browser meets it: a real Chromium before the real processes, with scripts and without.

It runs where a Chromium is found: the machine's own, the one that ``make test`` may install, or the one that
MONEYER_CHROMIUM names. Elsewhere it says so and is skipped. Everything else of the console is tested without one.
"""

import os
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright import async_api as playwright

from moneyer import calls

CHROMIUM = os.environ.get("MONEYER_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here; MONEYER_CHROMIUM can name one"),
]
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
VOTE = {"stages": [{"name": "committee", "counts": {"legal": 1}}]}


class Seen:
    """What a page did that nobody asked for."""

    def __init__(self, page: Any) -> None:
        self.faults: list[str] = []
        self.elsewhere: list[str] = []
        page.on("console", lambda said: self.faults.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda asked: self._note(asked.url))

    def _note(self, url: str) -> None:
        if not url.startswith("http://127.0.0.1:"):
            self.elsewhere.append(url)


@pytest.fixture
async def chromium() -> AsyncIterator[Any]:
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        await browser.close()


async def sign_in(page: Any, machine: Any, person: str, to: str) -> None:
    await page.goto(f"{machine.stack.ports.url('console')}/sign-in?to={to}")
    await page.click(f"button[value='{person}']")
    await page.wait_for_load_state()


async def a_plan_in_review(machine: Any) -> str:
    ready = await machine.ready(reviews={"plan": VOTE})
    run = await ready.run(await ready.request(rationale="Read in a browser"))
    return str(run["decision"]["review_id"])


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
async def test_counsel_reads_a_plan_and_votes(machine: Any, chromium: Any, scripts: bool) -> None:
    review_id = await a_plan_in_review(machine)
    context = await chromium.new_context(java_script_enabled=scripts)
    page = await context.new_page()
    seen = Seen(page)
    await sign_in(page, machine, "counsel", "/")
    await page.click("text=Reviews")
    await page.click(f"a[href='/reviews/{review_id}']")
    assert "Read in a browser" in await page.content()
    await page.check("input[value='approve']")
    await page.fill("#reason", "Needed, and paid for.")
    await page.click("form[action$='/votes'] button.primary")
    await page.wait_for_load_state()
    assert "Your vote is cast." in await page.inner_text("main")
    assert seen.faults == []
    assert seen.elsewhere == []
    review = await machine.send("auditor", calls.get_review(review_id))
    assert review["votes"][0]["reason"] == "Needed, and paid for."
    assert await page.get_attribute("time", "datetime")
    shown = await page.inner_text("time >> nth=0")
    assert ("UTC" in shown) is not scripts, "in the reader's own zone, where a script runs"
    await context.close()


@pytest.mark.parametrize("width", [1360, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_is_wider_than_the_screen(machine: Any, chromium: Any, scheme: str, width: int) -> None:
    review_id = await a_plan_in_review(machine)
    context = await chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    page = await context.new_page()
    seen = Seen(page)
    await sign_in(page, machine, "privacy-officer", "/")
    for path in ("/", "/reviews", f"/reviews/{review_id}", "/runs", "/assets", "/search?q=care"):
        answer = await page.goto(machine.stack.ports.url("console") + path)
        assert answer.status == 200, path
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
    assert seen.faults == []
    await context.close()
