"""A colleague at the desk's page."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.web.shoppers import ShopperAtPage

PASSWORD = "a long enough password"


class ColleagueAtDesk(ShopperAtPage):
    """One browser, signed in at the desk under a name."""

    path = "/staff"

    def __init__(self, browser: Browser, address: str, name: str | None, **context) -> None:
        super().__init__(browser, address, **context)
        if name is not None:
            self.sign_in(name)

    def sign_in(self, name: str) -> None:
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("button", name="Take the next")).to_be_visible(timeout=20_000)

    def write(self, text: str) -> None:
        self.page.locator("#desk-text").fill(text)
        self.page.keyboard.press("Enter")
