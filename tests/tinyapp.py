"""The tiny shop with everything over it: real SQL, real Chroma, a trained recommender, and a
language model that says what a test tells it to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from assistant.agent import Agent, load_agent
from assistant.desk.desk import Rules
from assistant.errors import ModelError
from assistant.identity import Doors, Visits
from assistant.llm.base import Message, Wording
from assistant.progress import Progress, silent
from assistant.session import Session
from assistant.settings import Settings
from assistant.setup import ingest_shop, train
from assistant.shop.catalogue import Catalogue
from assistant.shop.documents import help_articles, product_entries
from assistant.store import Store
from assistant.tokens import Secret, Tokens
from assistant.tools import shop_tools
from assistant.tools.context import Shop
from recommender.recommend import Recommender
from retrieval.search import build_retrieval
from tests.retrieval.fakes import HashingEmbedder
from tests.tinyshop import write_shop

SECRET = "tiny secret of the tiny shop, long enough"
"""What the tiny shop's site signs its visitors' tokens with."""

Decision = Mapping[str, Any] | Exception
Words = str | Exception


class ScriptedModel:
    """Gives its decisions and its words in order; repeats the last. Keeps what it was asked."""

    def __init__(
        self,
        decisions: Sequence[Decision] = (),
        words: Sequence[Words] = ('{"opening":"Here you go:"}',),
        *,
        wording: Wording = "lead_in",
        delay: float = 0.0,
    ) -> None:
        self.name = "scripted"
        self.checksum = ""
        self.wording = wording
        self.asked: list[Sequence[Message]] = []
        self.schemas: list[Mapping[str, Any]] = []
        self.written: list[Sequence[Message]] = []
        self.closed = False
        self._decisions = list(decisions) or [{"tool": "reply"}]
        self._words = list(words)
        self._delay = delay

    def decide(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        *,
        max_tokens: int = 128,
        cancel: threading.Event | None = None,
    ) -> dict[str, Any]:
        self.asked.append(messages)
        self.schemas.append(schema)
        self._wait(cancel)
        decision = self._decisions.pop(0) if len(self._decisions) > 1 else self._decisions[0]
        if isinstance(decision, Exception):
            raise decision
        return dict(decision)

    def stream(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 200,
        cancel: threading.Event | None = None,
    ) -> Iterator[str]:
        self.written.append(messages)
        words = self._words.pop(0) if len(self._words) > 1 else self._words[0]
        if isinstance(words, Exception):
            raise words
        for start in range(0, len(words), 7):
            self._wait(cancel)
            if cancel is not None and cancel.is_set():
                return
            yield words[start : start + 7]

    def _wait(self, cancel: threading.Event | None) -> None:
        if not self._delay:
            return
        if cancel is None:
            time.sleep(self._delay)
        elif cancel.wait(self._delay):
            raise ModelError("cancelled")

    def warm(self, prompts: Sequence[Sequence[Message]], progress: Progress) -> None:
        return

    def close(self) -> None:
        self.closed = True


def tiny_home(home: Path) -> Settings:
    """A home with the tiny shop taken in and its recommender trained."""
    settings = Settings(home=home)
    write_shop(settings.shop_folder)
    ingest_shop(settings, silent)
    train(settings, silent)
    return settings


def tiny_shop(home: Path) -> Shop:
    """Its search is indexed with an embedder that needs no weights."""
    settings = tiny_home(home)
    catalogue = Catalogue(settings.shop_database)
    retrieval = build_retrieval(
        settings.index_folder,
        product_entries(catalogue),
        help_articles(catalogue),
        HashingEmbedder(),  # type: ignore[arg-type]
    )
    return Shop(catalogue, retrieval, Recommender.load(settings.recommender_folder))


def tiny_agent(model: ScriptedModel, **bounds: Any) -> Agent:
    return load_agent(model, shop_tools(), "Tiny Shop", **bounds)


def tiny_tokens() -> Tokens:
    return Tokens(Secret(SECRET), "HS256", "aisle", "shop", timedelta(minutes=10))


def tiny_session(
    shop: Shop,
    url: str,
    model: ScriptedModel,
    *,
    demo: bool = True,
    confirm_within: timedelta = timedelta(minutes=15),
    rules: Rules | None = None,
    **bounds: Any,
) -> Session:
    store = Store.open(url)
    doors = Doors(tiny_tokens(), demo_secret=SECRET if demo else "")
    agent = tiny_agent(model, **bounds)
    session = Session(
        shop,
        store,
        Visits(store),
        agent,
        doors,
        demo=demo,
        confirm_within=confirm_within,
        rules=rules,
    )
    session.open()
    return session


Scripted = Callable[..., ScriptedModel]
