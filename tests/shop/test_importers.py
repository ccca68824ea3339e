"""Each importer on a small file made in the published format, down to the catalogue."""

import gzip
import json
import os
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from assistant.errors import BadInput
from assistant.progress import silent
from assistant.shop.catalogue import Catalogue
from assistant.shop.importers import IMPORTERS, import_shop
from assistant.shop.ingest import ingest


def catalogue_of(name, source, tmp_path):
    import_shop(name, source, tmp_path / "shop", silent)
    report = ingest(tmp_path / "shop", tmp_path / "shop.db", silent)
    return Catalogue(tmp_path / "shop.db"), report


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_bytes(text.encode("latin-1"))
    return folder


GENRES = "0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0"
MOVIELENS = {
    "ml-100k": {
        "u__data": "196\t242\t3\t881250949\n186\t1\t5\t891717742\n",
        "u__item": f"1|Toy Story (1995)|01-Jan-1995||http://us.imdb.com/|{GENRES}\n"
        "242|Café Olé, the (1996)|01-Jan-1996||http://us.imdb.com/|1" + "|0" * 18 + "\n",
        "u__user": "186|24|M|technician|85711\n196|53|F|other|94043\n",
    },
    "ml-1m": {
        "ratings__dat": "196::242::3::881250949\n186::1::5::891717742\n",
        "movies__dat": "1::Toy Story (1995)::Animation|Children's|Comedy\n"
        "242::Café Olé, the (1996)::\n",
        "users__dat": "186::M::25::10::85711\n196::F::56::16::94043\n",
    },
    "ml-latest": {
        "ratings__csv": "userId,movieId,rating,timestamp\n"
        "196,242,3.0,881250949\n186,1,5.0,891717742\n",
        "movies__csv": "movieId,title,genres\n1,Toy Story (1995),Animation|Children's|Comedy\n"
        '242,"Cafe Ole, the (1996)",(no genres listed)\n',
    },
    "recbole": {
        "ml-100k__inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "196\t242\t3\t881250949\n186\t1\t5\t891717742\n",
        "ml-100k__item": "item_id:token\tmovie_title:token_seq\trelease_year:token\t"
        "class:token_seq\n1\tToy Story\t1995\tAnimation Children's Comedy\n"
        "242\tCafe Ole, the\t1996\tunknown\n",
        "ml-100k__user": "user_id:token\tage:token\tgender:token\n186\t24\tM\n196\t53\tF\n",
    },
}


@pytest.mark.parametrize("form", MOVIELENS)
def test_movielens(form, tmp_path):
    source = write(tmp_path / "data" / form, **MOVIELENS[form])
    catalogue, report = catalogue_of("movielens", source, tmp_path)
    assert report.rejected == {}
    assert report.kept["interactions"] == 4  # a rating is a purchase as well
    film = catalogue.product("1")
    assert film is not None
    assert film.title == "Toy Story (1995)"
    assert film.category == ("Films", "Animation")
    assert film.attributes["genres"] == "Animation, Children's, Comedy"
    other = catalogue.product("242")
    assert other is not None
    assert other.title in ("Café Olé, the (1996)", "Cafe Ole, the (1996)")
    assert other.category == ("Films", "Other")
    (purchase,) = catalogue.purchases("186")
    assert purchase.at == datetime(1998, 4, 4, 19, 22, 22, tzinfo=UTC)
    assert catalogue.clock.now() == purchase.at
    ratings = catalogue.interactions().filter(pl.col("kind") == "rating")
    assert sorted(ratings["value"]) == [3, 5]
    if form != "ml-latest":
        assert catalogue.profile("186")["gender"] == "M"


def test_movielens_in_a_zip(tmp_path):
    source = write(tmp_path / "data", **MOVIELENS["recbole"])
    with zipfile.ZipFile(tmp_path / "recbole.whl", "w") as wheel:
        for path in source.iterdir():
            wheel.write(path, f"recbole/dataset_example/ml-100k/{path.name}")
    catalogue, _ = catalogue_of("movielens", tmp_path / "recbole.whl", tmp_path)
    assert catalogue.product("1") is not None


def test_the_whole_movielens_100k(tmp_path):
    source = os.environ.get("AISLE_MOVIELENS")
    if not source:
        pytest.skip("set AISLE_MOVIELENS to the folder or zip of MovieLens 100k to import it whole")
    _, report = catalogue_of("movielens", Path(source), tmp_path)
    assert report.kept["products"] == 1682
    assert report.kept["interactions"] == 2 * 100_000
    assert report.kept["customers"] == 943


AMAZON_2018 = (
    {"overall": 5.0, "verified": True, "reviewTime": "09 1, 2016", "reviewerID": "A3", "asin": "B1",
     "reviewText": "Works.", "summary": "Good", "unixReviewTime": 1472688000},
    {"overall": 1.0, "verified": False, "reviewerID": "A4", "asin": "B2",
     "unixReviewTime": 1472774400},
)  # fmt: skip
META_2018 = (
    {"asin": "B1", "title": "Shampoo", "price": "$12.99", "brand": "Fine", "category": ["Beauty",
     "Hair"], "description": ["Soft.", "Mild."], "imageURLHighRes": ["https://example.org/a.jpg"]},
    {"asin": "B2", "title": "Comb", "price": "$1,012.50", "brand": "", "category": [],
     "main_cat": "Beauty", "description": ""},
    {"asin": "B3", "title": "Soap", "price": "", "category": ["Beauty"]},
)  # fmt: skip
AMAZON_2023 = (
    {"rating": 5.0, "title": "Good", "text": "Works.", "images": [], "asin": "B1X", "user_id": "A3",
     "parent_asin": "B1", "timestamp": 1472688000000, "helpful_vote": 0, "verified_purchase": True},
    {"rating": 1.0, "title": "", "text": "", "images": [], "asin": "B2", "parent_asin": "B2",
     "user_id": "A4", "timestamp": 1472774400000, "verified_purchase": False},
)  # fmt: skip
META_2023 = (
    {"parent_asin": "B1", "title": "Shampoo", "price": 12.99, "store": "Fine", "categories":
     ["Beauty", "Hair"], "main_category": "All Beauty", "description": ["Soft.", "Mild."],
     "images": [{"thumb": "https://example.org/t.jpg", "large": "https://example.org/a.jpg"}]},
    {"parent_asin": "B2", "title": "Comb", "price": "1012.50", "store": None, "categories": [],
     "main_category": "Beauty", "description": [], "images": []},
    {"parent_asin": "B3", "title": "Soap", "price": None, "categories": ["Beauty"]},
)  # fmt: skip


