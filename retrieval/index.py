"""Vectors on disk, in Chroma. Nothing else knows that it is Chroma."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chromadb
import numpy as np
from chromadb.config import Settings
from chromadb.errors import ChromaError, NotFoundError
from numpy.typing import NDArray

from retrieval.errors import IndexMissing
from retrieval.types import Progress

if TYPE_CHECKING:
    from retrieval.embedder import Embedder

VECTORS = "vectors"
"""The folder of an index inside a shop's search folder."""

_BATCH = 5_000
"""Chroma takes 5,461 rows at a time at most."""
_CHUNK = 512
"""Texts embedded between two writes."""


class VectorIndex:
    """Named collections of unit vectors under string ids, in one folder.

    Only one process may use a folder at a time. Scores are cosines. A collection that is not
    there is empty. Raises IndexMissing when the files are damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._guarded():
            self._client = chromadb.PersistentClient(
                str(path), settings=Settings(anonymized_telemetry=False)
            )

    def put(
        self,
        collection: str,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        metadata: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Adds vectors (n, dimension), replacing those of the same ids; the collection is made
        if needed, with `metadata`."""
        with self._guarded():
            target = self._client.get_or_create_collection(
                collection,
                embedding_function=None,
                metadata=dict(metadata) if metadata else None,
                configuration={"hnsw": {"space": "cosine", "ef_search": 200}},
            )
            for start in range(0, len(ids), _BATCH):
                end = min(start + _BATCH, len(ids))
                target.upsert(ids=list(ids[start:end]), embeddings=vectors[start:end])
                if progress:
                    progress(end, len(ids))

    def query(
        self,
        collection: str,
        vector: NDArray[np.float32],
        k: int,
        among: Sequence[str] | None = None,
    ) -> list[tuple[str, float]]:
        """The k ids nearest to the vector with their cosines, best first.

        `among` are the only ids to consider; all of them must be in the collection.
        """
        with self._guarded():
            source = self._collection(collection)
            if source is None or k < 1 or (among is not None and not among):
                return []
            found = source.query(
                query_embeddings=[vector],
                n_results=k,
                ids=None if among is None else list(among),
                include=["distances"],
            )
        distances = found["distances"] or [[]]
        return [
            (each, 1.0 - float(distance))
            for each, distance in zip(found["ids"][0], distances[0], strict=True)
        ]

    def vectors(self, collection: str, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The stored vectors of those ids that are there."""
        with self._guarded():
            source = self._collection(collection)
            if source is None or not ids:
                return {}
            found = source.get(ids=list(ids), include=["embeddings"])
        stored = np.asarray(found["embeddings"], dtype=np.float32)
        return dict(zip(found["ids"], stored, strict=True))

    def ids(self, collection: str) -> set[str]:
        with self._guarded():
            source = self._collection(collection)
            return set(source.get(include=[])["ids"]) if source else set()

    def count(self, collection: str) -> int:
        with self._guarded():
            source = self._collection(collection)
            return source.count() if source else 0

    def metadata(self, collection: str) -> dict[str, str]:
        with self._guarded():
            source = self._collection(collection)
            stored = (source.metadata or {}) if source else {}
        return {key: str(value) for key, value in stored.items()}

    def remove(self, collection: str, ids: Sequence[str]) -> None:
        with self._guarded():
            source = self._collection(collection)
            for start in range(0, len(ids) if source else 0, _BATCH):
                source.delete(ids=list(ids[start : start + _BATCH]))

    def drop(self, collection: str) -> None:
        """Deletes the collection and its files; nothing happens if there is none."""
        with self._guarded():
            source = self._collection(collection)
            if source is None:
                return
            with closing(sqlite3.connect(self._path / "chroma.sqlite3")) as database:
                segments = database.execute(
                    "SELECT id FROM segments WHERE collection = ?", (str(source.id),)
                ).fetchall()
            self._client.delete_collection(collection)
        # Chroma leaves the files of a deleted collection behind; a shopper's must go.
        for (segment,) in segments:
            shutil.rmtree(self._path / segment, ignore_errors=True)

    def check(self, collection: str) -> None:
        """Raises IndexMissing if the collection has rows but its graph does not answer for them:
        Chroma itself says nothing when those files are gone."""
        with self._guarded():
            source = self._collection(collection)
            if source is None:
                return
            sample = source.peek(limit=5)
        ids = sample["ids"]
        if ids:
            vector = np.asarray(sample["embeddings"], dtype=np.float32)[0]
            if len(self.query(collection, vector, len(ids))) < len(ids):
                raise IndexMissing(self._damaged("its vectors do not answer"))

    def _collection(self, name: str) -> Any:
        try:
            return self._client.get_collection(name, embedding_function=None)
        except NotFoundError:
            return None

    def _damaged(self, why: object) -> str:
        return (
            f"The search index in {str(self._path)!r} is damaged ({why}): "
            "delete that folder and build the index again."
        )

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (ChromaError, sqlite3.DatabaseError) as error:
            raise IndexMissing(self._damaged(error)) from error


def vector_id(text: str) -> str:
    """The id under which a text's vector is kept: the same text has the same id for good."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def embed_new(
    index: VectorIndex,
    collection: str,
    texts: Mapping[str, str],
    embedder: Embedder,
    progress: Progress | None = None,
) -> None:
    """Makes the collection hold these texts (by vector id), embedding the new ones only.

    Vectors of other weights are dropped first. What is embedded is kept at once, so that an
    interrupted run goes on where it stopped.
    """
    try:
        index.check(collection)
        kept = index.metadata(collection).get("weights") == embedder.fingerprint
    except IndexMissing:
        kept = False
    if not kept:
        index.drop(collection)
    held = index.ids(collection)
    new = sorted((each for each in texts if each not in held), key=lambda each: len(texts[each]))
    done = len(texts) - len(new)
    for start in range(0, len(new), _CHUNK):
        chunk = new[start : start + _CHUNK]
        vectors = embedder.embed([texts[each] for each in chunk])
        index.put(collection, chunk, vectors, {"weights": embedder.fingerprint})
        done += len(chunk)
        if progress:
            progress(done, len(texts))
