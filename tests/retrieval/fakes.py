"""An embedder without a model, and a small shop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from zlib import crc32

import numpy as np

from retrieval.types import ProductEntry


class HashingEmbedder:
    """A text is the sum of its words, each word a fixed random direction: texts are near when
    they share words. Remembers what it was asked to embed."""

    dimension = 384

    def __init__(self, fingerprint: str = "hashing") -> None:
        self.fingerprint = fingerprint
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str], progress=None) -> np.ndarray:
        self.embedded.extend(texts)
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()) or [""]:
                seed = crc32(word.removesuffix("s").encode())
                vectors[row] += np.random.default_rng(seed).normal(size=self.dimension)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def entry(
    product_id: str,
    title: str,
    category: str,
    price: str,
    *,
    brand: str = "Acme",
    text: str = "",
    popularity: float = 1,
    in_stock: bool = True,
    group: str | None = None,
) -> ProductEntry:
    return ProductEntry(
        product_id,
        title,
        text,
        tuple(category.split(" > ")) if category else (),
        brand,
        Decimal(price),
        popularity,
        in_stock,
        f"{title}|{brand}" if group is None else group,
    )


DAIRY = "Grocery > Dairy"
SHOP = (
    entry("milk-1", "Whole milk, 1 gal", DAIRY, "3.49", popularity=900),
    entry("milk-2", "Whole milk, 1 gal", DAIRY, "2.99", popularity=50),
    entry("milk-3", "Whole milk, 1/2 gal", DAIRY, "1.99", popularity=400),
    entry("oat-1", "Oat milk, 64 oz", DAIRY, "4.29", brand="Oatify", popularity=80),
    entry("yog-1", "Strawberry yogurt, 6 oz", DAIRY, "0.79", popularity=300),
    entry("yog-2", "Greek yogurt, 32 oz", DAIRY, "5.49", popularity=200),
    entry("pasta-1", "Spaghetti pasta, 16 oz", "Grocery > Pasta", "1.25", popularity=500),
    entry(
        "pasta-2",
        "Penne pasta, 12 oz",
        "Grocery > Pasta",
        "3.75",
        text="Made from rice and corn, gluten free.",
        popularity=20,
    ),
    entry("ice-1", "Vanilla ice cream, 48 oz", "Frozen > Ice cream", "4.99", popularity=250),
    entry("ice-2", "Chocolate ice cream, 48 oz", "Frozen > Ice cream", "4.99", popularity=260),
    entry("pizza-1", "Cheese pizza, 12 in", "Frozen > Pizza", "6.50", popularity=150),
    entry("choc-1", "Chocolate bar, 3 oz", "Snacks > Candy", "1.50", popularity=700),
    entry("choc-2", "Dark chocolate bar, 3 oz", "Snacks > Candy", "2.50", in_stock=False),
    entry("dog-1", "Dry dog food, 20 lb", "Pets > Dog", "21.99", popularity=60),
    entry("tissue-1", "Toilet tissue, 12 rolls", "Household", "8.99", popularity=350),
    entry("tea-1", "绿茶 green tea, 20 ct", "Drinks > Tea", "3.99", popularity=40),
)
BY_ID = {each.product_id: each for each in SHOP}