@pytest.mark.parametrize(
    ("reviews", "meta", "packed"),
    [(AMAZON_2018, META_2018, True), (AMAZON_2023, META_2023, False)],
    ids=["2018", "2023"],
)
def test_amazon_reviews(reviews, meta, packed, tmp_path):
    source = tmp_path / "data"
    source.mkdir()
    for name, rows in (("Beauty", reviews), ("meta_Beauty", meta)):
        text = "\n".join(json.dumps(row) for row in rows).encode()
        path = source / (f"{name}.json.gz" if packed else f"{name}.jsonl")
        path.write_bytes(gzip.compress(text) if packed else text)
    catalogue, report = catalogue_of("amazon-reviews", source, tmp_path)
    assert report.rejected == {"products": 1}, "the product without a price is counted"
    shampoo, comb = catalogue.products(["B1", "B2"])
    assert (shampoo.price, comb.price) == (Decimal("12.99"), Decimal("1012.50"))
    assert (shampoo.brand, shampoo.category) == ("Fine", ("Beauty", "Hair"))
    assert (shampoo.description, shampoo.image) == ("Soft. Mild.", "https://example.org/a.jpg")
    assert comb.category == ("Beauty",)
    (purchase,) = catalogue.purchases("A3")
    assert (purchase.product_id, purchase.at) == ("B1", datetime(2016, 9, 1, tzinfo=UTC))
    assert catalogue.purchases("A4") == [], "a review that is not verified is no purchase"
    assert catalogue.interactions().filter(kind="rating").height == 2


def test_retailrocket(tmp_path):
    source = write(
        tmp_path / "data",
        events__csv="timestamp,visitorid,event,itemid,transactionid\n"
        "1433221332117,7,view,355,\n1433221999000,7,addtocart,355,\n"
        "1433222276276,7,transaction,355,4000\n1433224214164,8,view,248,\n",
        item_properties_part1__csv="timestamp,itemid,property,value\n"
        "1435460400000,355,categoryid,1338\n1441508400000,355,categoryid,3\n"
        "1435460400000,355,available,0\n",
        item_properties_part2__csv="timestamp,itemid,property,value\n"
        "1436065200000,355,available,1\n1439694000000,248,888,66094 372274 n552.000\n",
        category_tree__csv="categoryid,parentid\n3,2\n2,1\n1,\n1338,1338\n",
    )
    catalogue, report = catalogue_of("retailrocket", source, tmp_path)
    assert report.rejected == {}
    kinds = catalogue.interactions().sort("at")["kind"].to_list()
    assert kinds == ["view", "cart", "purchase", "view"]
    item = catalogue.product("355")
    assert item is not None
    assert item.category == ("Category 1", "Category 2", "Category 3"), "the latest shelf"
    assert item.in_stock
    other = catalogue.product("248")
    assert other is not None
    assert other.category == ("Other",)
    assert catalogue.clock.now() == datetime(2015, 6, 2, 5, 50, 14, 164_000, tzinfo=UTC)


@pytest.mark.parametrize("name", sorted(IMPORTERS))
def test_a_source_that_is_not_it(name, tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        import_shop(name, tmp_path / "nowhere", tmp_path / "shop", silent)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="holds no"):
        import_shop(name, tmp_path / "empty", tmp_path / "shop", silent)
    (tmp_path / "file").write_text("hello")
    with pytest.raises(BadInput, match="file"):
        import_shop(name, tmp_path / "file", tmp_path / "shop", silent)
    assert not (tmp_path / "shop" / "shop.toml").exists()


def test_an_importer_that_is_not_known(tmp_path):
    with pytest.raises(BadInput, match="'netflix' is not one of completejourney, movielens"):
        import_shop("netflix", tmp_path, tmp_path / "shop", silent)


def test_a_bad_line_is_named(tmp_path):
    files = {**MOVIELENS["ml-100k"], "u__data": "196\t242\t3"}
    source = write(tmp_path / "data", **files)
    with pytest.raises(BadInput, match="line 1: 3 values, not 4"):
        import_shop("movielens", source, tmp_path / "shop", silent)


def test_a_line_that_is_no_json_is_named(tmp_path):
    source = tmp_path / "data"
    source.mkdir()
    (source / "meta_Beauty.jsonl").write_text(json.dumps(META_2023[0]))
    (source / "Beauty.jsonl").write_text(json.dumps(AMAZON_2023[0]) + "\n{broken")
    with pytest.raises(BadInput, match=r"Beauty\.jsonl.*JSON lines"):
        import_shop("amazon-reviews", source, tmp_path / "shop", silent)
    (source / "Beauty.jsonl").write_text('{"rating": 5.0, "asin": "B1", "timestamp": 1}')
    with pytest.raises(BadInput, match=r"line 1: neither of user_id, reviewerID"):
        import_shop("amazon-reviews", source, tmp_path / "shop", silent)
