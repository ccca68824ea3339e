"""Shops that are too small, too new or badly kept, from the folder to the suggestion: each answers
sensibly or says in one sentence what is wrong."""

import json
from datetime import timedelta

import pytest

from tests.retrieval.fakes import HashingEmbedder
from tests.tinyshop import TODAY, write_csv

KINDS = ("buy_again", "new_for_you", "popular", "goes_with", "similar")
COLUMNS = ("customer_id", "product_id", "kind", "value", "at")
TITLES = {"a": "Apples", "b": "Bread", "c": "Cheese", "d": "Dates"}


def days_ago(days):
    return (TODAY - timedelta(days=days)).isoformat()


def bought(customer, products, days, value=1):
    return [(customer, each, "purchase", value, days_ago(days)) for each in products]


ORDINARY = [
    row
    for customer, products in (("1", "ab"), ("2", "bc"), ("3", "ab"), ("4", "cd"), ("5", "abc"))
    for week in range(4)
    for row in bought(customer, products, 7 * week + 1)
]


@pytest.fixture(autouse=True)
def no_weights(monkeypatch):
    monkeypatch.setattr("assistant.app.open_embedder", lambda _: HashingEmbedder())


@pytest.fixture(params=["plain", "learned"])
def ready(request, aisle, tmp_path):
    """Takes a shop of these interactions in and trains; the ingest's document."""

    def get_ready(rows, titles=TITLES):
        folder, home = tmp_path / "shop", tmp_path / "home"
        folder.mkdir()
        (folder / "shop.toml").write_text(
            f'name = "Small"\ncurrency = "USD"\nclock = {TODAY:%Y-%m-%dT%H:%M:%SZ}\n'
        )
        write_csv(
            folder / "products.csv",
            ("product_id", "title", "category", "price"),
            [(each, title, f"Food > Shelf {each}", "1.50") for each, title in titles.items()],
        )
        if rows is not None:
            write_csv(folder / "interactions.csv", COLUMNS, rows)
        code, out, err = aisle("ingest", folder, "--home", home, "--json")
        assert code == 0, err
        document = json.loads(out)
        plain = ["--plain"] if request.param == "plain" else []
        code, out, err = aisle("train", "--home", home, "--json", *plain)
        assert code == 0, err
        return document, home

    return get_ready


@pytest.fixture
def suggested(aisle):
    def ask(home, customer, kind, product="a"):
        about = ["--product", product] if kind in ("goes_with", "similar") else []
        asked = ["--customer", customer] if customer else []
        code, out, err = aisle(
            "recommend", "--home", home, "--kind", kind, *asked, *about, "--json"
        )
        assert code == 0, err
        answer = json.loads(out)
        return answer["cold"], [each["product_id"] for each in answer["items"]]

    return ask


@pytest.mark.parametrize("rows", [None, []], ids=["no file", "no rows"])
def test_no_interactions(ready, suggested, rows):
    """Nobody bought anything: suggestions stay general, and what nobody bought is no bestseller."""
    document, home = ready(rows)
    assert document["kept"].get("interactions", 0) == 0
    for kind in KINDS:
        for customer in (None, "1"):
            _, items = suggested(home, customer, kind)
            assert kind == "similar" or items == []


def test_one_shopper(ready, suggested):
    _, home = ready([*bought("1", "ab", 8), *bought("1", "a", 1)])
    assert suggested(home, "1", "buy_again") == (False, ["a", "b"])
    cold, new = suggested(home, "1", "new_for_you")
    assert not cold
    assert not set(new) & {"a", "b"}
    assert suggested(home, "2", "buy_again")[0], "nobody knows this one"
    assert set(suggested(home, None, "popular")[1]) == {"a", "b"}


def test_one_product(ready, suggested):
    rows = [row for n in range(6) for row in bought(str(n % 3), "a", n)]
    _, home = ready(rows, {"a": "Apples"})
    assert suggested(home, "1", "buy_again") == (False, ["a"])
    assert suggested(home, "1", "new_for_you") == (False, [])
    assert suggested(home, None, "popular") == (False, ["a"])
    assert suggested(home, "1", "goes_with")[1] == []
    assert suggested(home, "1", "similar")[1] == []


def test_rows_that_are_there_twice_count_once(ready, suggested, tmp_path):
    document, home = ready([*ORDINARY, *ORDINARY])
    assert document["kept"]["interactions"] == 2 * len(ORDINARY)
    report = (home / "data-report.html").read_text()
    assert f"same customer, product, kind and time</td><td>{len(ORDINARY)}</td>" in report
    assert set(suggested(home, "2", "buy_again")[1]) == {"b", "c"}


def test_values_that_are_none_are_set_aside_or_left_out_and_counted(ready, suggested):
    at = days_ago(1)
    bad = [
        ("1", "d", "purchase", "nan", at),
        ("1", "d", "purchase", "inf", at),
        ("1", "d", "purchase", 1, ""),
        ("1", "d", "purchase", 1, "NaN"),
        ("", "d", "purchase", 1, at),
        ("1", "", "purchase", 1, at),
    ]
    returned = [("1", "d", "purchase", 0, at), ("1", "d", "purchase", -2, at)]
    unstated = [("1", "c", "purchase", "", at)]
    document, home = ready([*ORDINARY, *bad, *returned, *unstated])
    assert document["rejected"] == {"interactions": len(bad)}
    report = (home / "data-report.html").read_text()
    assert "a purchase of nothing</td><td>2</td>" in report
    _, own = suggested(home, "1", "buy_again")
    assert set(own) == {"a", "b", "c"}, "a purchase without a quantity is one of it"


def test_what_lies_in_the_future_teaches_nothing(ready, suggested):
    """One slip in a date would make the shop's whole past look long ago."""
    document, home = ready([*ORDINARY, *bought("1", "d", -365 * 70), *bought("9", "d", -1)])
    report = (home / "data-report.html").read_text()
    assert "a time after the shop&#x27;s clock</td><td>2</td>" in report
    assert document["kept"]["interactions"] == len(ORDINARY) + 2
    assert set(suggested(home, "1", "buy_again")[1]) == {"a", "b"}
    assert "d" in suggested(home, "1", "new_for_you")[1]
    assert suggested(home, None, "popular")[1][0] == "b"
    assert suggested(home, "9", "buy_again")[0], "what they have not done yet is not known"


def test_only_views_and_carts(ready, suggested):
    rows = [("1", each, kind, 1, days_ago(1)) for each in "ab" for kind in ("view", "cart")]
    _, home = ready(rows)
    for kind in KINDS:
        suggested(home, "1", kind)


def test_no_product_left_is_one_sentence(aisle, tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "shop.toml").write_text('name = "Small"\ncurrency = "USD"\n')
    write_csv(folder / "products.csv", ("product_id", "title", "category", "price"), [])
    code, out, err = aisle("ingest", folder, "--home", tmp_path / "home")
    assert (code, out) == (2, "")
    assert err.endswith("no product that can be sold: products is empty; list what you sell\n")
    code, _, err = aisle("train", "--home", tmp_path / "home")
    assert (code, err.count("\n")) == (2, 1)
    assert "aisle setup" in err
