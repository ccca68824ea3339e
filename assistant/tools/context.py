"""What a tool may use: whose turn it is, what was shown, and the shop behind it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from assistant.orders.book import OrderBook
from assistant.phrases import date, money, phrase
from assistant.shop.catalogue import Catalogue
from assistant.types import Cart, CartLine, Language, Product, ProductCard, Shopper, Turn
from assistant.unwanted import says, stems, unwanted
from recommender.recommend import Recommender
from retrieval.search import Retrieval

_TAG = re.compile(r"P\d{1,4}", re.IGNORECASE)
_IT = re.compile(r"\b(?:it|that|this|them|those|these)\b|它|这个|那个", re.IGNORECASE)


class Carts(Protocol):
    """Where carts are kept; every call says whose."""

    def cart(self, shopper_key: str) -> list[tuple[str, int]]: ...

    def set_quantity(self, shopper_key: str, product_id: str, quantity: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Shop:
    """What there is to sell and to say, and the models over it. Shared by all conversations."""

    catalogue: Catalogue
    retrieval: Retrieval
    recommender: Recommender


@dataclass(slots=True)
class Context:
    """One turn's view of the shop. Cards get their tags here, unique in the conversation."""

    shop: Shop
    carts: Carts
    shopper: Shopper
    language: Language
    text: str
    turns: Sequence[Turn] = ()
    shown: dict[str, ProductCard] = field(default_factory=dict)
    orders: OrderBook | None = None

    def __post_init__(self) -> None:
        for turn in self.turns:
            for card in turn.products:
                self.shown[card.tag] = card

    def phrase(self, key: str, **values: object) -> str:
        return phrase(self.language, key, **values)

    def amount(self, amount: Decimal, currency: str) -> str:
        return money(amount, currency)

    def date(self, at: datetime) -> str:
        return date(at, self.language)

    def card(self, product: Product, reason: str) -> ProductCard:
        """A card for the product, under the tag it already had in this conversation if any."""
        tag = next(
            (
                tag
                for tag, card in self.shown.items()
                if card.product.product_id == product.product_id
            ),
            f"P{len(self.shown) + 1}",
        )
        self.shown[tag] = ProductCard(tag, product, reason)
        return self.shown[tag]

    def cards(
        self, product_ids: Iterable[str], reason: Callable[[Product], str]
    ) -> tuple[ProductCard, ...]:
        products = self.shop.catalogue.products(list(product_ids))
        return tuple(self.card(product, reason(product)) for product in products)

    def last_cards(self) -> tuple[ProductCard, ...]:
        """The cards of the latest turn that showed any: what "the second one" counts in."""
        return next((turn.products for turn in reversed(self.turns) if turn.products), ())

    def find(self, reference: str) -> ProductCard | None:
        """The card that a tag or a shown title points at; its price is read anew."""
        wanted = reference.strip().strip("[]")
        if _TAG.fullmatch(wanted):
            card = self.shown.get(wanted.upper())
        else:
            card = next(
                (
                    card
                    for card in reversed(self.shown.values())
                    if card.product.title.casefold() == wanted.casefold()
                ),
                None,
            )
        product = card and self.shop.catalogue.product(card.product.product_id)
        return self.card(product, card.reason) if card and product else None

    def is_tag(self, reference: str) -> bool:
        return bool(_TAG.fullmatch(reference.strip().strip("[]")))

    def refused(self) -> tuple[str, ...]:
        """What the shopper said in this conversation that they do not want."""
        said = [turn.text for turn in self.turns if turn.kind != "staff"]
        return unwanted([*said, self.text])

    def left_out(self, refused: Sequence[str]) -> frozenset[str]:
        """The products whose name or shelf says any of that."""
        found = self.shop.catalogue.naming(stems(refused)) if refused else []
        texts = {text for _, text in found}  # many a name is there several times
        told = {text for text in texts if any(says(text, each) for each in refused)}
        return frozenset(product_id for product_id, text in found if text in told)

    def note_left_out(self, note: str, refused: Sequence[str]) -> str:
        """A tool's sentence with what was left out, which a name alone cannot promise."""
        gap = "" if self.language == "zh" else " "
        return note + gap + self.phrase("left_out", words="”, “".join(refused))

    def cart(self) -> Cart:
        """The shopper's cart at today's prices; products no longer sold have left it."""
        quantities = dict(self.carts.cart(self.shopper.key))
        products = self.shop.catalogue.products(list(quantities))
        return Cart(
            tuple(CartLine(each, quantities[each.product_id]) for each in products),
            self.shop.catalogue.info.currency,
        )


def says_it(text: str) -> bool:
    """Whether a message points back instead of naming something."""
    return bool(_IT.search(text))
