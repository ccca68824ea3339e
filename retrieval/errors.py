"""Errors of retrieval: each says what is wrong and what to do."""

from __future__ import annotations


class IndexMissing(Exception):
    """The search index is not there, is damaged, or was made with other weights: build it again."""


class EmbedderMissing(Exception):
    """The embedding model cannot be loaded from its folder."""
