"""A test for each rule, on plain values: what it allows, what it forbids, and what it says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import BadInput
from assistant.orders.engine import MOST_ITEMS, work_out
from assistant.orders.refusal import Refusal
from assistant.orders.rules import read_rules
from assistant.orders.sentences import SENTENCES
from assistant.orders.types import (
    Address,
    Change,
    Customer,
    Effect,
    ItemChange,
    Move,
    Payment,
    PaymentMethod,
    Request,
)
from assistant.orders.wording import describe
from assistant.phrases import fields
from assistant.record import decode, encode
from assistant.types import Order, OrderLine, Product

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
CARD = PaymentMethod("card", "credit_card", "visa", "4242")
OTHER = PaymentMethod("other", "debit_card", "visa", "1111")
GIFT = PaymentMethod("gift", "gift_card", balance=Decimal("10.00"))
HOME = Address("1 Home Street", "", "Hill", "OH", "45501", "USA")
WORK = Address("2 Work Road", "Floor 3", "Hill", "OH", "45501", "USA")
ANNA = Customer("1", "Anna", "anna@example.com", HOME, (CARD, OTHER, GIFT))


def product(product_id, price, group, category="Shirts", stock=True):
    return Product(
        product_id, f"Shirt {product_id}", ("Clothing", category), Decimal(price), "USD",
        in_stock=stock, variant_of=group,
    )  # fmt: skip


SHELF = {
    each.product_id: each
    for each in (
        product("red", "10.00", "shirt"),
        product("blue", "12.50", "shirt"),
        product("gone", "9.00", "shirt", stock=False),
        product("cheap", "7.00", "shirt"),
        product("mug", "5.00", "mug", "Mugs"),
        product("shirt2", "11.00", "shirt2"),
        product("milk", "2.00", "", "Milk"),
    )
}
LINES = (
    OrderLine("red", "Shirt red", 2, Decimal("9.00")),
    OrderLine("mug", "Shirt mug", 1, Decimal("5.00")),
)
PLACED = Order(
    "A1", "placed", NOW - timedelta(days=1), LINES, Decimal("23.00"), "USD", HOME.text,
    "Visa ending in 4242", HOME, (Payment("payment", Decimal("23.00"), "card"),),
    deliver_from=NOW + timedelta(days=1),
)  # fmt: skip
DELIVERED = replace(PLACED, status="delivered", delivered_at=NOW - timedelta(days=3))
RULES = {
    "cancel_order": {"states": ["placed"], "becomes": "cancelled", "article": "cancel"},
    "change_order_items": {"states": ["placed"], "article": "change"},
    "change_order_address": {"states": ["placed"], "article": "change"},
    "change_order_payment": {"states": ["placed"], "article": "pay"},
    "return_items": {"states": ["delivered"], "becomes": "return_requested", "article": "returns"},
    "exchange_items": {
        "states": ["delivered"], "becomes": "exchange_requested", "article": "returns",
    },
    "change_address": {"article": "account"},
}  # fmt: skip
POLICY = {"return_days": 30, "order_change_hours": 3, "refund_business_days": "5 to 7"}


def do(change, order=PLACED, customer=ANNA, now=NOW, policy=POLICY, held=(), **changed):
    """The outcome with some keys of the change's own rule changed."""
    rules = RULES | {change.kind: RULES[change.kind] | changed, "held_in": list(held)}
    read = read_rules(rules, policy, "shop.toml")
    return work_out(read, customer, order, change, now, SHELF.get, "USD")


def refused(rule, change, order=PLACED, **given):
    with pytest.raises(Refusal) as caught:
        do(change, order, **given)
    refusal = caught.value
    assert (refusal.rule, refusal.status) == (rule, 409)
    assert refusal.sentence("en") == refusal.message
    assert refusal.sentence("zh") not in ("", refusal.message)
    assert refusal.article_id == RULES[change.kind]["article"]
    return refusal.message


CANCEL = Change("cancel_order", "A1")
ADDRESS = Change("change_order_address", "A1", address=WORK)
ACCOUNT = Change("change_address", address=WORK)


def items(kind, *changes, payment_id=""):
    asked = tuple(ItemChange(*each) for each in changes)
    return Change(kind, "A1", asked, payment_id=payment_id)


def swap(*changes, payment_id=""):
    return items("change_order_items", *changes, payment_id=payment_id)


