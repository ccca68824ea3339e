"""Products by their words, and what a filter lets through: SQLite with FTS5."""

from __future__ import annotations

import json
import math
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from retrieval.errors import IndexMissing
from retrieval.types import Filters, ProductEntry
from retrieval.words import Term, expression, respelled, spaced, vocabulary

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE doc USING fts5(
    title, category, brand, body, content='', tokenize='porter unicode61 remove_diacritics 2'
);
CREATE TABLE word (text TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE category (id INTEGER PRIMARY KEY, path TEXT NOT NULL);
CREATE TABLE brand (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE meaning (id INTEGER PRIMARY KEY, vector TEXT NOT NULL UNIQUE);
CREATE TABLE product (
    product_id TEXT PRIMARY KEY,
    doc INTEGER NOT NULL,
    meaning INTEGER NOT NULL REFERENCES meaning,
    category INTEGER NOT NULL REFERENCES category,
    brand INTEGER NOT NULL REFERENCES brand,
    grouping TEXT NOT NULL,
    price INTEGER NOT NULL,  -- ten-thousandths, so that limits are exact
    prior REAL NOT NULL      -- popularity in [0, 1], plus 1 when in stock
);
"""
# Made after the rows: the last two cover every filter, so that counting reads no table.
_INDEXES = """
CREATE INDEX product_prior ON product (prior);
CREATE INDEX product_doc ON product (doc, price, category, brand);
CREATE INDEX product_meaning ON product (meaning, price, category, brand);
"""
# Title over category over brand over description.
_BM25 = "bm25(doc, 8.0, 3.0, 2.0, 1.0)"
_SCALE = Decimal(10_000)
_LARGEST = 2**62


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that passed the filters, the best of its group; `vector` is the id of its text's
    vector, `prior` in [0, 2] says how popular it is and whether it is in stock."""

    product_id: str
    group: str
    vector: str
    prior: float


class Lexical:
    """A products table with a word index over its distinct texts, read-only once built.

    Ranks by BM25 (Robertson and Zaragoza 2009), on Porter stems. Safe to share between threads.
    Raises IndexMissing if the file is not there or is not such a table.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise IndexMissing(f"there is no product index at {str(path)!r}: build it first")
        self._lock = threading.Lock()
        try:
            self._database = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
            )
            self.meta = dict(self._database.execute("SELECT key, value FROM meta").fetchall())
            self._paths = {
                number: tuple(json.loads(path))
                for number, path in self._database.execute("SELECT id, path FROM category")
            }
            self._words = [word for (word,) in self._database.execute("SELECT text FROM word")]
            self._brands = dict(self._database.execute("SELECT id, name FROM brand").fetchall())
        except sqlite3.DatabaseError as error:
            raise IndexMissing(
                f"The product index at {str(path)!r} is damaged ({error}): build it again."
            ) from error

    @staticmethod
    def build(
        path: Path, entries: Iterable[tuple[ProductEntry, str]], meta: dict[str, str]
    ) -> None:
        """Writes the table of the entries, each with the id of its text's vector, to a new file."""
        rows = list(entries)
        most = max((math.log1p(max(entry.popularity, 0.0)) for entry, _ in rows), default=0.0)
        docs: dict[tuple[str, ...], int] = {}
        meanings: dict[str, int] = {}
        categories: dict[tuple[str, ...], int] = {}
        brands: dict[str, int] = {}
        products = []
        for entry, vector in rows:
            words = (entry.title, " ".join(entry.category), entry.brand, entry.text)
            popularity = math.log1p(max(entry.popularity, 0.0)) / most if most else 0.0
            products.append(
                (
                    entry.product_id,
                    docs.setdefault(words, len(docs) + 1),
                    meanings.setdefault(vector, len(meanings) + 1),
                    categories.setdefault(entry.category, len(categories) + 1),
                    brands.setdefault(entry.brand, len(brands) + 1),
                    entry.group,
                    _scaled(entry.price, ROUND_HALF_EVEN),
                    popularity + entry.in_stock,
                )
            )
        with sqlite3.connect(path) as database:
            database.executescript(_SCHEMA)
            database.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
            database.executemany(
                "INSERT INTO doc (rowid, title, category, brand, body) VALUES (?, ?, ?, ?, ?)",
                ((number, *map(spaced, words)) for words, number in docs.items()),
            )
            database.executemany(
                "INSERT INTO word VALUES (?)",
                ((word,) for word in sorted(vocabulary(" ".join(words) for words in docs))),
            )
            database.executemany(
                "INSERT INTO category VALUES (?, ?)",
                ((number, json.dumps(path)) for path, number in categories.items()),
            )
            database.executemany(
                "INSERT INTO brand VALUES (?, ?)",
                ((number, name) for name, number in brands.items()),
            )
            database.executemany(
                "INSERT INTO meaning VALUES (?, ?)",
                ((number, vector) for vector, number in meanings.items()),
            )
            database.executemany(
                "INSERT OR REPLACE INTO product VALUES (?, ?, ?, ?, ?, ?, ?, ?)", products
            )
            database.executescript(_INDEXES)
            database.execute("INSERT INTO doc (doc) VALUES ('optimize')")
            database.execute("ANALYZE")
        database.close()

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def spelled(self, wanted: Iterable[Term]) -> tuple[Term, ...]:
        """The terms, with the shop's spelling for those that no text names."""
        return tuple(term if self._named(term) else respelled(term, self._words) for term in wanted)

    def by_words(
        self, wanted: Sequence[Term], filters: Filters, limit: int, every: bool = False
    ) -> list[Candidate]:
        """The best groups that name any of the terms (or every one), by BM25, then by prior."""
        if not wanted:
            return []
        where, values = self._where(filters)
        return self._best(
            f"SELECT {_COLUMNS} FROM (SELECT rowid AS id, {_BM25} AS score FROM doc"
            " WHERE doc MATCH ?) AS found"
            f" JOIN product ON product.doc = found.id {_JOIN} WHERE {where}"
            " ORDER BY found.score, product.prior DESC",
            (expression(wanted, every), *values),
            limit,
        )

    def by_vector(self, vectors: Sequence[str], filters: Filters) -> dict[str, list[Candidate]]:
        """For each vector id, the groups whose texts it stands for, best prior first."""
        where, values = self._where(filters)
        found: dict[str, list[Candidate]] = {}
        for each in self._best(
            f"SELECT {_COLUMNS} FROM product {_JOIN}"
            f" WHERE vector IN (SELECT value FROM json_each(?)) AND {where}"
            " ORDER BY product.prior DESC",
            (json.dumps(list(vectors)), *values),
            None,
        ):
            found.setdefault(each.vector, []).append(each)
        return found

    def popular(self, filters: Filters, limit: int) -> list[Candidate]:
        where, values = self._where(filters)
        return self._best(
            f"SELECT {_COLUMNS} FROM product {_JOIN} WHERE {where} ORDER BY product.prior DESC",
            values,
            limit,
        )

    def passing(self, filters: Filters) -> list[str]:
        """The vector ids of which at least one product passes the filters."""
        where, values = self._where(filters)
        return [
            vector
            for (vector,) in self._rows(
                "SELECT vector FROM meaning WHERE EXISTS"
                f" (SELECT 1 FROM product WHERE meaning = meaning.id AND {where})",
                values,
            )
        ]

    def candidates(self, product_ids: Iterable[str]) -> dict[str, Candidate]:
        """The known ones among these products, by product id."""
        return {
            row[0]: Candidate(*row)
            for row in self._rows(
                f"SELECT {_COLUMNS} FROM product {_JOIN}"
                " WHERE product_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(product_ids)),),
            )
        }

    def naming(self, term: Term, product_ids: Iterable[str]) -> set[str]:
        """Those of the products whose text names the term."""
        return {
            product_id
            for (product_id,) in self._rows(
                "SELECT product_id FROM product"
                " WHERE product_id IN (SELECT value FROM json_each(?))"
                " AND doc IN (SELECT rowid FROM doc WHERE doc MATCH ?)",
                (json.dumps(list(product_ids)), expression((term,))),
            )
        }

    def _named(self, term: Term) -> bool:
        return bool(
            self._rows("SELECT 1 FROM doc WHERE doc MATCH ? LIMIT 1", (expression((term,)),))
        )

    def _where(self, filters: Filters) -> tuple[str, tuple[int | str, ...]]:
        parts, values = ["1"], list[int | str]()
        if filters.min_price is not None:
            parts.append("price >= ?")
            values.append(_scaled(filters.min_price, ROUND_CEILING))
        if filters.max_price is not None:
            parts.append("price <= ?")
            values.append(_scaled(filters.max_price, ROUND_FLOOR))
        if filters.category is not None:
            wanted = _name(filters.category)
            numbers = [n for n, path in self._paths.items() if wanted in _names(path)]
            parts.append("product.category IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(numbers))
        if filters.brand is not None:
            wanted = _name(filters.brand)
            numbers = [n for n, name in self._brands.items() if _name(name) == wanted]
            parts.append("product.brand IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(numbers))
        if filters.exclude:
            parts.append("product_id NOT IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(sorted(filters.exclude)))
        return " AND ".join(parts), tuple(values)

    def _best(self, query: str, values: Sequence[int | str], limit: int | None) -> list[Candidate]:
        """The first row of each group, in the query's order."""
        best: dict[str, Candidate] = {}
        with self._lock:
            for row in self._database.execute(query, values):
                candidate = Candidate(*row)
                best.setdefault(candidate.group, candidate)
                if limit is not None and len(best) >= limit:
                    break
        return list(best.values())

    def _rows(self, query: str, values: Sequence[int | str]) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(query, values).fetchall()


_COLUMNS = "product_id, grouping, vector, prior"
_JOIN = "JOIN meaning ON meaning.id = product.meaning"


def _scaled(price: Decimal, rounding: str) -> int:
    limit = Decimal(_LARGEST)
    return int(min(max(price * _SCALE, -limit), limit).to_integral_value(rounding))


def _name(text: str) -> str:
    return " ".join(word.casefold().rstrip("s") for word in text.split())


def _names(path: Sequence[str]) -> set[str]:
    return {
        _name(" > ".join(path[start:end]))
        for end in range(1, len(path) + 1)
        for start in range(end)
    }
