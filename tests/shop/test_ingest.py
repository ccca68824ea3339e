import json
import sqlite3
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.errors import BadInput, SetupNeeded, StorageError
from assistant.progress import silent
from assistant.shop.catalogue import Catalogue
from assistant.shop.ingest import ingest
from assistant.shop.schema import TABLES
from assistant.shop.tables import read_table
from tests.tinyshop import PRODUCTS, TODAY, purchases, write_csv, write_shop

HEADER = ("product_id", "title", "category", "brand", "price", "stock", "size")
PRODUCTS_TABLE = TABLES[0]


@pytest.fixture
def folder(tmp_path):
    return write_shop(tmp_path / "shop")


@pytest.fixture
def catalogue(folder, tmp_path):
    ingest(folder, tmp_path / "shop.db", silent)
    return Catalogue(tmp_path / "shop.db")


def test_everything_in_the_folder_is_in_the_catalogue(folder, tmp_path):
    report = ingest(folder, tmp_path / "shop.db", silent)
    assert report.kept == {
        "products": len(PRODUCTS),
        "customers": 3,
        "interactions": len(purchases()),
        "orders": 7,
        "order_lines": 18,
    }
    assert report.rejected == {}
    assert report.articles == 3
    catalogue = Catalogue(tmp_path / "shop.db")
    penne = catalogue.product("11")
    assert penne is not None
    assert (penne.title, penne.price, penne.currency) == (
        "Gluten free penne, 12 oz",
        Decimal("3.75"),
        "USD",
    )
    assert penne.category == ("Grocery", "Pasta")
    assert penne.size == "12 oz"
    assert not catalogue.products(["21"])[0].in_stock
    assert catalogue.category_names() >= {"Grocery", "Pasta", "Cat food"}


def test_a_shop_can_fix_what_today_is(catalogue):
    assert catalogue.clock.now() == TODAY


def test_policy_numbers_stand_in_the_articles(catalogue):
    returns = catalogue.article("returns")
    assert returns.sentences[0] == "You can return an unopened item within 30 days."
    assert returns.sentences[1] == "We refund in full to the card you paid with."
    delivery = catalogue.article("delivery").sentences
    assert delivery == (
        "Delivery costs $4.95.",
        "We deliver every day between 8 a.m. and 9 p.m.",
    )


def test_an_article_that_asks_for_a_number_the_shop_lacks_is_named(folder, tmp_path):
    (folder / "help" / "gifts.md").write_text("# Gifts\n\nCards last {{policy.gift_years}} years.")
    with pytest.raises(BadInput, match=r"gifts\.md.*policy\.gift_years"):
        ingest(folder, tmp_path / "shop.db", silent)


def test_orders_and_purchases_are_only_ones_own(catalogue):
    assert [order.order_id for order in catalogue.orders("1")] == ["A101", "A100"]
    assert catalogue.orders("2", order_id="A101") == []
    assert catalogue.orders("1", status="delivered")[0].order_id == "A100"
    assert {each.product_id for each in catalogue.purchases("2")} == {"15", "17", "18"}
    since = TODAY.replace(day=1, month=5)
    assert all(each.at >= since for each in catalogue.purchases("1", since=since))


def test_customers_are_those_any_table_names(catalogue):
    assert catalogue.customer_exists("8")
    assert catalogue.customer_exists("5")
    assert not catalogue.customer_exists("99")


def test_ingesting_twice_gives_the_same_shop(folder, tmp_path):
    database = tmp_path / "shop.db"
    ingest(folder, database, silent)
    first = _dump(database)
    ingest(folder, database, silent)
    assert _dump(database) == first


def _dump(database):
    with sqlite3.connect(database) as connection:
        rows = list(connection.iterdump())
    connection.close()
    return rows


BAD_ROWS = [
    (("", "No id", "A", "", "1.00", 1, ""), "product_id is empty"),
    (("90", "", "A", "", "1.00", 1, ""), "title is empty"),
    (("91", "Free?", "A", "", "cheap", 1, ""), "price 'cheap' is no amount of money"),
    (("92", "Negative", "A", "", "-1.00", 1, ""), "price '-1.00' is no amount of money"),
    (("93", "Endless", "A", "", "inf", 1, ""), "price 'inf' is no amount of money"),
    (("94", "Many", "A", "", "1.00", "lots", ""), "stock 'lots' is no number"),
    (("10", "Twice", "A", "", "1.00", 1, ""), "product_id '10' is there twice"),
]


def test_bad_rows_are_set_aside_with_their_reason_and_their_line(folder, tmp_path):
    rows = [row for row, _ in BAD_ROWS]
    write_csv(folder / "products.csv", HEADER, [*PRODUCTS, *rows])
    report = ingest(folder, tmp_path / "shop.db", silent)
    assert report.kept["products"] == len(PRODUCTS)
    assert report.rejected == {"products": len(BAD_ROWS)}
    aside = pl.read_csv(folder / "rejected" / "products.csv", infer_schema=False)
    assert aside["reason"].to_list() == [reason for _, reason in BAD_ROWS]
    assert aside["row"].to_list() == [str(len(PRODUCTS) + 2 + n) for n in range(len(BAD_ROWS))]


def test_rows_that_point_at_nothing_are_set_aside(folder, tmp_path):
    with (folder / "interactions.csv").open("a") as file:
        file.write("1,999,purchase,1,2024-05-01T00:00:00Z\n")
        file.write("1,10,stolen,1,2024-05-01T00:00:00Z\n")
        file.write("1,10,purchase,1,yesterday\n")
    with (folder / "order_lines.csv").open("a") as file:
        file.write("Z9,10,1,1.50\n")
    report = ingest(folder, tmp_path / "shop.db", silent)
    assert report.rejected == {"interactions": 3, "order_lines": 1}
    reasons = pl.read_csv(folder / "rejected" / "interactions.csv")["reason"].to_list()
    assert "product_id '999' is not in products" in reasons
    assert any("kind 'stolen' is not one of view, cart" in reason for reason in reasons)
    assert any("at 'yesterday' is no time" in reason for reason in reasons)


