"""One-time codes: signing in with a number that was mailed to the address in the shop's record.

A code works once, in the browser that asked for it, for minutes, and for a few tries. Only a slow
salted hash of it is kept. Asking answers the same whether or not the address is a customer's.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from assistant.database import Database, sign_in_codes
from assistant.errors import AisleError, BadInput, SignInRefused, TooMany
from assistant.mail import Mailer

DIGITS = 8
TRIES = 5
"""Wrong numbers that one code stands."""
PER_ADDRESS = 3
PER_VISIT = 5
WITHIN = timedelta(minutes=30)
"""The time in which an address may be sent so many codes, and a browser may ask for so many."""
_KEPT = timedelta(days=1)
_ADDRESS = re.compile(r"[^@\s\"<>,;:\\]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,}")

log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Codes:
    """`customer_of` says whose an address is, None for nobody's."""

    def __init__(
        self,
        database: Database,
        mailer: Mailer,
        customer_of: Callable[[str], str | None],
        shop: str,
        life: timedelta,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._mailer = mailer
        self._customer_of = customer_of
        self._shop = shop
        self._life = life
        self._now = now
        # The answer must not take longer for an address that gets a mail than for one that does
        # not, so mail goes out behind it.
        self._sending = ThreadPoolExecutor(1, thread_name_prefix="mail")

    def close(self) -> None:
        """Waits for the mail that is going out."""
        self._sending.shutdown()

    def send(self, visit: str, address: str) -> None:
        """Mail a new code to the address, if it is a customer's; older codes of the visit end.

        Raises BadInput for what is no address, TooMany for an address or a browser that has asked
        too often.
        """
        address = address.strip().lower()
        if not _ADDRESS.fullmatch(address):
            raise BadInput(f"{address[:80]!r} is not an e-mail address; write it as name@host.tld")
        customer_id = self._customer_of(address)
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        salt = secrets.token_hex(16)
        hashed = _hash_code(code, salt)
        now = self._now()
        to, by = _hash(address), _hash(visit)
        recent = sign_in_codes.c.sent_at > now - WITHIN
        with self._database.write() as connection:
            for column, value, most in (
                (sign_in_codes.c.address_hash, to, PER_ADDRESS),
                (sign_in_codes.c.visit_hash, by, PER_VISIT),
            ):
                count = sa.select(sa.func.count()).where(column == value, recent)
                if (connection.scalar(count) or 0) >= most:
                    minutes = int(WITHIN.total_seconds() / 60)
                    raise TooMany(f"no more codes for now; try again in {minutes} minutes")
            connection.execute(sign_in_codes.delete().where(sign_in_codes.c.sent_at < now - _KEPT))
            connection.execute(
                sign_in_codes.update().where(sign_in_codes.c.visit_hash == by).values(tries=TRIES)
            )
            connection.execute(
                sign_in_codes.insert().values(
                    code_id=secrets.token_urlsafe(16),
                    visit_hash=by,
                    address_hash=to,
                    customer_id=customer_id,
                    salt=salt,
                    code_hash=hashed,
                    sent_at=now,
                    expires_at=now + self._life,
                    tries=0,
                )
            )
        if customer_id is not None:
            self._sending.submit(self._mail, address, code)

    def customer_of(self, visit: str, code: str) -> str:
        """Whom the code signs in; raises SignInRefused. A code that was right never is again."""
        wrong = SignInRefused("that is not the code, or it is no longer good; ask for a new one")
        live = (
            sa.select(sign_in_codes)
            .where(
                sign_in_codes.c.visit_hash == _hash(visit),
                sign_in_codes.c.tries < TRIES,
                sign_in_codes.c.expires_at > self._now(),
            )
            .order_by(sign_in_codes.c.sent_at.desc())
            .limit(1)
            .with_for_update()
        )
        # The try is counted before it is judged, and kept whatever comes of it.
        with self._database.write() as connection:
            row = connection.execute(live).one_or_none()
            if row is None:
                raise wrong
            given = re.sub(r"\s", "", code)[: 4 * DIGITS]
            right = hmac.compare_digest(row.code_hash, _hash_code(given, row.salt))
            good = right and row.customer_id is not None
            connection.execute(
                sign_in_codes.update()
                .where(sign_in_codes.c.code_id == row.code_id)
                .values(tries=TRIES if good else row.tries + 1)
            )
        if not good:
            raise wrong
        return str(row.customer_id)

    def _mail(self, address: str, code: str) -> None:
        minutes = int(self._life.total_seconds() / 60)
        try:
            self._mailer.send(
                address,
                f"{self._shop}: your code / 验证码",
                f"Your code for {self._shop} is {code}. It is good for {minutes} minutes, once, "
                "in the browser where you asked for it. If you did not ask, do nothing.\n\n"
                f"您的验证码是 {code}，{minutes}分钟内有效，只能使用一次。如非本人操作，请忽略。\n",
            )
        except AisleError as error:
            log.error("a sign-in code was not sent: %s", error)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _hash_code(code: str, salt: str) -> str:
    # Eight digits are few: only a slow hash keeps a stolen database from telling them in time.
    secret = code.encode("utf-8", "replace")
    return hashlib.scrypt(secret, salt=salt.encode(), n=2**14, r=8, p=1).hex()
