"""Suggestions for one shopper at one moment, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from recommender.blend import blended
from recommender.diversify import diversified
from recommender.frequency import Habits
from recommender.interactions import Floats, Ints
from recommender.learned import Learned
from recommender.models import Models
from recommender.ranking import Choice, Limits, pick
from recommender.reasons import Reasons
from recommender.types import Item, Kind, Reason, Recommendation, Session

__all__ = ["Item", "Kind", "Reason", "Recommendation", "Recommender", "Session"]

_SESSION_SHARE = 0.1
"""A product of this session weighs a tenth of all that a shopper bought before."""
_VIEWED = 0.3
"""What a product that was looked at weighs, of one in the cart."""
_CART_PULL = 0.3
_SESSION_PULL = 0.5
"""The most that a session adds to a learned score, which lies between 1 and 2."""
_LEARNED_FILLS = 50
"""A list this long the learned order fills from its candidates, of no category in particular."""
_LIKED = 1.5
_PER_LEAF = 2


class Recommender:
    """All models of a shop in memory, read only: any number of threads may ask."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._users = {name: number for number, name in enumerate(models.baskets.customers)}
        self._end = int(models.baskets.at.max(initial=0))
        self._reasons = Reasons(models)
        popular = models.popular.score
        self._bought = np.where(popular > 0, popular, np.nan).astype(np.float32)
        """How popular every item is, NaN for one that nobody ever bought."""
        self._behind = self._bought / max(float(popular.max(initial=0)), 1e-9) - 1
        """The same from -1 to 0, behind everything that tastes speak for."""

    @classmethod
    def train(
        cls,
        interactions: pl.DataFrame,
        products: pl.DataFrame,
        folder: Path,
        progress: Callable[[str, int, int], None],
        slots: frozenset[str] = frozenset(),
        embeddings: Floats | None = None,
    ) -> Recommender:
        """Fit every model and write it to `folder`, which is replaced. `slots` as for `Models.fit`.

        `interactions`: customer_id, product_id, kind, value (the quantity of a purchase), at
        (UTC); `products`: product_id, category (list of str from the department down), group,
        price. Rows that say nothing are left out (see `clean`). `embeddings` (products, dimension)
        are of the products' texts, in the rows' order, NaN for none: by them a product that nobody
        bought is suggested too. OSError if it cannot be written.
        """
        models = Models.fit(interactions, products, progress, slots, embeddings)
        models.save(folder)
        return cls(models)

    @classmethod
    def load(cls, folder: Path) -> Recommender:
        """Raises ModelMissing where there is no whole model of this version."""
        return cls(Models.load(folder))

    def recommend(
        self,
        kind: Kind,
        *,
        customer_id: str | None,
        session: Session,
        product_id: str | None = None,
        category: str | None = None,
        k: int = 10,
        now: datetime | None = None,
        diversity: float = 0.0,
    ) -> Recommendation:
        """At most `k` items, the best first, no two of one group.

        Unknown customers, products and categories never raise. `now` is when the shopper asks,
        the end of the data if not given; `category` is any level's name, whatever its case.
        `diversity`, from 0 to 1, spreads new_for_you and popular over the shelves (see
        `diversify`); what it costs stands in docs/recommender.md.
        """
        asked = _Asked(
            user=self._users.get(customer_id or "", -1),
            session=session,
            category=(category or "").strip() or None,
            k=max(k, 0),
            now=self._end if now is None else _seconds(now),
            diversity=min(max(diversity, 0.0), 1.0),
        )
        match kind:
            case "buy_again" if asked.user >= 0:
                return self._buy_again(asked)
            case "new_for_you" if asked.user >= 0 or self._has_tastes(asked):
                return self._new_for_you(asked)
            case "goes_with" if product_id or self._numbers(session.cart).size:
                return self._goes_with(asked, product_id)
            case "similar" if product_id:
                return self._similar(asked, product_id)
            case _:
                chosen = self._popular(asked, demote=kind == "new_for_you")
                return Recommendation(kind, kind != "popular", chosen)

    def _buy_again(self, asked: _Asked) -> Recommendation:
        models = self._models
        habits = Habits.of(models.baskets, asked.user)
        counts, session = self._bought_and_wanted(asked)
        score = np.full(len(models.catalogue), np.nan)
        if self._learned("next_basket", asked):  # which leaves out only what was bought long ago
            score[habits.items] = counts.toarray()[0, habits.items]
        else:
            smoothed = models.ease.smooth(counts)[0]
            score[habits.items] = blended(
                counts.toarray()[0], smoothed, habits, models.weights, asked.now
            )
        score = self._ranked("next_basket", asked, session, score)
        foreign = np.ones(len(score), bool)
        foreign[habits.items] = False
        score[foreign] = np.nan
        chosen = self._pick(asked, score, self._hidden(asked))
        place = {int(item): row for row, item in enumerate(habits.items)}
        return Recommendation(
            "buy_again",
            False,
            tuple(self._item(each, self._reasons.own(habits, place[each.item])) for each in chosen),
        )

    def _new_for_you(self, asked: _Asked) -> Recommendation:
        models = self._models
        counts, session = self._bought_and_wanted(asked)
        tastes = self._tastes(asked, counts, session)
        # Last comes what nobody bought yet, so that a shelf of new things is not empty.
        score = self._behind.copy()
        few = asked.category is None and asked.k <= _LEARNED_FILLS
        if not (few and self._learned("new_items", asked)):
            liking = models.liking(tastes)[0]
            score[np.isnan(score) & np.isfinite(liking)] = -1
            score = np.where(liking > 0, liking, score)
        score = self._ranked("new_items", asked, session, score)
        hidden = self._hidden(asked)
        if asked.user >= 0:
            own = models.baskets.item[models.baskets.of_user(asked.user)]
            hidden |= models.catalogue.in_groups(own)
        per_leaf = None if asked.category else _PER_LEAF
        chosen = self._pick(asked, score, hidden, demote=True, per_leaf=per_leaf)
        reasons = self._reasons.by_similar(tastes, [each.item for each in chosen])
        items = tuple(
            self._item(
                each,
                reason
                or self._reasons.like(each.item, tastes.indices)
                or self._reasons.popular(each.item, asked.category),
            )
            for each, reason in zip(chosen, reasons, strict=True)
        )
        return Recommendation("new_for_you", False, items)

    def _goes_with(self, asked: _Asked, product_id: str | None) -> Recommendation:
        models = self._models
        cart = self._numbers(asked.session.cart)
        anchors = self._anchors(product_id) if product_id else cart
        score, best = self._together(anchors)
        hidden = self._hidden(asked) | models.catalogue.in_groups(anchors)
        if product_id:
            pulled, _ = self._together(cart)
            score += _CART_PULL * np.nan_to_num(pulled)
        else:
            hidden |= np.isin(models.catalogue.leaf, models.catalogue.leaf[anchors])
        chosen = self._pick(asked, score, hidden)
        return Recommendation(
            "goes_with",
            False,
            tuple(
                self._item(
                    each,
                    self._reasons.together(each.item, int(best[each.item]), bool(product_id)),
                )
                for each in chosen
            ),
        )

    def _similar(self, asked: _Asked, product_id: str) -> Recommendation:
        models = self._models
        anchor = models.catalogue.number(product_id)
        score = models.similar.scores([anchor])[0]
        # Where no customer bought both, the shelf's best sellers come first.
        score = score + 1e-3 * models.popular.score / max(float(models.popular.score.max()), 1e-9)
        anchors = self._numbers((product_id,))
        hidden = self._hidden(asked) | models.catalogue.in_groups(anchors)
        chosen = self._pick(asked, score, hidden)
        both = models.similar.both(anchors, np.array([each.item for each in chosen], np.int32))
        return Recommendation(
            "similar",
            False,
            tuple(
                self._item(each, self._reasons.similar(each.item, anchor, int(count)))
                for each, count in zip(chosen, both.ravel(), strict=True)
            ),
        )

    def _popular(self, asked: _Asked, demote: bool) -> tuple[Item, ...]:
        per_leaf = None if asked.category else _PER_LEAF
        return tuple(
            self._item(each, self._reasons.popular(each.item, asked.category))
            for each in self._pick(
                asked, self._bought, self._hidden(asked), demote=demote, per_leaf=per_leaf
            )
        )

    def _learned(self, slot: str, asked: _Asked) -> Learned | None:
        """The learned order, where the slot has one and the shopper a history."""
        learned = self._models.learned
        return learned if learned and slot in learned.slots and asked.user >= 0 else None

    def _ranked(self, slot: str, asked: _Asked, session: Any, weighted: Any) -> Any:
        """The learned order where the slot has one, above 1, with what this session pulls on top;
        the rest behind it as weighted.
        """
        learned = self._learned(slot, asked)
        if learned is None:
            return weighted
        refused = self._numbers(asked.session.disliked)
        candidates, found = learned.scores(slot, asked.user, asked.now, session, refused)
        if session.nnz and slot == "new_items" and len(candidates):
            cosine, _ = self._models.similar.shared(session.indices, candidates)
            pull = session.data @ cosine
            found += _SESSION_PULL * pull / max(float(pull.max()), 1e-9)
        ranked = np.array(weighted, np.float64)
        ranked[ranked > 0] /= max(float(np.nanmax(weighted, initial=0)), 1e-9)
        ranked[candidates] = 1 + found
        return ranked

    def _bought_and_wanted(self, asked: _Asked) -> tuple[Any, Any]:
        """What was bought, and what this session speaks for, as two rows of tastes, CSR."""
        counts = self._models.frequency.rows([asked.user])
        session = asked.session
        share = dict.fromkeys(self._numbers(session.viewed).tolist(), _VIEWED)
        share |= dict.fromkeys(self._numbers(session.cart + session.liked).tolist(), 1.0)
        items = sorted(share)
        weight = max(1.0, _SESSION_SHARE * float(counts.data.sum()))
        weights = np.array([weight * share[item] for item in items], np.float32)
        row = (weights, np.array(items, np.int32), [0, len(items)])
        return counts, sparse.csr_matrix(row, counts.shape)

    def _has_tastes(self, asked: _Asked) -> bool:
        return bool(self._tastes(asked, *self._bought_and_wanted(asked)).nnz)

    def _tastes(self, asked: _Asked, bought: Any, wanted: Any) -> Any:
        """The row that EASE is asked with."""
        tastes = bought + wanted
        tastes.data[np.isin(tastes.indices, self._numbers(asked.session.disliked))] = 0
        tastes.eliminate_zeros()
        return tastes

    def _together(self, anchors: Ints) -> tuple[Floats, Ints]:
        """By item the sum of the anchors' weights, NaN for no neighbour, and the anchor of the
        largest, −1 for none.
        """
        scores = self._models.cooccurrence.scores([int(each) for each in anchors])
        known = np.isfinite(scores)
        best = np.full(scores.shape[1], -1, np.int32)
        if len(anchors):
            best = np.where(known.any(0), anchors[np.argmax(np.nan_to_num(scores), axis=0)], best)
        return np.where(known.any(0), np.nansum(scores, axis=0), np.nan), best

    def _anchors(self, product_id: str) -> Ints:
        """The product, or its group where the product itself was bought with nothing."""
        own = self._numbers((product_id,))
        if len(own) and not len(self._models.cooccurrence.neighbours(int(own[0]))[0]):
            return np.flatnonzero(self._models.catalogue.in_groups(own)).astype(np.int32)
        return own

    def _hidden(self, asked: _Asked) -> NDArray[np.bool_]:
        """What must not be suggested: the cart, what was disliked, and their groups; other
        categories.
        """
        catalogue = self._models.catalogue
        hidden = catalogue.in_groups(self._numbers(asked.session.cart + asked.session.disliked))
        return hidden | ~catalogue.in_category(asked.category) if asked.category else hidden

    def _pick(
        self,
        asked: _Asked,
        score: Any,
        hidden: NDArray[np.bool_],
        demote: bool = False,
        per_leaf: int | None = None,
    ) -> list[Choice]:
        catalogue = self._models.catalogue
        shown = self._numbers(asked.session.shown) if demote else np.empty(0, np.int32)
        limits = Limits(asked.k, catalogue.group, catalogue.leaf, per_leaf)
        boosted = np.where(hidden, np.nan, score)
        if asked.session.liked:
            liked = catalogue.in_groups(self._numbers(asked.session.liked))
            boosted[liked & (boosted > 0)] *= _LIKED
        if demote and asked.diversity:
            fresh = np.where(catalogue.in_groups(shown), np.nan, boosted)
            ahead = diversified(
                fresh, catalogue.leaf, catalogue.departments, len(boosted), asked.diversity
            )
            boosted[ahead] = np.nanmax(boosted, initial=0) + np.arange(len(ahead), 0, -1)
        return pick(boosted, catalogue.in_groups(shown), limits)

    def _numbers(self, product_ids: tuple[str, ...]) -> Ints:
        return self._models.catalogue.numbers(product_ids)

    def _item(self, chosen: Choice, reason: Reason) -> Item:
        return Item(self._models.catalogue.ids[chosen.item], chosen.score, reason)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request; `user` is −1 for a guest or an unknown shopper."""

    user: int
    session: Session
    category: str | None
    k: int
    now: float
    diversity: float


def _seconds(at: datetime) -> float:
    """Seconds since 1970; a time without a zone is UTC."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
