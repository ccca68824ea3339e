"""The grocer's orders: made by rule, in every state, at odds with nothing that the shop says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import resources

import polars as pl
import pytest

from assistant.orders.engine import work_out
from assistant.orders.refusal import Refusal
from assistant.orders.types import Change, ItemChange
from assistant.progress import silent
from assistant.shop.catalogue import Catalogue
from assistant.shop.demo_orders import make_accounts, make_orders
from assistant.shop.ingest import ingest
from assistant.shop.schema import read_shop_info
from tests.tinyshop import write_csv

GROCER = resources.files("assistant.shop").joinpath("grocer")
NOW = datetime(2018, 1, 1, 14, tzinfo=UTC)
DAYS_AGO = (0, 2, 4, 20, 45, 90)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The grocer's rules over three products and three households with six baskets each."""
    folder = tmp_path_factory.mktemp("grocer") / "shop"
    folder.mkdir()
    with resources.as_file(GROCER) as written:
        (folder / "shop.toml").write_bytes((written / "shop.toml").read_bytes())
        (folder / "help").symlink_to(written / "help")
        info = read_shop_info(written / "shop.toml")
    write_csv(
        folder / "products.csv",
        ("product_id", "title", "category", "price"),
        [("1", "Rice", "Grocery > Rice, beans & sides", "2.00"),
         ("2", "Beans", "Grocery > Rice, beans & sides", "1.00"),
         ("3", "Milk", "Grocery > Milk", "3.00")],
    )  # fmt: skip
    lines = pl.DataFrame(
        [
            {"customer_id": who, "order_id": f"{who}-{days}", "product_id": each, "quantity": 3,
             "sales_value": 10.0, "at": NOW - timedelta(days=days, hours=12)}
            for who in ("1", "2", "4") for days in DAYS_AGO for each in ("1", "3")
        ]
    )  # fmt: skip
    orders, order_lines = make_orders(lines, info.make_clock().now())
    again = make_orders(lines, info.make_clock().now())
    assert again[0].equals(orders)
    assert again[1].equals(order_lines)
    orders.write_parquet(folder / "orders.parquet")
    order_lines.write_parquet(folder / "order_lines.parquet")
    make_accounts(["1", "2", "4"]).write_parquet(folder / "customers.parquet")
    assert ingest(folder, folder.parent / "shop.db", silent).rejected == {}
    return Catalogue(folder.parent / "shop.db")


def by_state(shop, customer_id):
    return {order.status: order for order in reversed(shop.orders(customer_id, limit=None))}


def attempt(shop, customer_id, change):
    order = shop.orders(customer_id, order_id=change.order_id)[0]
    rules, now = shop.info.order_rules(), shop.clock.now()
    return work_out(rules, shop.customer(customer_id), order, change, now, shop.product, "USD")


def test_a_week_s_baskets_are_in_each_state_and_older_ones_delivered(shop):
    orders = shop.orders("1", limit=None)
    assert [each.status for each in orders] == (
        ["placed", "packed", "on_its_way", "delivered", "delivered"]
    )
    now = shop.clock.now()
    for order in orders:
        assert order.placed_at < now
        assert order.total == sum(line.price * line.quantity for line in order.lines)
        assert [each.amount for each in order.payments] == [order.total]
        assert shop.customer("1").method(order.payments[0].payment_id)
        assert order.deliver_to == shop.customer("1").address
        if order.status == "delivered":
            assert order.placed_at < order.deliver_from < order.delivered_at < now
        else:
            assert order.delivered_at is None
            assert (order.deliver_from < now) == (order.status == "on_its_way")
    assert orders[0].total == Decimal("19.98")


def test_there_is_an_order_for_everything_that_the_rules_say(shop):
    states = by_state(shop, "1")
    placed = states["placed"].order_id
    assert attempt(shop, "1", Change("cancel_order", placed)).effect.moves[0].kind == "release"
    assert attempt(shop, "1", Change("change_order_items", placed, (ItemChange("1", 3, "2"),)))
    for status in ("packed", "on_its_way", "delivered"):
        with pytest.raises(Refusal) as caught:
            attempt(shop, "1", Change("cancel_order", states[status].order_id))
        assert caught.value.rule == "state_cancel_order"
    old, fresh = "1-45", "1-20"
    assert attempt(shop, "1", Change("return_items", fresh, (ItemChange("1", 1),)))
    for order_id, product_id, rule in (
        (old, "1", "return_window"), (fresh, "3", "not_returnable"),
    ):  # fmt: skip
        with pytest.raises(Refusal) as caught:
            attempt(shop, "1", Change("return_items", order_id, (ItemChange(product_id, 1),)))
        assert caught.value.rule == rule
        assert caught.value.article_id == "returns"
    with pytest.raises(Refusal) as caught:
        attempt(shop, "1", Change("exchange_items", fresh, (ItemChange("1", 1, "2"),)))
    assert (caught.value.rule, caught.value.article_id) == (
        "not_offered_exchange_items", "returns",
    )  # fmt: skip
    # Household 4 waits for a slot that is too near.
    with pytest.raises(Refusal) as caught:
        attempt(shop, "4", Change("cancel_order", by_state(shop, "4")["placed"].order_id))
    assert caught.value.rule == "too_late"


def test_the_help_pages_say_what_the_rules_do(shop):
    """Each rule cites a page, and the page names what the rule turns on."""
    says = {each.article_id: " ".join(each.sentences) for each in shop.articles()}
    rules = shop.info.order_rules()
    for kind, words in {
        "cancel_order": ("until 3 hours before its delivery slot", "already packed", "released"),
        "change_order_items": ("same category", "taken out", "price on the day you replace it"),
        "change_order_address": ("until 3 hours before", "already packed"),
        "change_order_payment": ("changed once", "until 3 hours before", "already packed"),
        "return_items": ("Within 30 days", "Fresh, chilled and frozen", "once for each order"),
        "exchange_items": ("do not exchange",),
        "change_address": ("saved address in this chat",),
    }.items():
        for each in words:
            assert each in says[rules.article(kind)], kind
