"""`aisle evaluate recommender` as it is called: its document, its lists, its page."""

import json
from datetime import timedelta
from html.parser import HTMLParser

import polars as pl
import pytest

from tests.tinyshop import TODAY, write_csv

METRICS = {"precision", "recall", "f1", "ndcg", "hit_rate"}
TASKS = {"next_basket", "new_items", "cold"}
BASKETS, SHOPPERS, SHELF = 8, 40, 30


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A shop of two camps: in every basket two staples of the shopper's and three things of the
    camp that they never had before."""
    from assistant.progress import silent
    from assistant.settings import Settings
    from assistant.setup import ingest_shop

    settings = Settings(home=tmp_path_factory.mktemp("home"))
    settings.shop_folder.mkdir()
    (settings.shop_folder / "shop.toml").write_text(
        f'name = "Camps"\ncurrency = "USD"\nclock = {TODAY:%Y-%m-%dT%H:%M:%SZ}\n'
    )
    write_csv(
        settings.shop_folder / "products.csv",
        ("product_id", "title", "category", "price"),
        [(f"{camp}{n}", f"Thing {camp}{n}", f"Camp {camp} > {n % 3}", "1.00")
         for camp in "ab" for n in range(SHELF)],
    )  # fmt: skip
    write_csv(
        settings.shop_folder / "interactions.csv",
        ("customer_id", "product_id", "kind", "value", "at"),
        [(f"c{who}", f"{'ab'[who % 2]}{(who + thing) % SHELF}", "purchase", 1,
          (TODAY - timedelta(days=7 * (BASKETS - week))).isoformat())
         for who in range(SHOPPERS) for week in range(BASKETS)
         for thing in (0, 1, *range(2 + 3 * week, 5 + 3 * week))],
    )  # fmt: skip
    ingest_shop(settings, silent)
    return settings.home


@pytest.fixture
def evaluated(aisle, home, tmp_path):
    def run(*more):
        files = ("--report", tmp_path / "page.html", "--predictions", tmp_path / "lists.parquet")
        code, out, err = aisle(
            "evaluate", "recommender", "--plain", "--home", home, "--json", *files, *more
        )
        assert code == 0, err
        return json.loads(out), tmp_path

    return run


def test_the_document_has_the_shape_that_is_promised(evaluated):
    document, _ = evaluated()
    assert (document["data"], document["seed"]) == ("Camps", 0)
    assert "full ranking" in document["split"]
    assert {row["task"] for row in document["rows"]} >= TASKS
    for row in document["rows"]:
        assert row.keys() >= METRICS | {"task", "model", "k", "users", "recall_ci"}
        assert row["k"] in (5, 10, 20)
        assert row["users"] > 0
        low, high = row["recall_ci"]
        assert 0 <= low <= row["recall"] + 1e-9 <= high + 2e-9 <= 1 + 3e-9
    models = {(row["task"], row["model"]) for row in document["rows"]}
    for task, model in document["selected"].items():
        assert (task, model) in models
        assert (task, "popular") in models, "the baseline stands beside it"


def test_the_same_seed_gives_the_same_document(evaluated):
    assert evaluated()[0] == evaluated()[0]


def test_diversity_is_bought_with_accuracy_and_both_are_shown(evaluated):
    dial = [row for row in evaluated()[0]["diversity_dial"] if row["k"] == 10]
    assert [row["dial"] for row in dial] == [0.0, 0.1, 0.2, 0.3, 0.5]
    assert all(row.keys() >= METRICS | {"diversity", "recall_ci"} for row in dial)
    assert dial[-1]["diversity"] >= dial[0]["diversity"]


def test_anyone_can_score_the_predictions_anew(evaluated):
    document, folder = evaluated()
    lists = pl.read_parquet(folder / "lists.parquet")
    assert lists.columns == ["task", "model", "customer_id", "rank", "product_id", "truth"]
    for row in document["rows"]:
        if row["task"] not in TASKS:
            continue
        cut = lists.filter(
            (pl.col("task") == row["task"])
            & (pl.col("model") == row["model"])
            & (pl.col("rank") <= row["k"])
        )
        asked = cut.group_by("customer_id").agg(
            hits=pl.col("product_id").is_in(pl.col("truth").list.explode()).sum(),
            wanted=pl.col("truth").first().list.len(),
        )
        recall = (asked["hits"] / asked["wanted"]).sum() / row["users"]
        precision = (asked["hits"] / row["k"]).sum() / row["users"]
        assert recall == pytest.approx(row["recall"])
        assert precision == pytest.approx(row["precision"])
        assert row["f1"] == pytest.approx(
            2 * precision * recall / (precision + recall) if recall else 0
        )
        assert (asked["hits"] > 0).sum() / row["users"] == pytest.approx(row["hit_rate"])


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.loads, self.texts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.loads += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data):
        self.texts.append(data)


def test_the_report_opens_offline_with_a_plot_for_each_task(evaluated):
    document, folder = evaluated()
    page = Page((folder / "page.html").read_text())
    tasks = {row["task"] for row in document["rows"]}
    assert page.loads == []
    assert page.tags.count("svg") == len(tasks) + 1, "the dial has one too"
    tens = [row for row in document["rows"] if row["k"] == 10]
    assert page.tags.count("circle") == len(tens) + 5
    text = " ".join(page.texts)
    for row in tens:
        assert f"{row['recall']:.4f}" in text


def test_without_json_it_is_a_table(aisle, home):
    code, out, _ = aisle("evaluate", "recommender", "--plain", "--home", home)
    assert code == 0
    assert "* weighted" in out
    assert "next_basket, 40 asked" in out


@pytest.mark.parametrize("option", ["--report", "--predictions"])
def test_a_file_that_cannot_be_written_is_named(aisle, home, tmp_path, option):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "out"
    code, _, err = aisle("evaluate", "recommender", "--plain", "--home", home, option, path)
    assert code == 1
    assert f"{str(path)!r} cannot be written" in err


def test_data_that_nobody_knows_is_named(aisle, home):
    code, _, err = aisle("evaluate", "recommender", "--home", home, "--data", "mine")
    assert (code, err) == (2, "aisle: data 'mine' is not one of auto, shop, published\n")
