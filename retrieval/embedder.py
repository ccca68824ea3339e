"""Texts to vectors, with a sentence-transformers model from a local folder."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from transformers.utils import logging

from retrieval.errors import EmbedderMissing
from retrieval.types import Progress
from retrieval.words import clean

_BATCH = 32
_LONGEST = 128


class Embedder:
    """A sentence-transformers model (by default all-MiniLM-L6-v2, Reimers and Gurevych 2019).

    Safe to share between threads: one text batch is embedded at a time. `threads` is how many
    CPU threads a batch may use; a neighbour that decodes on the same cores makes one the better.
    Raises EmbedderMissing if the folder holds no model that can be loaded. Never asks the network.
    """

    def __init__(self, model_path: Path, device: str = "cpu", threads: int = 1) -> None:
        weights = model_path / "model.safetensors"
        if not weights.is_file():
            raise EmbedderMissing(
                f"No embedding model in {str(model_path)!r}: fetch the weights again."
            )
        loading: Any = logging
        shown = loading.is_progress_bar_enabled()
        loading.disable_progress_bar()
        try:
            self._model = SentenceTransformer(str(model_path), device=device, local_files_only=True)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise EmbedderMissing(
                f"The embedding model in {str(model_path)!r} cannot be loaded ({error}): "
                "fetch the weights again."
            ) from error
        finally:
            if shown:
                loading.enable_progress_bar()
        # Attention grows with the square of the length, and a product is said in its first words.
        self._model.max_seq_length = min(self._model.max_seq_length or _LONGEST, _LONGEST)
        self._threads = threads
        self._lock = threading.Lock()
        with weights.open("rb") as file:
            self.fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
        self.dimension = self._model.get_embedding_dimension() or 0

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
        """Vectors of the texts, float32 (n, dimension), each of length 1."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        for start in range(0, len(texts), _BATCH):
            rows = by_length[start : start + _BATCH]
            vectors[rows] = self._batch([clean(texts[row]) for row in rows])
            if progress:
                progress(min(start + _BATCH, len(texts)), len(texts))
        return vectors

    def _batch(self, texts: list[str]) -> NDArray[np.float32]:
        with self._lock:
            before = torch.get_num_threads()
            torch.set_num_threads(self._threads)
            try:
                vectors: NDArray[np.float32] = self._model.encode(
                    texts,
                    batch_size=_BATCH,
                    normalize_embeddings=True,
                    show_progress_bar=False,
                    convert_to_numpy=True,
                )
            finally:
                torch.set_num_threads(before)
        return vectors
