"""Two real browsers: a shopper's and a colleague's, over a real server and a scripted model."""

import json
import re
import time

import pytest

from assistant.desk.desk import Rules
from tests.web.colleagues import PASSWORD
from tests.web.serving import running

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser

SEARCH = {"tool": "search_products", "query": "pasta"}
TABLET = {"width": 820, "height": 1100}


@pytest.fixture
def staffed(serve):
    def staffed_(*decisions, **options):
        address, session, model = serve(*(decisions or (SEARCH,)), page=True, **options)
        session.desk.staff.add("Ann", PASSWORD, "agent")
        return address, session, model

    return staffed_


def ask_for_person(shopper):
    shopper.page.get_by_role("button", name="Talk to a person").click()
    expect(shopper.page.locator("#aisle-waiting")).to_be_visible()


def test_a_conversation_goes_to_a_colleague_and_back(  # noqa: PLR0915 (one story)
    staffed, visit, attend, pictures
):
    address, session, model = staffed()
    ann = attend(address, "Ann")
    desk = ann.page
    shopper = visit(address)
    page = shopper.page
    shopper.say("do you have pasta?")
    ask_for_person(shopper)
    expect(page.locator("#aisle-waiting")).to_contain_text("number 1 in line")
    expect(desk.locator("#desk-list button")).to_have_count(1)
    expect(desk.locator("#desk-list")).to_contain_text("Asked for a person")
    assert desk.title().startswith("(1) Desk")

    desk.get_by_role("button", name="Take the next").click()
    expect(desk.get_by_role("button", name="Resolve")).to_be_visible()
    expect(desk.locator("#desk-packet")).to_contain_text("do you have pasta?")
    expect(desk.locator("#desk-under")).to_contain_text("here now")
    expect(page.locator("#aisle-with_staff")).to_have_text("Ann has this conversation.")

    asked = len(model.asked)
    page.get_by_label("Write a message").type("is it gluten free?")
    expect(desk.locator("#desk-typing")).to_have_text("The shopper is writing")
    page.keyboard.press("Enter")
    expect(desk.locator("#desk-turns")).to_contain_text("is it gluten free?")
    assert len(model.asked) == asked, "the model has no part in it"

    desk.locator("#desk-text").type("The penne is.")
    expect(page.locator("#aisle-typing")).to_have_text("Ann is writing")
    desk.get_by_role("button", name="Product", exact=True).click()
    shelf = desk.get_by_role("dialog")
    shelf.get_by_label("Search products").fill("gluten free penne")
    desk.keyboard.press("Enter")
    shelf.get_by_label("Add to the reply: Gluten free penne, 12 oz").click()
    desk.keyboard.press("Enter")
    sent = time.monotonic()
    reply = page.locator(".said.staff")
    expect(reply).to_contain_text("The penne is.", timeout=1_000)
    assert time.monotonic() - sent < 1.0
    expect(reply.locator(".card")).to_contain_text("$3.75")

    desk.get_by_role("button", name="Private note").click()
    ann.write("SECRET: asks about gluten every week")
    expect(desk.locator(".aside.note")).to_contain_text("SECRET")
    shopper.picture(pictures / "person.png")
    ann.picture(pictures / "desk.png")

    desk.get_by_role("button", name="Return to the assistant").click()
    expect(page.locator("#aisle-with_staff")).to_have_count(0)
    shopper.say("and sauce?")
    expect(page.locator(".turn").last).to_contain_text("Here you go:")
    assert "Colleague: The penne is." in model.asked[-1][-1].content
    assert "SECRET" not in repr(model.asked) + page.content()

    ask_for_person(shopper)
    expect(desk.get_by_role("button", name="Claim")).to_be_visible()
    desk.get_by_role("button", name="Claim").click()
    desk.get_by_role("button", name="Resolve").click()
    expect(page.locator("#aisle-resolved")).to_be_visible()
    page.get_by_role("button", name="5 of 5").click()
    expect(page.locator(".stars")).to_contain_text("Thank you")
    (conversation,) = {each["conversation_id"] for each in session.desk.view.search("gluten")}
    assert session.desk.view.standing(conversation).rating == 5
    shopper.say("one more thing")
    expect(page.locator("#aisle-resolved")).to_have_count(0)
    order = [page.locator(".turn").evaluate_all("all => all.map((each) => each.id)")]
    order.append(desk.locator(".turn").evaluate_all("all => all.map((each) => each.id)"))
    assert order[0] == order[1]


