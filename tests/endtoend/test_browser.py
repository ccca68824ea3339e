"""A whole visit in a real browser with the real model; `make screenshots` keeps its pictures."""

import re

import pytest

from tests.web.shoppers import PHONE

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = [pytest.mark.model, pytest.mark.browser]


def choose_household(shopper, number):
    shopper.page.locator("#aisle-who").click()
    shopper.page.get_by_role("button", name=f"Household {number}", exact=False).first.click()
    expect(shopper.page.locator("#aisle-who")).to_have_text(f"Household {number}")


def test_a_shopper_plans_dinner(grocer_address, visit, pictures):
    shopper = visit(grocer_address, viewport={"width": 900, "height": 900})
    page = shopper.page
    choose_household(shopper, 1)
    shopper.say("what might I like for dinner this week?", seconds=60)
    expect(page.locator(".turn .cards.inline .card").first).to_be_visible()
    personal = re.compile("You bought it|Shoppers who buy|Like ")
    expect(page.locator(".turn .why").first).to_contain_text(personal)
    shopper.picture(pictures / "conversation.png")
    first = page.locator(".turn .card h3").first.inner_text()
    shopper.say("add the first one to my cart", seconds=60)
    expect(page.locator("#aisle-count")).to_have_text("1")
    assert first in shopper.reply()
    shopper.say("how much is delivery?", seconds=60)
    expect(page.locator(".turn").last.locator("blockquote cite")).to_contain_text("eliver")
    expect(page.locator(".turn").last).to_contain_text("$4.95")
    shopper.say("where is my order?", seconds=60)
    expect(page.locator(".turn").last.locator(".order").first).to_be_visible()
    shopper.picture(pictures / "conversation-2.png")


def test_a_guest_on_a_phone_asks_in_chinese(grocer_address, visit, pictures):
    shopper = visit(
        grocer_address, viewport=PHONE, locale="zh-CN", color_scheme="dark", device_scale_factor=2
    )
    page = shopper.page
    page.get_by_label("输入消息").fill("有没有牛奶？")
    page.keyboard.press("Enter")
    turn = page.locator(".turn").last
    expect(turn).to_have_attribute("data-status", "finished", timeout=60_000)
    prices = turn.locator(".card .price").all_inner_texts()
    assert prices, "milk was shown"
    assert all(re.fullmatch(r"\$\d+\.\d\d", price) for price in prices)
    assert re.search(r"[\u4e00-\u9fff]", turn.locator(".assistant > p").first.inner_text())
    shopper.picture(pictures / "phone.png")
