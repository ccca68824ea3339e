"""A shop folder from the retail database of tau2-bench: variants, accounts, orders, a policy.

Each item is a product and its product the group of its variants. The data has no dates, so those
of orders follow a rule of their state; it has no departments, so those are written here. The
policy becomes the help, one article for each of its headings, and its rules are in shop.toml.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from assistant.errors import BadInput
from assistant.progress import Progress
from assistant.shop.schema import SEPARATOR

STATUSES = {
    "pending": "pending",
    "pending (item modified)": "items_changed",
    "processed": "processed",
    "delivered": "delivered",
    "cancelled": "cancelled",
    "return requested": "return_requested",
    "exchange requested": "exchange_requested",
}
"""The source's states of an order and Aisle's."""
_NOW = datetime(2024, 5, 15, 15, tzinfo=ZoneInfo("America/New_York"))
_AGES = {"pending": (0, 2), "items_changed": (0, 2), "processed": (2, 3), "cancelled": (3, 60)}
"""Days since an order was placed, from and how many, by its state."""
_STEPS = 4
_DEPARTMENTS = {
    "Electronics": (
        "Action Camera", "Bluetooth Speaker", "Digital Camera", "E-Reader", "Gaming Mouse",
        "Headphones", "Indoor Security Camera", "Laptop", "Mechanical Keyboard",
        "Portable Charger", "Smart Thermostat", "Smart Watch", "Smartphone", "Tablet",
        "Wireless Earbuds",
    ),
    "Home & kitchen": (
        "Air Purifier", "Bookshelf", "Coffee Maker", "Desk Lamp", "Electric Kettle",
        "Espresso Machine", "LED Light Bulb", "Office Chair", "Tea Kettle", "Vacuum Cleaner",
        "Wall Clock",
    ),
    "Clothing & shoes": (
        "Fleece Jacket", "Hiking Boots", "Running Shoes", "Sneakers", "Sunglasses", "T-Shirt",
        "Wristwatch",
    ),
    "Sports & outdoors": (
        "Backpack", "Bicycle", "Cycling Helmet", "Dumbbell Set", "Luggage Set", "Skateboard",
        "Water Bottle", "Yoga Mat",
    ),
    "Garden": ("Garden Hose", "Grill", "Patio Umbrella"),
    "Beauty & care": ("Electric Toothbrush", "Makeup Kit", "Perfume"),
    "Pets": ("Pet Bed",),
    "Games & stationery": ("Jigsaw Puzzle", "Notebook"),
}  # fmt: skip
_RULES = {
    "cancel_order": (
        "cancel-pending-order",
        'states = ["pending"]\nbecomes = "cancelled"\n'
        'reasons = ["no longer needed", "ordered by mistake"]',
    ),
    "change_order_items": (
        "modify-items",
        'states = ["pending"]\nbecomes = "items_changed"\nonce = true\nrefund_to = ["any"]',
    ),
    "change_order_address": ("modify-pending-order", 'states = ["pending"]'),
    "change_order_payment": ("modify-payment", 'states = ["pending"]'),
    "return_items": (
        "return-delivered-order",
        'states = ["delivered"]\nbecomes = "return_requested"\n'
        'refund_to = ["original", "gift_card"]',
    ),
    "exchange_items": (
        "exchange-delivered-order",
        'states = ["delivered"]\nbecomes = "exchange_requested"\nsame = true\nrefund_to = ["any"]',
    ),
    "change_address": ("user", ""),
}
_SHOP = """\
name = "Tau Retail"
currency = "USD"
locale = "en_US"
timezone = "America/New_York"
clock = "{clock}"
tone = "Friendly, plain and brief."