def test_nothing_is_shown_to_whoever_is_not_signed_in(staffed, visit, attend):
    address, _, _ = staffed()
    shopper = visit(address)
    shopper.say("my name is Noor, do you have pasta?")
    ask_for_person(shopper)
    stranger = attend(address)
    expect(stranger.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert "Noor" not in stranger.page.content()
    expect(stranger.page.get_by_role("button", name="Take the next")).to_be_hidden()
    stranger.page.get_by_label("Name").fill("Ann")
    stranger.page.get_by_label("Password").fill("a wrong password")
    stranger.page.get_by_role("button", name="Sign in").click()
    expect(stranger.page.get_by_role("alert")).to_contain_text("do not belong together")
    stranger.complaints.clear()


def test_a_draft_is_marked_and_a_ready_reply_is_filled_in(staffed, visit, attend):
    address, _, _ = staffed()
    shopper = visit(address)
    ask_for_person(shopper)
    page = shopper.page
    page.get_by_label("Write a message").fill("do you have pasta?")
    page.keyboard.press("Enter")
    ann = attend(address, "Ann")
    desk = ann.page
    desk.locator("#desk-list button").click()
    desk.get_by_role("button", name="Claim").click()
    desk.get_by_role("button", name="Draft").click()
    expect(desk.locator("#desk-draft-mark")).to_be_visible()
    expect(desk.locator("#desk-text")).to_have_value(re.compile("Here you go"))
    expect(desk.locator("#desk-cards .chip").first).to_be_visible()
    expect(page.locator(".said.staff")).to_have_count(0)
    desk.get_by_role("button", name="Discard").click()
    desk.get_by_label("Ready reply").select_option(label="Return window")
    text = "You can return an item within 30 days."
    expect(desk.locator("#desk-text")).to_have_value(text)
    desk.get_by_role("button", name="Send").click()
    expect(page.locator(".said.staff")).to_contain_text(text)


def test_nobody_there_takes_an_address_and_promises_nothing(staffed, visit, attend):
    address, _, _ = staffed()
    shopper = visit(address)
    ask_for_person(shopper)
    page = shopper.page
    expect(page.locator("#aisle-waiting")).to_contain_text("Nobody is at the desk")
    page.get_by_label("Your e-mail address").fill("noor@example.org")
    page.get_by_role("button", name="Leave it for the colleague").click()
    expect(page.locator("#aisle-waiting")).to_contain_text("noor@example.org is kept")
    ann = attend(address, "Ann")
    ann.page.locator("#desk-list button").click()
    expect(ann.page.locator("#desk-under")).to_contain_text("noor@example.org")
    page.get_by_role("button", name="Go on with the assistant").click()
    expect(page.locator("#aisle-waiting")).to_have_count(0)
    shopper.say("pasta")


def test_a_restart_loses_nothing_and_both_pages_recover(open_session, visit, attend):
    session, _ = open_session(SEARCH)
    session.desk.staff.add("Ann", PASSWORD, "agent")
    with running(session, page=True) as address:
        shopper, ann = visit(address), attend(address, "Ann")
        ask_for_person(shopper)
        ann.page.get_by_role("button", name="Take the next").click()
        expect(ann.page.get_by_role("button", name="Resolve")).to_be_visible()
        ann.write("hello")
        expect(shopper.page.locator(".said.staff")).to_have_text(re.compile("hello"))
        port = int(address.rsplit(":", 1)[1])
    session.close()
    session, _ = open_session(SEARCH)
    with running(session, page=True, port=port):
        expect(shopper.page.locator("#aisle-notice")).to_be_hidden(timeout=20_000)
        expect(shopper.page.locator("#aisle-with_staff")).to_be_visible()
        ann.page.wait_for_timeout(2_500)  # the desk's own line comes back by itself
        shopper.page.get_by_label("Write a message").fill("are you still there?")
        shopper.page.keyboard.press("Enter")
        expect(ann.page.locator("#desk-turns")).to_contain_text("are you still there?")
        ann.write("yes")
        expect(shopper.page.locator(".said.staff")).to_have_count(2)


def test_the_models_word_on_it_comes_by_itself(staffed, visit, attend, pictures):
    brief = {
        "wants": "The shopper wants to know if the penne is gluten free.",
        "open": "is it gluten free?",
        "mood": "worried",
        "mood_words": "I am worried",
    }
    address, _, _ = staffed(words=(json.dumps(brief),), wording="quote", rules=Rules(briefs=True))
    shopper = visit(address)
    shopper.say("do you have penne? is it gluten free? I am worried about my son")
    ask_for_person(shopper)
    ann = attend(address, "Ann")
    ann.page.get_by_role("button", name="Take the next").click()
    packet = ann.page.locator("#desk-packet")
    expect(packet).to_contain_text(brief["wants"])
    expect(packet).to_contain_text("Still open: is it gluten free?")
    expect(packet).to_contain_text("They sound worried: “I am worried”")
    assert brief["wants"] not in shopper.page.content()
    ann.picture(pictures / "desk-brief.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_tablet_and_can_be_used_by_keyboard(staffed, visit, attend, scheme, pictures):
    address, _, _ = staffed()
    shopper = visit(address)
    ask_for_person(shopper)
    ann = attend(address, "Ann", viewport=TABLET, color_scheme=scheme)
    desk = ann.page
    desk.locator("#desk-next").focus()
    desk.keyboard.press("Enter")
    expect(desk.locator("#desk-text")).to_be_focused()
    desk.keyboard.type("Hello, what is it?")
    desk.keyboard.press("Enter")
    expect(shopper.page.locator(".said.staff")).to_contain_text("Hello, what is it?")
    assert desk.evaluate("document.documentElement.scrollWidth") <= TABLET["width"]
    for name in ("Send", "Resolve", "Take the next"):
        box = desk.get_by_role("button", name=name).bounding_box()
        assert box["x"] + box["width"] <= TABLET["width"], name
    paper = desk.evaluate("getComputedStyle(document.getElementById('aisle')).backgroundColor")
    lightness = sum(int(each) for each in paper[4:-1].split(",")[:3]) / 3
    assert (lightness > 128) == (scheme == "light")
    if scheme == "dark":
        ann.picture(pictures / "desk-tablet.png")