def test_a_shop_is_mended_by_ingesting_again(folder, tmp_path):
    write_csv(folder / "products.csv", HEADER, [*PRODUCTS, BAD_ROWS[2][0]])
    ingest(folder, tmp_path / "shop.db", silent)
    write_csv(folder / "products.csv", HEADER, PRODUCTS)
    assert ingest(folder, tmp_path / "shop.db", silent).rejected == {}
    assert not (folder / "rejected").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("products.csv", "product_id,title\n1,Milk\n", r"products\.csv' has no column 'price'"),
        ("products.csv", "product_id,title,price\n1,Milk,2\n2,A,B,C\n", r"line 3, column 4"),
        ("products.csv", 'product_id,title,price\n1,"Milk,2\n', r"products\.csv', line"),
        ("products.csv", "product_id,title,title\n", r"line 1.*name each once"),
        ("products.csv", b"product_id,title,price\n1,\xff\xfe,2\n", r"not UTF-8"),
        ("products.parquet", b"not parquet", r"products\.parquet' is not a Parquet file"),
        ("shop.toml", "name = ", r"shop\.toml' is not TOML"),
        ("shop.toml", 'name = "X"\ncurrency = 5\n', r"currency is 5"),
        ("shop.toml", 'name = "X"\ncurrency = "USD"\ntimezone = "Mars"\n', r"timezone 'Mars'"),
        ("shop.toml", 'name = "X"\ncurrency = "USD"\nclock = "soon"\n', r"clock 'soon'"),
        ("shop.toml", 'name = "X"\ncurrency = "USD"\nopening = 8\n', r"unknown key 'opening'"),
        ("help/empty.md", "no heading at all", r"empty\.md' has no heading"),
    ],
)
def test_a_bad_file_is_one_clear_sentence(folder, tmp_path, name, content, said):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInput, match=said):
        ingest(folder, tmp_path / "shop.db", silent)


def test_a_failed_ingest_leaves_the_shop_that_was_there(folder, tmp_path):
    database = tmp_path / "shop.db"
    ingest(folder, database, silent)
    before = database.read_bytes()
    (folder / "products.csv").write_text("product_id,title\n1,Milk\n")
    with pytest.raises(BadInput):
        ingest(folder, database, silent)
    assert database.read_bytes() == before


def test_a_folder_without_products_left_says_so(folder, tmp_path):
    write_csv(folder / "products.csv", HEADER, [BAD_ROWS[0][0]])
    with pytest.raises(BadInput, match=r"no product that can be sold.*rejected"):
        ingest(folder, tmp_path / "shop.db", silent)


def test_a_database_that_cannot_be_written_is_a_storage_error(folder, tmp_path):
    with pytest.raises(StorageError, match="cannot be written"):
        ingest(folder, tmp_path / "no folder" / "shop.db", silent)


@pytest.mark.parametrize("content", [None, b"", b"SQLite format 3\x00half of a page"])
def test_a_missing_or_half_written_catalogue_needs_setup(tmp_path, content):
    database = tmp_path / "shop.db"
    if content is not None:
        database.write_bytes(content)
    with pytest.raises(SetupNeeded, match="aisle setup"):
        Catalogue(database)


def test_unknown_columns_are_kept_as_attributes(folder, tmp_path):
    rows = [(*row, "vegan" if row[0] == "14" else "") for row in PRODUCTS]
    write_csv(folder / "products.csv", (*HEADER, "diet"), rows)
    ingest(folder, tmp_path / "shop.db", silent)
    catalogue = Catalogue(tmp_path / "shop.db")
    oat_milk, bread = catalogue.products(["14", "19"])
    assert oat_milk.attributes == {"size": "64 oz", "diet": "vegan"}
    assert bread.attributes == {}


def test_csv_and_parquet_give_the_same_rows(folder, tmp_path):
    csv = read_table(folder, PRODUCTS_TABLE)
    frame = pl.read_csv(folder / "products.csv", schema_overrides={"product_id": pl.String})
    other = tmp_path / "parquet"
    other.mkdir()
    frame.write_parquet(other / "products.parquet")
    parquet = read_table(other, PRODUCTS_TABLE)
    assert csv is not None
    assert parquet is not None
    for column in ("product_id", "title", "category", "stock"):
        assert parquet.rows[column].to_list() == csv.rows[column].to_list()
    assert [Decimal(p) for p in parquet.rows["price"]] == [Decimal(p) for p in csv.rows["price"]]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            *[st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)] * 3
        ),
        max_size=8,
    )
)
def test_every_row_is_either_kept_or_set_aside(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("wild")
    write_csv(folder / "products.csv", ("product_id", "title", "price"), rows)
    try:
        read = read_table(folder, PRODUCTS_TABLE)
    except BadInput:
        return  # a file that is no regular CSV is refused as a whole
    assert read is not None
    assert read.rows["title"].is_not_null().all()
    for price in read.rows["price"]:
        assert Decimal(price) >= 0
    assert read.rows["product_id"].is_unique().all()
    assert all(read.rejected["reason"].is_not_null())
    assert read.rows.height + read.rejected.height <= len(rows)


def test_the_report_can_be_printed_as_json(folder, tmp_path):
    report = ingest(folder, tmp_path / "shop.db", silent)
    assert json.loads(json.dumps(report.as_dict()))["shop"] == "Tiny Shop"
    assert "13 products" in report.summary()
