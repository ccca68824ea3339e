"""A shopper at the page: what people do there, in the words of a test."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1100, "height": 860}


class ShopperAtPage:
    """One browser with cookies of its own; keeps what the page complained of or asked elsewhere."""

    path = ""

    def __init__(self, browser: Browser, address: str, **context) -> None:
        self.address = address
        self.complaints: list[str] = []
        self._context = browser.new_context(**{"viewport": DESK, "locale": "en-US"} | context)
        self.page = self.tab()

    def tab(self) -> Page:
        page = self._context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._heard(request.url))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.goto(self.address + self.path)
        ready(page)
        return page

    def _heard(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"asked another host: {url}")

    def say(self, text: str, seconds: float = 20) -> None:
        """Write, send, and wait until the reply has ended."""
        turns = self.page.locator(".turn")
        before = turns.count()
        self.page.get_by_label("Write a message").fill(text)
        self.page.keyboard.press("Enter")
        expect(turns).to_have_count(before + 1, timeout=10_000)
        expect(turns.last).not_to_have_attribute("data-status", "running", timeout=seconds * 1000)

    def reply(self) -> str:
        return self.page.locator(".turn").last.locator(".assistant").inner_text()

    def picture(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(500)  # the page scrolls to its end softly
        self.page.screenshot(path=path)

    def leave(self) -> None:
        self._context.close()


def ready(page: Page) -> None:
    expect(page.locator("#aisle.ready")).to_be_visible(timeout=20_000)