[policy]
refund_business_days = "5 to 7"
"""


def import_tau2(source: Path, folder: Path, progress: Progress) -> None:
    """Write the shop folder from tau2-bench's retail folder or its db.json; raises BadInput.

    A policy.md beside the database becomes the help; without one there are no articles.
    """
    database, policy = _find(source)
    db = read_database(database)
    steps = iter(range(1, _STEPS + 1))

    def step() -> None:
        progress("Importing the retail database", next(steps), _STEPS)

    folder.mkdir(parents=True, exist_ok=True)
    try:
        _products(db).write_parquet(folder / "products.parquet")
        step()
        _customers(db).write_parquet(folder / "customers.parquet")
        step()
        orders, lines = _orders(db)
        orders.write_parquet(folder / "orders.parquet")
        lines.drop("customer_id", "placed_at").write_parquet(folder / "order_lines.parquet")
        _interactions(lines).write_parquet(folder / "interactions.parquet")
        step()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"{str(database)!r} is not tau2-bench's retail database: {error!r} is missing or wrong"
        ) from None
    articles = _articles(policy.read_text("utf-8")) if policy else {}
    (folder / "help").mkdir(exist_ok=True)
    for name, text in articles.items():
        (folder / "help" / f"{name}.md").write_text(text, "utf-8")
    (folder / "shop.toml").write_text(_shop(set(articles)), "utf-8")
    step()


def read_database(path: Path) -> dict[str, Any]:
    """A db.json or db.json.gz; raises BadInput."""
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        db = json.loads(raw)
    except (OSError, EOFError, ValueError) as error:
        raise BadInput(f"{str(path)!r} cannot be read as JSON: {error}") from None
    for key in ("products", "users", "orders"):
        if not isinstance(db, dict) or not isinstance(db.get(key), dict) or not db[key]:
            raise BadInput(f"{str(path)!r} holds no {key!r}; give tau2-bench's retail db.json")
    return dict(db)


def _find(source: Path) -> tuple[Path, Path | None]:
    folder = source if source.is_dir() else source.parent
    named = [source] if source.is_file() else []
    found = [folder / "db.json", folder / "db.json.gz"] if source.is_dir() else named
    database = next((each for each in found if each.is_file()), None)
    if database is None:
        raise BadInput(f"{str(source)!r} holds no db.json or db.json.gz; give the retail folder")
    policy = folder / "policy.md"
    return database, policy if policy.is_file() else None


def _products(db: Mapping[str, Any]) -> pl.DataFrame:
    departments = {name: key for key, names in _DEPARTMENTS.items() for name in names}
    return pl.DataFrame(
        [
            {
                "product_id": item_id,
                "title": f"{product['name']}, {_options(variant['options'])}",
                "category": f"{departments.get(product['name'], 'Other')}{SEPARATOR}"
                + product["name"],
                "price": f"{variant['price']:.2f}",
                "stock": int(variant["available"]),
                "attributes": json.dumps(variant["options"]),
                "variant_of": product["product_id"],
            }
            for product in db["products"].values()
            for item_id, variant in product["variants"].items()
        ]
    )


def _options(options: Mapping[str, str]) -> str:
    said = {"yes": "{}", "no": "no {}"}
    return ", ".join(said.get(value, value).format(name) for name, value in options.items())


def _customers(db: Mapping[str, Any]) -> pl.DataFrame:
    """The columns after payment_methods are the source's own, for writing it back."""
    return pl.DataFrame(
        [
            {
                "customer_id": user["user_id"],
                "name": f"{user['name']['first_name']} {user['name']['last_name']}",
                "email": user["email"],
                "address": json.dumps(user["address"]),
                "payment_methods": json.dumps(
                    {
                        payment_id: {
                            "kind": method["source"],
                            "brand": method.get("brand", ""),
                            "last_four": method.get("last_four", ""),
                            "balance": f"{method['balance']:.2f}" if "balance" in method else None,
                        }
                        for payment_id, method in user["payment_methods"].items()
                    }
                ),
                "first_name": user["name"]["first_name"],
                "last_name": user["name"]["last_name"],
                "orders": json.dumps(user["orders"]),
            }
            for user in db["users"].values()
        ]
    )


def _orders(db: Mapping[str, Any]) -> tuple[pl.DataFrame, pl.DataFrame]:
    orders, lines = [], []
    for order in db["orders"].values():
        status = STATUSES[order["status"]]
        placed_at = _placed_at(order["order_id"], status)
        total = sum(round(item["price"] * 100) for item in order["items"])
        details = {
            "payments": [
                {
                    "kind": each["transaction_type"],
                    "amount": f"{each['amount']:.2f}",
                    "payment_id": each["payment_method_id"],
                }
                for each in order["payment_history"]
            ],
            "deliveries": [
                {"tracking_ids": each["tracking_id"], "product_ids": each["item_ids"]}
                for each in order["fulfillments"]
            ],
            "cancel_reason": order.get("cancel_reason") or "",
        }
        orders.append(
            {
                "order_id": order["order_id"],
                "customer_id": order["user_id"],
                "status": status,
                "placed_at": placed_at,
                "address": json.dumps(order["address"]),
                "total": f"{total / 100:.2f}",
                "details": json.dumps(details),
            }
        )
        lines += [
            {
                "order_id": order["order_id"],
                "product_id": item["item_id"],
                "quantity": 1,
                "price": f"{item['price']:.2f}",
                "customer_id": order["user_id"],
                "placed_at": placed_at,
            }
            for item in order["items"]
        ]
    return pl.DataFrame(orders), pl.DataFrame(lines)


def _placed_at(order_id: str, status: str) -> datetime:
    first, days = _AGES.get(status, (7, 60))
    hours = zlib.crc32(order_id.encode()) % (24 * days)
    return (_NOW - timedelta(days=first, hours=1 + hours)).astimezone(ZoneInfo("UTC"))


def _interactions(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.select(
        "customer_id",
        "product_id",
        pl.lit("purchase").alias("kind"),
        pl.lit(1.0).alias("value"),
        pl.col("placed_at").alias("at"),
    )


def _articles(policy: str) -> dict[str, str]:
    """An article for each heading: lists become part of the sentence that they complete, and the
    days of a refund those of shop.toml."""
    articles: dict[str, str] = {}
    for section in re.split(r"(?m)^#+ ", policy)[1:]:
        heading, _, body = section.partition("\n")
        paragraphs: list[str] = []
        for block in re.split(r"\n\s*\n", body.strip()):
            lines = [line.strip() for line in block.splitlines() if line.strip()]
            items = [line[2:].strip() for line in lines if line.startswith("- ")]
            text = " ".join(line for line in lines if not line.startswith("- "))
            if items and paragraphs and not text and paragraphs[-1].endswith(":"):
                paragraphs[-1] += " " + "; ".join(item.rstrip(".") for item in items) + "."
            else:
                paragraphs += [each for each in (text, *items) if each]
        text = "\n\n".join(paragraphs).replace(
            "5 to 7 business days", "{{policy.refund_business_days}} business days"
        )
        if text:
            name = re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
            articles[name] = f"# {heading.strip()}\n\n{text}\n"
    return articles


def _shop(articles: set[str]) -> str:
    parts = [_SHOP.format(clock=_NOW.isoformat())]
    for kind, (article, rule) in _RULES.items():
        cited = f'article = "{article}"' if article in articles else ""
        parts.append("\n".join(each for each in (f"[orders.{kind}]", rule, cited) if each) + "\n")
    return "\n".join(parts)