def give_back(*changes, payment_id=""):
    return items("return_items", *changes, payment_id=payment_id)


def exchange(*changes, payment_id=""):
    return items("exchange_items", *changes, payment_id=payment_id)


def pay(payment_id):
    return Change("change_order_payment", "A1", payment_id=payment_id)


# Whose and when


@pytest.mark.parametrize("change", [CANCEL, ADDRESS, pay("gift"), swap(("red", 1, "blue"))])
def test_an_order_of_nobody_or_of_another_is_refused_alike(change):
    assert "no order A1 of yours" in refused("no_such_order", change, order=None)


@pytest.mark.parametrize(
    ("change", "order"),
    [
        (CANCEL, DELIVERED),
        (swap(("red", 1, "blue")), DELIVERED),
        (ADDRESS, DELIVERED),
        (pay("gift"), DELIVERED),
        (give_back(("red", 1)), PLACED),
        (exchange(("red", 1, "blue")), PLACED),
    ],
)
def test_each_change_is_for_the_states_that_its_rule_names(change, order):
    told = refused(f"state_{change.kind}", change, order)
    assert "Order A1 has been" in told


@pytest.mark.parametrize("change", [CANCEL, ADDRESS, pay("other"), swap(("red", 1, "blue"))])
def test_changes_end_some_hours_before_the_delivery_slot(change):
    latest = PLACED.deliver_from - timedelta(hours=3)
    assert do(change, now=latest)
    told = refused("too_late", change, now=latest + timedelta(seconds=1))
    assert "3 hours before" in told
    assert "2 June 2024 09:00" in told
    assert do(change, now=latest + timedelta(hours=1), policy={})


@pytest.mark.parametrize("change", [give_back(("red", 1)), exchange(("red", 1, "blue"))])
def test_returns_end_some_days_after_delivery(change):
    last = DELIVERED.delivered_at + timedelta(days=30)
    assert do(change, DELIVERED, now=last)
    told = refused("return_window", change, DELIVERED, now=last + timedelta(seconds=1))
    assert "29 May 2024" in told
    assert "30 days" in told
    unknown = replace(DELIVERED, delivered_at=None)
    assert do(change, unknown, now=unknown.placed_at + timedelta(days=30))
    refused("delivery_unknown", change, unknown, now=unknown.placed_at + timedelta(days=31))
    assert do(change, unknown, now=NOW + timedelta(days=900), policy={})


def test_what_has_no_table_or_no_states_is_not_offered():
    with pytest.raises(Refusal) as caught:
        work_out(read_rules({}, {}, ""), ANNA, PLACED, CANCEL, NOW, SHELF.get, "USD")
    assert caught.value.rule == "not_offered_cancel_order"
    refused("not_offered_exchange_items", exchange(("red", 1, "blue")), DELIVERED, states=[])


def test_an_order_has_one_return_or_exchange():
    asked = do(give_back(("red", 1)), DELIVERED).order
    again = {"states": ["delivered", "return_requested"]}
    refused("return_requested", give_back(("mug", 1)), asked, **again)
    refused("return_requested", exchange(("mug", 1, "mug")), asked, **again)
    asked = do(exchange(("red", 1, "blue")), DELIVERED).order
    refused("exchange_requested", give_back(("mug", 1)), asked)


# Cancelling


def test_cancelling_refunds_what_was_paid_each_way():
    paid = replace(PLACED, payments=(
        Payment("payment", Decimal("20.00"), "card"),
        Payment("refund", Decimal("5.00"), "card"),
        Payment("payment", Decimal("8.00"), "gift"),
    ))  # fmt: skip
    outcome = do(CANCEL, paid)
    assert outcome.effect.moves == (
        Move("refund", Decimal("15.00"), CARD, "5 to 7"),
        Move("refund", Decimal("8.00"), GIFT),
    )
    assert outcome.customer.method("gift").balance == Decimal("18.00")
    assert outcome.order.status == "cancelled"
    assert [each.kind for each in outcome.order.payments[3:]] == ["refund", "refund"]
    assert len(outcome.effect.items) == 2
    assert outcome.effect.status_after == "cancelled"


def test_a_reason_is_asked_where_the_shop_wants_one():
    reasons = ["no longer needed", "ordered by mistake"]
    assert do(replace(CANCEL, reason="No longer needed"), reasons=reasons).order.cancel_reason == (
        "no longer needed"
    )
    told = refused("reason", replace(CANCEL, reason="bored"), reasons=reasons)
    assert "no longer needed or ordered by mistake" in told
    assert do(replace(CANCEL, reason="bored")).order.cancel_reason == "bored"


