"""The page as a shopper meets it: a real browser, a real server, a scripted model."""

import pytest

from assistant.errors import ModelError
from tests.web.serving import running
from tests.web.shoppers import PHONE, ready

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser

SEARCH = {"tool": "search_products", "query": "pasta"}
SUGGEST = {"tool": "recommend_products", "kind": "buy_again"}


def test_a_message_is_answered_with_cards_in_the_reply(serve, visit):
    address, _, _ = serve(SEARCH, page=True, delay=0.15)
    shopper = visit(address)
    page = shopper.page
    page.get_by_label("Write a message").fill("do you have pasta?")
    page.get_by_label("Send").click()
    expect(page.locator(".turn .doing")).to_be_visible()
    card = page.locator('.turn .card[data-product="10"]')
    expect(card).to_be_visible()
    expect(card).to_contain_text("Spaghetti")
    expect(card).to_contain_text("16 oz")
    expect(card).to_contain_text("$1.50")
    expect(page.locator(".turn .doing")).to_have_count(0)
    expect(page.locator(".turn")).to_contain_text("Here you go:")
    inline = page.locator(".turn .cards.inline .card")
    assert inline.count() > 0, "suggestions stand inside the reply"
    expect(page.get_by_label("Write a message")).to_have_value("")


def test_cards_come_before_the_words(serve, visit):
    address, _, _ = serve(SEARCH, page=True, delay=0.4)
    page = visit(address).page
    page.get_by_label("Write a message").fill("pasta")
    page.keyboard.press("Enter")
    expect(page.locator(".turn .card").first).to_be_visible()
    expect(page.locator(".turn")).to_have_attribute("data-status", "running")
    expect(page.locator(".turn")).not_to_contain_text("Here you go:")


def test_adding_to_the_cart_counts_at_once(serve, visit):
    address, _, _ = serve(SEARCH, page=True)
    shopper = visit(address)
    shopper.say("pasta")
    page = shopper.page
    page.get_by_role("button", name="Add to cart: Spaghetti, 16 oz").click()
    expect(page.locator("#aisle-count")).to_have_text("1")
    page.get_by_role("button", name="Cart: 1").click()
    basket = page.get_by_role("dialog")
    expect(basket).to_contain_text("Spaghetti, 16 oz")
    basket.get_by_label("One more of Spaghetti, 16 oz").click()
    expect(basket.locator(".sum")).to_contain_text("$3.00")
    basket.get_by_label("One fewer of Spaghetti, 16 oz").click()
    basket.get_by_label("One fewer of Spaghetti, 16 oz").click()
    expect(basket).to_contain_text("Your cart is empty.")


def test_a_thumb_is_kept(serve, visit):
    address, _, _ = serve(SEARCH, page=True)
    shopper = visit(address)
    shopper.say("pasta")
    shopper.page.get_by_role("button", name="Helpful", exact=True).click()
    pressed = shopper.page.locator('[aria-label="Helpful"][aria-pressed="true"]')
    expect(pressed).to_be_visible()
    shopper.page.reload()
    ready(shopper.page)
    expect(pressed).to_be_visible()


def test_a_reload_and_a_second_tab_show_the_same_conversation(serve, visit):
    address, _, _ = serve(SEARCH, page=True, delay=0.2)
    shopper = visit(address)
    second = shopper.tab()
    shopper.page.get_by_label("Write a message").fill("pasta please")
    shopper.page.keyboard.press("Enter")
    expect(second.locator(".turn")).to_contain_text("pasta please")
    expect(second.locator(".turn .card").first).to_be_visible()
    shopper.page.reload()  # in the middle of the reply
    ready(shopper.page)
    for page in (shopper.page, second):
        expect(page.locator(".turn")).to_contain_text("Here you go:")
        expect(page.locator(".turn")).to_have_count(1)


def test_a_restart_of_the_server_loses_nothing_and_the_page_recovers(open_session, visit):
    session, _ = open_session(SEARCH)
    with running(session, page=True) as address:
        shopper = visit(address)
        shopper.say("pasta please")
        port = int(address.rsplit(":", 1)[1])
    session.close()
    shopper.page.get_by_label("Write a message").fill("and sauce?")
    shopper.page.keyboard.press("Enter")
    expect(shopper.page.get_by_role("alert")).to_be_visible()
    expect(shopper.page.get_by_label("Write a message")).to_have_value("and sauce?")
    session, _ = open_session(SEARCH)
    with running(session, page=True, port=port):
        expect(shopper.page.locator("#aisle-notice")).to_be_hidden(timeout=20_000)
        expect(shopper.page.locator(".turn")).to_contain_text("pasta please")
        shopper.say("and sauce?")
        expect(shopper.page.locator(".turn")).to_have_count(2)


