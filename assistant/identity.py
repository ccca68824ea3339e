"""Who is speaking: a visit is a browser that the server gave a token, and the shopper behind it.

The token is 256 random bits and is the credential: only its SHA-256 is stored, and neither goes
into a message or a log. What a shopper types proves nothing: a guest becomes a customer through one
of the `Doors`, and then gets a new token.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from assistant.codes import Codes
from assistant.database import visits
from assistant.errors import NotFound
from assistant.store import Store, merge_cart, shopper_of
from assistant.tokens import Tokens
from assistant.types import Shopper

UNUSED_FOR = timedelta(days=180)
"""After so long without use a visit ends, and its browser is a new guest."""
_SEEN_EVERY = timedelta(days=1)
"""Use is noted once a day, so that loading a page does not write to the disk."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Doors:
    """The ways to sign in here; one that is None is closed."""

    tokens: Tokens | None = None
    codes: Codes | None = None
    demo_secret: str = ""
    """What a demonstration signs its sample shoppers' tokens with; empty where it is none."""


class Visits:
    """Any method raises StorageError when the database cannot do it."""

    def __init__(self, store: Store, now: Callable[[], datetime] = _now) -> None:
        self._database = store.database
        self._now = now

    def visit(self, token: str | None) -> tuple[str, Shopper]:
        """The token to send back and its shopper.

        A token that is missing, unknown or unused for too long is replaced by a new guest's.
        """
        now = self._now()
        if token is not None:
            with self._database.read() as connection:
                row = connection.execute(self._live(token)).one_or_none()
            if row is not None:
                if now - row.seen_at > _SEEN_EVERY:
                    with self._database.write() as connection:
                        connection.execute(_this(token).values(seen_at=now))
                return token, shopper_of(row.shopper_key)
        token, key = secrets.token_urlsafe(32), _guest_key()
        with self._database.write() as connection:
            connection.execute(visits.delete().where(visits.c.seen_at < now - UNUSED_FOR))
            connection.execute(
                visits.insert().values(
                    token_hash=_hash(token), shopper_key=key, started_at=now, seen_at=now
                )
            )
        return token, shopper_of(key)

    def sign_in(self, token: str, customer_id: str) -> tuple[str, Shopper]:
        """Bind a visit to a customer; what a guest had put in the cart comes along.

        The visit goes on under a new token, so that one which somebody else planted in the browser
        is worth nothing. The caller has checked that the customer may sign in this way. The guest's
        conversations stay with the guest's key. Raises NotFound for an unknown or ended visit.
        """
        key = f"customer:{customer_id}"
        fresh = secrets.token_urlsafe(32)
        with self._database.write() as connection:
            row = connection.execute(self._live(token).with_for_update()).one_or_none()
            if row is None:
                raise _ended()
            connection.execute(
                _this(token).values(token_hash=_hash(fresh), shopper_key=key, seen_at=self._now())
            )
            # Never from one customer's cart to another's: the browser may have changed hands.
            if shopper_of(row.shopper_key).customer_id is None:
                merge_cart(connection, row.shopper_key, key)
        return fresh, shopper_of(key)

    def sign_out(self, token: str) -> Shopper:
        """Make a new guest of a visit; raises NotFound for an unknown or ended one."""
        key = _guest_key()
        with self._database.write() as connection:
            if connection.execute(self._live(token).with_for_update()).one_or_none() is None:
                raise _ended()
            connection.execute(_this(token).values(shopper_key=key, seen_at=self._now()))
        return shopper_of(key)

    def _live(self, token: str) -> sa.Select[tuple[str, datetime]]:
        return sa.select(visits.c.shopper_key, visits.c.seen_at).where(
            visits.c.token_hash == _hash(token), visits.c.seen_at >= self._now() - UNUSED_FOR
        )


def _this(token: str) -> sa.Update:
    return visits.update().where(visits.c.token_hash == _hash(token))


def _hash(token: str) -> str:
    # A cookie can hold anything; what is not text matches no token.
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _guest_key() -> str:
    return f"guest:{secrets.token_urlsafe(16)}"


def _ended() -> NotFound:
    return NotFound("this visit has ended; reload the page")