def test_a_card_that_is_only_held_is_released_and_a_gift_card_refunded():
    assert do(CANCEL, held=["placed"]).effect.moves == (Move("release", Decimal("23.00"), CARD),)
    gift = replace(PLACED, payments=(Payment("payment", Decimal("23.00"), "gift"),))
    assert do(CANCEL, gift, held=["placed"]).effect.moves[0].kind == "refund"


# Items


@pytest.mark.parametrize("make", [swap, give_back, exchange])
def test_bad_items_are_refused_in_one_sentence(make):
    order = PLACED if make is swap else DELIVERED
    new = () if make is give_back else ("blue",)
    refused("no_items", make(), order)
    for quantity in (0, -1):
        assert str(quantity) in refused("quantity", make(("red", quantity, *new)), order)
    assert "1000000000 is too many" in refused("too_many", make(("red", 10**9, *new)), order)
    refused("too_many", make(("red", 1, *new), ("red", 2, *new)), order)
    assert "“hat” is not in" in refused("not_in_order", make(("hat", 1, *new)), order)
    refused("too_many_items", make(*[("red", 1, *new)] * (MOST_ITEMS + 1)), order)


@pytest.mark.parametrize("make", [swap, exchange])
def test_an_item_becomes_another_option_of_its_product_that_is_in_stock(make):
    order = PLACED if make is swap else DELIVERED
    refused("not_variants", make(("red", 1, "shirt2")), order)
    refused("not_variants", make(("red", 1, "milk")), order)
    assert do(make(("red", 1, "shirt2")), order, within="category")
    refused("not_category", make(("red", 1, "mug")), order, within="category")
    refused("out_of_stock", make(("red", 1, "gone")), order)
    refused("not_sold", make(("red", 1, "hat")), order)
    refused("not_sold", make(("red", 1, "\ud800")), order)
    assert len(refused("not_sold", make(("red", 1, "x" * 9_999)), order)) < 200
    refused("same_item", make(("red", 1, "red")), order)
    assert do(make(("red", 1, "red")), order, same=True, refund_to=["any"])
    refused("no_new_item", make(("red", 1)), order)


def test_changed_items_cost_today_s_price_and_the_difference_is_paid():
    outcome = do(swap(("red", 1, "blue")), becomes="items_changed", once=True)
    assert outcome.order.lines == (
        OrderLine("red", "Shirt red", 1, Decimal("9.00")),
        OrderLine("blue", "Shirt blue", 1, Decimal("12.50")),
        LINES[1],
    )
    assert outcome.order.total == outcome.effect.total_after == Decimal("26.50")
    assert outcome.effect.moves == (Move("charge", Decimal("3.50"), CARD),)
    assert outcome.effect.final
    again = {"once": True, "states": ["placed", "items_changed"]}
    refused("once", swap(("red", 1, "blue")), outcome.order, **again)


def test_a_difference_that_comes_back_goes_where_the_rule_says():
    assert do(swap(("red", 2, "cheap"))).effect.moves == (
        Move("refund", Decimal("4.00"), CARD, "5 to 7"),
    )
    refused("refund_to_original", swap(("red", 2, "cheap"), payment_id="gift"))
    outcome = do(swap(("red", 2, "cheap"), payment_id="gift"), refund_to=["any"])
    assert outcome.customer.method("gift").balance == Decimal("14.00")


def test_items_are_taken_out_where_the_rule_allows_it_but_not_all():
    outcome = do(swap(("red", 2)), take_out=True, held=["placed"])
    assert outcome.order.lines == (LINES[1],)
    assert outcome.effect.moves == (Move("hold", Decimal("5.00"), CARD),)
    assert outcome.order.payments == (Payment("payment", Decimal("5.00"), "card"),)
    refused("would_be_empty", swap(("red", 2), ("mug", 1)), take_out=True)


def test_swaps_are_of_the_order_as_it_was():
    order = replace(PLACED, lines=(
        OrderLine("red", "r", 1, Decimal("9.00")), OrderLine("blue", "b", 1, Decimal("12.50")),
    ))  # fmt: skip
    outcome = do(swap(("red", 1, "blue"), ("blue", 1, "cheap")), order, refund_to=["any"])
    assert [each.product_id for each in outcome.order.lines] == ["blue", "cheap"]