def test_a_reply_can_be_stopped(serve, visit):
    address, _, _ = serve(SEARCH, page=True, delay=1.0)
    page = visit(address).page
    page.get_by_label("Write a message").fill("pasta")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".turn")).to_contain_text("Stopped.")
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_a_sample_shopper_gets_suggestions_of_their_own(serve, visit):
    address, _, _ = serve(SUGGEST, page=True)
    shopper = visit(address)
    page = shopper.page
    page.get_by_role("button", name="Speak as: Guest").click()
    people = page.get_by_role("dialog")
    expect(people).to_contain_text("Household 1")
    page.keyboard.press("Escape")
    expect(people).to_have_count(0)
    page.get_by_role("button", name="Speak as: Guest").click()
    people.get_by_role("button", name="Household 1").click()
    expect(page.get_by_role("button", name="Speak as: Household 1")).to_be_visible()
    shopper.say("what do I usually buy?")
    expect(page.locator(".turn .why").first).to_contain_text("You bought it")


def test_a_new_conversation_starts_empty(serve, visit):
    address, _, _ = serve(SEARCH, page=True)
    shopper = visit(address)
    expect(shopper.page.get_by_role("heading", name="What are you looking for?")).to_be_visible()
    shopper.say("pasta")
    expect(shopper.page.locator("#aisle-empty")).to_be_hidden()
    shopper.page.get_by_role("button", name="New conversation").click()
    expect(shopper.page.locator(".turn")).to_have_count(0)
    expect(shopper.page.locator("#aisle-empty")).to_be_visible()


def test_a_ready_made_question_is_asked_by_a_click(serve, visit):
    address, _, _ = serve(SEARCH, page=True)
    page = visit(address).page
    page.get_by_role("button", name="What is popular right now?").click()
    expect(page.locator(".turn .shopper")).to_contain_text("What is popular right now?")


def test_a_person_can_be_asked_for_without_the_model(serve, visit):
    address, _, model = serve(SEARCH, page=True)
    page = visit(address).page
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.locator("#aisle-waiting")).to_contain_text("waiting for a colleague")
    expect(page.get_by_role("button", name="Talk to a person")).to_be_hidden()
    assert model.asked == []


@pytest.mark.parametrize("trouble", [ModelError("the model is away"), RuntimeError("a defect")])
def test_trouble_is_said_and_the_message_kept(serve, visit, trouble):
    address, _, _ = serve(trouble, page=True)
    shopper = visit(address)
    shopper.say("pasta")
    notice = shopper.page.locator(".turn .notice")
    expect(notice).to_be_visible()
    assert "a defect" not in shopper.reply()
    expect(shopper.page.locator(".turn .shopper")).to_contain_text("pasta")
    expect(shopper.page.get_by_role("button", name="Talk to a person")).to_be_visible()


def test_markup_in_a_message_or_a_title_is_text(serve, visit):
    address, _, _ = serve({"tool": "search_products", "query": "mystery box"}, page=True)
    shopper = visit(address)
    shopper.say('<img src=x onerror="alert(1)"><b>bold</b>')
    expect(shopper.page.locator(".turn .shopper img, .turn .shopper b")).to_have_count(0)
    expect(shopper.page.locator(".turn .shopper")).to_contain_text("<b>bold</b>")


def test_it_can_be_used_by_keyboard_alone(serve, visit):
    address, _, _ = serve(SEARCH, page=True)
    shopper = visit(address)
    page = shopper.page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the link that skips to the message
    page.keyboard.type("pasta")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("please")
    page.keyboard.press("Enter")
    add = page.get_by_role("button", name="Add to cart: Spaghetti, 16 oz")
    expect(add).to_be_visible()
    expect(page.locator(".turn .doing")).to_have_count(0)
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if add.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#aisle-count")).to_have_text("1")


def test_the_interface_speaks_chinese(serve, visit):
    address, _, _ = serve({"tool": "view_cart"}, page=True)
    shopper = visit(address, locale="zh-CN")
    page = shopper.page
    expect(page.get_by_role("heading", name="请问需要什么")).to_be_visible()
    page.get_by_label("输入消息").fill("购物车里有什么？")
    page.keyboard.press("Enter")
    expect(page.locator(".turn .assistant")).to_contain_text("购物车")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="New conversation")).to_be_visible()
    page.reload()
    ready(page)
    expect(page.get_by_role("button", name="New conversation")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(serve, visit, scheme):
    address, _, _ = serve(SEARCH, page=True)
    shopper = visit(address, viewport=PHONE, color_scheme=scheme, has_touch=True)
    shopper.say("pasta")
    page = shopper.page
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for name in ("Send", "Cart", "Talk to a person", "Add to cart: Spaghetti, 16 oz"):
        box = page.get_by_role("button", name=name).first.bounding_box()
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= PHONE["width"], name
    paper = page.evaluate("getComputedStyle(document.getElementById('aisle')).backgroundColor")
    lightness = sum(int(each) for each in paper[4:-1].split(",")[:3]) / 3
    assert (lightness > 128) == (scheme == "light")
