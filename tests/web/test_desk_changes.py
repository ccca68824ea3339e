"""A colleague proposes a change of an order at the desk, the shopper says yes in the chat: over
real sockets, and with two real browsers."""

import httpx
import pytest

from tests.web.colleagues import PASSWORD
from tests.web.shoppers import ready
from tests.web.test_api import begin, sign_in

expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture
def staffed(serve):
    def staffed_(page=False):
        address, session, _ = serve({"tool": "reply"}, page=page)
        for name in ("Ann", "Ben"):
            session.desk.staff.add(name, PASSWORD, "agent")
        return address, session

    return staffed_


def order_of(session, order_id):
    return session._orders.orders("9", order_id=order_id)[0]


def at_desk(client, name):
    body = {"name": name, "password": PASSWORD}
    assert client.post("/api/v1/desk/login", json=body).status_code == 200


def test_a_program_proposes_and_only_the_shoppers_cookie_says_yes(staffed):
    address, session = staffed()
    with (
        httpx.Client(base_url=address) as olga,
        httpx.Client(base_url=address) as ann,
        httpx.Client(base_url=address) as ben,
    ):
        sign_in(olga, "9")
        at_desk(ann, "Ann")
        at_desk(ben, "Ben")
        conversation = begin(olga)
        path, desk = (f"/api/v1{each}/conversations/{conversation}" for each in ("", "/desk"))
        olga.post(f"{path}/handoff")
        cancel = {"kind": "cancel_order", "order_id": "C300", "key": "cancel-C300"}
        assert ann.post(f"{desk}/changes", json=cancel).status_code == 409, "not claimed yet"
        ann.post(f"{desk}/claim")
        orders = {each["order_id"]: each for each in ann.get(f"{desk}/orders").json()["orders"]}
        assert "cancel_order" in orders["C300"]["kinds"]
        shown = ann.post(f"{desk}/changes/preview", json=cancel).json()["effect"]
        assert "C300" in shown[0]
        bad = {"kind": "cancel_order", "order_id": "C301"}
        refused = ann.post(f"{desk}/changes", json=bad)
        assert (refused.status_code, "C301" in refused.json()["error"]) == (409, True)
        chinese = ann.post(f"{desk}/changes", json=bad, headers={"Accept-Language": "zh"})
        assert "订单" in chinese.json()["error"]
        assert ben.post(f"{desk}/changes", json=cancel).status_code == 409
        assert ann.post(f"{desk}/changes", json={"kind": "free_money"}).status_code == 400
        made = [ann.post(f"{desk}/changes", json=cancel) for _ in range(2)]
        assert [each.status_code for each in made] == [201, 201]
        assert made[0].json() == made[1].json()
        change = made[0].json()["change_id"]
        for other in (ann, ben):
            answer = other.post(f"{path}/changes/{change}/answer", json={"answer": "yes"})
            assert answer.status_code == 404
        assert order_of(session, "C300").status == "placed"
        answer = olga.post(f"{path}/changes/{change}/answer", json={"answer": "yes"})
        assert answer.status_code == 202
        assert order_of(session, "C300").status == "cancelled"
        assert ann.post(f"{desk}/changes/{change}/withdraw").status_code == 204
        turns = ann.get(desk).json()["turns"]
        assert [each["kind"] for each in turns] == ["staff", "message"]
        assert turns[0]["proposal"]["state"] == "done"
        export = ann.get(f"{desk}/export").json()
        assert export["changes"][0]["proposed_by_name"] == "Ann"


@pytest.fixture
def olga_waits(staffed, visit):
    """Olga, signed in, waits for a colleague in her browser."""
    address, session = staffed(page=True)
    olga = visit(address)
    olga.page.goto(f"{address}/#token={session.demo_token('9')}")
    olga.page.reload()
    ready(olga.page)
    olga.page.get_by_role("button", name="Talk to a person").click()
    return address, session, olga


