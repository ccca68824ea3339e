"""Finding products: by words and by meaning, under limits."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexMissing
from retrieval.help import HelpArticle, HelpSearch
from retrieval.history import HistorySearch
from retrieval.index import VECTORS, VectorIndex, embed_new, vector_id
from retrieval.lexical import Candidate, Lexical
from retrieval.types import Filters, Hit, Method, ProductEntry, Progress, SearchResult
from retrieval.words import Term, clean, meaning, terms

if TYPE_CHECKING:
    from retrieval.embedder import Embedder

COLLECTION = "products"
DATABASE = "products.sqlite"

_VERSION = "1"
"""Of what is kept and embedded of an entry: changing either makes a build start anew."""
_READ = 5_000
"""Vectors that Chroma gives at a time."""
_DEPTH = 100
"""Candidates that each method brings to the fusion, at least."""
_RANK = 60
"""The constant of reciprocal rank fusion."""
_PRIOR = 0.004
"""What popularity adds to a fused score at most: the best seller among equally good ones."""
_NAMED = 0.010
"""What naming every word asked for adds: "oat milk" comes before any other milk."""
_FLOOR = 0.40
"""The cosine below which a text is not about the query."""
_CHANCE = 0.33
"""The cosine below which the shop has nothing of the kind."""
_SAME_TEXT = 2
"""Hits of one text (sizes of one thing) before other things have their turn."""
_MEASURE = re.compile(
    r"[,/]?\s*\.?\b\d+(?:[.,/]\d+)*[\s_-]*(?:fl\.? ?oz|oz|ounces?|lbs?|pounds?|ct|counts?|pk|packs?"
    r"|gal|gallons?|qts?|pts?|g|kg|mg|ml|cl|l|lt|liters?|litres?|inch|in|ft|sq\.? ?ft|yd|each|ea|dz"
    r"|doz|dozen|rl|rolls?|pc|pieces?|loads?|sheets?)\b\.?",
    re.IGNORECASE,
)

Ranked = tuple[int, Candidate]


class ProductSearch:
    """Hybrid search over a folder that `build` has filled.

    Words are ranked by BM25, meaning by cosine, and both ranks joined by reciprocal rank fusion
    (Cormack, Clarke and Büttcher 2009); popularity parts near-ties. Safe to share between threads.
    """

    def __init__(self, lexical: Lexical, index: VectorIndex, embedder: Embedder) -> None:
        self._lexical = lexical
        self._index = index
        self._embedder = embedder

    @classmethod
    def build(
        cls,
        folder: Path,
        entries: Sequence[ProductEntry],
        embedder: Embedder,
        progress: Progress | None = None,
        index: VectorIndex | None = None,
    ) -> ProductSearch:
        """Makes the folder's index hold exactly these entries and opens it.

        Vectors are kept by what they say, so only new texts are embedded, an interrupted build
        goes on where it stopped, and building the same entries again does nothing. Searches that
        are open keep the old products until the new ones are complete.
        """
        folder.mkdir(parents=True, exist_ok=True)
        index = index or VectorIndex(folder / VECTORS)
        stamp = _stamp(entries, embedder)
        try:
            opened = cls.open(folder, embedder, index)
        except IndexMissing:
            opened = None
        if opened is None or opened.lexical.meta["stamp"] != stamp:
            if opened:
                opened.close()
            texts = {vector_id(text): text for text in map(_said, entries)}
            embed_new(index, COLLECTION, texts, embedder, progress)
            fresh = folder / f"{DATABASE}.new"
            fresh.unlink(missing_ok=True)
            Lexical.build(
                fresh,
                ((entry, vector_id(_said(entry))) for entry in entries),
                {"stamp": stamp, "weights": embedder.fingerprint, "vectors": str(len(texts))},
            )
            fresh.replace(folder / DATABASE)
            index.remove(COLLECTION, sorted(index.ids(COLLECTION) - texts.keys()))
            opened = cls.open(folder, embedder, index)
        return opened

    @classmethod
    def open(
        cls, folder: Path, embedder: Embedder, index: VectorIndex | None = None
    ) -> ProductSearch:
        """Opens what `build` made. Raises IndexMissing if it is not there, is damaged or was made
        with other weights."""
        lexical = Lexical(folder / DATABASE)
        try:
            if lexical.meta.get("weights") != embedder.fingerprint:
                raise IndexMissing(
                    f"The product index in {str(folder)!r} was made with another embedding model: "
                    "build it again."
                )
            index = index or VectorIndex(folder / VECTORS)
            if index.count(COLLECTION) < int(lexical.meta["vectors"]):
                raise IndexMissing(
                    f"The product index in {str(folder)!r} lacks vectors: build it again."
                )
            index.check(COLLECTION)
        except IndexMissing:
            lexical.close()
            raise
        return cls(lexical, index, embedder)

    def close(self) -> None:
        self._lexical.close()

    @property
    def lexical(self) -> Lexical:
        return self._lexical

    def search(
        self,
        query: str,
        filters: Filters | None = None,
        k: int = 10,
        method: Method = "hybrid",
    ) -> SearchResult:
        """The k best products for the query that keep every filter, and the words of the query
        that none of their texts contains.

        No hits where no word matches and nothing is near in meaning. A query without content
        ("anything cheap") under a filter gives what is popular there.
        """
        filters = filters or Filters()
        wanted = self._lexical.spelled(terms(query))
        if not wanted:
            narrowed = filters != Filters(exclude=filters.exclude)
            found = self._lexical.popular(filters, k) if narrowed else []
            return SearchResult(_fused([_ranked(found)], k, {}))
        depth = max(_DEPTH, k * 4)
        rankings = []
        every = False
        if method != "lexical":
            vector = self._embedder.embed([meaning(wanted)])[0]
            near = self._near(vector, filters, depth)
            rankings.append(self._selling(near, filters))
            # "weather tomorrow" is not about weather strips: where the shop has nothing of the
            # kind, sharing one word of several is chance.
            every = not near or near[0][1] < _CHANCE
        if method != "dense":
            rankings.append(_ranked(self._lexical.by_words(wanted, filters, depth, every)))
        names = self._naming(wanted, rankings)
        hits = _fused(rankings, k, _lift(rankings, names) if method == "hybrid" else {})
        # A number is a size or an amount, which shops write in too many ways to miss.
        counted = [
            (term.text, named)
            for term, named in zip(wanted, names, strict=True)
            if not term.text.isdigit()
        ]
        whole = set.intersection(*(named for _, named in counted)) if counted else set()
        hits = tuple(replace(hit, whole=hit.product_id in whole) for hit in hits)
        if not hits or not counted or any(hit.whole for hit in hits):
            return SearchResult(hits)
        shown = {hit.product_id for hit in hits}
        missing = [text for text, named in counted if named.isdisjoint(shown)]
        return SearchResult(hits, tuple(missing or (text for text, _ in counted)))

    def similar(
        self, product_id: str, k: int = 10, filters: Filters | None = None
    ) -> tuple[Hit, ...]:
        """The products nearest in meaning to this one that keep every filter, without those of
        its own group; none for a product that is not known."""
        filters = filters or Filters()
        anchor = self._lexical.candidates([product_id]).get(product_id)
        if anchor is None:
            return ()
        vector = self._index.vectors(COLLECTION, [anchor.vector])[anchor.vector]
        near = self._near(vector, filters, max(_DEPTH, k * 4))
        others = [each for each in self._selling(near, filters) if each[1].group != anchor.group]
        return _fused([others], k, {})

    def vectors(self, product_ids: Sequence[str]) -> NDArray[np.float32]:
        """(products, dimension): what each one's text means, as a unit vector; a row of NaN for a
        product that is not known."""
        known = self._lexical.candidates(product_ids)
        texts = sorted({each.vector for each in known.values()})
        stored: dict[str, NDArray[np.float32]] = {}
        for start in range(0, len(texts), _READ):
            stored |= self._index.vectors(COLLECTION, texts[start : start + _READ])
        dimension = len(next(iter(stored.values()))) if stored else 0
        found = np.full((len(product_ids), dimension), np.nan, np.float32)
        for row, product_id in enumerate(product_ids):
            if product_id in known:
                found[row] = stored[known[product_id].vector]
        return found

    def _near(
        self, vector: NDArray[np.float32], filters: Filters, depth: int
    ) -> list[tuple[str, float]]:
        """The texts nearest to the vector of which some product passes, with their cosines."""
        # Chroma knows texts, not products; it is told which texts to look among, so that a narrow
        # filter does not eat up the nearest ones.
        among = self._lexical.passing(filters) if filters != Filters() else None
        return self._index.query(COLLECTION, vector, depth, among)

    def _selling(self, near: Sequence[tuple[str, float]], filters: Filters) -> list[Ranked]:
        """The groups of the texts that are near enough, each with the rank of its text."""
        texts = [each for each, cosine in near if cosine >= _FLOOR]
        found = self._lexical.by_vector(texts, filters)
        return [(rank, each) for rank, text in enumerate(texts) for each in found.get(text, ())]

    def _naming(
        self, wanted: Sequence[Term], rankings: Sequence[Sequence[Ranked]]
    ) -> list[set[str]]:
        """For each term, the candidates that name it."""
        ids = {each.product_id for ranking in rankings for _, each in ranking}
        return [self._lexical.naming(term, ids) for term in wanted]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """All that can be searched in one folder."""

    products: ProductSearch
    help: HelpSearch
    history: HistorySearch

    def close(self) -> None:
        self.products.close()
        self.help.close()


def open_retrieval(folder: Path, embedder: Embedder) -> Retrieval:
    """Opens what `build_retrieval` made in the folder. Raises IndexMissing if it is not there."""
    index = VectorIndex(folder / VECTORS)
    products = ProductSearch.open(folder, embedder, index)
    return _retrieval(products, HelpSearch.open(folder, embedder, index), index, embedder)


def build_retrieval(
    folder: Path,
    entries: Sequence[ProductEntry],
    articles: Sequence[HelpArticle],
    embedder: Embedder,
    progress: Progress | None = None,
) -> Retrieval:
    """Makes the folder hold exactly these products and articles, embedding only what is new."""
    index = VectorIndex(folder / VECTORS)
    products = ProductSearch.build(folder, entries, embedder, progress, index)
    help_ = HelpSearch.build(folder, articles, embedder, index)
    return _retrieval(products, help_, index, embedder)


def _ranked(found: Sequence[Candidate]) -> list[Ranked]:
    return list(enumerate(found))


def _lift(rankings: Sequence[Sequence[Ranked]], names: Sequence[set[str]]) -> dict[str, float]:
    """What each candidate gains by its popularity and by the share of the words that it names."""
    return {
        each.product_id: _PRIOR * each.prior
        + _NAMED * sum(each.product_id in named for named in names) / len(names)
        for ranking in rankings
        for _, each in ranking
    }


def _fused(
    rankings: Sequence[Sequence[Ranked]], k: int, lift: Mapping[str, float]
) -> tuple[Hit, ...]:
    """The k best groups by reciprocal rank fusion and lift, the texts mixed."""
    scores: dict[str, float] = {}
    best: dict[str, Candidate] = {}
    for ranking in rankings:
        for rank, each in ranking:
            kept = best.setdefault(each.group, each)
            scores.setdefault(each.group, lift.get(kept.product_id, 0.0))
            scores[each.group] += 1 / (_RANK + rank + 1)
    ordered = sorted(
        best.values(), key=lambda each: (-scores[each.group], -each.prior, each.product_id)
    )
    seen: Counter[str] = Counter()
    first: list[Candidate] = []
    later: list[Candidate] = []
    for each in ordered:
        (first if seen[each.vector] < _SAME_TEXT else later).append(each)
        seen[each.vector] += 1
    chosen = sorted((first + later)[:k], key=lambda each: -scores[each.group])
    return tuple(Hit(each.product_id, scores[each.group]) for each in chosen)


def _retrieval(
    products: ProductSearch, help_: HelpSearch, index: VectorIndex, embedder: Embedder
) -> Retrieval:
    history = HistorySearch(products.lexical, index, embedder, COLLECTION)
    return Retrieval(products, help_, history)


def _said(entry: ProductEntry) -> str:
    """What is embedded of a product. Sizes are left to the words: they say nothing of what it is,
    and without them all sizes of a thing share a vector."""
    title = _MEASURE.sub("", clean(entry.title)).strip(" ,") or clean(entry.title)
    return ". ".join(filter(None, (title, ", ".join(entry.category), entry.text)))


def _stamp(entries: Sequence[ProductEntry], embedder: Embedder) -> str:
    digest = hashlib.sha256(f"{_VERSION} {embedder.fingerprint}".encode())
    for entry in entries:
        digest.update(repr(entry).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()
