"""Sign-in tokens: what a shop's own site signs to say who its visitor is (JWT, RFC 7519).

A token is believed only if it is signed by the configured key with the configured algorithm, for
this audience, by this issuer, and lives no longer than minutes. Its `sub` is the customer's id.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import httpx
import jwt

from assistant.errors import BadInput, SignInRefused, StorageError

Algorithm = Literal["HS256", "RS256"]

_LEEWAY = 10
"""Seconds by which the clocks of two servers may differ."""
_LEAST_SECRET = 32
"""Bytes of an HS256 secret at the least (RFC 7518, 3.2)."""
_FETCH_EVERY = 60.0
"""Seconds between two fetches of a key set at the least, however many unknown keys are named."""
_FETCH_AGAIN = 3600.0
"""Seconds after which a key set is fetched anew, so that a withdrawn key stops counting."""
_LONGEST_TOKEN = 8_000
_LONGEST_ID = 128


class Keys(Protocol):
    """Where the key that a token must be signed with comes from; SignInRefused where there is
    none."""

    def key(self, header: Mapping[str, Any]) -> Any: ...


class Secret:
    """One secret that the shop's site and Aisle share."""

    def __init__(self, secret: str) -> None:
        if len(secret.encode()) < _LEAST_SECRET:
            raise BadInput(
                f"setting 'identity_secret' has {len(secret.encode())} bytes; "
                f"give it at least {_LEAST_SECRET} random ones"
            )
        self.secret = secret

    def key(self, header: Mapping[str, Any]) -> str:  # noqa: ARG002 (there is but one)
        return self.secret


class KeySet:
    """The RSA keys of a JWKS (RFC 7517), a file or an https address. Safe to share."""

    def __init__(self, source: str) -> None:
        """Raises BadInput for a file that is no key set; an address is asked when first needed."""
        self._source = source
        self._lock = threading.Lock()
        self._keys: dict[str, Any] = {}
        self._fetched = float("-inf")
        parts = urlsplit(source)
        self._remote = parts.scheme in ("http", "https")
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise BadInput(f"the key set {source!r} is not fetched safely; give an https address")
        if not self._remote:
            self._keys = self._read()

    def key(self, header: Mapping[str, Any]) -> Any:
        name = str(header.get("kid", ""))
        with self._lock:
            if self._remote:
                age = time.monotonic() - self._fetched
                if age > _FETCH_AGAIN or (name not in self._keys and age > _FETCH_EVERY):
                    self._fetched = time.monotonic()
                    self._keys = self._read()
            found = self._keys.get(name)
        if found is None:
            raise SignInRefused(
                "this sign-in is signed with a key that this shop does not use; "
                "open the chat from the shop's own page again"
            )
        return found

    def _read(self) -> dict[str, Any]:
        try:
            if self._remote:
                answer = httpx.get(self._source, timeout=5)
                answer.raise_for_status()
                text = answer.text
            else:
                text = Path(self._source).read_text("utf-8")
            keys = jwt.PyJWKSet.from_dict(json.loads(text)).keys
        except (OSError, httpx.HTTPError, ValueError, TypeError, AttributeError,
                jwt.PyJWTError) as error:  # fmt: skip
            message = f"the key set {self._source!r} cannot be used ({error}); check identity_keys"
            raise (StorageError(message) if self._remote else BadInput(message)) from None
        return {
            str(each.key_id or ""): each.key
            for each in keys
            if each.key_type == "RSA" and each.public_key_use in (None, "sig")
        }


@dataclass(frozen=True, slots=True)
class Tokens:
    """Checks tokens, and says whose they are."""

    keys: Keys
    algorithm: Algorithm
    audience: str
    issuer: str
    longest: timedelta

    def customer_of(self, token: str) -> str:
        """The customer that a token speaks for; raises SignInRefused with the one reason."""
        again = "open the chat from the shop's own page again"
        if len(token) > _LONGEST_TOKEN:
            raise SignInRefused(f"this sign-in is no token, it is too long; {again}")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != self.algorithm:
                raise SignInRefused(
                    f"this sign-in is signed by {str(header.get('alg'))[:20]!r} and this shop "
                    f"takes {self.algorithm!r} alone; {again}"
                )
            claims = jwt.decode(
                token,
                self.keys.key(header),
                algorithms=[self.algorithm],
                audience=self.audience,
                issuer=self.issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
        except jwt.ExpiredSignatureError:
            raise SignInRefused(f"this sign-in has expired; {again}") from None
        except jwt.ImmatureSignatureError:
            raise SignInRefused(
                f"this sign-in is dated in the future; set the clocks right, then {again}"
            ) from None
        except jwt.InvalidAudienceError:
            raise SignInRefused(f"this sign-in was made for another service; {again}") from None
        except jwt.InvalidIssuerError:
            raise SignInRefused(f"this sign-in was made by another site; {again}") from None
        except jwt.MissingRequiredClaimError as missing:
            raise SignInRefused(f"this sign-in lacks {missing.claim!r}; {again}") from None
        except (jwt.PyJWTError, ValueError, UnicodeError):
            raise SignInRefused(f"this sign-in was not signed by this shop; {again}") from None
        if claims["exp"] - claims["iat"] > self.longest.total_seconds():
            raise SignInRefused(
                f"this sign-in is valid for longer than {self.longest.total_seconds():.0f} "
                f"seconds; sign shorter ones, then {again}"
            )
        customer_id = claims["sub"]
        if not (0 < len(customer_id) <= _LONGEST_ID and customer_id.isprintable()):
            raise SignInRefused(f"this sign-in names no customer; {again}")
        return str(customer_id)


def sign_token(secret: str, customer_id: str, audience: str, issuer: str, life: timedelta) -> str:
    """A token as a shop's site signs it (HS256): the demonstration's, and an example for others."""
    now = datetime.now(UTC)
    claims = {
        "sub": customer_id, "aud": audience, "iss": issuer, "iat": now, "exp": now + life,
    }  # fmt: skip
    return jwt.encode(claims, secret, algorithm="HS256")


def own_secret(path: Path) -> str:
    """The secret in a file that its owner alone can read; made where there is none."""
    try:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(48), "ascii")
            fresh.replace(path)
        return path.read_text("ascii").strip()
    except OSError as error:
        raise StorageError(
            f"the key {str(path)!r} cannot be kept: {error.strerror}; make its folder writable"
        ) from None
