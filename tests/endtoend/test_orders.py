"""Support that acts, in a real browser with the real model; pictures as in test_browser."""

import pytest

from tests.endtoend.test_browser import choose_household

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = [pytest.mark.model, pytest.mark.browser]


RETURN = "I want to return the olive oil and the cleaning wipes"
RETURNED = ("olive oil, 25.5 oz", "Cleaning wipes, 35 ct")


@pytest.mark.timeout(600)
def test_a_shopper_has_orders_changed(grocer, grocer_address, visit, pictures):
    shopper = visit(grocer_address, viewport={"width": 900, "height": 900})
    page = shopper.page
    choose_household(shopper, 8)

    def confirm():
        turns = page.locator(".turn")
        before = turns.count()
        turns.last.get_by_role("button", name="Yes, do it").click()
        expect(turns).to_have_count(before + 1)
        expect(turns.last).to_contain_text("Done.")

    shopper.say("where is my order?", seconds=60)
    expect(page.locator(".turn").last.locator(".order").first).to_be_visible()

    shopper.say("cancel it please", seconds=60)
    expect(page.locator(".turn").last.locator(".change")).to_contain_text("41426748874")
    confirm()
    expect(page.locator(".turn").last.locator(".status.cancelled")).to_be_visible()

    shopper.say(RETURN, seconds=60)
    change = page.locator(".turn").last.locator(".change")
    for title in RETURNED:
        expect(change).to_contain_text(title)
    expect(change).to_contain_text("Once we have the items back")
    shopper.picture(pictures / "return-items.png")
    confirm()

    shopper.say("I moved, my new address is 12 Birch Street, Dayton, OH 45402", seconds=60)
    expect(page.locator(".turn").last.locator(".change")).to_contain_text(
        "12 Birch Street, Dayton, OH 45402"
    )
    confirm()

    shopper.say("can I return opened food?", seconds=60)
    expect(page.locator(".turn").last.locator("blockquote cite").first).to_contain_text("eturn")

    book = grocer.session._orders
    assert book.orders("8", order_id="41426748874")[0].status == "cancelled"
    assert book.orders("8", order_id="41352166341")[0].status == "return_requested"
    assert book.customer("8").address.address1 == "12 Birch Street"
