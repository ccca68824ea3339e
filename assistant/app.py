"""`build(settings)`: the only place that chooses implementations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from assistant.agent import Agent, load_agent
from assistant.codes import Codes
from assistant.desk.desk import Rules
from assistant.desk.notices import Channels
from assistant.errors import SetupNeeded
from assistant.identity import Doors, Visits
from assistant.llm.base import LanguageModel
from assistant.llm.models import find, local_path
from assistant.mail import open_mailer
from assistant.progress import Progress, silent
from assistant.session import Session
from assistant.settings import Settings
from assistant.shop.catalogue import Catalogue
from assistant.store import Store
from assistant.tokens import Keys, KeySet, Secret, Tokens, own_secret
from assistant.tools import shop_tools
from assistant.tools.context import Shop
from recommender.errors import ModelMissing
from recommender.recommend import Recommender
from retrieval.embedder import Embedder
from retrieval.errors import IndexMissing
from retrieval.search import open_retrieval

EMBEDDINGS = "all-minilm-l6-v2"


@dataclass(frozen=True, slots=True)
class App:
    """Everything that runs, built once."""

    settings: Settings
    shop: Shop
    agent: Agent
    session: Session


def build(settings: Settings, progress: Progress = silent) -> App:
    """The app over a home that is set up; raises SetupNeeded or WeightsError with the remedy."""
    shop = open_shop(settings)
    model = load_model(settings)
    store = Store.open(settings.database_url)
    agent = load_agent(
        model,
        shop_tools(),
        shop.catalogue.info.name,
        settings.home / "prompts",
        max_steps=settings.max_steps,
        deadline=settings.deadline,
    )
    model.warm(agent.warm_prompts(), progress)
    return App(settings, shop, agent, open_session(settings, shop, store, agent))


def open_session(settings: Settings, shop: Shop, store: Store, agent: Agent) -> Session:
    """The session over a store; evaluation opens one for every conversation that it replays."""
    doors = open_doors(settings, store, shop.catalogue)
    rules = Rules(
        settings.desk_capacity,
        timedelta(seconds=settings.desk_silent_seconds),
        timedelta(seconds=settings.desk_answer_seconds),
        settings.desk_briefs,
        settings.home / "canned.toml",
        Channels(
            settings.desk_webhook,
            settings.desk_webhook_secret,
            settings.desk_mail,
            open_mailer(settings.mail_sender, settings.mail_from) if settings.mail_sender else None,
        ),
    )
    return Session(
        shop,
        store,
        Visits(store),
        agent,
        doors,
        demo=settings.demo,
        confirm_within=timedelta(minutes=settings.confirm_minutes),
        rules=rules,
    )


def open_shop(settings: Settings) -> Shop:
    """The shop with its index and its recommender, without a language model."""
    catalogue = Catalogue(settings.shop_database)
    try:
        embedder = open_embedder(settings)
        retrieval = open_retrieval(settings.index_folder, embedder)
        recommender = Recommender.load(settings.recommender_folder)
    except (IndexMissing, ModelMissing) as missing:
        raise SetupNeeded(
            f"{missing}; run `aisle setup` to finish {str(settings.home)!r}"
        ) from None
    return Shop(catalogue, retrieval, recommender)


def open_doors(settings: Settings, store: Store, catalogue: Catalogue) -> Doors:
    """The ways to sign in that are set up; raises BadInput for a key that cannot be one.

    A demonstration whose site has no key signs with one of its own.
    """
    keys: Keys | None = None
    demo_secret = ""
    if settings.identity_algorithm == "RS256" and settings.identity_keys:
        keys = KeySet(settings.identity_keys)
    elif settings.identity_algorithm == "HS256" and (settings.identity_secret or settings.demo):
        secret = settings.identity_secret or own_secret(settings.demo_key)
        keys = Secret(secret)
        demo_secret = secret if settings.demo else ""
    tokens = None
    if keys is not None:
        tokens = Tokens(
            keys,
            settings.identity_algorithm,
            settings.identity_audience,
            settings.identity_issuer,
            timedelta(seconds=settings.identity_seconds),
        )
    codes = None
    if settings.mail_sender:
        codes = Codes(
            store.database,
            open_mailer(settings.mail_sender, settings.mail_from),
            catalogue.customer_by_email,
            catalogue.info.name,
            timedelta(minutes=settings.code_minutes),
        )
    return Doors(tokens, codes, demo_secret)


def open_embedder(settings: Settings) -> Embedder:
    return Embedder(local_path(EMBEDDINGS, settings.cache_folder), threads=settings.threads)


def load_model(settings: Settings) -> LanguageModel:
    wording: Literal["quote", "lead_in", "paraphrase"] | None = settings.wording or None
    if settings.backend == "server":
        from assistant.llm.server import ServerModel

        return ServerModel(
            settings.model_url, settings.model, key=settings.model_key, wording=wording or "lead_in"
        )
    if settings.backend == "transformers":
        from assistant.llm.transformers import TransformersModel

        return TransformersModel(settings.model, wording=wording or "lead_in")
    from assistant.llm.llamacpp import LlamaCppModel

    given = Path(settings.model)
    if given.suffix == ".gguf":
        return LlamaCppModel(
            given,
            threads=settings.threads,
            wording=wording or "quote",
            prefix_folder=settings.cache_folder / "prefixes",
        )
    entry = find(settings.model)
    return LlamaCppModel(
        local_path(settings.model, settings.cache_folder),
        name=entry.title,
        checksum=entry.sha256,
        threads=settings.threads,
        wording=wording or entry.wording,
        prefix_folder=settings.cache_folder / "prefixes",
    )
