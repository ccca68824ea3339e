"""One frozen `Settings`, read at entry points and passed on explicitly.

Order of precedence: arguments, `AISLE_` variables, `aisle.toml` in the working folder, defaults.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from assistant.errors import BadInput


class Settings(BaseSettings):
    """What a shop can set. Paths may be relative to the working folder."""

    model_config = SettingsConfigDict(
        env_prefix="AISLE_",
        env_ignore_empty=True,
        toml_file="aisle.toml",
        frozen=True,
        extra="forbid",
    )

    home: Path = Path(".aisle")
    """The shop's data, indexes, trained models and conversations."""
    cache: Path = Path("~/.cache/aisle")
    """Downloaded weights, shared by several homes."""
    database: str = ""
    """Where conversations are kept, as a SQLAlchemy URL; empty for SQLite in the home."""

    backend: Literal["llamacpp", "server", "transformers"] = "llamacpp"
    model: str = "qwen2.5-coder-1.5b"
    """A name of `aisle model list`, a GGUF file, a hub id (transformers) or a served name."""
    model_url: str = ""
    """The OpenAI-compatible endpoint of the `server` backend, up to and including `/v1`."""
    model_key: str = ""
    wording: Literal["", "quote", "lead_in", "paraphrase"] = ""
    """How much free wording the model is trusted with; empty for the catalogue's choice."""
    threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)

    max_steps: int = Field(default=6, ge=1)
    deadline: float = Field(default=30.0, gt=0)
    """Seconds after which a turn answers with what it has."""

    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    demo: bool = True
    """Visitors may speak as one of the shop's sample shoppers. Off for a real shop."""

    identity_algorithm: Literal["HS256", "RS256"] = "HS256"
    """How the shop's site signs the tokens that say who a visitor is; no other is taken."""
    identity_secret: str = ""
    """HS256: the secret that the site signs with, 32 bytes or more."""
    identity_keys: str = ""
    """RS256: the site's public keys, a JWKS file or its https address."""
    identity_audience: str = "aisle"
    identity_issuer: str = "shop"
    """What a token's `aud` and `iss` must be."""
    identity_seconds: int = Field(default=600, ge=1)
    """The longest that a token may be valid."""

    mail: str = ""
    """How one-time codes are sent: smtp://USER:PASSWORD@HOST:PORT (STARTTLS), smtps://…, or a
    folder; empty for none, or for `mail` in the home where the shop is a demonstration."""
    mail_from: str = "shop@localhost"
    code_minutes: int = Field(default=10, ge=1)
    """How long a one-time code is good for."""

    confirm_minutes: int = Field(default=15, ge=1)
    """How long a change that was shown waits for its yes."""

    widget_origins: str = ""
    """Sites whose pages may show the chat in a frame, as origins with spaces between them."""

    desk_webhook: str = ""
    """Where the shop's own systems hear that a conversation changed hands."""
    desk_webhook_secret: str = ""
    """What notices to them are signed with, 16 characters or more."""
    desk_mail: str = ""
    """Who is mailed when a shopper waits for a colleague; mail goes out by the setting `mail`."""

    desk_capacity: int = Field(default=6, ge=1)
    """Conversations that one colleague has at a time."""
    desk_answer_seconds: int = Field(default=120, ge=1)
    """What the desk aims at; a shopper who waits longer is a visible breach."""
    desk_briefs: bool = True
    """Whether the model sums up what waits at the desk; what it says is checked first."""
    desk_silent_seconds: int = Field(default=300, ge=1)
    """After so long without an answer a conversation goes back into the queue."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the base gives them)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def shop_folder(self) -> Path:
        return self.home / "shop"

    @property
    def shop_database(self) -> Path:
        return self.home / "shop.db"

    @property
    def data_report(self) -> Path:
        return self.home / "data-report.html"

    @property
    def index_folder(self) -> Path:
        return self.home / "index"

    @property
    def recommender_folder(self) -> Path:
        return self.home / "recommender"

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{(self.home / 'conversations.db').resolve()}"

    @property
    def demo_key(self) -> Path:
        """What the demonstration signs its sample shoppers' tokens with."""
        return self.home / "demo.key"

    @property
    def mail_sender(self) -> str:
        return self.mail or (str(self.home / "mail") if self.demo else "")

    @property
    def cache_folder(self) -> Path:
        return self.cache.expanduser()


def read_settings(**overrides: object) -> Settings:
    """The settings of this process; raises BadInput naming the first setting that is wrong."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"setting {name!r} is {first.get('input')!r}: {first['msg']}; "
            f"correct AISLE_{name.upper()} or aisle.toml"
        ) from None
    except ValueError as error:
        raise BadInput(f"aisle.toml cannot be read: {error}") from None
