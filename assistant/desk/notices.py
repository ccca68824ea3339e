"""Telling a shop's own systems what happens at the desk: a signed webhook, a mail when one waits.

A notice is written in the transaction that it tells of, so none is lost with a process; it is gone
once it is delivered. What cannot be delivered is tried again, later each time, for about six hours.
Receivers may hear a notice twice: its `id` says that it is the same.

The signature is `X-Aisle-Signature: t=SECONDS,v1=HEX`: HMAC-SHA256 with the shared secret over
`SECONDS.BODY`. A receiver compares it, and refuses a time that is long past.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import sqlalchemy as sa

from assistant.database import Database
from assistant.desk.tables import notices
from assistant.errors import AisleError, BadInput
from assistant.mail import Mailer

TRIES = 12
"""With waits of 10 s, 20 s, 40 s and so on: the last comes after 5.7 hours."""
FIRST_WAIT = timedelta(seconds=10)
_AT_ONCE = 20
_SECONDS = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Channels:
    """Where notices go; one that is empty is closed."""

    webhook: str = ""
    secret: str = ""
    mail_to: str = ""
    mailer: Mailer | None = None

    def __post_init__(self) -> None:
        """Raises BadInput for a webhook without a secret, or that is no address."""
        if not self.webhook:
            return
        parts = urlsplit(self.webhook)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(f"setting 'desk_webhook' is {self.webhook!r}; write https://host/path")
        if len(self.secret) < 16:
            raise BadInput("setting 'desk_webhook_secret' has fewer than 16 characters")


class Notices:
    def __init__(
        self,
        database: Database,
        channels: Channels,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._channels = channels
        self._now = now

    def deliver(self) -> int:
        """Send what is due; how many were delivered. What fails stays, for a later time."""
        due = (
            sa.select(notices)
            .where(notices.c.next_at <= self._now())
            .order_by(notices.c.at, notices.c.notice_id)
            .limit(_AT_ONCE)
        )
        with self._database.read() as connection:
            rows = connection.execute(due).all()
        delivered = 0
        for row in rows:
            document = json.loads(row.content)
            told = set(document.pop("told", ()))
            this = notices.c.notice_id == row.notice_id
            wanted = self._wanted(document)
            for channel, send in wanted.items():
                if channel in told:
                    continue
                try:
                    send(row.notice_id, document)
                    told.add(channel)
                except (AisleError, httpx.HTTPError) as error:
                    log.warning("notice %s by %s failed: %s", row.notice_id, channel, error)
            with self._database.write() as connection:
                if told >= wanted.keys():
                    connection.execute(notices.delete().where(this))
                    delivered += 1
                    continue
                wait = FIRST_WAIT * 2**row.tries
                connection.execute(
                    notices.update()
                    .where(this)
                    .values(
                        content=json.dumps(document | {"told": sorted(told)}),
                        tries=row.tries + 1,
                        next_at=None if row.tries + 1 >= TRIES else self._now() + wait,
                    )
                )
        return delivered

    def _wanted(self, document: dict[str, Any]) -> dict[str, Callable[[str, dict[str, Any]], None]]:
        wanted: dict[str, Callable[[str, dict[str, Any]], None]] = {}
        if self._channels.webhook:
            wanted["webhook"] = self._post
        if self._channels.mail_to and self._channels.mailer and document["to"] == "waiting":
            wanted["mail"] = self._mail
        return wanted

    def _post(self, notice_id: str, document: dict[str, Any]) -> None:
        body = json.dumps({"id": notice_id} | document).encode()
        signature = sign(self._channels.secret, int(self._now().timestamp()), body)
        headers = {"Content-Type": "application/json", "X-Aisle-Signature": signature}
        answer = httpx.post(self._channels.webhook, content=body, headers=headers, timeout=_SECONDS)
        if not answer.is_success:
            raise httpx.HTTPError(f"it answered {answer.status_code}")

    def _mail(self, _: str, document: dict[str, Any]) -> None:
        assert self._channels.mailer is not None
        self._channels.mailer.send(
            self._channels.mail_to,
            "A shopper waits at the desk",
            f"A conversation waits for a colleague since {document['at']} "
            f"({document['reason'] or 'no reason given'}). Open the desk at /staff.\n",
        )


def sign(secret: str, seconds: int, body: bytes) -> str:
    """The value of the signature's header."""
    made = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256)
    return f"t={seconds},v1={made.hexdigest()}"