# Returns and exchanges


def test_a_return_waits_for_the_goods_and_names_the_refund():
    outcome = do(give_back(("red", 2), ("mug", 1)), DELIVERED)
    assert outcome.effect.moves == (
        Move("refund", Decimal("23.00"), CARD, "5 to 7", after_receipt=True),
    )
    assert outcome.order.status == "return_requested"
    assert outcome.order.payments == DELIVERED.payments
    assert outcome.order.request == Request(
        "return", (ItemChange("red", 2), ItemChange("mug", 1)), Decimal("23.00"), "card", NOW
    )
    assert outcome.customer == ANNA


def test_a_refund_goes_to_the_original_way_or_a_gift_card():
    refused("refund_to_original", give_back(("red", 1), payment_id="gift"), DELIVERED)
    both = {"refund_to": ["original", "gift_card"]}
    refused("refund_to_gift_card", give_back(("red", 1), payment_id="other"), DELIVERED, **both)
    moves = do(give_back(("red", 1), payment_id="gift"), DELIVERED, **both).effect.moves
    assert moves == (Move("refund", Decimal("9.00"), GIFT, after_receipt=True),)


def test_some_categories_are_not_taken_back():
    told = refused("not_returnable", give_back(("mug", 1)), DELIVERED, except_categories=["Mugs"])
    assert "“Mugs”" in told
    assert do(give_back(("red", 1)), DELIVERED, except_categories=["Mugs"])


def test_an_exchange_charges_or_refunds_the_difference_when_it_is_made():
    dearer = do(exchange(("red", 2, "blue")), DELIVERED)
    assert dearer.effect.moves == (Move("charge", Decimal("7.00"), CARD, after_receipt=True),)
    assert dearer.order.request.amount == Decimal("-7.00")
    cheaper = do(exchange(("red", 1, "cheap")), DELIVERED)
    assert cheaper.effect.moves[0].amount == Decimal("2.00")
    poor = replace(ANNA, payment_methods=(CARD, replace(GIFT, balance=Decimal("6.99"))))
    paid = exchange(("red", 2, "blue"), payment_id="gift")
    told = refused("gift_card_balance", paid, DELIVERED, customer=poor)
    assert "$6.99" in told
    assert "$7.00" in told


# Payment


def test_payment_changes_once_to_another_method_that_covers_it():
    outcome = do(pay("other"))
    assert outcome.effect.moves == (
        Move("charge", Decimal("23.00"), OTHER),
        Move("refund", Decimal("23.00"), CARD, "5 to 7"),
    )
    assert outcome.order.payment == "Visa ending in 1111"
    refused("payment_once", pay("card"), outcome.order)
    refused("same_payment", pay("card"))
    assert "Visa ending in 1111" in refused("no_payment", pay(""))
    nothing = replace(ANNA, payment_methods=())
    assert "the way you paid" in refused("no_such_payment", pay("x"), customer=nothing)
    assert "Visa ending in 4242 or" in refused("no_such_payment", pay("card_of_another"))
    assert "$10.00" in refused("gift_card_balance", pay("gift"))


def test_a_gift_card_is_charged_to_the_cent_of_its_balance():
    rich = replace(ANNA, payment_methods=(CARD, replace(GIFT, balance=Decimal("23.00"))))
    assert do(pay("gift"), customer=rich).customer.method("gift").balance == Decimal("0.00")


# Addresses


def test_addresses_of_an_order_and_of_the_account_are_their_own():
    outcome = do(ADDRESS)
    assert (outcome.order.deliver_to, outcome.customer.address) == (WORK, HOME)
    assert outcome.order.address == "2 Work Road, Floor 3, Hill, OH 45501, USA"
    outcome = do(ACCOUNT, order=None)
    assert (outcome.order, outcome.customer.address) == (None, WORK)


@pytest.mark.parametrize("kind", ["change_order_address", "change_address"])
def test_an_address_that_cannot_be_delivered_to_is_refused(kind):
    def at(address):
        return Change(kind, "A1", address=address)

    refused("same_address", at(HOME))
    refused("address_missing", at(None))
    refused("address_missing", at(Address("  ", city="Hill")))
    refused("address_missing", at(Address("1 Road")))
    refused("address_text", at(Address("x" * 101, city="Hill")))
    refused("address_text", at(Address("1 Road\x00", city="Hill")))
    spaced = do(at(Address(" 9 Road ", city=" Hill"))).effect.address
    assert spaced == Address("9 Road", city="Hill")


