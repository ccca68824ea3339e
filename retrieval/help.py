"""Finding the help article, and the sentences in it, that answer a question."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexMissing
from retrieval.index import VECTORS, VectorIndex, embed_new, vector_id
from retrieval.words import expression, spaced, terms

if TYPE_CHECKING:
    from retrieval.embedder import Embedder

COLLECTION = "help"
ARTICLES = "help.json"

_RANK = 60
_DEPTH = 50
_FLOOR = 0.36
"""The cosine below which a sentence is not about the question."""
_WORDS = 0.15
"""What naming the query's words may add to a sentence's cosine."""


@dataclass(frozen=True, slots=True)
class HelpArticle:
    article_id: str
    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HelpHit:
    """An article found. `sentence_scores[i]` says how well sentence i answers; the scores of one
    search compare across its articles."""

    article_id: str
    score: float
    sentence_scores: tuple[float, ...]


class HelpSearch:
    """Hybrid search over help articles, a sentence at a time. Safe to share between threads."""

    def __init__(
        self, articles: Sequence[HelpArticle], index: VectorIndex, embedder: Embedder
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._sentences = [
            (article, position)
            for article in articles
            for position in range(len(article.sentences))
        ]
        self._ids = [vector_id(_said(*each)) for each in self._sentences]
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.execute(
            "CREATE VIRTUAL TABLE sentence USING fts5(title, body, content='',"
            " tokenize='porter unicode61 remove_diacritics 2')"
        )
        self._database.executemany(
            "INSERT INTO sentence (rowid, title, body) VALUES (?, ?, ?)",
            (
                (row, spaced(article.title), spaced(article.sentences[position]))
                for row, (article, position) in enumerate(self._sentences)
            ),
        )

    @classmethod
    def build(
        cls,
        folder: Path,
        articles: Sequence[HelpArticle],
        embedder: Embedder,
        index: VectorIndex | None = None,
    ) -> HelpSearch:
        """Makes the folder's help index hold exactly these articles and opens it; only sentences
        that are new are embedded."""
        folder.mkdir(parents=True, exist_ok=True)
        index = index or VectorIndex(folder / VECTORS)
        texts = {
            vector_id(said): said
            for article in articles
            for position in range(len(article.sentences))
            for said in (_said(article, position),)
        }
        embed_new(index, COLLECTION, texts, embedder)
        kept = {"weights": embedder.fingerprint, "articles": [asdict(each) for each in articles]}
        fresh = folder / f"{ARTICLES}.new"
        fresh.write_text(json.dumps(kept, ensure_ascii=True), encoding="utf-8")
        fresh.replace(folder / ARTICLES)
        index.remove(COLLECTION, sorted(index.ids(COLLECTION) - texts.keys()))
        return cls(articles, index, embedder)

    @classmethod
    def open(cls, folder: Path, embedder: Embedder, index: VectorIndex | None = None) -> HelpSearch:
        """Opens what `build` made. Raises IndexMissing if it is not there, is damaged or was made
        with other weights."""
        path = folder / ARTICLES
        if not path.is_file():
            raise IndexMissing(f"there is no help index at {str(path)!r}: build it first")
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            weights = kept["weights"]
            articles = [
                HelpArticle(each["article_id"], each["title"], tuple(each["sentences"]))
                for each in kept["articles"]
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise IndexMissing(
                f"The help index at {str(path)!r} is damaged: build it again."
            ) from error
        if weights != embedder.fingerprint:
            raise IndexMissing(
                f"The help index at {str(path)!r} was made with another embedding model: "
                "build it again."
            )
        index = index or VectorIndex(folder / VECTORS)
        index.check(COLLECTION)
        return cls(articles, index, embedder)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def search(self, query: str, k: int = 3) -> list[HelpHit]:
        """The k articles that answer best, none where nothing is near the question.

        Articles are ranked by their best sentence, by BM25 and by cosine, and both ranks joined
        by reciprocal rank fusion (Cormack, Clarke and Büttcher 2009).
        """
        if not query.strip():
            return []
        vector = self._embedder.embed([query])[0]
        near = dict(self._index.query(COLLECTION, vector, _DEPTH))
        rows = [row for row, each in enumerate(self._ids) if each in near]
        by_meaning = sorted(rows, key=lambda row: -near[self._ids[row]])
        if not by_meaning or near[self._ids[by_meaning[0]]] < _FLOOR:
            return []
        by_words = self._by_words(query)
        fused: dict[str, float] = {}
        for ranking in (by_meaning, list(by_words)):
            ranked = dict.fromkeys(self._sentences[row][0].article_id for row in ranking)
            for rank, article_id in enumerate(ranked, 1):
                fused[article_id] = fused.get(article_id, 0.0) + 1 / (_RANK + rank)
        best = sorted(fused, key=lambda article_id: -fused[article_id])[:k]
        scores = self._sentence_scores(best, vector, by_words)
        return [HelpHit(each, fused[each], scores[each]) for each in best]

    def _by_words(self, query: str) -> dict[int, float]:
        """The rows of the sentences that share a word with the query, best first, with their
        BM25 as a share of the best."""
        wanted = terms(query)
        if not wanted:
            return {}
        with self._lock:
            found = self._database.execute(
                "SELECT rowid, bm25(sentence, 2.0, 1.0) AS score FROM sentence"
                " WHERE sentence MATCH ? ORDER BY score LIMIT ?",
                (expression(wanted), _DEPTH),
            ).fetchall()
        # SQLite's bm25 is negative, and the lowest is the best.
        return {row: score / found[0][1] for row, score in found}

    def _sentence_scores(
        self, article_ids: Sequence[str], vector: NDArray[np.float32], by_words: dict[int, float]
    ) -> dict[str, tuple[float, ...]]:
        chosen = set(article_ids)
        rows = [row for row, each in enumerate(self._sentences) if each[0].article_id in chosen]
        stored = self._index.vectors(COLLECTION, sorted({self._ids[row] for row in rows}))
        scores: dict[str, list[float]] = {each: [] for each in article_ids}
        for row in rows:
            cosine = float(stored[self._ids[row]] @ vector)
            scores[self._sentences[row][0].article_id].append(
                cosine + _WORDS * by_words.get(row, 0.0)
            )
        return {article_id: tuple(each) for article_id, each in scores.items()}


def _said(article: HelpArticle, position: int) -> str:
    """A sentence is embedded under its title, without which "It is free." says nothing."""
    return f"{article.title}. {article.sentences[position]}"
