"""A shop folder from Amazon reviews in the forms published in 2018 and 2023: JSON lines.

The source holds a file of reviews and one of products, `meta_*`, plain or gzipped. A review is a
rating, and a purchase where it is marked as verified. A product without a price is written as it
is: `aisle ingest` sets it aside and counts it. Sources: Ni, Li and McAuley, "Justifying
Recommendations using Distantly-Labeled Reviews", EMNLP 2019; Hou et al., "Bridging Language and
Items for Retrieval and Recommendation", 2024.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from assistant.errors import BadInput
from assistant.progress import Progress
from assistant.shop.folder import rated_and_had, unpacked, write_folder
from assistant.shop.schema import SEPARATOR

_SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
_LABEL = "Importing Amazon reviews"
_STEPS = 4
_PRICE = re.compile(r"^\$?\s*([\d,]+\.?\d{0,2})$")
_LONGEST = 2000


def import_amazon_reviews(source: Path, folder: Path, progress: Progress) -> None:
    """Write the shop folder from the folder or zip of both files; raises BadInput."""
    with unpacked(source) as place:
        files = [path for path in sorted(place.rglob("*")) if path.name.endswith(_SUFFIXES)]
        meta = [path for path in files if path.name.startswith("meta_")]
        reviews = [path for path in files if path not in meta]
        if not meta or not reviews:
            what = "file of products (meta_*.jsonl)" if not meta else "file of reviews"
            raise BadInput(f"{str(source)!r} holds no {what}; put it beside the other")
        progress(_LABEL, 0, _STEPS)
        products = _frame([_product(row, where) for where, row in _rows(meta)], _PRODUCT)
        progress(_LABEL, 1, _STEPS)
        ratings = _frame([_review(row, where) for where, row in _rows(reviews)], _REVIEW)
        progress(_LABEL, 2, _STEPS)
    if not ratings.height:
        raise BadInput(f"{str(source)!r} holds no review")
    verified = pl.col("verified")
    tables = {
        "products": products.unique("product_id", keep="first", maintain_order=True),
        "interactions": rated_and_had(ratings, verified),
    }
    progress(_LABEL, 3, _STEPS)
    write_folder(folder, "Amazon reviews", ratings["at"].max(), tables)  # type: ignore[arg-type]
    progress(_LABEL, _STEPS, _STEPS)


_PRODUCT = {
    "product_id": pl.String, "title": pl.String, "description": pl.String, "category": pl.String,
    "brand": pl.String, "price": pl.String, "image": pl.String,
}  # fmt: skip
_REVIEW = {
    "customer_id": pl.String, "product_id": pl.String, "value": pl.Float64, "verified": pl.Boolean,
    "at": pl.Datetime("us", "UTC"),
}  # fmt: skip


def _product(row: dict[str, Any], where: str) -> dict[str, Any]:
    """Either form: 2018 has asin, category, brand; 2023 parent_asin, categories, store."""
    path = [str(each) for each in row.get("categories") or row.get("category") or []]
    main = row.get("main_category") or row.get("main_cat")
    if not path and main:
        path = [str(main)]
    price = _PRICE.match(str(row.get("price") or "").strip())
    return {
        "product_id": _named(row, ("parent_asin", "asin"), where),
        "title": row.get("title"),
        "description": _text(row.get("description"))[:_LONGEST],
        "category": SEPARATOR.join(path) or "Other",
        "brand": row.get("store") or row.get("brand") or "",
        "price": price[1].replace(",", "") if price else None,
        "image": _image(row),
    }


def _review(row: dict[str, Any], where: str) -> dict[str, Any]:
    """Either form: 2018 has reviewerID, overall, seconds; 2023 user_id, rating, milliseconds."""
    if "unixReviewTime" in row:
        seconds = float(row["unixReviewTime"])
    else:
        seconds = float(_named(row, ("timestamp", "sort_timestamp"), where)) / 1000
    return {
        "customer_id": _named(row, ("user_id", "reviewerID"), where),
        "product_id": _named(row, ("parent_asin", "asin"), where),
        "value": float(_named(row, ("rating", "overall"), where)),
        "verified": bool(row.get("verified_purchase", row.get("verified", False))),
        "at": datetime.fromtimestamp(seconds, UTC),
    }


def _image(row: dict[str, Any]) -> str:
    for each in (*(row.get("imageURLHighRes") or ()), *(row.get("images") or ())):
        if isinstance(each, str):
            return each
        found = each.get("large") or each.get("thumb")
        if found:
            return str(found)
    return ""


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _named(row: dict[str, Any], names: tuple[str, ...], where: str) -> str:
    for name in names:
        if row.get(name) is not None:
            return str(row[name])
    raise BadInput(f"{where}: neither of {', '.join(names)} is there")


def _rows(paths: list[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line's object and where it stands; raises BadInput for a line that is none."""
    for path in paths:
        try:
            opened = gzip.open if path.suffix == ".gz" else open
            with opened(path, "rt", encoding="utf-8") as file:
                for line, text in enumerate(file, 1):
                    if not text.strip():
                        continue
                    where = f"{path.name!r}, line {line}"
                    row = json.loads(text)
                    if not isinstance(row, dict):
                        raise BadInput(f"{where}: no JSON object")
                    yield where, row
        except ValueError as error:
            raise BadInput(f"{path.name!r}: not JSON lines in UTF-8: {error}") from None
        except OSError as error:
            raise BadInput(f"{path.name!r} cannot be read: {error}") from None


def _frame(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema)