# What is kept and what is said


EVERY = [
    (CANCEL, PLACED),
    (swap(("red", 1, "blue"), ("mug", 1)), PLACED),
    (ADDRESS, PLACED),
    (pay("other"), PLACED),
    (give_back(("red", 1)), DELIVERED),
    (exchange(("red", 1, "cheap")), DELIVERED),
    (ACCOUNT, None),
]


@pytest.mark.parametrize(("change", "order"), EVERY)
@pytest.mark.parametrize("held", [(), ("placed",)])
def test_changes_and_effects_survive_a_record_and_are_said_in_both_languages(change, order, held):
    taking_out = {"take_out": True} if change.kind == "change_order_items" else {}
    outcome = do(change, order, held=held, **taking_out)
    effect = outcome.effect
    assert decode(Change, encode(change)) == change
    assert decode(Effect, encode(effect)) == effect
    assert outcome.order is None or decode(Order, encode(outcome.order)) == outcome.order
    english, chinese = describe(effect, "en"), describe(effect, "zh")
    assert len(english) == len(chinese) >= 2
    for each in effect.items:
        assert any(each.title in said and f"${each.price}" in said for said in english)
    for move in effect.moves:
        assert any(f"${move.amount}" in said and move.method.last_four in said for said in english)


def test_every_sentence_asks_for_the_same_values_in_both_languages():
    for key in SENTENCES:
        english, chinese = fields(key)
        assert english == chinese, key


@given(
    st.lists(st.tuples(st.sampled_from(["red", "mug", "hat"]), st.integers(-2, 3),
                       st.sampled_from(["", "red", "blue", "cheap", "mug", "gone", "x"]))),
    st.sampled_from(["", "card", "other", "gift", "nobody"]),
    st.sampled_from(["change_order_items", "return_items", "exchange_items", "cancel_order"]),
)  # fmt: skip
def test_no_money_is_made_or_lost_whatever_is_asked(asked, payment_id, kind):
    order = PLACED if kind in ("change_order_items", "cancel_order") else DELIVERED
    extra = {"refund_to": ["any"], "take_out": True} if kind == "change_order_items" else {}
    try:
        outcome = do(items(kind, *asked, payment_id=payment_id), order, **extra)
    except Refusal:
        return
    after = outcome.order

    def net(payments):
        return sum(each.amount if each.kind == "payment" else -each.amount for each in payments)

    worth = sum(line.price * line.quantity for line in after.lines)
    assert after.total == worth
    assert net(after.payments) == (0 if kind == "cancel_order" else worth)
    spent = ANNA.method("gift").balance - outcome.customer.method("gift").balance
    assert spent == net(each for each in after.payments if each.payment_id == "gift")
    assert outcome.customer.method("gift").balance >= 0


# shop.toml


@pytest.mark.parametrize(
    ("values", "policy", "said"),
    [
        ([], {}, "make it a table"),
        ({"cancel": {}}, {}, r"unknown key orders\.cancel;"),
        ({"cancel_order": "yes"}, {}, r"orders\.cancel_order is 'yes'"),
        ({"cancel_order": {"state": []}}, {}, r"unknown key orders\.cancel_order\.state;"),
        ({"cancel_order": {"states": "placed"}}, {}, "give a list of texts"),
        ({"cancel_order": {"states": ["lost"]}}, {}, "has 'lost'; known are placed"),
        ({"cancel_order": {"becomes": "gone"}}, {}, "has 'gone'"),
        ({"cancel_order": {"once": "no"}}, {}, "give true or false"),
        ({"exchange_items": {"within": "shop"}}, {}, "has 'shop'; known are variants"),
        ({"return_items": {"refund_to": ["cash"]}}, {}, "has 'cash'"),
        ({"held_in": ["lost"]}, {}, r"orders\.held_in has 'lost'"),
        ({}, {"return_days": "long"}, r"policy\.return_days is 'long'"),
        ({}, {"order_change_hours": -1}, "from 0 up"),
    ],
)
def test_a_wrong_rule_is_named(values, policy, said):
    with pytest.raises(BadInput, match=said):
        read_rules(values, policy, "shop.toml")
