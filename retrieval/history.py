"""A shopper's own past purchases, by meaning and date."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from retrieval.index import VectorIndex
from retrieval.lexical import Candidate, Lexical
from retrieval.types import Hit
from retrieval.words import Term, meaning, terms

if TYPE_CHECKING:
    from retrieval.embedder import Embedder

_FLOOR = 0.58
"""Far higher than in a search of the shop: "you bought this" must not be said of something else.
Yogurt and iced tea are at 0.53, cleaning and bathroom cleaner at 0.60."""


@dataclass(frozen=True, slots=True)
class PastPurchase:
    """A product that a shopper bought, and when."""

    product_id: str
    at: datetime
    quantity: float = 1


class HistorySearch:
    """Searches purchases, each shopper's in a collection of their own.

    A collection is filled from the products' vectors when its shopper first asks, and again when
    they have bought something of another kind. Safe to share between threads.
    """

    def __init__(
        self, lexical: Lexical, index: VectorIndex, embedder: Embedder, products: str
    ) -> None:
        """`products` is the collection that holds the products' vectors."""
        self._lexical = lexical
        self._index = index
        self._embedder = embedder
        self._products = products
        self._lock = threading.Lock()

    def search(
        self,
        customer_id: str,
        purchases: Sequence[PastPurchase],
        query: str = "",
        k: int = 10,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[Hit, ...]:
        """The k products of these purchases of this shopper that fit the query best, of those
        bought from `since` up to but not including `until`; without a query the latest first.

        What names every word asked for fits; where nothing does, what is close in meaning. Of
        equally good ones the latest is first. Products that search does not know are found only
        without a query.
        """
        latest: dict[str, datetime] = {}
        for each in purchases:
            if (since is None or each.at >= since) and (until is None or each.at < until):
                latest[each.product_id] = max(each.at, latest.get(each.product_id, each.at))
        by_date = sorted(latest, key=lambda product_id: latest[product_id], reverse=True)
        wanted = self._lexical.spelled(terms(query))
        if not wanted:
            return tuple(Hit(each, 1 / (1 + rank)) for rank, each in enumerate(by_date[:k]))
        known = self._lexical.candidates({each.product_id for each in purchases})
        held = [product_id for product_id in by_date if product_id in known]
        named = set(held).intersection(*(self._lexical.naming(term, held) for term in wanted))
        cosines = self._cosines(customer_id, list(known.values()), wanted)
        scores: dict[str, float] = {}
        shown: set[str] = set()
        for product_id in held:
            candidate = known[product_id]
            cosine = cosines.get(candidate.vector, 0.0)
            fits = product_id in named if named else cosine >= _FLOOR
            if fits and candidate.group not in shown:
                shown.add(candidate.group)
                scores[product_id] = cosine
        ordered = sorted(scores, key=lambda product_id: -scores[product_id])
        return tuple(Hit(product_id, scores[product_id]) for product_id in ordered[:k])

    def forget(self, customer_id: str) -> None:
        """Deletes what is kept of this shopper."""
        with self._lock:
            self._index.drop(_collection(customer_id))

    def _cosines(
        self, customer_id: str, known: Sequence[Candidate], wanted: Sequence[Term]
    ) -> dict[str, float]:
        vector = self._embedder.embed([meaning(wanted)])[0]
        ids = sorted({each.vector for each in known})
        collection = _collection(customer_id)
        with self._lock:
            stamp = hashlib.sha256("".join(ids).encode()).hexdigest()
            if self._index.metadata(collection).get("stamp") != stamp:
                self._index.drop(collection)
                stored = self._index.vectors(self._products, ids)
                if not stored:
                    return {}
                self._index.put(
                    collection, list(stored), np.stack(list(stored.values())), {"stamp": stamp}
                )
            return dict(self._index.query(collection, vector, len(ids)))


def _collection(customer_id: str) -> str:
    return "history-" + hashlib.sha256(customer_id.encode()).hexdigest()[:40]
