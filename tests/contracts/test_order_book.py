"""What the order book must do over every database (see conftest.py for which)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pytest

from assistant.database import Database
from assistant.orders.book import OrderBook
from assistant.orders.refusal import Refusal
from assistant.orders.types import Address, Change, ItemChange
from assistant.progress import silent
from assistant.shop.catalogue import Catalogue
from assistant.shop.ingest import ingest
from tests.tinyshop import write_csv, write_shop

ACCOUNTS = '{"card": {"kind": "credit_card", "brand": "visa", "last_four": "4242"}, "gift": {"kind": "gift_card", "balance": "10.00"}}'  # noqa: E501
PAID = '{"payments": [{"kind": "payment", "amount": "8.00", "payment_id": "card"}]}'
CANCEL = Change("cancel_order", "N1")
WORK = Address("2 Work Road", city="Hill")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """The tiny shop with Nina (20), who has two placed orders and ten dollars on a gift card, and
    Omar (21), who has one."""
    folder: Path = write_shop(tmp_path_factory.mktemp("shop") / "shop")
    write_csv(
        folder / "customers.csv",
        ("customer_id", "name", "payment_methods"),
        [("20", "Nina", ACCOUNTS), ("21", "Omar", ACCOUNTS)],
    )
    at = "2024-05-31T12:00:00Z"
    write_csv(
        folder / "orders.csv",
        ("order_id", "customer_id", "status", "placed_at", "total", "details"),
        [(name, who, "placed", at, "8.00", PAID) for name, who in
         (("N1", "20"), ("N2", "20"), ("O1", "21"))],
    )  # fmt: skip
    write_csv(
        folder / "order_lines.csv",
        ("order_id", "product_id", "quantity", "price"),
        [(name, "14", 2, "4.00") for name in ("N1", "N2", "O1")],
    )
    ingest(folder, folder.parent / "shop.db", silent)
    return Catalogue(folder.parent / "shop.db")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database.open(url)
    yield database
    database.close()


@pytest.fixture
def book(catalogue: Catalogue, database: Database) -> OrderBook:
    return OrderBook(catalogue, database)


def apply(book, database, change, who="20", expected=None):
    with database.write() as connection:
        return book.apply(connection, who, change, expected)


def test_a_change_is_what_was_shown_and_outlives_the_process(book, database, url, catalogue):
    shown = book.preview("20", CANCEL)
    assert book.orders("20", order_id="N1")[0].status == "placed"
    applied = apply(book, database, CANCEL, expected=shown)
    assert applied.effect == shown
    assert (applied.order_before.status, applied.order.status) == ("placed", "cancelled")
    again = Database.open(url)
    now = OrderBook(catalogue, again)
    assert now.orders("20", order_id="N1") == [applied.order]
    assert [each.order_id for each in now.orders("20", status="cancelled")] == ["N1"]
    assert [each.order_id for each in now.orders("20", status="placed")] == ["N2"]
    assert len(now.orders("20", limit=1)) == 1
    assert catalogue.orders("20", order_id="N1")[0].status == "placed"
    again.close()


def test_a_transaction_that_fails_later_leaves_nothing(book, database):
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        book.apply(connection, "20", Change("change_order_payment", "N1", payment_id="gift"))
        raise ZeroDivisionError
    assert book.customer("20").method("gift").balance == Decimal("10.00")
    assert book.orders("20", order_id="N1")[0].payment == "Visa ending in 4242"


def test_nobody_reads_or_changes_another_s_order(book, database):
    for change in (
        CANCEL,
        Change("change_order_address", "N1", address=WORK),
        Change("change_order_items", "N1", (ItemChange("14", 1, "15"),)),
        Change("change_order_payment", "N1", payment_id="gift"),
        Change("return_items", "N1", (ItemChange("14", 1),)),
    ):
        with pytest.raises(Refusal) as caught:
            apply(book, database, change, who="21")
        assert caught.value.rule == "no_such_order"
    for strange in ("", "\ud800", "N1\x00", "' OR 1=1 --", "N" * 9_999):
        with pytest.raises(Refusal, match="of yours"):
            book.preview("20", Change("cancel_order", strange))
    assert book.orders("21", order_id="N1") == []
    apply(book, database, Change("change_address", address=WORK), who="21")
    assert book.customer("20").address is None
    assert book.customer("21").address == WORK
    assert book.orders("20", order_id="N1")[0].status == "placed"


def test_an_effect_that_has_changed_since_is_not_made(book, database):
    shown = book.preview("20", CANCEL)
    fewer = Change("change_order_items", "N1", (ItemChange("14", 1),))
    apply(book, database, fewer)
    with pytest.raises(Refusal) as caught:
        apply(book, database, CANCEL, expected=shown)
    assert caught.value.rule == "changed_since"
    assert book.orders("20", order_id="N1")[0].status == "placed"
    assert apply(book, database, CANCEL, expected=book.preview("20", CANCEL))


def test_one_gift_card_does_not_pay_twice_at_once(book, database):
    """Ten dollars cover one order of eight, whichever of two asks first."""
    start = Barrier(2)

    def pay(order_id):
        start.wait()
        try:
            return apply(
                book, database, Change("change_order_payment", order_id, payment_id="gift")
            )
        except Refusal as refusal:
            return refusal.rule

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(pay, ("N1", "N2")))
    assert sorted(isinstance(each, str) for each in results) == [False, True]
    assert "gift_card_balance" in results
    assert book.customer("20").method("gift").balance == Decimal("2.00")


def test_the_same_change_twice_at_once_is_made_once(book, database):
    start = Barrier(4)

    def cancel(_):
        start.wait()
        try:
            apply(book, database, CANCEL)
        except Refusal as refusal:
            return refusal.rule
        return "done"

    with ThreadPoolExecutor(4) as pool:
        results = sorted(pool.map(cancel, range(4)))
    assert results == ["done", *["state_cancel_order"] * 3]
    refunds = book.orders("20", order_id="N1")[0].payments
    assert [each.kind for each in refunds] == ["payment", "refund"]


def test_a_new_payment_method_of_the_shop_is_there_beside_a_changed_balance(
    book, database, catalogue
):
    apply(book, database, Change("change_order_payment", "N1", payment_id="gift"))
    customer = book.customer("20")
    assert customer == replace(
        catalogue.customer("20"),
        payment_methods=(
            catalogue.customer("20").method("card"),
            replace(catalogue.customer("20").method("gift"), balance=Decimal("2.00")),
        ),
    )
