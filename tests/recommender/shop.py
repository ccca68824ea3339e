"""A shop of twenty products and twelve customers whose habits can be counted by hand."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

START = datetime(2024, 1, 1, 10, tzinfo=UTC)

CATEGORIES = {
    "milk": ("Grocery", "Dairy", "Milk"),
    "milk-large": ("Grocery", "Dairy", "Milk"),
    "oat-milk": ("Grocery", "Dairy", "Milk"),
    "soy-milk": ("Grocery", "Dairy", "Milk"),
    "yogurt": ("Grocery", "Dairy", "Yogurt"),
    "butter": ("Grocery", "Dairy", "Butter"),
    "bread": ("Grocery", "Bakery", "Bread"),
    "rye": ("Grocery", "Bakery", "Bread"),
    "rolls": ("Grocery", "Bakery", "Bread"),
    "pasta": ("Grocery", "Pantry", "Pasta"),
    "sauce": ("Grocery", "Pantry", "Sauce"),
    "rice": ("Grocery", "Pantry", "Rice"),
    "coffee": ("Drinks", "Hot", "Coffee"),
    "tea": ("Drinks", "Hot", "Tea"),
    "filters": ("Household", "Kitchen", "Filters"),
    "dog-food": ("Pets", "Dogs", "Food"),
    "dog-treats": ("Pets", "Dogs", "Treats"),
    "cat-food": ("Pets", "Cats", "Food"),
    "soap": ("Household", "Bath", "Soap"),
    "never-sold": ("Household", "Bath", "Soap"),
}
GROUPS = {"milk-large": "milk"}

# The baskets of each customer, EVERY apart.
HABITS = {
    "ann": (["milk", "bread"], ["milk", "butter"], ["milk", "bread"], ["milk", "yogurt"]),
    "bob": (["pasta", "sauce"], ["pasta", "sauce", "rice"], ["pasta", "sauce"]),
    "cat": (["pasta", "sauce", "bread"], ["pasta", "sauce"], ["bread", "butter"]),
    "dan": (["coffee", "filters"], ["coffee", "filters", "tea"], ["coffee", "milk"]),
    "eve": (["coffee", "filters", "bread"], ["coffee", "filters"], ["tea", "milk"]),
    "fay": (["dog-food", "dog-treats"], ["dog-food", "dog-treats", "milk"], ["dog-food"]),
    "gus": (["dog-food", "dog-treats"], ["dog-food", "bread"], ["dog-food", "dog-treats"]),
    "hal": (["milk", "bread", "butter"], ["bread", "butter"], ["milk", "oat-milk"]),
    "ida": (["milk", "oat-milk"], ["oat-milk", "soy-milk"], ["soy-milk", "bread"]),
    "jon": (["dog-food", "soap"], ["dog-food", "soap"], ["dog-food", "milk-large"]),
    "kim": (["rye", "rolls"], ["rye", "butter", "rolls"], ["rye", "cat-food"]),
    "lou": (["pasta", "rice"], ["pasta", "rice", "sauce"], ["coffee", "rice"]),
}
EVERY = timedelta(days=9)


def embeddings(catalogue):
    """Texts of one leaf mean almost the same, of one department something alike; dog treats have
    no text."""
    names = sorted({name for path in CATEGORIES.values() for name in path})
    rows = np.zeros((len(catalogue), len(names)), np.float32)
    for product_id, path in CATEGORIES.items():
        for weight, name in zip((3, 2, 2), path, strict=True):
            rows[catalogue.number(product_id), names.index(name)] = weight
    rows[catalogue.number("dog-treats")] = np.nan
    return rows


def products():
    return pl.DataFrame(
        {
            "product_id": list(CATEGORIES),
            "category": [list(path) for path in CATEGORIES.values()],
            "group": [GROUPS.get(product_id, product_id) for product_id in CATEGORIES],
            "price": [1.0 + number for number in range(len(CATEGORIES))],
        }
    )


def interactions():
    rows = [
        (customer, product_id, "purchase", 1.0, START + EVERY * number)
        for customer, baskets in HABITS.items()
        for number, basket in enumerate(baskets)
        for product_id in basket
    ]
    rows += [("zoe", "milk", "view", 1.0, START), ("ann", "soap", "cart", 1.0, START)]
    names = ["customer_id", "product_id", "kind", "value", "at"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("at").cast(pl.Datetime("us", "UTC"))
    )


def buyers(product_id):
    return {
        customer
        for customer, baskets in HABITS.items()
        if any(product_id in basket for basket in baskets)
    }


def baskets_with(*product_ids):
    return sum(set(product_ids) <= set(basket) for baskets in HABITS.values() for basket in baskets)


def group(product_id):
    return GROUPS.get(product_id, product_id)