@pytest.mark.browser
def test_from_the_form_at_the_desk_to_the_shoppers_yes(olga_waits, attend, pictures):
    address, session, shopper = olga_waits
    page = shopper.page
    ann = attend(address, "Ann")
    desk = ann.page
    desk.get_by_role("button", name="Take the next").click()
    desk.get_by_role("button", name="Order", exact=True).click()
    form = desk.get_by_role("dialog")
    form.locator("[name=order]").select_option("C302")
    form.locator("[name=kind]").select_option(label="return items")
    form.get_by_role("checkbox", name="2 × Whole milk").check()
    form.get_by_label("Quantity of Whole milk").fill("9")
    form.get_by_label("Quantity of Whole milk").evaluate("each => each.removeAttribute('max')")
    form.get_by_role("button", name="Show what it does").click()
    expect(form.get_by_role("alert")).to_contain_text("2")
    form.get_by_label("Quantity of Whole milk").fill("1")
    expect(form.get_by_role("alert")).to_be_hidden()
    form.get_by_role("button", name="Show what it does").click()
    expect(form.locator(".change")).to_contain_text("1 × Whole milk, 1 gal, $2.89 each")
    form.get_by_label("Your words to the shopper").fill("I am sorry. Shall I take one back?")
    ann.picture(pictures / "desk-change.png")
    form.get_by_role("button", name="Send to the shopper").click()
    expect(form).to_be_hidden()

    change = page.locator(".said.staff .change")
    expect(change).to_contain_text("1 × Whole milk, 1 gal, $2.89 each")
    expect(page.locator(".said.staff")).to_contain_text("Shall I take one back?")
    expect(desk.locator(".change .awaits")).to_be_visible()
    expect(desk.locator(".change .answers")).to_be_hidden()
    expect(desk.get_by_role("button", name="Withdraw")).to_be_visible()
    shopper.picture(pictures / "person-change.png")
    assert order_of(session, "C302").status == "delivered"

    change.get_by_role("button", name="Yes, do it").click()
    for each in (page, desk):
        expect(each.locator(".change .outcome").first).to_have_text("Done")
        expect(each.locator(".said.record")).to_contain_text("Done.")
    expect(desk.get_by_role("button", name="Withdraw")).to_have_count(0)
    assert order_of(session, "C302").status == "return_requested"
    ann.picture(pictures / "desk-change-done.png")
    page.get_by_label("Write a message").fill("thank you")
    page.keyboard.press("Enter")
    expect(desk.locator("#desk-turns")).to_contain_text("thank you")


@pytest.mark.browser
def test_a_proposal_is_taken_back_before_it_is_answered(olga_waits, attend):
    address, session, shopper = olga_waits
    page = shopper.page
    desk = attend(address, "Ann").page
    desk.get_by_role("button", name="Take the next").click()
    form = desk.get_by_role("dialog")
    desk.get_by_role("button", name="Order", exact=True).click()
    form.locator("[name=order]").select_option("C300")
    form.locator("[name=kind]").select_option(label="change order items")
    form.get_by_role("checkbox", name="3 × Spaghetti").check()
    form.get_by_label("Find: Spaghetti, 16 oz").fill("gluten free penne")
    form.get_by_role("button", name="Find").first.click()
    expect(form.get_by_label("What Spaghetti, 16 oz becomes")).to_have_value("11")
    form.get_by_role("button", name="Show what it does").click()
    expect(form.locator(".change")).to_contain_text("Gluten free penne")
    form.get_by_role("button", name="Send to the shopper").click()
    expect(page.get_by_role("button", name="Yes, do it")).to_be_visible()
    desk.get_by_role("button", name="Withdraw").click()
    expect(page.locator(".change .outcome").last).to_have_text("Not done: taken back")
    assert order_of(session, "C300").items_changed is False


@pytest.mark.browser
def test_the_desk_speaks_chinese_by_preference_or_choice(olga_waits, attend, pictures):
    address, session, shopper = olga_waits
    ann = attend(address, locale="zh-CN")
    desk = ann.page
    desk.get_by_label("姓名").fill("Ann")
    desk.get_by_label("密码").fill("a wrong password")
    desk.get_by_role("button", name="登录").click()
    expect(desk.get_by_role("alert")).to_have_text("姓名与密码不匹配")
    desk.get_by_label("密码").fill(PASSWORD)
    desk.get_by_role("button", name="登录").click()
    desk.get_by_role("button", name="接待下一位").click()
    expect(desk.get_by_role("button", name="标为已解决")).to_be_visible()
    desk.get_by_role("button", name="订单操作").click()
    form = desk.get_by_role("dialog")
    form.locator("[name=order]").select_option("C301")
    expect(form).to_contain_text("无法更改")
    form.locator("[name=order]").select_option("C300")
    form.get_by_role("button", name="查看结果").click()
    expect(form.locator(".change")).to_contain_text("C300")
    form.get_by_role("button", name="发送给顾客").click()
    expect(shopper.page.locator(".said.staff .change")).to_contain_text("will be cancelled")
    expect(desk.locator(".change .awaits")).to_have_text("等待顾客确认")
    expect(desk.locator("#desk-canned option").nth(1)).to_have_text("问候")
    session.desk.note(session.desk.staff.everyone()[0][0], desk_id(session), "VIP")
    desk.locator("#desk-list button").click()
    expect(desk.locator(".aside.note")).to_contain_text("内部备注")
    english = desk.locator("body").evaluate(
        """body => [...body.querySelectorAll('#aisle .columns, #aisle .bar')]
             .map((each) => each.innerText).join(' ')"""
    )
    for word in ("Claim", "Resolve", "Waiting", "Reply", "Orders", "Cart", "Shopper", "asked"):
        assert word not in english, word
    ann.picture(pictures / "desk-zh.png")
    desk.get_by_role("button", name="English").first.click()
    expect(desk.get_by_role("button", name="Resolve")).to_be_visible()
    desk.reload()
    ready(desk)
    expect(desk.get_by_role("button", name="Take the next")).to_be_visible()
    ann.complaints.clear()


def desk_id(session):
    return session.desk.view.queue()[0].conversation_id
