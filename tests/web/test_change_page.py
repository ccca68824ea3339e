"""Confirming a change of an order at the page: in a real browser, over real sockets."""

import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes

import httpx
import pytest

from assistant.codes import Codes
from assistant.mail import FolderMail
from tests.web.shoppers import ready
from tests.web.test_api import begin, say, sign_in, told

expect = pytest.importorskip("playwright.sync_api").expect
CANCEL = {"tool": "cancel_order"}


@pytest.fixture
def olga_at(serve, visit):
    """Olga at the page of a shop, signed in as her shop's site would do it: by the address."""

    def open_(*decisions, **options):
        address, session, _ = serve(*decisions or (CANCEL,), page=True, **options)
        shopper = visit(address)
        shopper.page.goto(f"{address}/#token={session.demo_token('9')}")
        shopper.page.reload()
        ready(shopper.page)
        expect(shopper.page.locator("#aisle-who")).to_have_text("Household 9")
        assert "token" not in shopper.page.url
        return shopper, session

    return open_


def order_of(session, order_id):
    return session._orders.orders("9", order_id=order_id)[0]


@pytest.mark.browser
def test_the_yes_button_makes_the_change_in_every_tab_once(olga_at):
    shopper, session = olga_at()
    second = shopper.tab()
    shopper.say("cancel my order")
    change = shopper.page.locator(".change")
    expect(change).to_contain_text("Order C300 will be cancelled")
    expect(change).to_contain_text("3 × Spaghetti, 16 oz, $1.50 each")
    expect(second.locator(".change .yes")).to_be_visible()
    shopper.page.get_by_role("button", name="Yes, do it").click()
    for page in (shopper.page, second):
        expect(page.locator(".turn").last).to_contain_text("Done.")
        expect(page.locator(".change .outcome")).to_have_text("Done")
        expect(page.locator(".change button")).to_have_count(0)
        expect(page.locator(".order .status.cancelled")).to_be_visible()
    assert order_of(session, "C300").status == "cancelled"
    shopper.page.reload()
    expect(shopper.page.locator(".change .outcome")).to_have_text("Done")


@pytest.mark.browser
def test_the_no_button_drops_it(olga_at):
    shopper, session = olga_at()
    shopper.say("cancel my order")
    shopper.page.locator(".change").get_by_role("button", name="No").click()
    expect(shopper.page.locator(".turn").last).to_contain_text("nothing was changed")
    expect(shopper.page.locator(".change .outcome")).to_contain_text("you said no")
    assert order_of(session, "C300").status == "placed"


@pytest.mark.browser
def test_a_forged_token_in_the_address_leaves_a_guest_and_says_why(serve, visit):
    address, _, _ = serve(CANCEL, page=True)
    shopper = visit(address)
    shopper.page.goto(f"{address}/#token=eyJhbGciOiJub25lIn0.e30.")
    shopper.page.reload()
    ready(shopper.page)
    expect(shopper.page.get_by_role("alert")).to_contain_text("'none'")
    expect(shopper.page.locator("#aisle-who")).to_have_text("Guest")
    shopper.say("cancel my order")
    assert "signed in" in shopper.reply()


def test_answers_over_the_api_are_for_the_shopper_who_was_asked(serve):
    address, session, _ = serve(CANCEL)
    with httpx.Client(base_url=address) as olga, httpx.Client(base_url=address) as ben:
        sign_in(olga, "9")
        sign_in(ben, "2")
        conversation = begin(olga)
        say(olga, conversation, "cancel my order")
        done = lambda name, data: name == "TurnFinished" or bool(data.get("turns"))  # noqa: E731
        told(olga, conversation, done)
        path = f"/api/v1/conversations/{conversation}"
        change = olga.get(path).json()["turns"][0]["proposal"]["change_id"]
        answer = f"{path}/changes/{change}/answer"
        assert ben.post(answer, json={"answer": "yes"}).status_code == 404
        assert olga.post(f"{path}/changes/other/answer", json={"answer": "yes"}).status_code == 404
        assert olga.post(answer, json={"answer": "maybe"}).status_code == 400
        evil = {"Origin": "https://evil.example"}
        assert olga.post(answer, json={"answer": "yes"}, headers=evil).status_code == 403
        assert order_of(session, "C300").status == "placed"
        assert olga.post(answer, json={"answer": "yes"}).status_code == 202
        told(olga, conversation, lambda name, data: len(data.get("turns", "")) == 2
             or name == "TurnFinished")  # fmt: skip
        assert order_of(session, "C300").status == "cancelled"


@pytest.mark.browser
def test_a_code_from_the_mail_signs_in_at_the_page(serve, visit, tmp_path):
    address, session, _ = serve(CANCEL, page=True)
    codes = Codes(
        session._store.database,
        FolderMail(tmp_path / "mail", "shop@example.com"),
        session._shop.catalogue.customer_by_email,
        "Tiny Shop",
        timedelta(minutes=10),
    )
    session._doors = replace(session._doors, codes=codes)
    page = visit(address).page
    page.locator("#aisle-who").click()
    page.get_by_label("E-mail address").fill("olga@example.com")
    page.get_by_role("button", name="Send me a code").click()
    code = page.get_by_label("Code", exact=True)
    code.fill("00000000")
    page.locator("#aisle-mail button").click()
    expect(page.locator("#aisle-mail output")).to_contain_text("not the code")
    codes._sending.submit(lambda: None).result()
    (mail,) = (tmp_path / "mail").glob("*.eml")
    text = message_from_bytes(mail.read_bytes()).get_payload(decode=True).decode()
    code.fill(re.search(r"\d{8}", text)[0])
    page.locator("#aisle-mail button").click()
    expect(page.locator("#aisle-who")).to_have_text("Household 9")
